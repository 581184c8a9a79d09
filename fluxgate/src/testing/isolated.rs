//! Breakers of a test's own.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Guard, Hold, SEED, renew_all};
use crate::{
    clock::{Clock, ManualClock},
    registry::Known,
    util::first_use::FirstUse,
};

/// Gives this thread breakers of its own in place of all statics: those of
/// annotated functions, of `breaker!`, and the sets of breakers by key. They are
/// new, their time stands still, random numbers come by a fixed seed, and the
/// environment commands nothing. No other test sees them, so that tests with
/// breakers of their own run beside each other, where those that
/// [`freeze`](super::freeze) wait for each other.
///
/// They belong to the *thread*: a task of a current-thread runtime, such as that
/// of `#[tokio::test]`, has them as well, while other threads, and tasks on
/// them, use the breakers that all share. The same holds for the
/// [registry](crate::registry), which lists this thread's breakers to this
/// thread. A handle that was got before is still one of a shared breaker.
///
/// The memory of these breakers is not returned: rejections refer to them.
///
/// Needs the feature `test-util`, which belongs in `[dev-dependencies]`.
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use std::{io, time::Duration};
/// use fluxgate::{State, circuit_breaker, testing};
///
/// #[circuit_breaker(tripper = "FailureStreak(1)", permit = "All", handle = price_breaker)]
/// fn price(up: bool) -> io::Result<u32> {
///     if up { Ok(42) } else { Err(io::Error::other("down")) }
/// }
///
/// let time = testing::isolate();
/// assert!(price(false).is_err());
/// assert_eq!(price_breaker().state(), State::Open);
/// let elsewhere = std::thread::spawn(|| price_breaker().state());
/// assert_eq!(elsewhere.join().unwrap(), State::Closed);
///
/// time.advance(Duration::from_secs(60));
/// assert!(price(true).is_ok(), "the probe");
/// # }
/// ```
///
/// # Panics
///
/// If this thread holds an [`Isolated`] or a [`Frozen`](super::Frozen).
#[must_use = "the thread has breakers of its own until this is dropped"]
pub fn isolate() -> Isolated<ManualClock> {
    isolate_with(ManualClock::new())
}

/// [`isolate`] with any clock, such as `TokioClock` in tests under
/// `tokio::time::pause`.
///
/// # Panics
///
/// As [`isolate`].
#[must_use = "the thread has breakers of its own until this is dropped"]
pub fn isolate_with<C: Clock + Clone + 'static>(clock: C) -> Isolated<C> {
    let guard = Guard::new(Hold::Isolated, "isolate");
    let world = World {
        clock: Arc::new(clock.clone()),
        cells: Mutex::default(),
        known: Known::new(),
    };
    WORLD.set(Some(Arc::new(world)));
    Isolated {
        clock,
        _guard: guard,
        thread: PhantomData,
    }
}

/// The thread has breakers of its own; made by [`isolate`].
pub struct Isolated<C = ManualClock> {
    clock: C,
    _guard: Guard,
    /// What it ends is the thread's.
    thread: PhantomData<*const ()>,
}

impl Isolated<ManualClock> {
    /// Moves the time of this thread's breakers forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

impl<C> Isolated<C> {
    /// Returns the clock that this thread's breakers look at.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Makes this thread's breakers as new, in the middle of a test.
    pub fn reset_all(&self) {
        renew_all(SEED);
    }

    /// Makes this thread's breakers as new, with jitter and admission drawn by
    /// another seed.
    pub fn seed(&self, seed: u64) {
        renew_all(seed);
    }
}

impl<C> Drop for Isolated<C> {
    fn drop(&mut self) {
        // Dropped when the cell is no longer borrowed: that may run user code.
        let world = WORLD.take();
        drop(world);
    }
}

impl<C: fmt::Debug> fmt::Debug for Isolated<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Isolated").field(&self.clock).finish()
    }
}

thread_local! {
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

/// What an isolated thread has of its own.
pub(crate) struct World {
    pub(crate) clock: Arc<dyn Clock>,
    /// In place of the cells of statics, by their addresses.
    cells: Mutex<HashMap<usize, &'static (dyn Any + Send + Sync)>>,
    pub(crate) known: Known,
}

/// Returns what this thread has of its own.
pub(crate) fn world() -> Option<Arc<World>> {
    WORLD
        .try_with(|world| world.borrow().clone())
        .ok()
        .flatten()
}

/// Returns this thread's cell in place of a static's.
pub(crate) fn cell<T>(shared: &FirstUse<T>) -> Option<&'static FirstUse<T>>
where
    T: Send + Sync + 'static,
{
    let world = world()?;
    let mut cells = world.cells.lock().unwrap_or_else(PoisonError::into_inner);
    let own = *cells
        .entry(std::ptr::from_ref(shared).addr())
        .or_insert_with(|| Box::leak(Box::new(FirstUse::<T>::new(shared.place()))));
    own.downcast_ref()
}
