//! Creation: a key that is new gets its breaker, or shares the overflow breaker.

use std::{
    borrow::Borrow,
    cell::RefCell,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use once_cell::sync::OnceCell;

use super::{
    Key,
    eviction::Looks,
    index::BucketList,
    label,
    map::Set,
    order::List,
    overflow::OverflowReason,
    register::{KeyEntry, KeyPlace},
};
use crate::{
    CircuitBreaker, Command, Name, diagnostics,
    util::panic::{DropContained, catch_panic},
};

/// Longer keys, shown or as they are looked up by, share the overflow breaker.
const MAX_KEY_BYTES: usize = 1024;
/// So many different keys may have one hash.
const EQUAL_HASHES: usize = 32;
/// So often a breaker that was evicted at once is made anew.
const RETRIES: usize = 16;

impl<K: Key> Set<K> {
    /// Returns the breaker of a key that was not found: made now, or by another
    /// thread at the same time.
    #[cold]
    pub(super) fn make<Q>(&self, hash: u64, key: &Q) -> CircuitBreaker
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Some(making) = Making::begin(self) else {
            // Code that runs while a breaker of this set is made asks for another.
            return self.overflow(OverflowReason::NotBuilt);
        };
        for _ in 0..RETRIES {
            match self.enter(hash, key) {
                Err(reason) => return self.overflow(reason),
                Ok((entry, true)) => {
                    let made = self.build(&entry, making);
                    return made.unwrap_or_else(|| self.overflow(OverflowReason::NotBuilt));
                }
                Ok((entry, false)) => {
                    entry.ask();
                    // A thread that others may wait for waits for none.
                    if entry.core.get().is_none() && !making.is_outermost {
                        return self.overflow(OverflowReason::NotBuilt);
                    }
                    entry.core.wait();
                    if let Some(breaker) = entry.breaker() {
                        return breaker;
                    }
                }
            }
        }
        self.overflow(OverflowReason::NoRoom)
    }

    fn overflow(&self, reason: OverflowReason) -> CircuitBreaker {
        let before = self.overflowed[reason as usize].fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            diagnostics::keys_share(&self.name, reason.text());
        }
        self.overflow.clone()
    }

    /// Enters a key, or finds it. Returns its entry, and whether it is new, with a
    /// breaker to be built.
    fn enter<Q>(&self, hash: u64, key: &Q) -> Result<(Arc<KeyEntry<K>>, bool), OverflowReason>
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        if size_of_val(key) > MAX_KEY_BYTES {
            return Err(OverflowReason::TooLong);
        }
        let new = Arc::new(KeyEntry {
            key: DropContained::new(key.to_owned()),
            hash,
            id: AtomicU32::new(0),
            core: OnceCell::new(),
            asked: AtomicBool::new(false),
        });
        if label::length(&*new.key, MAX_KEY_BYTES) > MAX_KEY_BYTES {
            return Err(OverflowReason::TooLong);
        }
        let mut looks = Looks::default();
        loop {
            let bucket = self.index.place(hash).load_full();
            let list = bucket.as_ref().map_or(&[][..], |list| list);
            if let Some(found) = list.iter().find(|entry| entry.is(hash, key)) {
                return Ok((Arc::clone(found), false));
            }
            if list.iter().filter(|entry| entry.hash == hash).count() >= EQUAL_HASHES {
                return Err(OverflowReason::EqualHashes);
            }
            if let Some(entered) = self.enter_into(&bucket, &new, &mut looks) {
                return entered.map(|()| (new, true));
            }
        }
    }

    /// Enters a key into a bucket, once there is room; `None` if the bucket is
    /// another one by now.
    #[allow(clippy::ref_option, reason = "that is what the index holds")]
    fn enter_into(
        &self,
        bucket: &BucketList<KeyEntry<K>>,
        new: &Arc<KeyEntry<K>>,
        looks: &mut Looks,
    ) -> Option<Result<(), OverflowReason>> {
        loop {
            let mut register = self.register();
            if !self.index.is(new.hash, bucket.as_ref()) {
                return None;
            }
            if register.order.len() < self.max_keys {
                let Some(id) = register.order.insert(KeyPlace {
                    entry: Arc::clone(new),
                    core: None,
                    seen: None,
                }) else {
                    return Some(Err(OverflowReason::NoRoom));
                };
                new.id.store(id, Ordering::Relaxed);
                self.index.insert(Arc::clone(new));
                return Some(Ok(()));
            }
            let Some(candidate) = register.next(looks) else {
                return Some(Err(OverflowReason::NoRoom));
            };
            drop(register);
            drop(self.settle(candidate));
        }
    }

    /// Builds the breaker of an entry, for all who wait for it; `None` if code of
    /// the user's panics.
    fn build(&self, entry: &Arc<KeyEntry<K>>, making: Making) -> Option<CircuitBreaker> {
        let built = catch_panic(|| {
            let own = self.label(entry);
            let is_labelled = own.is_some();
            let name = own.unwrap_or_else(|| self.overflow.name().clone());
            let key = cfg!(feature = "settings").then(|| label::of(&*entry.key));
            let key = key.flatten();
            let builder = self.common.builder(&self.name, key.as_deref(), name);
            let (breaker, news) = builder.build_or_default();
            let news = if is_labelled {
                breaker.register(news)
            } else {
                news
            };
            let now = breaker.core.now();
            (breaker, news, now)
        });
        let Some((breaker, news, now)) = built else {
            let place = self.register().take(entry, &self.index);
            let _ = entry.core.set(Weak::new());
            drop(place);
            diagnostics::policy_panicked("setting");
            return None;
        };
        {
            let mut register = self.register();
            // Unless it was removed meanwhile; then its breaker is only for those
            // who asked for it.
            if let Some(place) = register.place(entry) {
                place.core = Some(Arc::clone(&breaker.core));
                place.seen = Some(now);
                let id = entry.id.load(Ordering::Relaxed);
                register.order.move_to_back(id, List::Candidates);
            }
        }
        let _ = entry.core.set(Arc::downgrade(&breaker.core));
        drop(making);
        // Listeners may ask for this very key.
        news.tell(&breaker);
        // The standing command is looked at when the breaker can be found:
        // a command given from now on reaches it.
        if self.register().standing.is_some_and(Command::lasts) {
            self.command_as_told(&breaker);
        }
        Some(breaker)
    }

    /// Returns the name of the breaker of a key, or the one that it would have if it
    /// were one of the first.
    pub(super) fn name_of<Q>(&self, key: &Q, breaker: &CircuitBreaker) -> Name
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        let shared = self.overflow.name();
        if breaker.name() != shared || size_of_val(key) > MAX_KEY_BYTES {
            return breaker.name().clone();
        }
        match label::of(&*DropContained::new(key.to_owned())) {
            Some(label) => Name::from(format!("{}/{label}", self.name)),
            None => shared.clone(),
        }
    }

    /// Returns the name that a key has for itself, if it is one of the first.
    fn label(&self, entry: &KeyEntry<K>) -> Option<Name> {
        if let Some(answer) = self.register().labels.find(entry.hash) {
            return answer;
        }
        let label = label::of(&*entry.key)?;
        let name = Name::from(format!("{}/{label}", self.name));
        self.register().labels.give(entry.hash, name)
    }
}

thread_local! {
    /// The sets that this thread is making a breaker for, by address.
    static MAKING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, this thread makes a breaker of a set: code that runs for it
/// and asks the set gets what is there, and makes no other.
pub(super) struct Making {
    set: usize,
    pub(super) is_outermost: bool,
}

impl Making {
    /// Marks this thread as building for the set. Returns `None` if it already
    /// is.
    pub(super) fn begin<K>(set: &Set<K>) -> Option<Self> {
        let set = std::ptr::from_ref(set).addr();
        let begin = |making: &RefCell<Vec<usize>>| {
            let mut making = making.borrow_mut();
            if making.contains(&set) {
                return None;
            }
            let is_outermost = making.is_empty();
            making.push(set);
            Some(Self { set, is_outermost })
        };
        // In a destructor of a thread that ends, nothing can be remembered.
        MAKING.try_with(begin).unwrap_or_else(|_| {
            Some(Self {
                set,
                is_outermost: true,
            })
        })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = MAKING.try_with(|making| making.borrow_mut().retain(|set| *set != self.set));
    }
}
