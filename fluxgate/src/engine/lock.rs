//! The breaker's lock, whose bit is in the control word.
//!
//! Taking it is one compare-and-swap and letting go one store, where a mutex
//! beside the control word takes two read-modify-writes and a store. On the path
//! that records, one call in four failing, a call took 20 ns against 23.

#[cfg(not(fluxgate_loom))]
use std::sync::{Mutex, PoisonError};

use crate::{
    engine::state_word::StateWord,
    util::sync::{AtomicU64, MutPtr, Ordering, UnsafeCell, pause},
};

/// A value, and the control word that guards it. The word is read by everybody
/// at any time, and written only by who holds the lock.
// The word first: what every call reads stands beside what rejections read.
#[repr(C)]
pub(crate) struct Locked<T> {
    word: AtomicU64,
    /// Where those wait who found the lock taken, but for one.
    #[cfg(not(fluxgate_loom))]
    queue: Mutex<()>,
    #[cfg(fluxgate_loom)]
    gate: loom::sync::Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through `Held` alone, of which there is one at a
// time, so it is only ever used by one thread at a time; that needs `T: Send`.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    pub(crate) fn new(word: StateWord, value: T) -> Self {
        Self {
            word: AtomicU64::new(word.bits()),
            #[cfg(not(fluxgate_loom))]
            queue: Mutex::new(()),
            #[cfg(fluxgate_loom)]
            gate: loom::sync::Mutex::new(()),
            value: UnsafeCell::new(value),
        }
    }

    /// Returns the present control word.
    #[inline]
    pub(crate) fn word(&self) -> StateWord {
        StateWord::from_bits(self.word.load(Ordering::Acquire))
    }

    /// Loads the control word for a reader that has its own fence.
    pub(crate) fn word_relaxed(&self) -> StateWord {
        StateWord::from_bits(self.word.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn lock(&self) -> Held<'_, T> {
        // Loom can't see that a thread that tries again and again gets on in the
        // end: there a gate lets one try at a time. What the bit itself orders is
        // a test of its own below.
        #[cfg(fluxgate_loom)]
        let gate = self.gate.lock().ok();
        let word = match self.try_take() {
            Some(word) => word,
            None => self.wait(),
        };
        Held {
            value: self.value.get_mut(),
            word,
            locked: self,
            #[cfg(fluxgate_loom)]
            _gate: gate,
        }
    }

    /// Takes the lock if it is free: the word without the bit.
    #[inline]
    fn try_take(&self) -> Option<StateWord> {
        let word = self.word_relaxed();
        if word.is_locked() {
            return None;
        }
        self.word
            .compare_exchange(
                word.bits(),
                word.locked().bits(),
                Ordering::Acquire,
                Ordering::Relaxed,
            )
            .is_ok()
            .then_some(word)
    }

    /// Takes the lock, unless another thread holds it.
    #[cfg(feature = "keyed")]
    pub(crate) fn try_lock(&self) -> Option<Held<'_, T>> {
        let word = self.try_take()?;
        Some(Held {
            value: self.value.get_mut(),
            word,
            locked: self,
            #[cfg(fluxgate_loom)]
            _gate: None,
        })
    }

    /// Releases a lock that was [sealed](Held::seal).
    #[cfg(feature = "keyed")]
    pub(crate) fn unseal(&self, seal: &Seal) {
        assert!(std::ptr::addr_eq(seal.of, self), "the seal of another lock");
        self.word.store(seal.word.bits(), Ordering::Release);
    }

    /// Releases a sealed lock whose value has a new owner, and so a new address.
    #[cfg(feature = "keyed")]
    pub(crate) fn unseal_owned(&mut self, seal: &Seal) {
        // The borrow is exclusive: no other thread holds or awaits the lock.
        self.word.store(seal.word.bits(), Ordering::Relaxed);
    }

    /// Takes a lock that was not free. One thread tries again, with growing pauses: the
    /// lock is held for nanoseconds, unless its holder is not running. All others are
    /// parked in the mutex.
    #[cold]
    fn wait(&self) -> StateWord {
        #[cfg(not(fluxgate_loom))]
        let _turn = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tries = 0;
        loop {
            // A read-modify-write reads the latest value in modification order; a load
            // may not.
            let bit = StateWord::LOCKED.bits();
            let before = StateWord::from_bits(self.word.fetch_or(bit, Ordering::Acquire));
            if !before.is_locked() {
                return before;
            }
            while self.word_relaxed().is_locked() {
                pause(tries);
                tries += 1;
            }
        }
    }
}

