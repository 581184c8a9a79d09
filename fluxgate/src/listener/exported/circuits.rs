//! The circuits that are exported to one place.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Settings,
    circuit::{Circuit, Snapshot},
    reading::Reading,
    totals::ExportedTotals,
};
use crate::{Info, Name, Signal, WeakBreaker, util::panic::catch_panic};

/// How many names without a breaker are kept. Their counters go on from where
/// they were when a breaker of the name comes back. Beyond, the name that lost
/// its last breaker first is forgotten, and counted.
const IDLE: usize = 1000;

/// Every circuit by its name.
///
/// The lock is held for lookups and sums alone: breakers are read, and dropped,
/// without it, and its holder takes no other lock (but that of the circuits
/// that these moved to).
#[derive(Default)]
pub(crate) struct Circuits {
    place: Mutex<CircuitsPlace>,
}

enum CircuitsPlace {
    Here(Table),
    /// Others serve the same place.
    Moved(Arc<Circuits>),
}

impl Default for CircuitsPlace {
    fn default() -> Self {
        Self::Here(Table::default())
    }
}

#[derive(Default)]
struct Table {
    circuits: HashMap<Name, Circuit>,
    /// Names without a breaker, the longest first, each with the time since when.
    /// An entry counts only while the circuit is idle since that time.
    idle: VecDeque<(Name, u64)>,
    /// How many circuits are idle.
    idle_count: usize,
    /// Numbers the moments at which circuits become idle.
    time: u64,
    forgotten: u64,
}

/// All circuits at one moment.
pub(crate) struct Readings {
    pub(crate) circuits: Vec<Reading>,
    /// How many names were forgotten up to now.
    pub(crate) forgotten: u64,
}

impl Circuits {
    fn place(&self) -> MutexGuard<'_, CircuitsPlace> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, f: impl FnOnce(&mut Table) -> R) -> R {
        let moved = match &mut *self.place() {
            CircuitsPlace::Here(table) => return f(table),
            CircuitsPlace::Moved(to) => Arc::clone(to),
        };
        moved.with(f)
    }

    /// Adds a breaker; one that is there already counts once.
    pub(crate) fn attach(&self, breaker: &WeakBreaker, settings: &Settings) {
        self.with(|table| {
            table
                .circuit(breaker.name(), settings)
                .add(breaker, settings);
            table.settle(breaker.name());
        });
    }

    /// Takes note of a transition.
    pub(crate) fn signal(&self, signal: &Signal, settings: &Settings) {
        // Its listener may be one that passes on nothing but signals.
        let origin = signal.origin.breaker();
        let newcomer = origin.filter(|breaker| !breaker.is_gone());
        self.with(|table| {
            let circuit = table.circuit(&signal.name, settings);
            if let Some(breaker) = newcomer.filter(|breaker| !circuit.has(breaker)) {
                circuit.add(breaker, settings);
            }
            circuit.signal(signal);
            table.settle(&signal.name);
        });
    }

    /// Removes a breaker whose last handle was dropped.
    pub(crate) fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        let name = breaker.name();
        let settings = self.with(|table| {
            let circuit = table.circuits.get(name)?;
            let is_here = circuit.has(breaker);
            is_here.then(|| circuit.settings().clone())
        });
        let Some(settings) = settings else { return };
        let last = catch_panic(last).map(|info| ExportedTotals::of(&info, &settings.bounds));
        let last = last.unwrap_or_default();
        self.with(|table| {
            if let Some(circuit) = table.circuits.get_mut(name) {
                circuit.remove(breaker, &last);
            }
            table.settle(name);
        });
    }

    /// Drops the series of these names until their next signals.
    pub(crate) fn close<'a>(&self, names: impl IntoIterator<Item = &'a Name>) {
        for name in names {
            self.with(|table| {
                if let Some(circuit) = table.circuits.get_mut(name) {
                    circuit.close();
                    if !circuit.has_members() {
                        table.remove(name);
                    }
                }
            });
        }
    }

    /// Keeps those of the names that are known here.
    pub(crate) fn retain_known(&self, names: &mut HashSet<Name>) {
        self.with(|table| names.retain(|name| table.circuits.contains_key(name)));
    }

    /// Reads all circuits. Breakers are asked one after the other, without the
    /// lock, and held no longer than that takes.
    pub(crate) fn read(&self) -> Readings {
        let names: Vec<Name> = self.with(|table| table.circuits.keys().cloned().collect());
        let circuits = names.iter().filter_map(|name| self.read_one(name));
        Readings {
            circuits: circuits.collect(),
            forgotten: self.with(|table| table.forgotten),
        }
    }

    fn read_one(&self, name: &Name) -> Option<Reading> {
        let snapshot = self.with(|table| table.circuits.get(name)?.snapshot(name));
        let Snapshot {
            mut reading,
            members,
        } = snapshot?;
        let mut unread = Vec::new();
        for member in members {
            let info = member
                .upgrade()
                .and_then(|breaker| catch_panic(|| breaker.info()));
            match info {
                Some(info) => reading.add(&info),
                None => unread.push(member.identity()),
            }
        }
        self.with(|table| {
            if let Some(circuit) = table.circuits.get_mut(name) {
                circuit.read(&mut reading, &unread);
            }
            table.settle(name);
        });
        Some(reading)
    }

    /// Hands all circuits over to others, now and from now on.
    pub(crate) fn move_to(self: &Arc<Self>, others: &Arc<Self>) {
        if Arc::ptr_eq(self, others) {
            return;
        }
        // Under the lock of both, so that nothing is told to the wrong ones. The
        // others never move themselves: they are the ones that are exported.
        let mut place = self.place();
        if let CircuitsPlace::Here(table) = &mut *place {
            let table = std::mem::take(table);
            others.with(|theirs| theirs.absorb(table));
            *place = CircuitsPlace::Moved(Arc::clone(others));
        }
    }

    /// Returns these, or those that they moved to.
    pub(crate) fn resolved(self: &Arc<Self>) -> Arc<Self> {
        let moved = match &*self.place() {
            CircuitsPlace::Here(_) => return Arc::clone(self),
            CircuitsPlace::Moved(to) => Arc::clone(to),
        };
        moved.resolved()
    }
}

