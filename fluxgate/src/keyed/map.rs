//! The map from keys to breakers: lookup, removal, commands. [Creation](super::creation)
//! and [eviction](super::eviction) are in files of their own.
//!
//! No code of the user's runs under the lock of the set, neither that of keys
//! (`Hash`, `Eq`, `Clone`, `Display`, `Drop`) nor that of breakers (settings,
//! clocks, listeners):
//!
//! - Readers take no lock. The [`Index`] leads from a key's hash to a short list of
//!   entries, which are compared outside of any lock.
//! - An entry holds its breaker weakly; the strong handle is in the [`Order`],
//!   under the lock. [`Core::retire`] takes the count of handles from one to zero,
//!   at once and only if the breaker can be done without. A reader that upgraded
//!   its handle before keeps the breaker where it is; one that comes later finds
//!   no breaker and makes a new one. So there is no moment in which a breaker that
//!   is held is replaced.
//! - A new key is compared with the entries of its bucket first, and entered only
//!   if the bucket is still the same when the lock is held.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Key, Stats,
    builder::{CircuitBreakersBuilder, CommonSettings},
    index::Index,
    overflow::OverflowReason,
    register::{KeyEntry, Register},
};
use crate::{
    CircuitBreaker, Command, Name,
    engine::{clock_source::ClockSource, gate::Gate},
    registry::{self, Group},
};

/// A set of breakers by key.
pub(super) struct Set<K> {
    pub(super) name: Name,
    pub(super) max_keys: usize,
    pub(super) overflow: CircuitBreaker,
    pub(super) common: CommonSettings,
    hasher: RandomState,
    pub(super) index: Index<KeyEntry<K>>,
    register: Mutex<Register<K>>,
    pub(super) evicted: AtomicU64,
    pub(super) overflowed: [AtomicU64; OverflowReason::ALL.len()],
    /// The pace of early probes.
    pub(super) gate: Arc<Gate>,
}

impl<K: Key> Set<K> {
    pub(super) fn new(builder: CircuitBreakersBuilder<K>, overflow: CircuitBreaker) -> Self {
        Self {
            name: builder.name,
            max_keys: builder.max_keys,
            overflow,
            common: builder.common,
            hasher: RandomState::new(),
            index: Index::new(),
            register: Mutex::new(Register::new(builder.max_labels)),
            evicted: AtomicU64::new(0),
            overflowed: [const { AtomicU64::new(0) }; OverflowReason::ALL.len()],
            gate: Arc::default(),
        }
    }

    /// Makes the breakers known to the registry, which lists them with all others.
    pub(super) fn enter_group(set: &Arc<Self>) {
        let group: Arc<dyn Group> = set.clone();
        registry::enter_group(&group);
    }

    #[inline]
    pub(super) fn get<Q>(&self, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let known = self.known(hash, key, |entry| {
            entry.ask();
            entry.breaker()
        });
        known.unwrap_or_else(|| self.make(hash, key))
    }

    pub(super) fn find<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.known(self.hasher.hash_one(key), key, |entry| entry.breaker())
    }

    /// Returns what `read` makes of the entry of a key.
    #[inline]
    fn known<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        read: impl FnOnce(&Arc<KeyEntry<K>>) -> Option<R>,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bucket = self.index.place(hash).load();
        let entry = bucket.as_ref()?.iter().find(|entry| entry.is(hash, key))?;
        read(entry)
    }

    pub(super) fn remove<Q>(&self, key: &Q) -> Option<CircuitBreaker>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        // Outlives the lock, and with it the key.
        let entry = loop {
            let bucket = self.index.place(hash).load_full();
            let mut entries = bucket.iter().flat_map(|list| list.iter());
            if let Some(found) = entries.find(|entry| entry.is(hash, key)).cloned() {
                break found;
            }
            // A miss is certain under the lock only.
            let _register = self.register();
            if self.index.is(hash, bucket.as_ref()) {
                return None;
            }
        };
        let place = self.register().take(&entry, &self.index)?;
        let core = place.core?;
        Some(CircuitBreaker { core })
    }

    pub(super) fn all(&self) -> Vec<(K, CircuitBreaker)> {
        let all = self.register().all();
        let with_key = |(entry, breaker): (Arc<KeyEntry<K>>, _)| ((*entry.key).clone(), breaker);
        all.into_iter().map(with_key).collect()
    }

    pub(super) fn command_all(&self, command: Command) {
        let all = {
            let mut register = self.register();
            register.standing = Some(command);
            register.commands += 1;
            register.all()
        };
        self.command_as_told(&self.overflow);
        for (_, breaker) in all {
            self.command_as_told(&breaker);
        }
    }

    /// Gives a breaker the standing command, and the next one if that was given
    /// meanwhile: of two threads that command all, one has the last word for every
    /// breaker.
    pub(super) fn command_as_told(&self, breaker: &CircuitBreaker) {
        let standing = || {
            let register = self.register();
            (register.standing, register.commands)
        };
        let (mut command, mut number) = standing();
        while let Some(given) = command {
            breaker.command(given);
            let (next, latest) = standing();
            if latest == number {
                return;
            }
            (command, number) = (next, latest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.register().order.len()
    }

    pub(super) fn stats(&self) -> Stats {
        let (keys, labels) = {
            let register = self.register();
            (register.order.len(), register.labels.names.len())
        };
        let overflowed =
            |reason: OverflowReason| self.overflowed[reason as usize].load(Ordering::Relaxed);
        Stats {
            keys,
            labels,
            evicted: self.evicted.load(Ordering::Relaxed),
            without_room: overflowed(OverflowReason::NoRoom),
            too_long: overflowed(OverflowReason::TooLong),
            equal_hashes: overflowed(OverflowReason::EqualHashes),
            not_built: overflowed(OverflowReason::NotBuilt),
        }
    }

    pub(super) fn register(&self) -> MutexGuard<'_, Register<K>> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Group for Set<K> {
    fn breakers(&self) -> Vec<CircuitBreaker> {
        let all = self.register().all();
        all.into_iter().map(|(_, breaker)| breaker).collect()
    }

    #[cfg(any(feature = "page", feature = "settings"))]
    fn name(&self) -> &Name {
        &self.name
    }

    #[cfg(feature = "page")]
    fn overflow(&self) -> (CircuitBreaker, bool) {
        let counts = self.overflowed.iter();
        let in_use = { counts }.any(|count| count.load(Ordering::Relaxed) > 0);
        (self.overflow.clone(), in_use)
    }

    #[cfg(feature = "settings")]
    fn by_key(&self) -> Vec<(CircuitBreaker, Option<String>)> {
        let all = self.register().all();
        // Keys are the user's: they are shown without the lock.
        let labelled = all
            .into_iter()
            .map(|(entry, breaker)| (breaker, super::label::of(&*entry.key)));
        labelled.chain([(self.overflow.clone(), None)]).collect()
    }

    fn clock(&self) -> &ClockSource {
        // All are made with the same settings.
        self.overflow.core.clock()
    }

    fn forget_command(&self) {
        let mut register = self.register();
        register.standing = None;
        register.commands += 1;
    }
}
