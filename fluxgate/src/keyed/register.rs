//! What comes and goes in a set, behind its lock.

use std::{
    borrow::Borrow,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use once_cell::sync::OnceCell;

use super::{
    given_names::GivenNames,
    index::{Hashed, Index},
    order::Order,
};
use crate::{CircuitBreaker, Command, engine::Core, util::panic::DropContained};

/// A key, and its breaker as long as the set keeps it.
pub(super) struct KeyEntry<K> {
    pub(super) key: DropContained<K>,
    pub(super) hash: u64,
    /// Its place in the order. Written under the lock, before others can find it.
    pub(super) id: AtomicU32,
    /// Empty while the breaker is being built.
    pub(super) core: OnceCell<Weak<Core>>,
    /// Whether it was asked for since it was last looked at.
    pub(super) asked: AtomicBool,
}

/// What comes and goes is entered here; looking up does not ask.
pub(super) struct Register<K> {
    pub(super) order: Order<KeyPlace<K>>,
    pub(super) labels: GivenNames,
    /// The command that was last given to all.
    pub(super) standing: Option<Command>,
    /// How many commands were given to all.
    pub(super) commands: u64,
}

pub(super) struct KeyPlace<K> {
    pub(super) entry: Arc<KeyEntry<K>>,
    /// Empty while the breaker is being built.
    pub(super) core: Option<Arc<Core>>,
    /// By the breaker's clock, when it was known to have been asked for; `None` if
    /// it was asked for since.
    pub(super) seen: Option<Duration>,
}

impl<K> KeyEntry<K> {
    #[inline]
    pub(super) fn is<Q>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.hash == hash && (*self.key).borrow() == key
    }

    #[inline]
    pub(super) fn breaker(&self) -> Option<CircuitBreaker> {
        let core = self.core.get()?.upgrade()?;
        Some(CircuitBreaker { core })
    }

    pub(super) fn ask(&self) {
        // A store would take the line from other threads each time.
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
    }
}

impl<K> Hashed for KeyEntry<K> {
    fn hash(&self) -> u64 {
        self.hash
    }
}

impl<K> Register<K> {
    pub(super) fn new(max_labels: usize) -> Self {
        Self {
            order: Order::new(),
            labels: GivenNames::new(max_labels),
            standing: None,
            commands: 0,
        }
    }

    /// Returns the place of an entry, if it is in the set.
    pub(super) fn place(&mut self, entry: &Arc<KeyEntry<K>>) -> Option<&mut KeyPlace<K>> {
        let id = entry.id.load(Ordering::Relaxed);
        let place = self.order.get_mut(id)?;
        Arc::ptr_eq(&place.entry, entry).then_some(place)
    }

    /// Takes an entry out of the set. The caller keeps `entry`.
    pub(super) fn take(
        &mut self,
        entry: &Arc<KeyEntry<K>>,
        index: &Index<KeyEntry<K>>,
    ) -> Option<KeyPlace<K>> {
        self.place(entry)?;
        index.remove(entry);
        self.order.remove(entry.id.load(Ordering::Relaxed))
    }

    /// Returns all breakers there are. Runs no code of the user's.
    pub(super) fn all(&self) -> Vec<(Arc<KeyEntry<K>>, CircuitBreaker)> {
        let built = |place: &KeyPlace<K>| {
            let core = Arc::clone(place.core.as_ref()?);
            Some((Arc::clone(&place.entry), CircuitBreaker { core }))
        };
        self.order.iter().filter_map(built).collect()
    }
}