/// The lock, held; let go when dropped.
pub(crate) struct Held<'a, T> {
    value: MutPtr<T>,
    /// What the control word will be.
    word: StateWord,
    locked: &'a Locked<T>,
    #[cfg(fluxgate_loom)]
    _gate: Option<loom::sync::MutexGuard<'a, ()>>,
}

impl<T> Held<'_, T> {
    #[allow(unsafe_code)]
    pub(crate) fn get(&mut self) -> &mut T {
        // SAFETY: the bit in the control word is set from before this `Held`
        // was made until it is dropped, and no other is made meanwhile:
        // `try_take` and
        // `wait` need to find the bit clear, and only `drop` clears it. The
        // `Acquire` there and the `Release` here order one holder's accesses
        // before the next one's. The borrow of `self` keeps two references from
        // one `Held` apart.
        unsafe { self.value.deref() }
    }

    /// Returns the control word as it will be when the lock is let go.
    pub(crate) fn word(&self) -> StateWord {
        self.word
    }

    /// Sets the control word, to be seen when the lock is let go.
    pub(crate) fn set_word(&mut self, word: StateWord) {
        self.word = word;
    }

    /// Makes the control word seen at once.
    pub(crate) fn publish_word(&mut self, word: StateWord) {
        self.word = word;
        self.locked
            .word
            .store(word.locked().bits(), Ordering::Release);
    }
}

/// A lock that stays taken though its [`Held`] is gone, until [`Locked::unseal`]
/// or [`Locked::unseal_owned`], of which one is to be called, once.
#[cfg(feature = "keyed")]
pub(crate) struct Seal {
    of: *const (),
    word: StateWord,
}

#[cfg(feature = "keyed")]
impl<T> Held<'_, T> {
    /// Keeps the lock taken when this borrow of it ends, so that the value's owner
    /// may be taken apart.
    pub(crate) fn seal(self) -> Seal {
        let seal = Seal {
            of: std::ptr::from_ref(self.locked).cast(),
            word: self.word,
        };
        std::mem::forget(self);
        seal
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        // No other thread writes the word while the bit is set, so a plain store
        // loses nothing.
        self.locked.word.store(self.word.bits(), Ordering::Release);
    }
}

#[cfg(all(test, fluxgate_loom))]
mod tests {
    use loom::{sync::Arc, thread};

    use super::*;
    use crate::{
        State,
        engine::state_word::{CallNeeds, Epoch},
    };

    #[test]
    fn lock_bit_orders_one_holder_before_the_next() {
        loom::model(|| {
            let numbered = |generation| {
                let epoch = Epoch {
                    generation,
                    revision: 0,
                };
                StateWord::new(State::Closed, epoch, false, CallNeeds::default())
            };
            let locked = Arc::new(Locked::new(numbered(0), 0));
            // Without the gate: a thread that finds the lock taken goes without.
            let try_once = move |locked: &Locked<u32>| {
                let word = locked.try_take()?;
                let mut held = Held {
                    value: locked.value.get_mut(),
                    word,
                    locked,
                    _gate: None,
                };
                *held.get() += 1;
                held.set_word(numbered(1));
                Some(*held.get())
            };
            let other = {
                let locked = Arc::clone(&locked);
                thread::spawn(move || try_once(&locked))
            };
            let mine = try_once(&locked);
            let theirs = other.join().unwrap();
            match (mine, theirs) {
                (Some(1), Some(2) | None) | (Some(2) | None, Some(1)) => {}
                wrong => panic!("{wrong:?}"),
            }
            assert!(!locked.word().is_locked());
        });
    }
}
