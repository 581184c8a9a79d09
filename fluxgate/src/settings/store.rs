//! The settings that are in force, and which of them a breaker has.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::section::{Place, Sections, SourceKind, Values};
use crate::{
    Name,
    clock::SystemClock,
    registry::{self, PlacedBreaker},
};

/// The settings of every kind.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    file: Arc<Sections>,
    environment: Arc<Sections>,
    /// Higher than that of every source applied before, to any breaker.
    pub(super) version: u64,
}

impl Sources {
    pub(super) fn of(&self, kind: SourceKind) -> &Arc<Sections> {
        match kind {
            SourceKind::File => &self.file,
            SourceKind::Environment => &self.environment,
        }
    }

    /// Returns these with one kind replaced as a whole.
    pub(super) fn with(&self, kind: SourceKind, sections: Arc<Sections>) -> Self {
        let mut changed = self.clone();
        match kind {
            SourceKind::File => changed.file = sections,
            SourceKind::Environment => changed.environment = sections,
        }
        changed.version = next_version();
        changed
    }

    /// Returns what sections give a breaker that name it.
    pub(super) fn named(&self, name: &str, place: &Place) -> Values {
        let mut values = Values::new();
        for (kind, sections) in [
            (SourceKind::File, &self.file),
            (SourceKind::Environment, &self.environment),
        ] {
            for section in sections.of(kind, name, place).skip(1) {
                values.extend(
                    section
                        .iter()
                        .map(|(key, setting)| (*key, Arc::clone(setting))),
                );
            }
        }
        values
    }

    /// Returns what they give a breaker.
    pub(super) fn values(&self, name: &str, place: &Place) -> Values {
        let mut values = Values::new();
        for (kind, sections) in [
            (SourceKind::File, &self.file),
            (SourceKind::Environment, &self.environment),
        ] {
            if sections.is_empty() {
                continue;
            }
            for section in sections.of(kind, name, place) {
                values.extend(
                    section
                        .iter()
                        .map(|(key, setting)| (*key, Arc::clone(setting))),
                );
            }
        }
        values
    }
}

/// The settings of a process, or of a test that has breakers of its own.
pub(crate) struct Store {
    sources: Mutex<Option<Arc<Sources>>>,
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self {
            sources: Mutex::new(None),
        }
    }

    pub(super) fn sources(&self) -> Arc<Sources> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sources.get_or_insert_default())
    }

    /// Puts new sources in place, unless others are there than these were made from.
    pub(super) fn replace(&self, from: &Sources, new: Sources) -> bool {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let present = sources.get_or_insert_default();
        if present.version != from.version {
            return false;
        }
        let old = std::mem::replace(present, Arc::new(new));
        drop(sources);
        drop(old);
        true
    }

    /// Gives the sources a new version, without what is in them if they are to be
    /// forgotten: breakers look at them anew.
    pub(super) fn renew(&self, forget: bool) {
        let present = self.sources();
        let kept = if forget {
            &Sources::default()
        } else {
            &*present
        };
        let new = Sources {
            version: next_version(),
            ..kept.clone()
        };
        if !self.replace(&present, new) {
            // Others were put in place meanwhile, with a version of their own.
            self.renew(forget);
        }
    }
}

fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// In place of the settings of the process while a test has the time frozen, for breakers
/// on the system's clock.
static FROZEN: Store = Store::new();

/// Returns whether the settings of the process are hidden from breakers on the system's
/// clock.
fn is_frozen() -> bool {
    !registry::is_isolated() && SystemClock::is_replaced()
}

/// Calls a function with what holds the settings of breakers on such a clock.
pub(super) fn with<R>(on_system_clock: bool, f: impl FnOnce(&Store) -> R) -> R {
    if on_system_clock && is_frozen() {
        return f(&FROZEN);
    }
    registry::here(|known| f(&known.settings))
}

/// New sources that are to be put in place.
pub(super) struct Installation {
    process: Arc<Sources>,
    frozen: Option<Arc<Sources>>,
    new: Sources,
    new_frozen: Option<Sources>,
}

impl Installation {
    pub(super) fn new(kind: SourceKind, sections: &Arc<Sections>) -> Self {
        let process = registry::here(|known| known.settings.sources());
        let frozen = is_frozen().then(|| FROZEN.sources());
        let with = |sources: &Sources| sources.with(kind, Arc::clone(sections));
        Self {
            new: with(&process),
            new_frozen: frozen.as_deref().map(with),
            process,
            frozen,
        }
    }

    /// Returns what a breaker will have.
    pub(super) fn of(&self, on_system_clock: bool) -> &Sources {
        let frozen = self.new_frozen.as_ref().filter(|_| on_system_clock);
        frozen.unwrap_or(&self.new)
    }

    /// Puts the sources in place, unless others were put there meanwhile.
    pub(super) fn install(self) -> bool {
        let Self {
            process,
            frozen,
            new,
            new_frozen,
        } = self;
        let is_first = registry::here(|known| known.settings.replace(&process, new));
        is_first
            && match frozen.zip(new_frozen) {
                Some((present, new)) => FROZEN.replace(&present, new),
                None => true,
            }
    }
}

/// Hides the settings of the process from breakers on the system's clock, as long as that
/// is replaced, or shows them again.
pub(crate) fn hide() {
    FROZEN.renew(true);
    registry::here(|known| known.settings.renew(false));
}

/// The names of all breakers and sets.
pub(super) struct Known {
    breakers: Vec<Name>,
    by_file: HashSet<Name>,
    by_variable: HashSet<String>,
    sets: BTreeSet<Name>,
}

impl Known {
    pub(super) fn new(all: &[PlacedBreaker], sets: Vec<Name>) -> Self {
        let alone = all
            .iter()
            .filter(|placed| matches!(placed.place, Place::Alone));
        let breakers = alone.filter_map(|placed| Some(placed.breaker()?.name().clone()));
        let breakers: Vec<_> = breakers.collect();
        Self {
            by_variable: breakers
                .iter()
                .map(|name| SourceKind::Environment.plain(name))
                .collect(),
            by_file: breakers.iter().cloned().collect(),
            breakers,
            sets: sets.into_iter().collect(),
        }
    }

    pub(super) fn has_breaker(&self, kind: SourceKind, name: &str) -> bool {
        match kind {
            SourceKind::File => self.by_file.contains(name),
            SourceKind::Environment => self.by_variable.contains(&kind.plain(name)),
        }
    }

    pub(super) fn breakers(&self, kind: SourceKind) -> impl Iterator<Item = String> {
        self.breakers.iter().map(move |name| kind.plain(name))
    }

    pub(super) fn sets(&self, kind: SourceKind) -> impl Iterator<Item = String> {
        self.sets.iter().map(move |name| kind.plain(name))
    }
}
