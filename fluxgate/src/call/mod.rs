//! The only two places where a protected call runs: admit, run, settle.

#![allow(
    clippy::ref_option,
    reason = "one address on the fast path; whether there is a ticket is looked at elsewhere"
)]

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
        state_word::StateWord,
        ticket::{CallEnd, Ticket},
    },
};

impl From<Outcome> for CallEnd {
    #[inline]
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

/// Admits a call that is not free, and leaves its ticket in `ticket`, or rejects it.
// Cold and out of line as the calls see it, so that they keep their registers for the
// fast path; what it does is compiled as any other function is.
#[cold]
#[inline(never)]
pub(crate) fn admit_rare(
    breaker: &CircuitBreaker,
    ticket: &mut Option<Ticket>,
) -> Result<(), CallNotPermitted> {
    admit_without_fast(breaker, ticket)
}

#[inline(never)]
fn admit_without_fast(
    breaker: &CircuitBreaker,
    ticket: &mut Option<Ticket>,
) -> Result<(), CallNotPermitted> {
    match breaker.core.admit_lock_free() {
        Some(Ok(admitted)) => {
            *ticket = Some(admitted);
            Ok(())
        }
        Some(Err(refusal)) => Err(CallNotPermitted::new(breaker, refusal)),
        None => admit_slow(breaker, ticket),
    }
}

#[inline(never)]
fn admit_slow(
    breaker: &CircuitBreaker,
    ticket: &mut Option<Ticket>,
) -> Result<(), CallNotPermitted> {
    match breaker.core.admit_slow() {
        Ok(admitted) => {
            *ticket = Some(admitted);
            Ok(())
        }
        Err(refusal) => Err(CallNotPermitted::new(breaker, refusal)),
    }
}

/// Settles a call that succeeded, unless its success was recorded by a load of the word.
#[cold]
#[inline(never)]
fn settle_success(core: &Core, word: StateWord, ticket: &Option<Ticket>) {
    if word != StateWord::KEPT {
        core.settle_outcome::<false>(word);
    } else if let Some(ticket) = ticket {
        core.settle(*ticket, CallEnd::Success);
    }
}

/// Settles a call that failed.
#[cold]
#[inline(never)]
fn settle_failure(core: &Core, word: StateWord, ticket: &Option<Ticket>) {
    if word != StateWord::KEPT {
        core.settle_outcome::<true>(word);
    } else if let Some(ticket) = ticket {
        core.settle(*ticket, CallEnd::Failure);
    }
}

/// Settles a call that ended in any other way.
#[cold]
#[inline(never)]
fn settle_rare(core: &Core, word: StateWord, ticket: &Option<Ticket>, ended: CallEnd) {
    core.settle(whole(word, ticket), ended);
}

/// Returns the ticket of a call that is carried as its word.
fn whole(word: StateWord, ticket: &Option<Ticket>) -> Ticket {
    match ticket {
        Some(ticket) if word == StateWord::KEPT => *ticket,
        _ => Ticket::new(word, 0),
    }
}

/// A call that was admitted and is to be settled once. Dropping it unsettled counts as
/// a panic of the call.
///
/// A free call is carried as its word alone, which stays in a register; the ticket of any
/// other stays in memory, and `KEPT` stands in place of its word. No control word is
/// `KEPT`, so the comparison that records a success on the fast path tells the two apart,
/// too.
pub struct Admitted<'a> {
    breaker: &'a CircuitBreaker,
    word: StateWord,
    ticket: &'a Option<Ticket>,
}

impl<'a> Admitted<'a> {
    /// Returns whether the outcome is needed.
    #[inline]
    fn is_judged(&self) -> bool {
        self.word != StateWord::KEPT || self.ticket.is_none_or(Ticket::is_judged)
    }

    /// Returns the parts, which the caller has to settle from now on.
    #[inline]
    fn into_parts(self) -> (&'a CircuitBreaker, StateWord, &'a Option<Ticket>) {
        let parts = (self.breaker, self.word, self.ticket);
        mem::forget(self);
        parts
    }

    /// Settles a call that succeeded.
    #[inline]
    pub(crate) fn succeeded(self) {
        let (breaker, word, ticket) = self.into_parts();
        // The linearization point of a success on the fast path: the loaded word says
        // that the window is full and clean, so one more success would leave no trace.
        if breaker.core.word() != word {
            settle_success(&breaker.core, word, ticket);
        }
    }

    /// Settles a call that failed.
    #[inline]
    pub(crate) fn failed(self) {
        let (breaker, word, ticket) = self.into_parts();
        settle_failure(&breaker.core, word, ticket);
    }

    /// Settles the call by its outcome, if the outcome is needed.
    #[inline]
    pub(crate) fn settle(self, classify: impl FnOnce() -> Outcome) {
        if !self.is_judged() {
            mem::forget(self);
            return;
        }
        match classify() {
            Outcome::Success => self.succeeded(),
            Outcome::Failure => self.failed(),
            outcome => {
                let (breaker, word, ticket) = self.into_parts();
                record(&breaker.core, whole(word, ticket), outcome);
            }
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
        let (_, word, ticket) = self.into_parts();
        whole(word, ticket)
    }
}

impl Drop for Admitted<'_> {
    #[inline]
    fn drop(&mut self) {
        settle_rare(
            &self.breaker.core,
            self.word,
            self.ticket,
            CallEnd::Panicked,
        );
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
