//! The metrics of one name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{
    Settings,
    families::{Family, STATE, TRANSITIONS},
    reading::Reading,
};
use crate::{Name, State, WeakBreaker};

/// The breakers of one name, usually one, and what their signals said.
pub(super) struct Circuit {
    name: Name,
    settings: Settings,
    descs: Vec<Desc>,
    seen: Mutex<Seen>,
}

struct Seen {
    state: State,
    transitions: BTreeMap<(State, State), u64>,
    breakers: Vec<WeakBreaker>,
}

impl Circuit {
    pub(super) fn new(name: Name, settings: Settings) -> Self {
        let is_wanted = |family: &&Family| match family.group {
            Some(group) => settings.has(group),
            None => true,
        };
        let wanted = Family::ALL.iter().filter(is_wanted);
        // Every name and every label is a valid one.
        let descs = wanted.filter_map(|family| family.desc(&name).ok());
        Self {
            descs: descs.collect(),
            name,
            settings,
            seen: Mutex::new(Seen {
                state: State::Closed,
                transitions: BTreeMap::new(),
                breakers: Vec::new(),
            }),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn add(&self, breaker: WeakBreaker) {
        let mut seen = self.seen();
        seen.breakers.retain(|breaker| !breaker.is_gone());
        seen.breakers.push(breaker);
    }

    pub(super) fn signal(&self, old_state: State, new_state: State) {
        let mut seen = self.seen();
        seen.state = new_state;
        *seen.transitions.entry((old_state, new_state)).or_default() += 1;
    }

    /// Counts from zero again.
    pub(super) fn forget(&self) {
        self.seen().transitions.clear();
    }

    /// Whether it never had a breaker.
    pub(super) fn is_unused(&self) -> bool {
        self.seen().breakers.is_empty()
    }

    /// Whether it had breakers and they are all gone.
    pub(super) fn is_gone(&self) -> bool {
        self.seen().is_gone()
    }
}

impl Seen {
    fn is_gone(&self) -> bool {
        !self.breakers.is_empty() && self.breakers.iter().all(WeakBreaker::is_gone)
    }
}

/// A circuit in the registry.
pub(super) struct Collected(pub(super) Arc<Circuit>);

impl Collector for Collected {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Circuit {
            name,
            settings,
            seen: _,
            descs: _,
        } = &*self.0;
        let seen = self.0.seen();
        if seen.is_gone() {
            return Vec::new();
        }
        let states = State::ALL.map(|state| {
            let is_present = u8::from(state == seen.state);
            ([state.to_string()], f64::from(is_present))
        });
        let transitions = seen.transitions.iter().map(|((old_state, new_state), n)| {
            ([new_state.to_string(), old_state.to_string()], *n as f64)
        });
        let mut families = vec![STATE.of(name, states), TRANSITIONS.of(name, transitions)];
        let breakers: Vec<_> = seen
            .breakers
            .iter()
            .filter_map(WeakBreaker::upgrade)
            .collect();
        // Not while asking the breakers, and their listeners.
        drop(seen);
        if let Some(reading) = Reading::of(&breakers) {
            reading.families(name, settings, &mut families);
        }
        families
    }
}
