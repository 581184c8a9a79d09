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
use crate::{CircuitBreaker, Command, State, engine::Core, util::panic::DropContained};

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
    /// Whether it obeyed the standing command, if that is one.
    pub(super) told: AtomicBool,
}

/// What comes and goes is entered here; looking up does not ask.
pub(super) struct Register<K> {
    pub(super) order: Order<KeyPlace<K>>,
    pub(super) labels: GivenNames,
    /// The command that was last given to all.
    pub(super) standing: Option<Command>,
    /// The one that stood before.
    pub(super) former: Option<Command>,
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
            former: None,
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

    /// Takes a command for all breakers, and returns them: they have not obeyed it yet.
    pub(super) fn command(&mut self, command: Command) -> Vec<(Arc<KeyEntry<K>>, Weak<Core>)> {
        self.former = self.standing.replace(command);
        self.commands += 1;
        let all = self.all();
        for (entry, _) in &all {
            entry.told.store(false, Ordering::Relaxed);
        }
        all
    }

    /// Returns the state of a breaker that no command of its own keeps in the set; `None`
    /// stands for `start`, which it was built in. Now it is in `state`.
    pub(super) fn commanded_state(
        &self,
        entry: &KeyEntry<K>,
        state: State,
        start: State,
    ) -> Option<State> {
        let lasting = |command: Option<Command>| {
            let command = command.filter(|command| command.lasts());
            command.map(Command::state)
        };
        let (standing, former) = (lasting(self.standing), lasting(self.former));
        // While all are being commanded some have not heard of it.
        let is_former = !entry.told.load(Ordering::Relaxed) && state == former.unwrap_or(start);
        if is_former { former } else { standing }
    }

    /// Returns all breakers there are. Runs no code of the user's. The handles are
    /// weak: new keys find room while all are looked at.
    pub(super) fn all(&self) -> Vec<(Arc<KeyEntry<K>>, Weak<Core>)> {
        let built = |place: &KeyPlace<K>| {
            let core = Arc::downgrade(place.core.as_ref()?);
            Some((Arc::clone(&place.entry), core))
        };
        self.order.iter().filter_map(built).collect()
    }
}
