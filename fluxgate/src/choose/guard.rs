//! Guards that own their breaker.

use std::{fmt, time::Duration};

use super::claim::Claim;
use crate::{
    CircuitBreaker, Outcome,
    call::{record, record_measured},
    engine::ticket::{CallEnd, Ticket},
    util::duration::nanos,
};

/// One admitted call, from [`CircuitBreaker::acquire_owned`]: a guard that is
/// `'static` and `Send`, to be kept in an application's state, sent through a queue,
/// or handed across an FFI boundary.
///
/// Dropped before it is settled, the call was cancelled, and counts as
/// [`on_cancel`](crate::Builder::on_cancel) says; also if it is dropped by a panic,
/// which may be that of another call. (A [`Guard`](crate::Guard) stays with its
/// call, and a panic that drops it is a failure.) It holds the breaker, but no place
/// in a keyed set: a key that was removed from its set meanwhile has a new breaker,
/// of which this guard knows nothing.
///
/// ```
/// use std::{sync::mpsc, thread};
/// # use fluxgate::CircuitBreaker;
/// # let breaker = CircuitBreaker::builder("api").build()?;
/// let (queue, jobs) = mpsc::channel();
/// queue.send(breaker.acquire_owned()?)?;
/// let worker = thread::spawn(move || {
///     for guard in jobs {
///         guard.success();
///     }
/// });
/// # drop(queue);
/// # worker.join().expect("no panic");
/// # assert_eq!(breaker.info().metrics.total_count, 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call that is dropped counts as cancelled"]
pub struct OwnedGuard {
    breaker: CircuitBreaker,
    ticket: Option<Ticket>,
    /// How long the call took, in nanoseconds, if that was measured elsewhere.
    elapsed: Option<u64>,
    /// Whether the call panicked, which a guard that is dropped does not know by
    /// itself.
    has_panicked: bool,
    /// For an early probe: its right to run, given back when it is settled.
    claim: Option<Claim>,
}

impl OwnedGuard {
    #[inline]
    pub(super) fn new(breaker: CircuitBreaker, ticket: Ticket) -> Self {
        Self {
            breaker,
            ticket: Some(ticket),
            elapsed: None,
            has_panicked: false,
            claim: None,
        }
    }

    pub(super) fn early(breaker: CircuitBreaker, ticket: Ticket, claim: Claim) -> Self {
        let mut guard = Self::new(breaker, ticket);
        guard.claim = Some(claim);
        guard
    }

    /// Returns the breaker that admitted the call.
    #[must_use]
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Sets how long the call took, in place of the time from its admission to its
    /// end: for durations that are measured elsewhere, by a client's own statistics
    /// or on the other side of a queue.
    ///
    /// What ends the call comes after it: `guard.with_duration(d).failure()`.
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.elapsed = Some(nanos(duration));
        self
    }

    /// Settles the call as a success.
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// Settles the call as a failure.
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// Settles the call as an error that proves the dependency answers.
    pub fn alive(self) {
        self.record(Outcome::Alive);
    }

    /// Settles the call as a failure for want of capacity.
    pub fn overloaded(self) {
        self.record(Outcome::Overloaded);
    }

    /// Settles the call as one that says nothing about the dependency.
    pub fn ignore(self) {
        self.record(Outcome::Ignored);
    }

    /// Settles the call with this outcome.
    pub fn record(mut self, outcome: Outcome) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let core = &self.breaker.core;
        match self.elapsed {
            _ if ticket.is_early() => core.settle_early(ticket, outcome.into(), self.elapsed),
            Some(elapsed) => record_measured(core, ticket, outcome, elapsed),
            None => record(core, ticket, outcome),
        }
    }

    /// Takes note that the call panicked: dropped, it is settled so.
    pub(super) fn panicked(&mut self) {
        self.has_panicked = true;
    }
}

impl Drop for OwnedGuard {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let ended = if self.has_panicked {
            CallEnd::Panicked
        } else {
            CallEnd::Cancelled
        };
        let core = &self.breaker.core;
        match self.elapsed {
            _ if ticket.is_early() => core.settle_early(ticket, ended, self.elapsed),
            Some(elapsed) => core.settle_measured(ticket, ended, elapsed),
            None => core.settle(ticket, ended),
        }
    }
}

impl fmt::Debug for OwnedGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedGuard")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
