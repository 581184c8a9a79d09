//! The only two places where a protected call runs: admit, run, settle.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    CallNotPermitted, CircuitBreaker, Outcome,
    core::{Core, Ended, Ticket},
};

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
            Outcome::Ignored => Self::Ignored,
        }
    }
}

#[inline]
fn settle<R>(core: &Core, ticket: Ticket, judge: impl FnOnce(&R) -> Outcome, result: &R) {
    if ticket.is_judged() {
        core.settle(ticket, judge(result).into());
    }
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

/// Runs a future: admitted when first polled, settled when it is ready, when it
/// panics, and, as a cancellation, when it is dropped in between.
///
/// It adds to the size of `F` what a ticket takes, `judge` and `map` aside.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Run<'a, F, J, M> {
    call: Call<'a, J, M>,
    future: F,
}

struct Call<'a, J, M> {
    breaker: &'a CircuitBreaker,
    /// Present while the future is pending.
    ticket: Option<Ticket>,
    /// How to judge the output, and what to make of it. Taken at the end.
    finish: Option<(J, M)>,
}

impl<'a, F, J, M> Run<'a, F, J, M> {
    pub(crate) fn new(breaker: &'a CircuitBreaker, judge: J, map: M, future: F) -> Self {
        let call = Call {
            breaker,
            ticket: None,
            finish: Some((judge, map)),
        };
        Self { call, future }
    }

    #[allow(unsafe_code)]
    fn project(self: Pin<&mut Self>) -> (&mut Call<'a, J, M>, Pin<&mut F>) {
        // SAFETY: `future` is pinned whenever `Run` is. Nothing moves it out: it
        // is handed out by this function alone, as a `Pin`; `Run` has no `Drop`,
        // is not packed, and is `Unpin` only if `F` is, by the auto trait.
        unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.call, Pin::new_unchecked(&mut this.future))
        }
    }
}

impl<F, J, M, Out> Future for Run<'_, F, J, M>
where
    F: Future,
    J: FnOnce(&F::Output) -> Outcome,
    M: FnOnce(Result<F::Output, CallNotPermitted>) -> Out,
{
    type Output = Out;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Out> {
        let (call, future) = self.project();
        let core = &*call.breaker.core;
        // Taken for the time of the poll: if that panics, `unwinding` settles.
        let ticket = match call.ticket.take() {
            Some(ticket) => ticket,
            None => match core.admit_freely().map_or_else(|| core.admit(), Ok) {
                Ok(ticket) => ticket,
                Err(refusal) => {
                    let rejection = CallNotPermitted::new(call.breaker, refusal);
                    return Poll::Ready((call.finish().1)(Err(rejection)));
                }
            },
        };
        let unwinding = Unwinding { core, ticket };
        let polled = future.poll(context);
        mem::forget(unwinding);
        match polled {
            Poll::Pending => {
                call.ticket = Some(ticket);
                Poll::Pending
            }
            Poll::Ready(output) => {
                let (judge, map) = call.finish();
                settle(core, ticket, judge, &output);
                Poll::Ready(map(Ok(output)))
            }
        }
    }
}

impl<J, M> Call<'_, J, M> {
    fn finish(&mut self) -> (J, M) {
        self.finish
            .take()
            .expect("a future must not be polled after it was ready")
    }
}

impl<J, M> Drop for Call<'_, J, M> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.core.settle(ticket, Ended::Cancelled);
        }
    }
}
