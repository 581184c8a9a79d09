//! Choosing among breakers, and failing over from one target to the next.
//!
//! [`pick`] gives the first of several targets that admits a call; [`failover`] makes
//! the call too, and moves on to the next target if it may. They choose among
//! [handles](Target); keyed sets have methods of the same names that choose among
//! keys:
//!
//! ```
//! # #[cfg(feature = "keyed")] {
//! use std::io;
//! use fluxgate::keyed::CircuitBreakers;
//!
//! let providers = CircuitBreakers::<String>::builder("llm").build()?;
//! providers.get("anthropic").force_open();
//!
//! let answer = providers
//!     .failover(["anthropic", "openai"])
//!     .idempotent(true)
//!     .call(|provider| Ok::<_, io::Error>(format!("{provider} says hello")))?;
//! assert_eq!(answer.key, "openai");
//! assert_eq!(answer.value, "openai says hello");
//! assert_eq!(providers.get("anthropic").info().passed_over, 1);
//! # }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Choosing and reserving are one step. A probe goes to one caller, and none is lost.
//! A target that is passed over counts so, and not as rejected
//! ([`Info::passed_over`](crate::Info::passed_over)). A half-open target is probed by
//! ordinary traffic: it is chosen while it has a free slot and its permit admits.
//!
//! # What it is not
//!
//! The order of the targets is the caller's. It does not balance load, which is for
//! `tower::balance`, a proxy or the resolver: [`callable`] and
//! [`is_call_permitted`](crate::CircuitBreaker::is_call_permitted) tell a balancer
//! which targets to leave out. It makes no call twice at a time (hedging): that is
//! `tower::hedge`. It finds no targets: that is `tower::discover`, DNS or a service
//! mesh. It does not keep a caller on one target (stickiness): order the list by a hash
//! of the caller's key.

mod claim;
mod error;
mod failover;
mod few;
mod guard;
#[cfg(feature = "keyed")]
mod keyed;
mod ready;
mod source;

pub use error::{FailoverError, PassedOver, PassedOverReason, PassedOvers};
pub use failover::{AllOpen, Answered, Failover};
pub use guard::OwnedGuard;
#[cfg(feature = "keyed")]
pub use keyed::Keys;
pub use ready::AcquireReady;
pub use source::{EarlyClaim, Handles, Source, Target};

use crate::{CallNotPermitted, CircuitBreaker};
use few::Few;

/// A target that admits a call; made by [`pick`], or by `pick` of a keyed set.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "a call that is dropped counts as cancelled"]
pub struct Picked<K> {
    /// The target.
    pub key: K,
    /// The admitted call, to be settled.
    pub guard: OwnedGuard,
    /// How many targets were passed over.
    pub passed_over: usize,
}

/// Returns the first target that admits a call, with its guard.
///
/// Allocates nothing, unless it returns an error or passes more than eight targets
/// over. Of an endless iterator the first 1 024 targets are asked.
///
/// ```
/// use fluxgate::{CircuitBreaker, choose};
///
/// let primary = CircuitBreaker::builder("primary").build()?;
/// let archive = CircuitBreaker::builder("archive").build()?;
/// primary.force_open();
/// let chosen = choose::pick([&primary, &archive]).expect("the archive is closed");
/// assert_eq!(chosen.key.name(), "archive");
/// chosen.guard.success();
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`FailoverError::Refused`] if none admits it.
pub fn pick<I>(targets: I) -> Result<Picked<I::Item>, FailoverError<I::Item>>
where
    I: IntoIterator,
    I::Item: Target,
{
    pick_from(&Handles, targets)
}

/// Returns the targets that would admit a call now, for a balancer of your own.
///
/// It asks each as it is reached and reserves nothing: see
/// [`CircuitBreaker::is_call_permitted`].
pub fn callable<I>(targets: I) -> impl Iterator<Item = I::Item>
where
    I: IntoIterator,
    I::Item: Target,
{
    let targets = targets.into_iter();
    targets.filter(|target| target.breaker().is_call_permitted())
}

/// Starts a call that goes to the first of several targets that admits it; see
/// [`Failover`].
pub fn failover<I>(targets: I) -> Failover<Handles, I>
where
    I: IntoIterator,
    I::Item: Target,
{
    Failover::new(Handles, targets)
}

/// Asks so many targets at most.
const MOST: usize = 1024;

