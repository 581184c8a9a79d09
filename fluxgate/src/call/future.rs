//! Runs a future: admitted when first polled, settled when it ends.

use std::{
    borrow::Borrow,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Admitted, Complete, admit_rare};
#[cfg(feature = "tower")]
use crate::{CallNotPermitted, engine::opening::Refusal};
use crate::{
    CircuitBreaker,
    engine::{
        Core,
        state_word::StateWord,
        ticket::{CallEnd, Ticket},
    },
};

/// The bound on what [`call_async`](CircuitBreaker::call_async) and the methods like it
/// take. Implemented for every future; it is a trait of its own so that the compiler's
/// message says what to write when it is given something else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a future, and a circuit breaker awaits one here",
    label = "not a future",
    note = "give the future itself, as in `call_async(get(url))` or `call_async(async {{ … }})`",
    note = "a function or a closure that returns a `Result`, and no future, is called by `call`"
)]
pub trait Awaited: Future {}

#[diagnostic::do_not_recommend]
impl<F: Future> Awaited for F {}

/// A future, and how it is polled. Generic, so that the projection below is the
/// only one.
///
/// Fields are dropped in the order of their declaration: a cancelled call is
/// settled, and its probe's slot given back, when its future is gone. While the
/// future tears down, the dependency still has it.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<C, F> {
    future: F,
    poll_call: C,
}

/// How a [`CallFuture`] polls what it holds.
pub trait PollCall<F> {
    /// The output of the future.
    type Output;

    /// Polls `future`, and admits and settles its call.
    fn poll(&mut self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<Self::Output>;
}

impl<C, F> CallFuture<C, F> {
    #[allow(unsafe_code)]
    fn project(self: Pin<&mut Self>) -> (&mut C, Pin<&mut F>) {
        // SAFETY: `future` is pinned whenever `Run` is. Nothing moves it out: it
        // is handed out by this function alone, as a `Pin`; `Run` has no `Drop`,
        // is not packed, and is `Unpin` only if `F` is, by the auto trait.
        unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.poll_call, Pin::new_unchecked(&mut this.future))
        }
    }
}

impl<C: PollCall<F>, F> Future for CallFuture<C, F> {
    type Output = C::Output;

    // Into the one future that awaits it: an await takes half the time that way.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let (poll_call, future) = self.project();
        poll_call.poll(future, context)
    }
}

impl<'a, F, Z> CallFuture<Call<&'a CircuitBreaker, Z>, F> {
    /// Runs a future: admitted when first polled, settled when it is ready, when
    /// it panics, and, as a cancellation, when it is dropped in between.
    ///
    /// It adds to the size of `F` what a ticket takes, `finish` aside.
    pub(crate) fn new(breaker: &'a CircuitBreaker, finish: Z, future: F) -> Self {
        let poll_call = Call {
            breaker,
            ticket: Ticket::UNPOLLED,
            finish: Some(finish),
        };
        Self { future, poll_call }
    }
}

/// One call of a future through a breaker, owned or borrowed.
pub struct Call<B: Borrow<CircuitBreaker>, Z> {
    breaker: B,
    /// The ticket of the call, if it is pending; before that, `Ticket::UNPOLLED`.
    ticket: Ticket,
    /// What to do at the end. `None` if the future is ready, rejected, or in the middle
    /// of a poll, which may panic.
    finish: Option<Z>,
}

impl<B: Borrow<CircuitBreaker>, Z, F> PollCall<F> for Call<B, Z>
where
    F: Future,
    Z: Complete<F::Output>,
{
    type Output = Z::Output;

    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn poll(&mut self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<Z::Output> {
        let breaker = self.breaker.borrow();
        // Taken for the time of the poll: if that panics, `call` settles.
        let Some(finish) = self.finish.take() else {
            polled_when_over()
        };
        let mut ticket = None;
        let word = match self.ticket.word() {
            StateWord::UNPOLLED => match breaker.core.admit_free() {
                Some(word) => word,
                None => match admit_rare(breaker, &mut ticket) {
                    Ok(()) => StateWord::KEPT,
                    Err(rejection) => return Poll::Ready(finish.reject(rejection)),
                },
            },
            word if word.is_free() => word,
            _ => {
                ticket = Some(self.ticket);
                StateWord::KEPT
            }
        };
        let call = Admitted {
            breaker,
            word,
            ticket: &ticket,
        };
        match future.poll(context) {
            Poll::Pending => {
                self.ticket = call.into_ticket();
                self.finish = Some(finish);
                Poll::Pending
            }
            Poll::Ready(output) => Poll::Ready(finish.accept(output, call)),
        }
    }
}

#[cfg(feature = "tower")]
fn take<T>(once: &mut Option<T>) -> T {
    once.take().unwrap_or_else(|| polled_when_over())
}

#[cold]
fn polled_when_over() -> ! {
    panic!(
        "a future that a circuit breaker protects was polled after it was ready, or had panicked"
    )
}

/// Settles a call whose future is dropped before its end, if it was admitted.
#[cold]
#[inline(never)]
fn cancel(core: &Core, ticket: Ticket) {
    if ticket.word() != StateWord::UNPOLLED {
        core.settle(ticket, CallEnd::Cancelled);
    }
}

impl<B: Borrow<CircuitBreaker>, Z> Drop for Call<B, Z> {
    #[inline]
    fn drop(&mut self) {
        if self.finish.is_some() {
            cancel(&self.breaker.borrow().core, self.ticket);
        }
    }
}

/// A call whose admission is decided before its future is created.
#[cfg(feature = "tower")]
pub struct AdmittedFirst<Z> {
    call: Call<CircuitBreaker, Z>,
    /// In place of the future of a call that was not admitted.
    refusal: Option<Refusal>,
}

#[cfg(feature = "tower")]
impl<Z, F> CallFuture<AdmittedFirst<Z>, Option<F>> {
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
            let breaker = &breaker;
            let call = Admitted {
                breaker,
                word: StateWord::KEPT,
                ticket: &Some(ticket),
            };
            let future = begin();
            call.into_ticket();
            future
        });
        let call = Call {
            breaker,
            ticket: admitted.unwrap_or(Ticket::UNPOLLED),
            finish: Some(finish),
        };
        let poll_call = AdmittedFirst {
            call,
            refusal: admitted.err(),
        };
        Self { future, poll_call }
    }
}

#[cfg(feature = "tower")]
impl<Z, F> PollCall<Option<F>> for AdmittedFirst<Z>
where
    F: Future,
    Z: Complete<F::Output>,
{
    type Output = Z::Output;

    fn poll(&mut self, future: Pin<&mut Option<F>>, context: &mut Context<'_>) -> Poll<Z::Output> {
        if let Some(future) = future.as_pin_mut() {
            return self.call.poll(future, context);
        }
        let rejection = CallNotPermitted::new(&self.call.breaker, take(&mut self.refusal));
        Poll::Ready(take(&mut self.call.finish).reject(rejection))
    }
}

impl<C, F> fmt::Debug for CallFuture<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").finish_non_exhaustive()
    }
}
