//! Driving the breakers of annotated functions in tests: no sleeping, and no
//! test that disturbs another.
//!
//! A breaker that is built by hand takes a [`ManualClock`] of its own, by
//! [`Builder::clock`](crate::Builder::clock). The breaker of an annotated
//! function, or of `breaker!`, is a static that every test of the process
//! shares. [`freeze`] stops the time for all of these, makes them as new, and
//! keeps other tests that freeze out until it is dropped.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use std::{io, time::Duration};
//! use fluxgate::{State, circuit_breaker, testing};
//!
//! #[circuit_breaker(tripper = "FailureStreak(2)", permit = "All", handle = price_breaker)]
//! fn price(up: bool) -> io::Result<u32> {
//!     if up { Ok(42) } else { Err(io::Error::other("down")) }
//! }
//!
//! # fn the_circuit_recovers() {
//! // In a #[test]:
//! let time = testing::freeze();
//! for _ in 0..2 {
//!     assert!(price(false).is_err());
//! }
//! assert_eq!(price_breaker().state(), State::Open);
//! assert!(price(true).is_err(), "rejected");
//!
//! time.advance(Duration::from_secs(60));
//! assert!(price(true).is_ok(), "the probe");
//! assert_eq!(price_breaker().state(), State::Closed);
//! # }
//! # the_circuit_recovers();
//! # }
//! ```

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::{Clock, ManualClock, SystemClock},
    random::Seeded,
    registry,
};

/// What every breaker draws its random numbers by while the time is frozen,
/// until [`Frozen::seed`] says otherwise.
pub(crate) const SEED: u64 = 0;

static EXCLUSIVE: Mutex<()> = Mutex::new(());

/// Stops the time of every breaker that has no clock of its own, and makes
/// every breaker of the process as new: closed, nothing recorded, nothing
/// counted, random numbers by a fixed seed.
///
/// Only one test at a time holds a [`Frozen`]; another one waits here. When it
/// is dropped, also by a failed assertion, all breakers are as new once more,
/// and the time goes on.
///
/// A thread that already holds a [`Frozen`] must not ask for another: it would
/// wait for itself.
#[doc(alias("mock", "fake_time"))]
#[must_use = "the time goes on when this is dropped"]
pub fn freeze() -> Frozen<ManualClock> {
    freeze_with(ManualClock::new())
}

/// The same with any clock, such as `TokioClock` in tests under
/// `tokio::time::pause`.
#[must_use = "the time goes on when this is dropped"]
pub fn freeze_with<C: Clock + Clone + 'static>(clock: C) -> Frozen<C> {
    let exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
    SystemClock::replace(Some(Arc::new(clock.clone())));
    renew_all(SEED);
    Frozen {
        clock,
        _exclusive: exclusive,
    }
}

fn renew_all(seed: u64) {
    for breaker in registry::every() {
        breaker.core.renew(Seeded::new(seed));
    }
}

/// The time stands still; made by [`freeze`].
pub struct Frozen<C = ManualClock> {
    clock: C,
    _exclusive: MutexGuard<'static, ()>,
}

impl Frozen<ManualClock> {
    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

impl<C> Frozen<C> {
    /// The clock that all breakers look at.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Makes every breaker as new, in the middle of a test.
    pub fn reset_all(&self) {
        renew_all(SEED);
    }

    /// The same, with jitter and admission drawn by another seed.
    pub fn seed(&self, seed: u64) {
        renew_all(seed);
    }
}

impl<C> Drop for Frozen<C> {
    fn drop(&mut self) {
        SystemClock::replace(None);
        for breaker in registry::every() {
            breaker.core.renew(Seeded::for_breaker());
        }
    }
}

impl<C: fmt::Debug> fmt::Debug for Frozen<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frozen").field(&self.clock).finish()
    }
}
