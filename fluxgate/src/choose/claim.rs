//! The right to run an early probe, and the gates that are taken for it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{CircuitBreaker, engine::gate::Gate};

/// The right to run an early probe; given back when dropped.
pub(crate) struct Claim(Claimed);

enum Claimed {
    #[cfg(feature = "keyed")]
    Set(Arc<Gate>, u64),
    /// The breakers of a list, each with its turn. Lists have no identity: two of them
    /// share their pace if they share a breaker.
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
        let turn = gate.try_take(now)?;
        Some(Self(Claimed::Set(Arc::clone(gate), turn)))
    }

    pub(super) fn of_list(mut breakers: Vec<CircuitBreaker>) -> Option<Self> {
        // The same breaker twice in the list is one gate.
        breakers.sort_by_key(|breaker| Arc::as_ptr(&breaker.core));
        breakers.dedup_by(|a, b| Arc::ptr_eq(&a.core, &b.core));
        // Each has a clock of its own.
        let times: Vec<Duration> = breakers.iter().map(|breaker| breaker.core.now()).collect();
        let _together = together();
        let mut gates = breakers.iter().zip(&times);
        if !gates.all(|(breaker, now)| gate(breaker).is_open(*now)) {
            return None;
        }
        let taken = breakers
            .into_iter()
            .zip(times)
            .filter_map(|(breaker, now)| {
                let turn = gate(&breaker).try_take(now)?;
                Some((breaker, turn))
            });
        Some(Self(Claimed::List(taken.collect())))
    }

    /// Takes note that an early probe of this breaker begins.
    pub(super) fn begin(&self, breaker: &CircuitBreaker) {
        let lease = breaker.core.probe_lease();
        match &self.0 {
            #[cfg(feature = "keyed")]
            Claimed::Set(gate, turn) => gate.begin(*turn, breaker.core.now(), lease),
            Claimed::List(taken) => {
                for (breaker, turn) in taken {
                    gate(breaker).begin(*turn, breaker.core.now(), lease);
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
        match &self.0 {
            #[cfg(feature = "keyed")]
            Claimed::Set(gate, turn) => gate.release(*turn),
            Claimed::List(taken) => {
                let _together = together();
                for (breaker, turn) in taken {
                    gate(breaker).release(*turn);
                }
            }
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}
