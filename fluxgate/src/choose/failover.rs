//! Calls that go to the first target that admits them, and on to the next if they
//! may.

use std::{fmt, future::Future, mem, pin::pin, task::Poll, time::Duration};

use super::{
    error::{FailoverError, PassedOver, PassedOverReason, PassedOvers},
    guard::OwnedGuard,
    source::{EarlyClaim, Source},
};
use crate::{
    CallNotPermitted, CircuitBreaker, Outcome, State,
    call::classify::{ByClosure, ByTracker, Classifier, NeverFails, Predicate},
    tracker,
};

/// So many targets are asked at most, whatever the iterator says.
const MOST: usize = 1024;

/// What to do when no target admits the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllOpen {
    /// Refuse it, with [`FailoverError::Refused`].
    #[default]
    Refuse,
    /// Send it as an early probe to the open target with the least wait left.
    ///
    /// For a set there is one early probe at a time at most, and one a second. It
    /// holds one of the breaker's slots. If it fails, is ignored or is cancelled,
    /// nothing changes: the circuit stays open and its wait goes on. If it passes
    /// before the wait is over, it is the first passed probe of a half-open period,
    /// and closes the circuit if [`close_after`](crate::Builder::close_after) is 1.
    ///
    /// There is no early probe of a circuit that is forced open, whose retry policy
    /// never lets one through, or that was opened
    /// [by hand for a while](CircuitBreaker::open_for).
    LeastWait,
}

/// What a target answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answered<K, T, E> {
    /// The target.
    pub key: K,
    /// Its answer.
    pub value: T,
    /// The targets that were passed over.
    pub passed_over: PassedOvers<K, E>,
}

/// A call that goes to the first of several targets that admits it; made by
/// [`failover`](super::failover), or by `failover` of a keyed set.
///
/// By default it is made once: a target that fails is the end of it. Only with
/// [`idempotent(true)`](Self::idempotent) does it move on to the next target.
#[must_use = "nothing is called before `call` or `call_async`"]
pub struct Failover<S, I, J = ByTracker<tracker::All>> {
    source: S,
    candidates: I,
    is_idempotent: bool,
    all_open: AllOpen,
    classifier: J,
}

impl<S, I> Failover<S, I> {
    pub(crate) fn new(source: S, candidates: I) -> Self {
        Self {
            source,
            candidates,
            is_idempotent: false,
            all_open: AllOpen::Refuse,
            classifier: ByTracker::new(tracker::All, NeverFails),
        }
    }
}

impl<S, I, J> Failover<S, I, J> {
    /// Sets whether the call may be made twice. Default: no.
    ///
    /// If so, it moves on to the next target after a failure and when a target is
    /// overloaded, and probing a half-open target costs no answer. If not, the caller
    /// of a failed probe gets its failure, as with one breaker: a payment that is
    /// sent twice is worse than one that is refused.
    ///
    /// [`Ignored`](Outcome::Ignored) and [`Alive`](Outcome::Alive) never move on.
    pub fn idempotent(mut self, is_idempotent: bool) -> Self {
        self.is_idempotent = is_idempotent;
        self
    }

    /// Sets what to do when no target admits the call. Default:
    /// [`AllOpen::Refuse`].
    pub fn when_all_open(mut self, all_open: AllOpen) -> Self {
        self.all_open = all_open;
        self
    }

    /// Sets which errors count, as [`CircuitBreaker::with_tracker`] does. Default:
    /// [`All`](tracker::All).
    pub fn with_tracker<T>(self, tracker: T) -> Failover<S, I, ByTracker<T>> {
        self.classified(ByTracker::new(tracker, NeverFails))
    }

    /// Sets what every result means, as [`CircuitBreaker::with_classifier`] does.
    pub fn with_classifier<T, E, F>(self, classify: F) -> Failover<S, I, ByClosure<F>>
    where
        F: Fn(&Result<T, E>) -> Outcome,
    {
        self.classified(ByClosure(classify))
    }

    fn classified<N>(self, classifier: N) -> Failover<S, I, N> {
        Failover {
            source: self.source,
            candidates: self.candidates,
            is_idempotent: self.is_idempotent,
            all_open: self.all_open,
            classifier,
        }
    }
}

impl<S, I, T> Failover<S, I, ByTracker<T>> {
    /// Counts an `Ok` for which `predicate` returns `true` as a failure, as
    /// [`Classified::failure_if`](crate::Classified::failure_if) does.
    pub fn failure_if<V, F: Fn(&V) -> bool>(
        self,
        predicate: F,
    ) -> Failover<S, I, ByTracker<T, Predicate<F>>> {
        let Failover {
            source,
            candidates,
            is_idempotent,
            all_open,
            classifier,
        } = self;
        Failover {
            source,
            candidates,
            is_idempotent,
            all_open,
            classifier: ByTracker::new(classifier.tracker, Predicate(predicate)),
        }
    }
}

