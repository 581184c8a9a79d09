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
    /// Whether an early probe is in flight.
    is_taken: bool,
    /// When the last one began.
    last: Option<Duration>,
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
        let is_early = |last| now >= last && now.checked_sub(last).unwrap() < PACE;
        !self.is_taken && !self.last.is_some_and(is_early)
    }
}

/// The right to run an early probe; given back when dropped.
pub(crate) struct Claim(Of);

enum Of {
    #[cfg(feature = "keyed")]
    Set(Arc<Gate>),
    /// The breakers of a list. Lists have no identity: two of them share their pace
    /// if they share a breaker.
    List(Vec<CircuitBreaker>),
}

/// Held while the gates of a list are looked at and taken together.
static LISTS: Mutex<()> = Mutex::new(());

impl Claim {
    #[cfg(feature = "keyed")]
    pub(super) fn of_set(gate: &Arc<Gate>, now: Duration) -> Option<Self> {
        let mut state = gate.state();
        if !state.is_open(now) {
            return None;
        }
        state.is_taken = true;
        drop(state);
        Some(Self(Of::Set(Arc::clone(gate))))
    }

    pub(super) fn of_list(mut breakers: Vec<CircuitBreaker>, now: Duration) -> Option<Self> {
        // The same breaker twice in the list is one gate.
        breakers.sort_by_key(|breaker| Arc::as_ptr(&breaker.core));
        breakers.dedup_by(|a, b| Arc::ptr_eq(&a.core, &b.core));
        let _together = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = |breaker: &CircuitBreaker| breaker.core.choice().gate.state().is_open(now);
        if !breakers.iter().all(gate) {
            return None;
        }
        for breaker in &breakers {
            breaker.core.choice().gate.state().is_taken = true;
        }
        Some(Self(Of::List(breakers)))
    }

    /// Takes note that an early probe begins.
    pub(super) fn begin(&self, now: Duration) {
        self.each(|state| state.last = Some(now));
    }

    fn each(&self, change: impl Fn(&mut State)) {
        match &self.0 {
            #[cfg(feature = "keyed")]
            Of::Set(gate) => change(&mut gate.state()),
            Of::List(breakers) => {
                let _together = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
                for breaker in breakers {
                    change(&mut breaker.core.choice().gate.state());
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.each(|state| state.is_taken = false);
    }
}