impl Table {
    /// Returns the circuit of this name, made if need be.
    fn circuit(&mut self, name: &Name, settings: &Settings) -> &mut Circuit {
        self.circuits
            .entry(name.clone())
            .or_insert_with(|| Circuit::new(settings.clone()))
    }

    /// Enters a circuit among the idle ones or takes it out, after a change.
    fn settle(&mut self, name: &Name) {
        let Some(circuit) = self.circuits.get_mut(name) else {
            return;
        };
        match (circuit.has_members(), circuit.idle_since) {
            (true, 0) => {}
            (true, _) => {
                circuit.idle_since = 0;
                self.idle_count -= 1;
            }
            (false, 0) => {
                self.time += 1;
                circuit.idle_since = self.time;
                self.idle_count += 1;
                self.idle.push_back((name.clone(), self.time));
                self.forget();
            }
            (false, _) => {}
        }
    }

    /// Keeps the idle circuits, and the entries that no longer count, bounded.
    fn forget(&mut self) {
        while self.idle_count > IDLE {
            let Some((name, since)) = self.idle.pop_front() else {
                return;
            };
            if self.is_idle(&name, since) {
                self.remove(&name);
                self.forgotten += 1;
            }
        }
        if self.idle.len() > 2 * IDLE {
            let mut idle = std::mem::take(&mut self.idle);
            idle.retain(|(name, since)| self.is_idle(name, *since));
            self.idle = idle;
        }
    }

    fn is_idle(&self, name: &Name, since: u64) -> bool {
        let circuit = self.circuits.get(name);
        circuit.is_some_and(|circuit| circuit.idle_since == since)
    }

    fn remove(&mut self, name: &Name) {
        let removed = self.circuits.remove(name);
        if removed.is_some_and(|circuit| circuit.idle_since > 0) {
            self.idle_count -= 1;
        }
    }

    fn absorb(&mut self, other: Self) {
        self.forgotten += other.forgotten;
        for (name, mut circuit) in other.circuits {
            circuit.idle_since = 0;
            if let Some(own) = self.circuits.get_mut(&name) {
                own.absorb(circuit);
            } else {
                self.circuits.insert(name.clone(), circuit);
            }
            self.settle(&name);
        }
    }
}
