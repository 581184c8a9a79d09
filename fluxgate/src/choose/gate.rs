//! The pace of early probes: one at a time, and one a second, for a set.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::CircuitBreaker;

/// How long after one early probe began the next may.
const PACE: Duration = Duration::from_secs(1);

/// The pace of one set of breakers by key, or of one breaker in lists.
#[derive(Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self) {
        self.state().last = None;
    }
}

impl State {
    fn is_open(&self, now: Duration) -> bool {
        // A clock that jumped back says nothing of the pace.
        let is_within = |since, span| now.checked_sub(since).is_some_and(|past| past < span);
        let is_taken = self
            .taken
            .as_ref()
            .is_some_and(|taken| is_within(taken.since, taken.lease));
        !is_taken && !self.last.is_some_and(|last| is_within(last, PACE))
    }

    /// Lets a holder in. Returns its turn.
    fn take(&mut self, now: Duration) -> u64 {
        self.turns += 1;
        self.taken = Some(Taken {
            turn: self.turns,
            since: now,
            lease: Duration::MAX,
        });
        self.turns
    }

    /// Takes note that the early probe of this turn begins.
    fn begin(&mut self, turn: u64, now: Duration, lease: Duration) {
        self.last = Some(now);
        if let Some(taken) = self.taken.as_mut().filter(|taken| taken.turn == turn) {
            (taken.since, taken.lease) = (now, lease);
        }
    }

    /// Lets the holder of this turn out, unless another took its place.
    fn leave(&mut self, turn: u64) {
        self.taken.take_if(|taken| taken.turn == turn);
    }
}

/// The right to run an early probe; given back when dropped.
pub(crate) struct Claim(Of);

enum Of {
    #[cfg(feature = "keyed")]
    Set(Arc<Gate>, u64),
    /// The breakers of a list. Lists have no identity: two of them share their pace
    /// if they share a breaker.
    List(Vec<(CircuitBreaker, u64)>),
}

/// Held while the gates of a list are looked at and taken together. No code of the
/// user's runs under it: clocks are read before.
static LISTS: Mutex<()> = Mutex::new(());

fn together() -> MutexGuard<'static, ()> {
    LISTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claim {
    #[cfg(feature = "keyed")]
    pub(super) fn of_set(gate: &Arc<Gate>, now: Duration) -> Option<Self> {
        let mut state = gate.state();
        if !state.is_open(now) {
            return None;
        }
        let turn = state.take(now);
        drop(state);
        Some(Self(Of::Set(Arc::clone(gate), turn)))
    }

    pub(super) fn of_list(mut breakers: Vec<CircuitBreaker>) -> Option<Self> {
        // The same breaker twice in the list is one gate.
        breakers.sort_by_key(|breaker| Arc::as_ptr(&breaker.core));
        breakers.dedup_by(|a, b| Arc::ptr_eq(&a.core, &b.core));
        // Each has a clock of its own.
        let times: Vec<Duration> = breakers.iter().map(|breaker| breaker.core.now()).collect();
        let _together = together();
        let mut gates = breakers.iter().zip(&times);
        if !gates.all(|(breaker, now)| breaker.core.choice().gate.state().is_open(*now)) {
            return None;
        }
        let taken = breakers.into_iter().zip(times).map(|(breaker, now)| {
            let turn = breaker.core.choice().gate.state().take(now);
            (breaker, turn)
        });
        Some(Self(Of::List(taken.collect())))
    }

    /// Takes note that an early probe of this breaker begins.
    pub(super) fn begin(&self, breaker: &CircuitBreaker) {
        let lease = breaker.core.probe_lease();
        match &self.0 {
            #[cfg(feature = "keyed")]
            Of::Set(gate, turn) => {
                let now = breaker.core.now();
                gate.state().begin(*turn, now, lease);
            }
            Of::List(taken) => {
                for (breaker, turn) in taken {
                    let now = breaker.core.now();
                    let gate = &breaker.core.choice().gate;
                    gate.state().begin(*turn, now, lease);
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        match &self.0 {
            #[cfg(feature = "keyed")]
            Of::Set(gate, turn) => gate.state().leave(*turn),
            Of::List(taken) => {
                let _together = together();
                for (breaker, turn) in taken {
                    breaker.core.choice().gate.state().leave(*turn);
                }
            }
        }
    }
}
