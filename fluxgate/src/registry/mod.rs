//! The breakers of this process, by name.
//!
//! A breaker is entered when it is built and leaves when its last handle is
//! dropped. The breaker of an annotated function is built when first used; with
//! the feature `inventory` those that were never used are known as well, and
//! [`all`], [`find`], [`snapshot`] and [`command`] build them. So one call of
//! [`all`] at the start of `main` is enough for every breaker to be there when
//! metrics are first scraped.
//!
//! Names need not be unique, but should be: a second breaker of one name is
//! reported when it is built.
//!
//! ```
//! use fluxgate::{CircuitBreaker, Command, State, registry};
//!
//! let breaker = CircuitBreaker::builder("billing").build()?;
//! assert_eq!(registry::command("billing", Command::ForceOpen), 1);
//! assert_eq!(breaker.state(), State::ForcedOpen);
//!
//! registry::find("billing").expect("just built").reset();
//! assert_eq!(registry::snapshot()[0].state, State::Closed);
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```

mod health;
#[cfg(feature = "test-util")]
pub(crate) mod isolated;
pub(crate) mod linked;
#[cfg(feature = "settings")]
pub(crate) mod saved;

pub use health::{Health, health};
#[cfg(feature = "settings")]
pub use saved::{RestoreReport, RestoredCircuit, SavedState, SkippedRestore, save};

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, Weak},
};

#[cfg(feature = "page")]
use std::collections::HashSet;

#[cfg(all(feature = "page", feature = "keyed"))]
use crate::State;
#[cfg(feature = "page")]
use crate::WeakBreaker;
#[cfg(feature = "settings")]
use crate::settings::section::Place;
use crate::{
    CircuitBreaker, Command, Info, Name,
    engine::{Core, clock_source::ClockSource},
    info::kill_switch,
};

/// Returns every breaker, in the order in which they were built.
///
/// A handle keeps its breaker: one of a [key](crate::keyed) makes no room for another
/// while the list lives. To look at all for longer, keep a [`snapshot`], or
/// [weak](CircuitBreaker::downgrade) handles.
///
/// Environment variables for breakers (see [`KillSwitch`](crate::KillSwitch))
/// that fit none of them are reported, each once: with the feature `inventory`
/// a mistyped name is found at the start of the program.
#[allow(
    clippy::must_use_candidate,
    reason = "called at the start of `main` for what it builds and reports"
)]
pub fn all() -> Vec<CircuitBreaker> {
    build_linked();
    report_strays();
    living().collect()
}

fn report_strays() {
    if !is_isolated() {
        let names: Vec<_> = living().map(|breaker| breaker.name().clone()).collect();
        kill_switch::report_strays(&names.iter().map(Name::as_str));
    }
}

/// Returns the breaker of this name, or `None` if there is none. Of several, it
/// is the one built first.
#[must_use]
pub fn find(name: &str) -> Option<CircuitBreaker> {
    build_linked();
    named(name).next()
}

/// Returns the [`Info`] of every breaker, in the order they were built. With the
/// feature `serde` it can be serialised.
#[must_use]
pub fn snapshot() -> Vec<Info> {
    build_linked();
    report_strays();
    living().map(|breaker| breaker.info()).collect()
}

/// Gives a command to every breaker of this name. Returns how many there were:
/// usually one, and none if the name is unknown.
#[must_use = "it is zero if the name is unknown"]
pub fn command(name: &str, command: Command) -> usize {
    build_linked();
    let commanded = named(name).map(|breaker| breaker.command(command));
    commanded.count()
}

/// Gives a command to every breaker of this name, as
/// [`command_by`](CircuitBreaker::command_by) does. Returns how many there were.
#[must_use = "it is zero if the name is unknown"]
pub fn command_by(name: &str, command: Command, by: &str) -> usize {
    build_linked();
    let commanded = named(name).map(|breaker| breaker.command_by(command, by));
    commanded.count()
}

/// The breakers in the order they were built, and where those of a name are.
#[derive(Default)]
struct Breakers {
    /// By their number. Some may have been dropped: at most as many as live.
    built: BTreeMap<u64, Weak<Core>>,
    /// By the hash of the name.
    by_name: HashMap<u64, Namesakes>,
    next: u64,
    /// How many there may be before the dropped ones are taken out.
    room: usize,
    /// How many entries were looked at.
    #[cfg(test)]
    looks: std::cell::Cell<usize>,
}

/// The breakers of a name.
#[derive(Default)]
struct Namesakes {
    /// Their numbers, ascending.
    numbers: VecDeque<u64>,
    /// Whether it was reported that there are several.
    reported: bool,
}

/// How many breakers there are before any is taken out.
const ROOM: usize = 64;

/// The breakers that are known: to the process, or to a test that has breakers
/// of its own.
pub(crate) struct KnownBreakers {
    /// `None` before the first is entered.
    breakers: Mutex<Option<Breakers>>,
    #[cfg(feature = "keyed")]
    groups: Mutex<Vec<Weak<dyn Group>>>,
    #[cfg(feature = "settings")]
    pub(crate) saved: saved::SavedStore,
    #[cfg(feature = "settings")]
    pub(crate) settings: crate::settings::store::Store,
}

impl KnownBreakers {
    pub(crate) const fn new() -> Self {
        Self {
            breakers: Mutex::new(None),
            #[cfg(feature = "keyed")]
            groups: Mutex::new(Vec::new()),
            #[cfg(feature = "settings")]
            saved: saved::SavedStore::new(),
            #[cfg(feature = "settings")]
            settings: crate::settings::store::Store::new(),
        }
    }
}

static KNOWN: KnownBreakers = KnownBreakers::new();

/// Gives the breakers that this thread sees.
pub(crate) fn here<R>(f: impl FnOnce(&KnownBreakers) -> R) -> R {
    #[cfg(feature = "test-util")]
    if let Some(world) = isolated::world() {
        return f(&world.known);
    }
    f(&KNOWN)
}

fn with<R>(f: impl FnOnce(&mut Breakers) -> R) -> R {
    here(|known| {
        let mut breakers = known
            .breakers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        f(breakers.get_or_insert_default())
    })
}

impl Breakers {
    /// Takes constant time, on the average: dropped breakers are taken out when
    /// as many new ones came as were left the last time. Returns the oldest
    /// breaker whose name has this hash, if that was not reported yet.
    fn enter(&mut self, hash: u64, core: Weak<Core>) -> Option<CircuitBreaker> {
        if self.built.len() >= self.room.max(ROOM) {
            self.sweep();
            self.room = self.built.len() * 2;
        }
        #[cfg(test)]
        let looks = &self.looks;
        let (built, by_name) = (&mut self.built, &mut self.by_name);
        let is_gone = |number: &u64| {
            #[cfg(test)]
            looks.set(looks.get() + 1);
            built
                .get(number)
                .is_none_or(|core| core.strong_count() == 0)
        };
        let same = by_name.entry(hash).or_default();
        // Ends that are gone go for good, so that the first is one that lives.
        while same.numbers.back().is_some_and(is_gone) {
            same.numbers.pop_back();
        }
        while same.numbers.front().is_some_and(is_gone) {
            same.numbers.pop_front();
        }
        let first = same.numbers.front().filter(|_| !same.reported);
        let first = first.and_then(|number| built.get(number)?.upgrade());
        same.reported |= first.is_some();
        same.numbers.push_back(self.next);
        built.insert(self.next, core);
        self.next += 1;
        first.map(|core| CircuitBreaker { core })
    }

    fn sweep(&mut self) {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 2 * self.built.len());
        let built = &mut self.built;
        built.retain(|_, core| core.strong_count() > 0);
        self.by_name.retain(|_, Namesakes { numbers, .. }| {
            numbers.retain(|number| built.contains_key(number));
            !numbers.is_empty()
        });
    }

    /// Returns the breakers whose name has this hash, in the order they were
    /// built.
    fn hashed(&self, hash: u64) -> Vec<Weak<Core>> {
        let same = self.by_name.get(&hash);
        let numbers = same.into_iter().flat_map(|same| &same.numbers);
        let cores = numbers.filter_map(|number| self.built.get(number));
        cores.cloned().collect()
    }

    fn all(&self) -> Vec<Weak<Core>> {
        self.built.values().cloned().collect()
    }
}

/// Goes through breakers, and holds one at a time: a set of keys that is full replaces
/// no breaker that is held, and looking at all takes a while. Handles are dropped
/// without a lock, too: that may run code of a listener.
fn one_at_a_time(cores: Vec<Weak<Core>>) -> impl Iterator<Item = CircuitBreaker> {
    let living = cores.into_iter().filter_map(|core| core.upgrade());
    living.map(|core| CircuitBreaker { core })
}

/// Returns the breakers that were entered, one at a time.
fn living() -> impl Iterator<Item = CircuitBreaker> {
    one_at_a_time(with(|breakers| breakers.all()))
}

/// Returns whether this thread has breakers of its own.
#[cfg(feature = "test-util")]
pub(crate) fn is_isolated() -> bool {
    isolated::world().is_some()
}

#[cfg(not(feature = "test-util"))]
pub(crate) const fn is_isolated() -> bool {
    false
}

/// Enters a breaker. Returns one that has its name already, once for each name.
pub(crate) fn enter(core: &Arc<Core>) -> Option<CircuitBreaker> {
    let hash = hash(&core.name);
    let other = with(|breakers| breakers.enter(hash, Arc::downgrade(core)));
    other.filter(|other| *other.name() == core.name)
}

/// Returns the breakers of this name that were entered, one at a time.
fn named(name: &str) -> impl Iterator<Item = CircuitBreaker> {
    let hash = hash(name);
    let same = one_at_a_time(with(|breakers| breakers.hashed(hash)));
    same.filter(move |breaker| *breaker.name() == *name)
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Breakers that are not entered one by one.
#[cfg(feature = "keyed")]
pub(crate) trait Group: Send + Sync {
    fn breakers(&self) -> Vec<Weak<Core>>;

    /// Returns the name that those of its breakers begin with.
    #[cfg(any(feature = "page", feature = "settings"))]
    fn name(&self) -> &crate::Name;

    /// Returns the breaker of keys that have none of their own, and whether there are
    /// any.
    #[cfg(feature = "page")]
    fn overflow(&self) -> (CircuitBreaker, bool);

    /// Returns the breakers with what their keys are called, and the one that keys share
    /// without a key.
    #[cfg(feature = "settings")]
    fn by_key(&self) -> Vec<(Weak<Core>, Option<String>)>;

    /// Returns the clock of breakers that are made from now on.
    fn clock(&self) -> &ClockSource;

    /// Gives no command to breakers that are made from now on.
    fn forget_command(&self);
}

#[cfg(feature = "keyed")]
pub(crate) fn enter_group(group: &Arc<dyn Group>) {
    here(|known| {
        let mut groups = known.groups.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the list would grow: what is dropped leaves.
        if groups.len() == groups.capacity() {
            groups.retain(|group| group.strong_count() > 0);
        }
        groups.push(Arc::downgrade(group));
    });
}

/// Returns every breaker that was built, those of groups as well, one at a time.
/// Builds none.
pub(crate) fn every() -> impl Iterator<Item = CircuitBreaker> {
    #[allow(unused_mut, reason = "without sets by key it stays as it is")]
    let mut all = with(|breakers| breakers.all());
    #[cfg(feature = "keyed")]
    all.extend(groups().iter().flat_map(|group| group.breakers()));
    one_at_a_time(all)
}

/// Returns every breaker once, with the name of the set that it belongs to, if any.
/// Builds those that were linked into the program. The handles are weak, as
/// [`one_at_a_time`] tells.
#[cfg(feature = "page")]
pub(crate) fn by_set() -> Vec<(WeakBreaker, Option<Name>)> {
    build_linked();
    let mut alone = with(|breakers| breakers.all());
    #[allow(unused_mut, reason = "without sets by key it stays empty")]
    let mut in_sets: Vec<(Weak<Core>, Option<Name>)> = Vec::new();
    #[cfg(feature = "keyed")]
    for group in groups() {
        let named = |core| (core, Some(group.name().clone()));
        in_sets.extend(group.breakers().into_iter().map(named));
        // One that serves no key would only look like another key.
        let (overflow, in_use) = group.overflow();
        let core = Arc::downgrade(&overflow.core);
        if in_use || overflow.state() != State::Closed {
            in_sets.push((core, Some(group.name().clone())));
        } else {
            alone.retain(|each| !each.ptr_eq(&core));
        }
    }
    // Keys with a label are entered by themselves, too.
    let known: HashSet<_> = in_sets.iter().map(|(core, _)| core.as_ptr()).collect();
    alone.retain(|core| !known.contains(&core.as_ptr()));
    let all = alone.into_iter().map(|core| (core, None)).chain(in_sets);
    let living = all.filter_map(|(core, set)| {
        let breaker = CircuitBreaker {
            core: core.upgrade()?,
        };
        Some((breaker.downgrade(), set))
    });
    living.collect()
}

/// A breaker by a weak handle, as [`one_at_a_time`] tells, and its place in settings.
#[cfg(feature = "settings")]
pub(crate) struct PlacedBreaker {
    core: Weak<Core>,
    pub(crate) place: Place,
}

#[cfg(feature = "settings")]
impl PlacedBreaker {
    /// Returns the breaker; `None` if it is gone.
    pub(crate) fn breaker(&self) -> Option<CircuitBreaker> {
        let core = self.core.upgrade()?;
        Some(CircuitBreaker { core })
    }
}

/// Returns every breaker that was built, and the names of all sets.
#[cfg(feature = "settings")]
pub(crate) fn placed() -> (Vec<PlacedBreaker>, Vec<Name>) {
    #[allow(unused_mut, reason = "without sets by key they stay empty")]
    let (mut in_sets, mut sets): (Vec<PlacedBreaker>, _) = (Vec::new(), Vec::new());
    #[cfg(feature = "keyed")]
    for group in groups() {
        let set = group.name().clone();
        sets.push(set.clone());
        let placed = group.by_key().into_iter().map(|(core, key)| {
            let set = set.clone();
            let place = Place::Key { set, key };
            PlacedBreaker { core, place }
        });
        in_sets.extend(placed);
    }
    let known: std::collections::HashSet<_> =
        in_sets.iter().map(|placed| placed.core.as_ptr()).collect();
    // Keys with a label are entered by themselves, too.
    let mut all = with(|breakers| breakers.all());
    all.retain(|core| !known.contains(&core.as_ptr()));
    let alone = all.into_iter().map(|core| PlacedBreaker {
        core,
        place: Place::Alone,
    });
    (alone.chain(in_sets).collect(), sets)
}

/// Returns every breaker of this name, also of sets by key. The handles are weak, as
/// [`one_at_a_time`] tells.
#[cfg(feature = "page")]
pub(crate) fn every_named(name: &str) -> Vec<WeakBreaker> {
    let all = by_set().into_iter().map(|(breaker, _)| breaker);
    let in_sets = all.filter(|breaker| **breaker.name() == *name);
    let found: Vec<_> = in_sets.collect();
    if found.is_empty() {
        named(name).map(|breaker| breaker.downgrade()).collect()
    } else {
        found
    }
}

/// Makes groups forget what all their breakers were commanded, if they are on one
/// of these clocks.
pub(crate) fn forget_commands(is_meant: fn(&ClockSource) -> bool) {
    #[cfg(feature = "keyed")]
    for group in groups() {
        if is_meant(group.clock()) {
            group.forget_command();
        }
    }
    #[cfg(not(feature = "keyed"))]
    let _ = is_meant;
}

#[cfg(feature = "keyed")]
fn groups() -> Vec<Arc<dyn Group>> {
    here(|known| {
        let locked = known.groups.lock().unwrap_or_else(PoisonError::into_inner);
        locked.iter().filter_map(Weak::upgrade).collect()
    })
}

/// Builds the breakers that were linked into the program and not used yet. One
/// that is being built, and needs this call to end first, is left to that.
#[cfg(feature = "inventory")]
pub(crate) fn build_linked() {
    for linked in inventory::iter::<crate::registry::linked::Linked> {
        linked.0.build();
    }
}

#[cfg(not(feature = "inventory"))]
pub(crate) fn build_linked() {}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    fn build(name: &str) -> CircuitBreaker {
        let builder = CircuitBreaker::builder(name.to_owned());
        builder.build().expect("in range")
    }

    fn enter(breakers: &mut Breakers, breaker: &CircuitBreaker) -> bool {
        let hash = hash(breaker.name());
        let other = breakers.enter(hash, Arc::downgrade(&breaker.core));
        other.is_some()
    }

    #[test]
    fn registry_is_bounded_by_living_breakers() {
        let mut breakers = Breakers::default();
        let living: Vec<_> = (0..100).map(|i| build(&format!("lives-{i}"))).collect();
        for breaker in &living {
            assert!(!enter(&mut breakers, breaker));
        }
        for i in 0..5000 {
            enter(&mut breakers, &build(&format!("passes-{i}")));
            enter(&mut breakers, &build("passes"));
        }
        assert!(breakers.built.len() <= 2 * (living.len() + 1));
        assert!(breakers.by_name.len() <= 2 * (living.len() + 1));
        let names = one_at_a_time(breakers.all());
        let names: Vec<_> = names.map(|one| one.name().clone()).collect();
        let expected: Vec<_> = living.iter().map(|one| one.name().clone()).collect();
        assert_eq!(names, expected);
    }

    /// As keys with a label do that make room for each other.
    #[test]
    fn names_that_return_cost_the_same_each_time() {
        const NAMES: usize = 100;
        const ROUNDS: usize = 200;
        /// Whether the one before is still held when a name returns.
        const OVERLAPS: [bool; 2] = [false, true];

        for overlaps in OVERLAPS {
            let mut breakers = Breakers::default();
            // They have the name of one that is there all the time, too.
            let first = build("returns-0");
            enter(&mut breakers, &first);
            let mut held: HashMap<usize, CircuitBreaker> = HashMap::new();
            for _ in 0..ROUNDS {
                for name in 0..NAMES {
                    if !overlaps {
                        held.remove(&name);
                    }
                    let next = build(&format!("returns-{name}"));
                    enter(&mut breakers, &next);
                    held.insert(name, next);
                }
            }
            let looks = breakers.looks.get() / (NAMES * ROUNDS);
            assert!(looks <= 8, "{looks} entries for each breaker");
            assert!(breakers.built.len() <= 4 * NAMES);
            assert!(breakers.by_name[&hash("returns-0")].numbers.len() <= 4 * NAMES);
        }
    }

    #[test]
    fn entering_looks_at_no_other_breaker() {
        let mut breakers = Breakers::default();
        let living: Vec<_> = (0..1000).map(|_| build("same")).collect();
        let reports = living.iter().filter(|one| enter(&mut breakers, one));
        assert_eq!(reports.count(), 1, "of a name it is reported once");
        // Dropped ones of the name are taken out as the next is entered.
        for _ in 0..500 {
            enter(&mut breakers, &build("same"));
        }
        let same = &breakers.by_name[&hash("same")];
        assert_eq!(same.numbers.len(), living.len() + 1);
    }
}
