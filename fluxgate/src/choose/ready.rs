//! The future that waits for a breaker to admit a call. How the waiters are woken is
//! told where their queue is, in the engine's `waiters`.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::guard::OwnedGuard;
use crate::{CircuitBreaker, engine::ticket::Ticket};

/// Waits for a breaker to admit a call; made by
/// [`CircuitBreaker::acquire_ready`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct AcquireReady {
    breaker: CircuitBreaker,
    turn: Option<u64>,
}

impl AcquireReady {
    pub(super) fn new(breaker: CircuitBreaker) -> Self {
        Self {
            breaker,
            turn: None,
        }
    }

    fn admitted(&mut self, ticket: Ticket) -> Poll<OwnedGuard> {
        if let Some(turn) = self.turn.take() {
            let core = &self.breaker.core;
            core.choice().waiters.leave(turn);
            // There may be room for another.
            core.wake_next();
        }
        Poll::Ready(OwnedGuard::new(self.breaker.clone(), ticket))
    }
}

impl Future for AcquireReady {
    type Output = OwnedGuard;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<OwnedGuard> {
        let this = &mut *self;
        if let Some(ticket) = this.breaker.core.admit_fast() {
            return this.admitted(ticket);
        }
        let core = &this.breaker.core;
        let waiters = &core.choice().waiters;
        this.turn = Some(waiters.enter(this.turn, context.waker().clone(), core));
        match core.try_admit() {
            Ok(ticket) => this.admitted(ticket),
            Err(refusal) => {
                if let Some(at) = core.next_look(refusal) {
                    core.look_at(at, waiters);
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for AcquireReady {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            let core = &self.breaker.core;
            if !core.choice().waiters.leave(turn) {
                core.wake_next();
            }
        }
    }
}
