//! Saved circuits whose breakers are not built yet.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::SavedCircuit;
use crate::Name;

/// What was restored, until the breakers take it.
pub(crate) struct PendingCircuits {
    pub(super) saved_at: SystemTime,
    pub(super) max_age: Duration,
    circuits: BTreeMap<String, SavedCircuit>,
}

impl PendingCircuits {
    pub(super) fn new(
        saved_at: SystemTime,
        max_age: Duration,
        circuits: BTreeMap<String, SavedCircuit>,
    ) -> Self {
        Self {
            saved_at,
            max_age,
            circuits,
        }
    }
}

/// The saved circuits of the process, or of a test that has breakers of its own.
pub(crate) struct SavedStore {
    /// Whether there are any: breakers that are built look here first.
    any: AtomicBool,
    pending: Mutex<Option<PendingCircuits>>,
}

/// A circuit to be restored.
pub(crate) struct Restorable {
    pub(crate) circuit: SavedCircuit,
    pub(crate) saved_at: SystemTime,
    pub(crate) max_age: Duration,
}

impl SavedStore {
    pub(crate) const fn new() -> Self {
        Self {
            any: AtomicBool::new(false),
            pending: Mutex::new(None),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Option<PendingCircuits>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, circuits: PendingCircuits) {
        let mut pending = self.pending();
        // Stored under the lock: a breaker that is entered in the registry before it is
        // listed is found there, and one that is entered later sees this.
        self.any
            .store(!circuits.circuits.is_empty(), Ordering::SeqCst);
        *pending = Some(circuits);
    }

    /// Takes what was saved of the breaker with this name.
    pub(crate) fn take(&self, name: &str) -> Option<Restorable> {
        if !self.any.load(Ordering::SeqCst) {
            return None;
        }
        let mut pending = self.pending();
        let circuits = pending.as_mut()?;
        let circuit = circuits.circuits.remove(name)?;
        let (saved_at, max_age) = (circuits.saved_at, circuits.max_age);
        if circuits.circuits.is_empty() {
            self.any.store(false, Ordering::SeqCst);
            *pending = None;
        }
        Some(Restorable {
            circuit,
            saved_at,
            max_age,
        })
    }

    pub(super) fn names(&self) -> Vec<Name> {
        let pending = self.pending();
        let names = pending.iter().flat_map(|it| it.circuits.keys());
        names.map(|name| name.clone().into()).collect()
    }
}
