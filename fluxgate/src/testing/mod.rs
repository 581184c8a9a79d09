//! Driving the breakers of annotated functions in tests, without sleeping and without
//! tests that disturb each other.
//!
//! A breaker that is built by hand takes a [`ManualClock`] of its own, by
//! [`Builder::clock`](crate::Builder::clock). The breaker of an annotated function, or
//! of `breaker!`, is a static that every test of the process shares. [`freeze`] stops
//! the time for all of these, resets them completely, and makes other tests that freeze
//! wait until its guard is dropped. With the feature `test-util`, `isolate` gives a
//! test breakers of its own instead, so that tests run beside each other.
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

#[cfg(feature = "test-util")]
pub(crate) mod isolated;

use std::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(feature = "test-util")]
pub use isolated::{Isolated, isolate, isolate_with};

use crate::{
    clock::{Clock, ManualClock, SystemClock},
    diagnostics,
    engine::clock_source::ClockSource,
    random::{SEED, Seeded},
    registry,
};

#[cfg(feature = "settings")]
use crate::settings::{overlay, store};

/// Stops the time of every breaker that has no clock of its own, and resets it
/// completely: closed, nothing recorded, nothing counted, random numbers from a fixed
/// seed.
///
/// A breaker that was built with [`Builder::clock`](crate::Builder::clock) is
/// left as it is: it belongs to the test that built it. One that was built by hand
/// without a clock reads the system's, and a test that freezes resets it, also in
/// the middle of another test; give it a [`ManualClock`].
///
/// Only one test at a time holds a [`Frozen`]; another one waits here. Under the
/// feature `test-util`, `isolate` gives each test breakers of its own instead. When the
/// guard is dropped, also by a failed assertion, these breakers are reset again and
/// time goes on. Environment variables (see [`KillSwitch`](crate::KillSwitch)) have no
/// effect until then.
///
/// # Panics
///
/// If this thread already holds a [`Frozen`], for which it would wait for ever,
/// or an `Isolated`.
#[doc(alias("mock", "fake_time"))]
#[must_use = "the time goes on when this is dropped"]
pub fn freeze() -> Frozen<ManualClock> {
    freeze_with(ManualClock::new())
}

/// Freezes the time as [`freeze`] does, with any clock, such as `TokioClock` in
/// tests under `tokio::time::pause`.
///
/// # Panics
///
/// As [`freeze`].
#[must_use = "the time goes on when this is dropped"]
pub fn freeze_with<C: Clock + Clone + 'static>(clock: C) -> Frozen<C> {
    let guard = ThreadHold::new(Hold::Frozen, "freeze");
    let exclusive = Exclusive::new();
    SystemClock::replace(Some(Arc::new(clock.clone())));
    #[cfg(feature = "settings")]
    store::hide();
    renew_frozen(SEED);
    Frozen {
        clock,
        _exclusive: exclusive,
        _guard: guard,
    }
}

/// What a thread holds.
#[derive(Clone, Copy)]
enum Hold {
    Frozen,
    #[cfg(feature = "test-util")]
    Isolated,
}

thread_local! {
    static HELD: Cell<Option<Hold>> = const { Cell::new(None) };
}

/// Sees to it that a thread holds one guard at a time. Stays on its thread.
struct ThreadHold(PhantomData<MutexGuard<'static, ()>>);

impl ThreadHold {
    fn new(hold: Hold, function: &str) -> Self {
        let other = match HELD.get() {
            None => {
                HELD.set(Some(hold));
                return Self(PhantomData);
            }
            Some(Hold::Frozen) => "a `Frozen`",
            #[cfg(feature = "test-util")]
            Some(Hold::Isolated) => "an `Isolated`",
        };
        panic!(
            "`testing::{function}` was called on a thread that holds {other} already, and would wait for itself or hide it; \
             use the one that is there, which `reset_all` makes as new, or drop it first"
        );
    }
}

impl Drop for ThreadHold {
    fn drop(&mut self) {
        HELD.set(None);
    }
}

static IS_FROZEN: Mutex<bool> = Mutex::new(false);
/// Notified when the time goes on.
static GOES_ON: Condvar = Condvar::new();
/// After this time a test that waits for another one says so.
const PATIENCE: Duration = Duration::from_secs(10);

/// The right to freeze the time.
struct Exclusive(());

impl Exclusive {
    fn new() -> Self {
        let mut is_frozen = IS_FROZEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_frozen {
            let (woken, waited) = GOES_ON
                .wait_timeout(is_frozen, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            is_frozen = woken;
            if *is_frozen && waited.timed_out() {
                drop(is_frozen);
                diagnostics::waits_for_frozen();
                is_frozen = IS_FROZEN.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        *is_frozen = true;
        Self(())
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        *IS_FROZEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
        GOES_ON.notify_one();
    }
}

/// Makes breakers on the system's clock as new.
fn renew_frozen(seed: u64) {
    renew_if(ClockSource::is_system, || Seeded::new(seed));
}

/// Makes each breaker that this thread sees as new if it is on one of these clocks.
fn renew_if(is_meant: fn(&ClockSource) -> bool, random: impl Fn() -> Seeded) {
    registry::forget_commands(is_meant);
    // First what settings give, since breakers begin in the state that they hold.
    #[cfg(feature = "settings")]
    for (breaker, place) in registry::placed().0 {
        overlay::refresh(&breaker, &place);
    }
    for breaker in registry::every() {
        if is_meant(breaker.core.clock()) {
            #[cfg(feature = "settings")]
            overlay::forget_by_hand(&breaker);
            breaker.core.renew(random());
        }
    }
}

/// Guard of a stopped time; made by [`freeze`].
pub struct Frozen<C = ManualClock> {
    clock: C,
    _exclusive: Exclusive,
    _guard: ThreadHold,
}

impl Frozen<ManualClock> {
    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

impl<C> Frozen<C> {
    /// Returns the clock that all breakers read.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Resets the breakers that [`freeze`] reaches completely, in the middle of a test.
    pub fn reset_all(&self) {
        renew_frozen(SEED);
    }

    /// Restarts the random numbers of jitter and admission from another seed.
    pub fn seed(&self, seed: u64) {
        renew_frozen(seed);
    }
}

impl<C> Drop for Frozen<C> {
    fn drop(&mut self) {
        SystemClock::replace(None);
        #[cfg(feature = "settings")]
        store::hide();
        renew_if(ClockSource::is_system, Seeded::for_breaker);
    }
}

impl<C: fmt::Debug> fmt::Debug for Frozen<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frozen").field(&self.clock).finish()
    }
}
