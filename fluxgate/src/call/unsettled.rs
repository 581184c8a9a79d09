//! A call that outlives its future: the response is there, its body is not.

use std::{fmt, thread};

use crate::{
    CircuitBreaker, Outcome,
    call::{record, record_measured},
    engine::ticket::{CallEnd, Ticket},
};

/// A call to be settled once, later. Dropped before, it was cancelled, or it
/// panicked.
pub(crate) struct Unsettled {
    breaker: CircuitBreaker,
    ticket: Option<Ticket>,
    /// How long the call took, if that is known before it ends, in nanoseconds.
    elapsed: Option<u64>,
    /// Whether a panic was under way already when the call began.
    panicking: bool,
}

impl Unsettled {
    pub(super) fn new(breaker: &CircuitBreaker, ticket: Ticket) -> Self {
        Self {
            breaker: breaker.clone(),
            ticket: ticket.is_judged().then_some(ticket),
            elapsed: None,
            panicking: thread::panicking(),
        }
    }

    /// Returns whether the call is still to be settled.
    pub(crate) fn is_open(&self) -> bool {
        self.ticket.is_some()
    }

    /// Takes the time up to now for what the call took, unless that was done
    /// before.
    pub(crate) fn stop_watch(&mut self) {
        if let (Some(ticket), None) = (self.ticket, self.elapsed) {
            self.elapsed = Some(self.breaker.core.elapsed(ticket));
        }
    }

    /// Returns whether the call is a probe whose lease is over.
    pub(crate) fn is_overdue(&self) -> bool {
        self.ticket
            .is_some_and(|ticket| self.breaker.core.is_overdue(ticket))
    }

    /// Settles the call.
    pub(crate) fn record(&mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            let core = &self.breaker.core;
            match self.elapsed {
                Some(elapsed) => record_measured(core, ticket, outcome, elapsed),
                None => record(core, ticket, outcome),
            }
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let panicked = thread::panicking() && !self.panicking;
            self.breaker.core.settle(
                ticket,
                if panicked {
                    CallEnd::Panicked
                } else {
                    CallEnd::Cancelled
                },
            );
        }
    }
}

impl fmt::Debug for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsettled")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
