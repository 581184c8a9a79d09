//! One breaker per key: per tenant, host or shard.
//!
//! Needs the feature `keyed`.
//!
//! [`CircuitBreakers`] makes the breaker of a key when it is first asked for, and
//! keeps at most [`max_keys`](Builder::max_keys) of them. One that fails does not
//! close the door to the others.
//!
//! ```
//! use std::{io, time::Duration};
//! use fluxgate::{State, keyed::CircuitBreakers, retry::Cooldown, tripper::FailureStreak};
//!
//! let hosts = CircuitBreakers::<String>::builder("upstream")
//!     .settings(|breaker| {
//!         breaker
//!             .tripper(FailureStreak::new(5))
//!             .retry(Cooldown::new(Duration::from_secs(10)))
//!     })
//!     .max_keys(1000)
//!     .build()?;
//!
//! let down = || Err::<(), _>(io::Error::other("down"));
//! for _ in 0..5 {
//!     assert!(hosts.get("a.example").call(down).is_err());
//! }
//! assert_eq!(hosts.get("a.example").state(), State::Open);
//! assert_eq!(hosts.get("b.example").state(), State::Closed);
//! assert_eq!(hosts.get("b.example").name(), "upstream/b.example");
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```
//!
//! # What is kept
//!
//! When a new key finds no room, breakers that were idle longest make some: those
//! that are closed, that nobody holds, and that were not asked for since room was
//! last made. A breaker that is open, half-open or under a manual command is never
//! dropped. If no breaker can go, the new key shares the
//! [overflow](CircuitBreakers::overflow) breaker with all others that found no
//! room, until there is some.
//!
//! A breaker with default settings takes about 1.3 kB, with a short key and its
//! place in the map: 130 MB for 100 000 keys.
//!
//! # Names and metrics
//!
//! The first [`max_labels`](Builder::max_labels) keys get a name of their own,
//! `<name>/<key>`, and are in the [registry](crate::registry); it stays theirs for
//! ever. All others, and the overflow breaker, are called `<name>/*`. So the number
//! of metric series is bounded, whoever chooses the keys.

mod builder;
mod lazy;
mod recipe;
mod set;

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use once_cell::sync::OnceCell;

pub use builder::Builder;
pub use lazy::StaticBreakers;
use set::Set;

use crate::{CircuitBreaker, Command, Name, breaker::build::News, util::first_use};

/// What a key must be: looked up by, shown in names, and shared by threads.
/// Everything that can, is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a key of circuit breakers",
    note = "a key is `Eq + Hash + Clone + Display + Send + Sync + 'static`"
)]
pub trait Key: Eq + Hash + Clone + fmt::Display + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<K: Eq + Hash + Clone + fmt::Display + Send + Sync + 'static> Key for K {}

/// Breakers by key; see the [module](self). A handle: clones share the breakers.
pub struct CircuitBreakers<K>(Arc<Set<K>>);

impl<K> CircuitBreakers<K> {
    /// Starts building a set with default settings.
    pub fn builder(name: impl Into<Name>) -> Builder<K> {
        let name = name.into();
        first_use::name(&name);
        Builder::new(name)
    }
}

impl<K: Key> CircuitBreakers<K> {
    /// The breaker of a key, made if there is none yet. Allocates nothing if there
    /// is one.
    ///
    /// Use it and let it go: a breaker that is held is never idle.
    pub fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.0.get(key)
    }

    /// The breaker of a key, if there is one. It does not count as asked for.
    #[must_use]
    pub fn find<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.find(key)
    }

    /// Drops the breaker of a key, whatever its state: the next
    /// [`get`](Self::get) makes a new one. Returns the old one.
    pub fn remove<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.remove(key)
    }

    /// All keys with their breakers, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<(K, CircuitBreaker)> {
        self.0.all()
    }

    /// Gives a command to every breaker, and to those that are made later, until
    /// another one is given to all. For one key it is
    /// `get(key).command(command)`.
    ///
    /// ```
    /// use fluxgate::{Command, State, keyed::CircuitBreakers};
    ///
    /// let shards = CircuitBreakers::<u32>::builder("shards").build()?;
    /// shards.get(&1);
    /// shards.command_all(Command::Disable);
    /// assert_eq!(shards.get(&1).state(), State::Disabled);
    /// assert_eq!(shards.get(&2).state(), State::Disabled);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn command_all(&self, command: Command) {
        self.0.command_all(command);
    }

    /// The breaker of the keys that found no room.
    #[must_use]
    pub fn overflow(&self) -> &CircuitBreaker {
        &self.0.overflow
    }

    /// As [`CircuitBreaker::register`].
    fn register(&self, news: News) -> News {
        Set::enter_group(&self.0);
        self.overflow().register(news)
    }

    /// How many keys have a breaker.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K> Clone for CircuitBreakers<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> fmt::Debug for CircuitBreakers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakers")
            .field("name", &self.0.name)
            .field("max_keys", &self.0.max_keys)
            .finish_non_exhaustive()
    }
}

/// The breaker of one key.
struct Entry {
    /// Empty while it is being built, outside of any lock of the set's.
    breaker: OnceCell<CircuitBreaker>,
    /// Whether it was asked for since room was last made.
    used: AtomicBool,
    /// Whether it has a name of its own.
    labelled: bool,
}

impl Entry {
    fn new(labelled: bool) -> Self {
        Self {
            breaker: OnceCell::new(),
            used: AtomicBool::new(true),
            labelled,
        }
    }

    fn touch(&self) {
        // A store would take the line from other threads each time.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Whether it may go without anybody noticing.
    fn is_idle(&self) -> bool {
        self.breaker.get().is_none_or(|breaker| {
            breaker.state() == crate::State::Closed && Arc::strong_count(&breaker.core) == 1
        })
    }
}
