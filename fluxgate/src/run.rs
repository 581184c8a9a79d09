//! The only two places where a protected call runs: admit, run, settle.

use std::{
    borrow::Borrow,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(feature = "tower")]
use crate::published::Refusal;
use crate::{
    CallNotPermitted, CircuitBreaker, Outcome,
    core::{Core, Ended, Ticket},
};

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure | Outcome::UnavailableFor(_) => Self::Failure,
            Outcome::Ignored => Self::Ignored,
        }
    }
}

#[inline]
fn settle<R>(core: &Core, ticket: Ticket, judge: impl FnOnce(&R) -> Outcome, result: &R) {
    if ticket.is_judged() {
        record(core, ticket, judge(result));
    }
}

/// Settles a call with its outcome.
#[inline]
pub(crate) fn record(core: &Core, ticket: Ticket, outcome: Outcome) {
    if let Outcome::UnavailableFor(wait) = outcome {
        core.ask(ticket, wait);
    }
    core.settle(ticket, outcome.into());
}

/// Settles a call that unwinds. Forgotten when it returns.
struct Unwinding<'a> {
    core: &'a Core,
    ticket: Ticket,
}

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        self.core.settle(self.ticket, Ended::Panicked);
    }
}

/// Runs a function. What becomes of a rejection is `reject`'s to say.
///
/// The healthy path stands apart, so that it carries nothing across the call
/// but the breaker and one word.
#[inline]
pub(crate) fn run<R>(
    breaker: &CircuitBreaker,
    judge: impl FnOnce(&R) -> Outcome,
    reject: impl FnOnce(CallNotPermitted) -> R,
    f: impl FnOnce() -> R,
) -> R {
    match breaker.core.admit_freely() {
        Some(ticket) => run_admitted(&breaker.core, ticket, judge, f),
        None => run_by_state(breaker, judge, reject, f),
    }
}

#[inline(never)]
fn run_by_state<R>(
    breaker: &CircuitBreaker,
    judge: impl FnOnce(&R) -> Outcome,
    reject: impl FnOnce(CallNotPermitted) -> R,
    f: impl FnOnce() -> R,
) -> R {
    match breaker.core.admit() {
        Ok(ticket) => run_admitted(&breaker.core, ticket, judge, f),
        Err(refusal) => reject(CallNotPermitted::new(breaker, refusal)),
    }
}

#[inline]
fn run_admitted<R>(
    core: &Core,
    ticket: Ticket,
    judge: impl FnOnce(&R) -> Outcome,
    f: impl FnOnce() -> R,
) -> R {
    let unwinding = Unwinding { core, ticket };
    let result = f();
    mem::forget(unwinding);
    settle(core, ticket, judge, &result);
    result
}

/// A future, and how it is polled. Generic, so that the projection below is the
/// only one.
#[must_use = "futures do nothing unless polled"]
pub struct Run<C, F> {
    conduct: C,
    future: F,
}

/// How a [`Run`] polls what it holds.
pub trait Conduct<F> {
    /// What comes of it.
    type Output;

    /// Polls `future` on the terms of this conduct.
    fn poll(&mut self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<Self::Output>;
}

impl<C, F> Run<C, F> {
    #[allow(unsafe_code)]
    fn project(self: Pin<&mut Self>) -> (&mut C, Pin<&mut F>) {
        // SAFETY: `future` is pinned whenever `Run` is. Nothing moves it out: it
        // is handed out by this function alone, as a `Pin`; `Run` has no `Drop`,
        // is not packed, and is `Unpin` only if `F` is, by the auto trait.
        unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.conduct, Pin::new_unchecked(&mut this.future))
        }
    }
}

impl<C: Conduct<F>, F> Future for Run<C, F> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let (conduct, future) = self.project();
        conduct.poll(future, context)
    }
}

impl<'a, F, J, M> Run<Call<&'a CircuitBreaker, (J, M)>, F> {
    /// Runs a future: admitted when first polled, settled when it is ready, when
    /// it panics, and, as a cancellation, when it is dropped in between.
    ///
    /// It adds to the size of `F` what a ticket takes, `judge` and `map` aside.
    pub(crate) fn new(breaker: &'a CircuitBreaker, judge: J, map: M, future: F) -> Self {
        let conduct = Call {
            breaker,
            ticket: None,
            finish: Some((judge, map)),
        };
        Self { conduct, future }
    }
}

