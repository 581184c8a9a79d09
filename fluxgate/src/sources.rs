//! Time and chance, as a breaker holds them: the defaults without indirection,
//! the user's own contained.
//!
//! A user's clock and source of chance are asked without any lock of the
//! breaker's. One that panics, or that is asked from within itself, gets an
//! answer in its place: the last time it told, or a number of the breaker's own.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use crate::{
    clock::{Clock, SystemClock},
    diagnostics,
    random::{Random, Seeded},
    util::{
        consult::{Answer, consult},
        duration::nanos,
        panic::catch_panic,
    },
};

pub(crate) enum ClockSource {
    System,
    Custom(Box<OwnClock>),
}

impl Default for ClockSource {
    /// The system's clock, or that of a test that has breakers of its own.
    fn default() -> Self {
        #[cfg(feature = "test-util")]
        if let Some(world) = crate::testing::isolated::world() {
            return Self::custom(std::sync::Arc::clone(&world.clock));
        }
        Self::System
    }
}

/// A user's clock.
pub(crate) struct OwnClock {
    clock: Box<dyn Clock>,
    /// What the breaker counts from: the clock's own origin, unless that is so
    /// long ago that nanoseconds since then would not fit 64 bits.
    origin: Duration,
    /// The last time it told, in nanoseconds since `origin`.
    last: AtomicU64,
}

/// A clock whose origin is further back than this is counted from when the
/// breaker was built: 146 of the 584 years that 64 bits of nanoseconds hold.
const FAR: Duration = Duration::from_nanos(u64::MAX / 4);

impl ClockSource {
    pub(crate) fn custom(clock: impl Clock + 'static) -> Self {
        let now = catch_panic(|| clock.now()).unwrap_or_default();
        let origin = if now > FAR { now } else { Duration::ZERO };
        Self::Custom(Box::new(OwnClock {
            clock: Box::new(clock),
            origin,
            last: AtomicU64::new(nanos(now.saturating_sub(origin))),
        }))
    }

    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System => SystemClock.now(),
            Self::Custom(own) => own.now(),
        }
    }

    pub(crate) fn wall(&self) -> SystemTime {
        match self {
            Self::System => SystemClock.wall(),
            Self::Custom(own) => own.wall(),
        }
    }
}

impl OwnClock {
    fn now(&self) -> Duration {
        match consult(self, || self.clock.now()) {
            Answer::Given(now) => {
                let now = now.saturating_sub(self.origin);
                self.last.store(nanos(now), Relaxed);
                return now;
            }
            Answer::Panicked => diagnostics::policy_panicked("clock"),
            Answer::Within => {}
        }
        Duration::from_nanos(self.last.load(Relaxed))
    }

    fn wall(&self) -> SystemTime {
        match consult(self, || self.clock.wall()) {
            Answer::Given(wall) => return wall,
            Answer::Panicked => diagnostics::policy_panicked("clock"),
            Answer::Within => {}
        }
        SystemTime::now()
    }
}

pub(crate) enum RandomSource {
    Seeded(Mutex<Seeded>),
    Custom(Box<OwnRandom>),
}

/// A user's source of chance.
pub(crate) struct OwnRandom {
    /// Taken out while it is asked.
    source: Mutex<Option<Box<dyn Random>>>,
    /// Draws in its place while it is taken out, when it panics, and when what it
    /// drew is no number from 0 to below 1.
    stand_in: Mutex<Seeded>,
    out_of_range: AtomicBool,
}

impl RandomSource {
    pub(crate) fn seeded(seeded: Seeded) -> Self {
        Self::Seeded(Mutex::new(seeded))
    }

    pub(crate) fn custom(source: impl Random + 'static) -> Self {
        Self::Custom(Box::new(OwnRandom {
            source: Mutex::new(Some(Box::new(source))),
            stand_in: Mutex::new(Seeded::for_breaker()),
            out_of_range: AtomicBool::new(false),
        }))
    }

    /// Begins anew with this seed, unless the user draws.
    pub(crate) fn renew(&self, seed: Seeded) {
        if let Self::Seeded(seeded) = self {
            *lock(seeded) = seed;
        }
    }
}

/// Shared: a breaker's policies may draw at the same time.
impl Random for &RandomSource {
    fn next_f64(&mut self) -> f64 {
        match self {
            RandomSource::Seeded(seeded) => lock(seeded).next_f64(),
            RandomSource::Custom(own) => own.draw(),
        }
    }
}

impl OwnRandom {
    fn draw(&self) -> f64 {
        self.ask()
            .unwrap_or_else(|| lock(&self.stand_in).next_f64())
    }

    fn ask(&self) -> Option<f64> {
        let mut source = lock(&self.source).take()?;
        let drawn = catch_panic(|| source.next_f64());
        *lock(&self.source) = Some(source);
        match drawn {
            Some(drawn) if (0.0..1.0).contains(&drawn) => return Some(drawn),
            Some(drawn) => {
                if !self.out_of_range.swap(true, Relaxed) {
                    diagnostics::random_out_of_range(drawn);
                }
            }
            None => diagnostics::policy_panicked("source of random numbers"),
        }
        None
    }
}

/// No code of the user's runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
