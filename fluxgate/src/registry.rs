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
//! let breaker = CircuitBreaker::builder("payments").build()?;
//! assert_eq!(registry::command("payments", Command::ForceOpen), 1);
//! assert_eq!(breaker.state(), State::ForcedOpen);
//!
//! registry::find("payments").expect("just built").reset();
//! assert_eq!(registry::snapshot()[0].state, State::Closed);
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::{CircuitBreaker, Command, Info, engine::Core, info::kill_switch, testing};

/// Every breaker there is, in the order they were built.
///
/// Environment variables for breakers (see [`KillSwitch`](crate::KillSwitch))
/// that fit none of them are reported, each once: with the feature `inventory`
/// a mistyped name is found at the start of the program.
#[allow(
    clippy::must_use_candidate,
    reason = "called at the start of `main` for what it builds and reports"
)]
pub fn all() -> Vec<CircuitBreaker> {
    let breakers = entered();
    if !testing::is_isolated() {
        kill_switch::report_strays(&breakers.iter().map(|breaker| breaker.name().as_str()));
    }
    breakers
}

fn entered() -> Vec<CircuitBreaker> {
    build_linked();
    with(|breakers| select(breakers, |_| true))
}

/// The breaker of this name; of several, the one built first.
#[must_use]
pub fn find(name: &str) -> Option<CircuitBreaker> {
    build_linked();
    named(name).into_iter().next()
}

/// What all breakers are up to, in the order they were built. With the feature
/// `serde` it can be serialised.
#[must_use]
pub fn snapshot() -> Vec<Info> {
    all().iter().map(CircuitBreaker::info).collect()
}

/// Gives a command to every breaker of this name. Returns how many there were:
/// usually one, and none if the name is unknown.
#[must_use = "it is zero if the name is unknown"]
pub fn command(name: &str, command: Command) -> usize {
    build_linked();
    let breakers = named(name);
    for breaker in &breakers {
        breaker.command(command);
    }
    breakers.len()
}

/// The hash of a breaker's name, and the breaker: a name is found without a look
/// at every breaker.
struct Entry {
    hash: u64,
    core: Weak<Core>,
}

/// The breakers that are known: to the process, or to a test that has breakers
/// of its own.
pub(crate) struct Known {
    breakers: Mutex<Vec<Entry>>,
    #[cfg(feature = "keyed")]
    groups: Mutex<Vec<Weak<dyn Group>>>,
}

impl Known {
    pub(crate) const fn new() -> Self {
        Self {
            breakers: Mutex::new(Vec::new()),
            #[cfg(feature = "keyed")]
            groups: Mutex::new(Vec::new()),
        }
    }
}

static KNOWN: Known = Known::new();

/// Gives the breakers that this thread sees.
fn here<R>(f: impl FnOnce(&Known) -> R) -> R {
    #[cfg(feature = "test-util")]
    if let Some(world) = crate::testing::isolated::world() {
        return f(&world.known);
    }
    f(&KNOWN)
}

fn with<R>(f: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
    here(|known| {
        let mut breakers = known
            .breakers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        f(&mut breakers)
    })
}

/// Enters a breaker; also those that have its name already.
pub(crate) fn enter(core: &Arc<Core>) -> Vec<CircuitBreaker> {
    let hash = hash(&core.name);
    let mut others = with(|breakers| {
        let others = select(breakers, |other| other == hash);
        // Before the list would grow: what is dropped leaves.
        if breakers.len() == breakers.capacity() {
            breakers.retain(|entry| entry.core.strong_count() > 0);
        }
        breakers.push(Entry {
            hash,
            core: Arc::downgrade(core),
        });
        others
    });
    others.retain(|other| *other.name() == core.name);
    others
}

/// The breakers for which the hash of the name is right. To be dropped outside
/// the lock: that may run code of a listener.
fn select(breakers: &[Entry], is_wanted: impl Fn(u64) -> bool) -> Vec<CircuitBreaker> {
    let wanted = breakers.iter().filter(|entry| is_wanted(entry.hash));
    let cores = wanted.filter_map(|entry| entry.core.upgrade());
    cores.map(|core| CircuitBreaker { core }).collect()
}

fn named(name: &str) -> Vec<CircuitBreaker> {
    let hash = hash(name);
    let mut breakers = with(|breakers| select(breakers, |other| other == hash));
    breakers.retain(|breaker| *breaker.name() == *name);
    breakers
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Breakers that are not entered one by one.
#[cfg(feature = "keyed")]
pub(crate) trait Group: Send + Sync {
    fn breakers(&self) -> Vec<CircuitBreaker>;

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

/// Returns every breaker that was built, those of groups as well. Builds none.
pub(crate) fn every() -> Vec<CircuitBreaker> {
    #[allow(unused_mut)]
    let mut breakers = with(|breakers| select(breakers, |_| true));
    #[cfg(feature = "keyed")]
    breakers.extend(groups().iter().flat_map(|group| group.breakers()));
    breakers
}

/// Makes groups forget what all their breakers were commanded.
pub(crate) fn forget_commands() {
    #[cfg(feature = "keyed")]
    for group in groups() {
        group.forget_command();
    }
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
fn build_linked() {
    for linked in inventory::iter::<crate::linked::Linked> {
        linked.0.build();
    }
}

#[cfg(not(feature = "inventory"))]
fn build_linked() {}