impl<S, I: IntoIterator, J> Failover<S, I, J> {
    /// Calls `f` with the first target that admits the call.
    ///
    /// `f` must not be protected itself, with
    /// [`#[circuit_breaker]`](macro@crate::circuit_breaker): the call would be
    /// admitted twice, and at `max_half_open_calls = 1` a probe would be refused by
    /// itself for ever. A panic in it is a failure of that target and unwinds on.
    ///
    /// ```
    /// use std::io;
    /// use fluxgate::{CircuitBreaker, choose};
    ///
    /// let primary = CircuitBreaker::builder("primary").build()?;
    /// let archive = CircuitBreaker::builder("archive").build()?;
    /// primary.force_open();
    /// let answer = choose::failover([(&primary, "10.0.0.1"), (&archive, "10.0.0.2")])
    ///     .call(|(_, address)| Ok::<_, io::Error>(format!("from {address}")))
    ///     .expect("the archive answers");
    /// assert_eq!(answer.value, "from 10.0.0.2");
    /// assert_eq!(answer.passed_over[0].name, "primary");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FailoverError::Refused`] if no target admits the call, or
    /// [`FailoverError::Failed`] with the error of the last one.
    #[allow(clippy::type_complexity, reason = "what was answered, or why not")]
    pub fn call<T, E, F>(
        self,
        mut f: F,
    ) -> Result<Answered<I::Item, T, E>, FailoverError<I::Item, E>>
    where
        S: Source<I::Item>,
        I::Item: Clone,
        J: Classifier<T, E>,
        F: FnMut(I::Item) -> Result<T, E>,
    {
        let classifier = self.classifier;
        let mut walk = Walk::new(
            self.source,
            self.candidates,
            self.is_idempotent,
            self.all_open,
        );
        while let Some((key, mut guard)) = walk.next() {
            let result = {
                let unwinds = Unwinds(&mut guard);
                let result = f(key.clone());
                mem::forget(unwinds);
                result
            };
            if walk.ends(key, guard, result, &classifier) {
                break;
            }
        }
        walk.end()
    }

    /// Awaits what `f` gives for the first target that admits the call:
    /// [`call`](Self::call) for async code.
    ///
    /// The future of an attempt is dropped before its guard, so a probe's slot comes
    /// back when the dependency no longer has the call.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{io, sync::Arc};
    /// use fluxgate::{CircuitBreaker, choose};
    ///
    /// let primary = CircuitBreaker::builder("primary").build()?;
    /// let archive = CircuitBreaker::builder("archive").build()?;
    /// let prompt: Arc<str> = "hello".into();
    /// let task = tokio::spawn(async move {
    ///     choose::failover([primary, archive])
    ///         .idempotent(true)
    ///         .call_async(|_node| {
    ///             let prompt = Arc::clone(&prompt);
    ///             async move { Ok::<_, io::Error>(prompt.len()) }
    ///         })
    ///         .await
    ///         .map(|answer| answer.value)
    /// });
    /// assert_eq!(task.await??, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the attempt in flight counts as
    /// [`on_cancel`](crate::Builder::on_cancel) says.
    pub async fn call_async<T, E, F, Fut>(
        self,
        mut f: F,
    ) -> Result<Answered<I::Item, T, E>, FailoverError<I::Item, E>>
    where
        S: Source<I::Item>,
        I::Item: Clone,
        J: Classifier<T, E>,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let classifier = self.classifier;
        let mut walk = Walk::new(
            self.source,
            self.candidates,
            self.is_idempotent,
            self.all_open,
        );
        while let Some((key, mut guard)) = walk.next() {
            let result = attempt(&mut guard, || f(key.clone())).await;
            if walk.ends(key, guard, result, &classifier) {
                break;
            }
        }
        walk.end()
    }
}

/// Awaits one attempt. The future is gone when this is: before the guard, which
/// outlives it.
async fn attempt<Fut: Future>(guard: &mut OwnedGuard, begin: impl FnOnce() -> Fut) -> Fut::Output {
    let future = {
        let unwinds = Unwinds(guard);
        let future = begin();
        mem::forget(unwinds);
        future
    };
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let unwinds = Unwinds(guard);
        let polled: Poll<_> = future.as_mut().poll(context);
        mem::forget(unwinds);
        polled
    })
    .await
}

/// Says that a call panicked if it is dropped: while code of the user's runs, that is
/// by unwinding alone. The call is settled with its guard, after its future is gone.
struct Unwinds<'a>(&'a mut OwnedGuard);

impl Drop for Unwinds<'_> {
    fn drop(&mut self) {
        self.0.panicked();
    }
}

/// One way along the targets.
struct Walk<S, I, K, T, E> {
    source: S,
    candidates: std::iter::Take<std::iter::Fuse<I>>,
    is_idempotent: bool,
    all_open: AllOpen,
    passed_over: PassedOvers<K, E>,
    /// What the breakers of those targets are, for counting and for early probes.
    refusing: Vec<CircuitBreaker>,
    /// How many of `passed_over` are not counted yet.
    uncounted: usize,
    /// The target that was asked last, and its answer.
    last: Option<(K, CircuitBreaker, Result<T, E>)>,
    is_early: bool,
}

