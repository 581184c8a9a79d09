//! The right to run an early probe, and the gates that are taken for it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{CircuitBreaker, engine::gate::Gate};

/// The right to run an early probe; given back when dropped.
pub(crate) struct Claim(Claimed);

enum Claimed {
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
        gate.try_take(now)
            .then(|| Self(Claimed::Set(Arc::clone(gate))))
    }

    pub(super) fn of_list(mut breakers: Vec<CircuitBreaker>, now: Duration) -> Option<Self> {
        // The same breaker twice in the list is one gate.
        breakers.sort_by_key(|breaker| Arc::as_ptr(&breaker.core));
        breakers.dedup_by(|a, b| Arc::ptr_eq(&a.core, &b.core));
        let _together = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
        if !breakers.iter().all(|breaker| gate(breaker).is_open(now)) {
            return None;
        }
        for breaker in &breakers {
            gate(breaker).try_take(now);
        }
        Some(Self(Claimed::List(breakers)))
    }

    /// Takes note that an early probe begins.
    pub(super) fn begin(&self, now: Duration) {
        self.each(|gate| gate.begin(now));
    }

    fn each(&self, change: impl Fn(&Gate)) {
        match &self.0 {
            #[cfg(feature = "keyed")]
            Claimed::Set(gate) => change(gate),
            Claimed::List(breakers) => {
                let _together = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
                for breaker in breakers {
                    change(gate(breaker));
                }
            }
        }
    }
}

fn gate(breaker: &CircuitBreaker) -> &Gate {
    &breaker.core.choice().gate
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.each(Gate::release);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}
