//! Random numbers as a breaker holds them: the seeded generator without indirection,
//! a custom source contained.
//!
//! A custom source is asked without any lock of the breaker's. When it panics, is asked
//! from within itself, or draws a number out of range, a generator of the breaker's own
//! stands in.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::{
    diagnostics,
    random::{Random, SEED, Seeded},
    registry,
    util::panic::catch_panic,
};

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

impl Default for RandomSource {
    fn default() -> Self {
        Self::seeded(seed())
    }
}

/// Returns the generator of a new breaker; in a test that has breakers of its own, the
/// same one every time.
fn seed() -> Seeded {
    if registry::is_isolated() {
        Seeded::new(SEED)
    } else {
        Seeded::for_breaker()
    }
}

impl RandomSource {
    pub(crate) fn seeded(seeded: Seeded) -> Self {
        Self::Seeded(Mutex::new(seeded))
    }

    pub(crate) fn custom(source: impl Random + 'static) -> Self {
        Self::Custom(Box::new(OwnRandom {
            source: Mutex::new(Some(Box::new(source))),
            stand_in: Mutex::new(seed()),
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