/// One call of a future through a breaker, owned or borrowed.
pub struct Call<B: Borrow<CircuitBreaker>, Z> {
    breaker: B,
    /// Present while the future is pending.
    ticket: Option<Ticket>,
    /// What to do at the end. Taken then.
    finish: Option<Z>,
}

/// How to judge a call's output, and what to make of it, or of the rejection.
pub trait Finish<R> {
    /// What is made of it.
    type Output;

    /// The two.
    #[allow(clippy::type_complexity)]
    fn split(
        self,
    ) -> (
        impl FnOnce(&R) -> Outcome,
        impl FnOnce(Result<R, CallNotPermitted>) -> Self::Output,
    );
}

impl<R, Out, J, M> Finish<R> for (J, M)
where
    J: FnOnce(&R) -> Outcome,
    M: FnOnce(Result<R, CallNotPermitted>) -> Out,
{
    type Output = Out;

    #[inline]
    fn split(
        self,
    ) -> (
        impl FnOnce(&R) -> Outcome,
        impl FnOnce(Result<R, CallNotPermitted>) -> Out,
    ) {
        self
    }
}

impl<B: Borrow<CircuitBreaker>, Z, F> Conduct<F> for Call<B, Z>
where
    F: Future,
    Z: Finish<F::Output>,
{
    type Output = Z::Output;

    fn poll(&mut self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<Z::Output> {
        let breaker = self.breaker.borrow();
        let core = &*breaker.core;
        // Taken for the time of the poll: if that panics, `unwinding` settles.
        let ticket = match self.ticket.take() {
            Some(ticket) => ticket,
            None => match core.admit_any() {
                Ok(ticket) => ticket,
                Err(refusal) => {
                    let rejection = CallNotPermitted::new(breaker, refusal);
                    let (_, map) = take(&mut self.finish).split();
                    return Poll::Ready(map(Err(rejection)));
                }
            },
        };
        let unwinding = Unwinding { core, ticket };
        let polled = future.poll(context);
        mem::forget(unwinding);
        match polled {
            Poll::Pending => {
                self.ticket = Some(ticket);
                Poll::Pending
            }
            Poll::Ready(output) => {
                let (judge, map) = take(&mut self.finish).split();
                settle(core, ticket, judge, &output);
                Poll::Ready(map(Ok(output)))
            }
        }
    }
}

fn take<T>(once: &mut Option<T>) -> T {
    once.take()
        .expect("a future must not be polled after it was ready")
}

impl<B: Borrow<CircuitBreaker>, Z> Drop for Call<B, Z> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.borrow().core.settle(ticket, Ended::Cancelled);
        }
    }
}

/// A call that is admitted, or not, before there is a future.
#[cfg(feature = "tower")]
pub struct Begun<Z> {
    call: Call<CircuitBreaker, Z>,
    /// In place of the future of a call that was not admitted.
    refusal: Option<Refusal>,
}

#[cfg(feature = "tower")]
impl<Z, F> Run<Begun<Z>, Option<F>> {
    /// Asks to make a call, and makes its future with `begin` if the breaker
    /// admits it. With a `refusal` it need not be asked.
    pub(crate) fn begin(
        breaker: CircuitBreaker,
        refusal: Option<Refusal>,
        finish: Z,
        begin: impl FnOnce() -> F,
    ) -> Self {
        let core = &*breaker.core;
        let admitted = match refusal {
            Some(refusal) => Err(core.refuse(refusal)),
            None => core.admit_any(),
        };
        let future = admitted.ok().map(|ticket| {
            let unwinding = Unwinding { core, ticket };
            let future = begin();
            mem::forget(unwinding);
            future
        });
        let call = Call {
            breaker,
            ticket: admitted.ok(),
            finish: Some(finish),
        };
        let conduct = Begun {
            call,
            refusal: admitted.err(),
        };
        Self { conduct, future }
    }
}

#[cfg(feature = "tower")]
impl<Z, F> Conduct<Option<F>> for Begun<Z>
where
    F: Future,
    Z: Finish<F::Output>,
{
    type Output = Z::Output;

    fn poll(&mut self, future: Pin<&mut Option<F>>, context: &mut Context<'_>) -> Poll<Z::Output> {
        if let Some(future) = future.as_pin_mut() {
            return self.call.poll(future, context);
        }
        let (_, map) = take(&mut self.call.finish).split();
        let rejection = CallNotPermitted::new(&self.call.breaker, take(&mut self.refusal));
        Poll::Ready(map(Err(rejection)))
    }
}

impl<C, F> fmt::Debug for Run<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}
