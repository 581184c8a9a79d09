//! The circuits of one registry.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::prometheus::{Error, Registry};
use once_cell::sync::OnceCell;

use super::{
    Settings,
    circuit::{Circuit, Collected},
    families::Family,
};
use crate::{Name, Signal, WeakBreaker, diagnostics};

/// What all listeners with one registry share.
///
/// Locks are taken in this order: circuits, registry, one circuit. A scrape takes
/// the last two.
pub(super) struct Exporter {
    registry: Registry,
    circuits: Mutex<BTreeMap<Name, Entry>>,
}

struct Entry {
    circuit: Arc<Circuit>,
    is_registered: bool,
}

/// A circuit's metrics don't go into the registry.
#[derive(Debug)]
pub(super) struct Clash {
    circuit: Name,
    error: Error,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { circuit, error } = self;
        let Error::Msg(message) = error else {
            return write!(
                f,
                "another listener exports a circuit breaker named '{circuit}' to this registry; clone one listener for both, or name the breakers apart"
            );
        };
        // The crate names the metric only in the middle of its description.
        let holds = |family: &&Family| message.contains(&format!("{:?}", family.name));
        match Family::ALL.iter().find(holds) {
            Some(Family { name, .. }) => write!(
                f,
                "the registry holds another metric named `{name}`, with other labels or another help text; rename that one, or give the listener a registry of its own"
            ),
            None => f.write_str(message),
        }
    }
}

impl std::error::Error for Clash {}

impl Exporter {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            registry,
            circuits: Mutex::default(),
        }
    }

    /// The one over the crate's default registry.
    pub(super) fn of_default_registry() -> Arc<Self> {
        static DEFAULT: OnceCell<Arc<Exporter>> = OnceCell::new();
        let exporter = DEFAULT.get_or_init(|| {
            let registry = ::prometheus::default_registry().clone();
            Arc::new(Self::new(registry))
        });
        Arc::clone(exporter)
    }

    fn circuits(&self) -> MutexGuard<'_, BTreeMap<Name, Entry>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exports a breaker, at `closed`.
    pub(super) fn attach(&self, breaker: &WeakBreaker, settings: &Settings) -> Result<(), Clash> {
        let mut circuits = self.circuits();
        self.prune(&mut circuits);
        let entry = entry(&mut circuits, breaker.name(), settings);
        if let Err(clash) = self.register(entry) {
            if entry.circuit.is_unused() {
                circuits.remove(breaker.name());
            }
            return Err(clash);
        }
        entry.circuit.add(breaker.clone());
        Ok(())
    }

    /// Takes note of a transition.
    pub(super) fn signal(&self, signal: &Signal, settings: &Settings) {
        let mut circuits = self.circuits();
        let entry = entry(&mut circuits, &signal.name, settings);
        entry.circuit.signal(signal.old_state, signal.new_state);
        if let Err(clash) = self.register(entry) {
            diagnostics::not_exported(&signal.name, &clash);
        }
    }

    /// Drops a circuit's series; its next signal brings them back.
    pub(super) fn close(&self, name: &Name) {
        let mut circuits = self.circuits();
        if let Some(entry) = circuits.get_mut(name) {
            self.unregister(entry);
            entry.circuit.forget();
        }
    }

    /// Drops the circuits whose breakers are gone.
    fn prune(&self, circuits: &mut BTreeMap<Name, Entry>) {
        circuits.retain(|_, entry| {
            let is_gone = entry.circuit.is_gone();
            if is_gone {
                self.unregister(entry);
            }
            !is_gone
        });
    }

    fn register(&self, entry: &mut Entry) -> Result<(), Clash> {
        if !entry.is_registered {
            let collected = Collected(Arc::clone(&entry.circuit));
            self.registry
                .register(Box::new(collected))
                .map_err(|error| Clash {
                    circuit: entry.circuit.name().clone(),
                    error,
                })?;
            entry.is_registered = true;
        }
        Ok(())
    }

    fn unregister(&self, entry: &mut Entry) {
        if std::mem::take(&mut entry.is_registered) {
            let collected = Collected(Arc::clone(&entry.circuit));
            // It fails only for what is not registered.
            let _ = self.registry.unregister(Box::new(collected));
        }
    }
}

/// The circuit of this name, made if need be.
fn entry<'a>(
    circuits: &'a mut BTreeMap<Name, Entry>,
    name: &Name,
    settings: &Settings,
) -> &'a mut Entry {
    circuits.entry(name.clone()).or_insert_with(|| Entry {
        circuit: Arc::new(Circuit::new(name.clone(), settings.clone())),
        is_registered: false,
    })
}
