//! The pace of early probes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long after one early probe began the next may.
const PACE: Duration = Duration::from_secs(1);

/// Lets early probes through one at a time, and one a second: those of a set of
/// breakers by key, or of one breaker in lists.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Passage>);

#[derive(Default)]
struct Passage {
    /// Whether an early probe is in flight.
    is_taken: bool,
    /// When the last one began.
    last: Option<Duration>,
}

impl Gate {
    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether an early probe may begin.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        self.passage().is_open(now)
    }

    /// Takes the gate for an early probe, if one may begin. Returns whether it did.
    pub(crate) fn try_take(&self, now: Duration) -> bool {
        let mut passage = self.passage();
        let is_open = passage.is_open(now);
        passage.is_taken |= is_open;
        is_open
    }

    /// Takes note that an early probe begins.
    pub(crate) fn begin(&self, now: Duration) {
        self.passage().last = Some(now);
    }

    /// Gives the gate back.
    pub(crate) fn release(&self) {
        self.passage().is_taken = false;
    }

    /// Forgets when the last early probe began.
    pub(super) fn forget(&self) {
        self.passage().last = None;
    }
}

impl Passage {
    fn is_open(&self, now: Duration) -> bool {
        // A clock that jumped back says nothing of the pace.
        let is_early = |last| now >= last && now.checked_sub(last).unwrap() < PACE;
        !self.is_taken && !self.last.is_some_and(is_early)
    }
}
