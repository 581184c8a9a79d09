//! The only two places where a protected call runs: admit, run, settle.

pub(crate) mod classify;
pub(crate) mod function;
pub(crate) mod future;
pub(crate) mod rejection;
#[cfg(all(feature = "http", feature = "tower"))]
pub(crate) mod unsettled;

use std::{fmt, mem};

use crate::{
    CallNotPermitted, CircuitBreaker, Outcome,
    engine::{
        Core,
        ticket::{CallEnd, Ticket},
    },
};

impl From<Outcome> for CallEnd {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure | Outcome::UnavailableFor(_) => Self::Failure,
            Outcome::Ignored => Self::Ignored,
            Outcome::Alive => Self::Alive,
            Outcome::Overloaded | Outcome::OverloadedFor(_) => Self::Overloaded,
        }
    }
}

/// Settles a call with its outcome.
// What an outcome is, is known where this is inlined: two instructions are left of
// all the matches.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn record(core: &Core, ticket: Ticket, outcome: Outcome) {
    note_wait(core, ticket, outcome);
    core.settle(ticket, outcome.into());
}

/// Settles a call whose duration, in nanoseconds, was measured elsewhere.
pub(crate) fn record_measured(core: &Core, ticket: Ticket, outcome: Outcome, elapsed: u64) {
    note_wait(core, ticket, outcome);
    core.settle_measured(ticket, outcome.into(), elapsed);
}

/// Takes note of how long the dependency asked to be left alone.
#[inline(always)]
#[allow(clippy::inline_always)]
fn note_wait(core: &Core, ticket: Ticket, outcome: Outcome) {
    match outcome {
        Outcome::UnavailableFor(wait) => core.defer_until(ticket, wait),
        Outcome::OverloadedFor(wait) => core.overloaded_for(ticket, wait),
        _ => {}
    }
}

/// A call that was admitted and is to be settled once. Dropping it unsettled counts as
/// a panic of the call.
pub struct Admitted<'a> {
    breaker: &'a CircuitBreaker,
    ticket: Ticket,
}

impl Admitted<'_> {
    /// Settles the call by its outcome, if the outcome is needed.
    #[inline]
    pub(crate) fn settle(self, classify: impl FnOnce() -> Outcome) {
        if self.ticket.is_judged() {
            let outcome = classify();
            record(&self.breaker.core, self.into_ticket(), outcome);
        } else {
            self.into_ticket();
        }
    }

    /// Settles the call by its outcome, and keeps what the error says if it failed.
    pub(crate) fn settle_noting<'e>(
        self,
        classify: impl FnOnce() -> (Outcome, Option<&'e dyn fmt::Display>),
    ) {
        let core = &*self.breaker.core;
        self.settle(|| {
            let (outcome, error) = classify();
            if let Some(error) = error.filter(|_| CallEnd::from(outcome).fails()) {
                core.note_failure(error);
            }
            outcome
        });
    }

    /// Leaves the call to be settled when the body of its response ends; in
    /// `Disabled` it is over.
    #[cfg(all(feature = "http", feature = "tower"))]
    pub(crate) fn unsettled(self) -> unsettled::Unsettled {
        let breaker = self.breaker;
        let ticket = self.into_ticket();
        unsettled::Unsettled::new(breaker, ticket)
    }

    /// Returns the ticket, which the caller has to settle from now on.
    #[inline]
    fn into_ticket(self) -> Ticket {
        let ticket = self.ticket;
        mem::forget(self);
        ticket
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.breaker.core.settle(self.ticket, CallEnd::Panicked);
    }
}

/// Makes what the caller gets out of the end of a call.
pub trait Complete<R> {
    /// What the caller gets.
    type Output;

    /// Settles a call that ran, and makes something of its output.
    ///
    /// Implementations match on `output` by value. Inspecting it by reference would
    /// reload bytes just stored with a different width, which defeats store-to-load
    /// forwarding and costs more than the whole fast path.
    fn accept(self, output: R, call: Admitted<'_>) -> Self::Output;

    /// Makes something of a rejection: the call did not run.
    fn reject(self, rejection: CallNotPermitted) -> Self::Output;
}