impl<S, I, K, T, E> Walk<S, I, K, T, E>
where
    S: Source<K>,
    I: Iterator<Item = K>,
    K: Clone,
{
    fn new(
        source: S,
        candidates: impl IntoIterator<Item = K, IntoIter = I>,
        is_idempotent: bool,
        all_open: AllOpen,
    ) -> Self {
        Self {
            source,
            candidates: candidates.into_iter().fuse().take(MOST),
            is_idempotent,
            all_open,
            passed_over: PassedOvers::new(),
            refusing: Vec::new(),
            uncounted: 0,
            last: None,
            is_early: false,
        }
    }

    /// Returns the next target that admits the call. Choosing and reserving are one
    /// step.
    fn next(&mut self) -> Option<(K, OwnedGuard)> {
        let chosen = self.next_admitting().or_else(|| self.early());
        for breaker in self.refusing.drain(..) {
            breaker.core.choice().pass_over();
        }
        // The answer before this one is not the last: its target was passed over.
        if chosen.is_some()
            && let Some((key, breaker, result)) = self.last.take()
        {
            let retry_after = wait_of(&breaker);
            let name = self.source.name(&key, &breaker);
            let reason = match result {
                Ok(_) => PassedOverReason::FailedValue,
                Err(error) => PassedOverReason::Failed(error),
            };
            self.passed_over.insert_before(
                mem::take(&mut self.uncounted),
                PassedOver {
                    key,
                    name,
                    reason,
                    retry_after,
                },
            );
        }
        self.uncounted = 0;
        chosen
    }

    fn next_admitting(&mut self) -> Option<(K, OwnedGuard)> {
        for key in &mut self.candidates {
            let breaker = self.source.breaker(&key);
            match breaker.core.try_admit() {
                Ok(ticket) => return Some((key, OwnedGuard::new(breaker, ticket))),
                Err(refusal) => {
                    let rejection = CallNotPermitted::new(&breaker, refusal);
                    self.passed_over.push(PassedOver {
                        name: self.source.name(&key, &breaker),
                        key,
                        retry_after: rejection.retry_after(),
                        reason: PassedOverReason::Rejected(rejection),
                    });
                    self.refusing.push(breaker);
                    self.uncounted += 1;
                }
            }
        }
        None
    }

    /// Begins an early probe, if no target was asked and one may be.
    fn early(&mut self) -> Option<(K, OwnedGuard)> {
        let may = self.all_open == AllOpen::LeastWait && self.last.is_none() && !self.is_early;
        if !may {
            return None;
        }
        let mut open: Vec<(Duration, usize)> = self
            .passed_over
            .iter()
            .enumerate()
            .filter_map(|(index, passed)| match &passed.reason {
                PassedOverReason::Rejected(rejection) if rejection.state() == State::Open => {
                    Some((passed.retry_after?, index))
                }
                _ => None,
            })
            .collect();
        open.sort();
        let (_, first) = *open.first()?;
        let now = self.refusing[first].core.now();
        let EarlyClaim(claim) = self.source.claim(self.refusing.iter().cloned(), now)?;
        let (index, ticket) = open.into_iter().find_map(|(_, index)| {
            let ticket = self.refusing[index].core.admit_early()?;
            Some((index, ticket))
        })?;
        self.is_early = true;
        let breaker = self.refusing.remove(index);
        claim.begin(&breaker);
        let PassedOver { key, .. } = self.passed_over.remove(index);
        Some((key, OwnedGuard::early(breaker, ticket, claim)))
    }

    /// Settles an attempt. Returns whether it was the last.
    fn ends<J: Classifier<T, E>>(
        &mut self,
        key: K,
        guard: OwnedGuard,
        result: Result<T, E>,
        classifier: &J,
    ) -> bool {
        let outcome = classifier.outcome(&result);
        let breaker = guard.breaker().clone();
        guard.record(outcome);
        self.last = Some((key, breaker, result));
        !(self.is_idempotent && outcome.is_transient())
    }

    fn end(mut self) -> Result<Answered<K, T, E>, FailoverError<K, E>> {
        let mut passed_over = self.passed_over;
        match self.last.take() {
            None => Err(FailoverError::Refused { passed_over }),
            Some((key, _, Ok(value))) => Ok(Answered {
                key,
                value,
                passed_over,
            }),
            Some((key, breaker, Err(error))) => {
                let name = self.source.name(&key, &breaker);
                passed_over.last = Some(Box::new((name, wait_of(&breaker))));
                Err(FailoverError::Failed {
                    key,
                    error,
                    passed_over,
                })
            }
        }
    }
}

/// Returns how long an open circuit still waits.
fn wait_of(breaker: &CircuitBreaker) -> Option<Duration> {
    breaker.core.refusing()?.wait()
}

impl<S, I, J> fmt::Debug for Failover<S, I, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failover")
            .field("idempotent", &self.is_idempotent)
            .field("when_all_open", &self.all_open)
            .finish_non_exhaustive()
    }
}