#[inline]
pub(crate) fn pick_from<S, I>(
    source: &S,
    targets: I,
) -> Result<Picked<I::Item>, FailoverError<I::Item>>
where
    S: Source<I::Item>,
    I: IntoIterator,
{
    let mut targets = targets.into_iter();
    let Some(key) = targets.next() else {
        return Err(FailoverError::Refused {
            passed_over: PassedOvers::new(),
        });
    };
    let breaker = source.breaker(&key);
    match breaker.core.try_admit() {
        Ok(ticket) => Ok(Picked {
            key,
            guard: OwnedGuard::new(breaker, ticket),
            passed_over: 0,
        }),
        Err(refusal) => {
            let rejection = CallNotPermitted::new(&breaker, breaker.core.pass_over(refusal));
            pick_next(source, targets.take(MOST - 1), key, rejection)
        }
    }
}

/// Goes on after the first target did not admit the call.
#[cold]
fn pick_next<S, K>(
    source: &S,
    targets: impl Iterator<Item = K>,
    first: K,
    rejection: CallNotPermitted,
) -> Result<Picked<K>, FailoverError<K>>
where
    S: Source<K>,
{
    let mut passed = Few::new();
    passed.push((first, rejection));
    for key in targets {
        let breaker = source.breaker(&key);
        match breaker.core.try_admit() {
            Ok(ticket) => {
                return Ok(Picked {
                    key,
                    guard: OwnedGuard::new(breaker, ticket),
                    passed_over: passed.len(),
                });
            }
            Err(refusal) => {
                let refusal = breaker.core.pass_over(refusal);
                passed.push((key, CallNotPermitted::new(&breaker, refusal)));
            }
        }
    }
    let passed_over = passed.into_iter().map(|(key, rejection)| PassedOver {
        name: source.name(&key, rejection.breaker()),
        key,
        retry_after: rejection.retry_after(),
        reason: PassedOverReason::Rejected(rejection),
    });
    Err(FailoverError::Refused {
        passed_over: passed_over.collect(),
    })
}

impl CircuitBreaker {
    /// Returns whether a call would be admitted now. Nothing is counted and nothing
    /// reserved: the answer may be another one by the time the call is made.
    ///
    /// A half-open circuit says whether a slot is free. The permit is not asked,
    /// since it may draw chance, so a call may still be refused. An open circuit says
    /// whether its wait is over and its retry policy ready. A
    /// [throttle](crate::throttle) draws chance and is not asked.
    ///
    /// ```
    /// # let breaker = fluxgate::CircuitBreaker::builder("api").build()?;
    /// assert!(breaker.is_call_permitted());
    /// breaker.force_open();
    /// assert!(!breaker.is_call_permitted());
    /// assert_eq!(breaker.info().rejected, 0);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[doc(alias("is_permitted", "can_execute", "allow", "ready"))]
    #[must_use]
    #[inline]
    pub fn is_call_permitted(&self) -> bool {
        self.core.is_permitted()
    }

    /// Asks to make one call, as [`acquire`](Self::acquire) does, with a guard that
    /// owns its breaker: `'static` and `Send`.
    ///
    /// # Errors
    ///
    /// [`CallNotPermitted`] if the call must not be made.
    pub fn acquire_owned(&self) -> Result<OwnedGuard, CallNotPermitted> {
        match self.core.try_admit() {
            Ok(ticket) => Ok(OwnedGuard::new(self.clone(), ticket)),
            Err(refusal) => Err(CallNotPermitted::new(self, self.core.refuse(refusal))),
        }
    }

    /// Waits until the breaker admits a call, and reserves it in the same step.
    ///
    /// It is woken when a probe gives its slot back, when the wait of an open circuit
    /// is over, by every transition and command, and by a
    /// [`ManualClock`](crate::clock::ManualClock) that is advanced. Waiters are woken
    /// one after the other, in the order in which they came; a call that does not
    /// wait, and a waiter that just came, may come before them. Waiting counts as no
    /// rejection.
    ///
    /// Where no wake can be foreseen, with a permit that draws chance, a retry policy
    /// that is due but not ready, or a [throttle](crate::throttle) that refuses a share
    /// of the calls, the first waiter asks again every 100 ms. A waiter that was woken
    /// and is not polled keeps its place, and holds up those behind it for no longer.
    /// Under [`force_open`](Self::force_open), and where the retry policy never lets a
    /// probe through, it waits for a command: put a timeout around it.
    ///
    /// The end of a wait is told by the breaker's [clock](crate::clock::Clock::alarm):
    /// tokio's timer with `TokioClock`, else a thread of the crate's own. No runtime
    /// is needed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), fluxgate::ConfigError> {
    /// # let breaker = fluxgate::CircuitBreaker::builder("api").build()?;
    /// breaker.force_open();
    /// let ready = tokio::spawn(breaker.acquire_ready());
    /// breaker.reset();
    /// ready.await.expect("no panic").success();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. Dropped before its end it holds nothing, and if it had
    /// been woken, the next waiter is.
    pub fn acquire_ready(&self) -> AcquireReady {
        AcquireReady::new(self.clone())
    }
}
