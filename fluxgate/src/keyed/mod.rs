//! One breaker per key: per tenant, host or shard.
//!
//! Needs the feature `keyed`.
//!
//! [`CircuitBreakers`] makes the breaker of a key when it is first asked for, and keeps
//! at most [`max_keys`](CircuitBreakersBuilder::max_keys) of them. A key that fails
//! does not affect the others.
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
//! # Which keys make room for others
//!
//! When a new key finds the set full, one breaker is dropped and the key takes its
//! place. What a breaker holds decides which, never the key or its hash:
//!
//! 1. First, a breaker that holds nothing worth keeping and was not used since the set
//!    last looked at it: a closed circuit without a failed or slow call in its window,
//!    without a failure as its last call and without an overload that its throttle
//!    still counts; or an open one whose wait ended at least as long ago as it had
//!    lasted, which means that nothing was called in all that time.
//! 2. If there is none, a closed circuit with failures whose key was not used for 5
//!    minutes, or a half-open one that was not used for as long.
//! 3. Else a breaker of the first kind that was used lately.
//!
//! Never evicted are a breaker that is held (a call in flight holds it, as does a
//! [`CallNotPermitted`](crate::CallNotPermitted) error), an open circuit before that
//! time, a failing one, and one under a command of its own. (A command given to
//! [all](CircuitBreakers::command_all) is no reason to stay: a breaker that is made
//! later has it as well.) So a key that fails opens at its n-th failure however many
//! healthy keys come between, and the check and the removal are one step: no handle to
//! a breaker that was replaced is ever given out.
//!
//! A key without room costs the same, however many there are: it looks at about 80
//! breakers at most. If none of those can go, it shares the
//! [overflow](CircuitBreakers::overflow) breaker with all others of its kind, for
//! that call; the next one looks on from there. The overflow breaker has the same
//! settings as the others and sees all these calls together: if most of them fail,
//! it opens and rejects the rest too, which protects what lies behind from a flood
//! of failing keys. A set that is full of failing keys takes new ones when the
//! first of them have not been asked for in 5 minutes.
//!
//! # Bounds
//!
//! - [`max_keys`](CircuitBreakersBuilder::max_keys) bounds how many breakers there are. One with
//!   default settings takes about 1.4 kB, with a short key and its place in the
//!   map: 140 MB for 100 000 keys.
//! - Keys are kept up to 1024 bytes, as they are shown by `Display` or as `str` or
//!   slice they are looked up by. A longer one shares the overflow breaker.
//! - At most 32 keys that differ may have one hash, so that a `Hash` that leaves
//!   out what tells keys apart costs time in bounds. The others share the overflow
//!   breaker.
//!
//! [`CircuitBreakers::stats`] counts what met a bound, and the first of each kind
//! is reported.
//!
//! # Names and metrics
//!
//! The first [`max_labels`](CircuitBreakersBuilder::max_labels) keys get a name of their own,
//! `<name>/<key>`, and are in the [registry](crate::registry); it stays theirs for
//! ever. All others, and the overflow breaker, are called `<name>/*`. So the number
//! of metric series is bounded, also where a stranger chooses the keys.
//!
//! In a name, control characters, line breaks, characters that change the direction
//! of writing, other invisible ones and backslashes are escaped as in a Rust string,
//! and the key `*` is `\*`. Of a key that takes more than 100 characters the name
//! has the first 100 and a hash of the whole. A key whose text is that of another
//! key, or whose `Display` fails or panics, has no name of its own.
//!
//! # Code of keys
//!
//! `Hash`, `Eq`, `Clone`, `Display` and `Drop` of keys never run under a lock, and
//! may use the set. A panic in `Display` or `Drop` is contained; one in `Hash`, `Eq`
//! or `Clone` unwinds out of the call and leaves the set as it was. While the
//! breaker of a key is being made, which asks for its `Display` and runs the
//! settings, that thread gets the overflow breaker for other new keys of the set.

mod builder;
mod creation;
mod eviction;
mod given_names;
mod index;
mod label;
mod map;
mod order;
mod overflow;
mod register;
mod static_breakers;

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

pub use builder::CircuitBreakersBuilder;
use map::Set;
pub use static_breakers::StaticBreakers;

use crate::{
    CircuitBreaker, Command, Name, breaker::build::Announcements, breaker::first_use,
    engine::gate::Gate,
};

/// The bounds on a key: it is hashed for lookups, shown in names, and shared by
/// threads. Implemented for every type that satisfies them.
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
    pub fn builder(name: impl Into<Name>) -> CircuitBreakersBuilder<K> {
        let name = name.into();
        first_use::name(&name);
        CircuitBreakersBuilder::new(name)
    }
}

impl<K: Key> CircuitBreakers<K> {
    /// Returns the breaker of a key, made if there is none yet, or the
    /// [overflow](Self::overflow) breaker if there is no room for it. Allocates
    /// nothing and takes no lock if there is one.
    ///
    /// Drop the handle after use: a breaker that is held elsewhere is never evicted.
    pub fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.0.get(key)
    }

    /// Returns the breaker of a key, if there is one. Unlike [`get`](Self::get)
    /// it does not count as a use of the breaker.
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

    /// Returns all keys with their breakers, in no order. The handles keep the
    /// breakers: none of these keys makes room for another while the list lives.
    #[must_use]
    pub fn all(&self) -> Vec<(K, CircuitBreaker)> {
        self.0.all()
    }

    /// Gives a command to every breaker, and to those that are made later, until
    /// another one is given to all; `Open` and `HalfOpen`, which a breaker leaves by
    /// itself, to those that there are. If two threads give one at the same time, all
    /// breakers follow the same one in the end. For one key it is
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

    /// Returns the breaker that keys share that have none of their own; the
    /// [module](self) says which.
    #[must_use]
    pub fn overflow(&self) -> &CircuitBreaker {
        &self.0.overflow
    }

    /// Returns what paces the early probes of the set.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    /// Returns the name of the breaker of a key, or the one that it would have if it
    /// were one of the first.
    pub(crate) fn name_of<Q>(&self, key: &Q, breaker: &CircuitBreaker) -> Name
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.0.name_of(key, breaker)
    }

    /// Returns how full the set is, and what came of keys without a breaker of
    /// their own.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Registers the breakers as [`CircuitBreaker::register`] does.
    fn register(&self, news: Announcements) -> Announcements {
        Set::enter_group(&self.0);
        self.overflow().register(news)
    }

    /// Returns how many keys have a breaker.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no key has a breaker.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A snapshot of a set, as [`CircuitBreakers::stats`] gives it. All but the first
/// two only ever go up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many keys have a breaker.
    pub keys: usize,
    /// How many keys have a name of their own.
    pub labels: usize,
    /// How many breakers made room for others.
    pub evicted: u64,
    /// How often a key got the overflow breaker because no breaker could go.
    pub without_room: u64,
    /// How often a key got it for being longer than 1024 bytes.
    pub too_long: u64,
    /// How often a key got it because its hash is that of 32 others.
    pub equal_hashes: u64,
    /// How often a key got it because its breaker could not be made: the settings
    /// panicked, or they, or the key's `Display`, asked for a breaker of this very
    /// set.
    pub not_built: u64,
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
