//! Breakers of a test's own.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use super::{Hold, ThreadHold, renew_if};
use crate::{
    clock::{Clock, ManualClock},
    random::{SEED, Seeded},
    registry::isolated,
};

/// Gives this thread breakers of its own in place of all statics: those of annotated
/// functions, of `breaker!`, and the sets of breakers by key. They are newly built,
/// their time stands still, random numbers come from a fixed seed, and environment
/// variables have no effect. No other test sees them, so that tests with breakers of
/// their own run beside each other, where those that [`freeze`](super::freeze) wait for
/// each other.
///
/// They belong to the *thread*: a task of a current-thread runtime, such as that
/// of `#[tokio::test]`, has them as well, while other threads, and tasks on them,
/// use the breakers that all share. The same holds for the
/// [registry](crate::registry), which lists this thread's breakers to this
/// thread. A handle obtained before still refers to a shared breaker.
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

/// Isolates the test as [`isolate`] does, with any clock, such as `TokioClock`
/// in tests under `tokio::time::pause`.
///
/// # Panics
///
/// As [`isolate`].
#[must_use = "the thread has breakers of its own until this is dropped"]
pub fn isolate_with<C: Clock + Clone + 'static>(clock: C) -> Isolated<C> {
    let guard = ThreadHold::new(Hold::Isolated, "isolate");
    isolated::enter(Arc::new(clock.clone()));
    Isolated {
        clock,
        _guard: guard,
        thread: PhantomData,
    }
}

/// Guard of a thread that has breakers of its own; made by [`isolate`].
pub struct Isolated<C = ManualClock> {
    clock: C,
    _guard: ThreadHold,
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

    /// Resets this thread's breakers completely, in the middle of a test.
    pub fn reset_all(&self) {
        renew(SEED);
    }

    /// Resets this thread's breakers completely, and draws jitter and admission from
    /// another seed.
    pub fn seed(&self, seed: u64) {
        renew(seed);
    }
}

impl<C> Drop for Isolated<C> {
    fn drop(&mut self) {
        isolated::leave();
    }
}

impl<C: fmt::Debug> fmt::Debug for Isolated<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Isolated").field(&self.clock).finish()
    }
}

/// Makes this thread's breakers as new, which are on the clock of its world or on
/// one of their own.
fn renew(seed: u64) {
    renew_if(|_| true, || Seeded::new(seed));
}
