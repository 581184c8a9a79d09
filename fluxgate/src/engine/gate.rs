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
    /// The early probe in flight.
    taken: Option<Taken>,
    /// When the last one began.
    last: Option<Duration>,
    /// How many there were.
    turns: u64,
}

struct Taken {
    /// Tells its holder from a later one.
    turn: u64,
    since: Duration,
    /// How long it keeps others out at most: as long as it holds its slot. An early
    /// probe that hangs, or whose future is leaked, does not end them for ever.
    lease: Duration,
}

impl Gate {
    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether an early probe may begin.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        self.passage().is_open(now)
    }

    /// Takes the gate for an early probe, if one may begin. Returns its turn.
    pub(crate) fn try_take(&self, now: Duration) -> Option<u64> {
        let mut passage = self.passage();
        if !passage.is_open(now) {
            return None;
        }
        passage.turns += 1;
        passage.taken = Some(Taken {
            turn: passage.turns,
            since: now,
            lease: Duration::MAX,
        });
        Some(passage.turns)
    }

    /// Takes note that the early probe of this turn begins, and how long it holds its
    /// slot.
    pub(crate) fn begin(&self, turn: u64, now: Duration, lease: Duration) {
        let mut passage = self.passage();
        passage.last = Some(now);
        if let Some(taken) = passage.taken.as_mut().filter(|taken| taken.turn == turn) {
            (taken.since, taken.lease) = (now, lease);
        }
    }

    /// Gives the gate back, unless another took it after the lease of this turn.
    pub(crate) fn release(&self, turn: u64) {
        self.passage().taken.take_if(|taken| taken.turn == turn);
    }

    /// Forgets when the last early probe began.
    pub(super) fn forget(&self) {
        self.passage().last = None;
    }
}

impl Passage {
    fn is_open(&self, now: Duration) -> bool {
        // A clock that jumped back says nothing of the pace.
        let is_within = |since, span| now.checked_sub(since).is_some_and(|past| past < span);
        let taken = self.taken.as_ref();
        let is_taken = taken.is_some_and(|taken| is_within(taken.since, taken.lease));
        !is_taken && !self.last.is_some_and(|last| is_within(last, PACE))
    }
}
