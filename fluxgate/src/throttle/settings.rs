//! The settings of a throttle, which may change while calls are counted.

use std::time::Duration;

use super::Adaptive;
use crate::util::{
    duration::nanos,
    sync::{AtomicU64, Ordering, fence, pause},
};

/// A seqlock. *Writer*, one at a time: makes the sequence odd, stores the fields with
/// `Release`, then stores the next even sequence with `Release`. *Reader*: loads the
/// sequence with `Acquire`, loads the fields, then fences with `Acquire` and loads the
/// sequence again; accepts if both are the same and even. What it accepts is of one
/// writer: fields of a later one would make the odd sequence before them visible to the
/// second load.
pub(super) struct SharedSettings {
    sequence: AtomicU64,
    k: AtomicU64,
    /// In nanoseconds; zero if there is no throttle.
    window: AtomicU64,
    min: AtomicU64,
    floor: AtomicU64,
}

impl SharedSettings {
    pub(super) fn new(settings: Adaptive) -> Self {
        let Adaptive {
            k,
            window,
            min,
            floor,
        } = settings;
        Self {
            sequence: AtomicU64::new(0),
            k: AtomicU64::new(k.to_bits()),
            window: AtomicU64::new(nanos(window)),
            min: AtomicU64::new(min),
            floor: AtomicU64::new(floor.to_bits()),
        }
    }

    /// Puts others in place, or none. The caller holds the breaker's lock: one writer at
    /// a time.
    #[cfg(feature = "settings")]
    pub(super) fn set(&self, settings: Option<Adaptive>) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        // The fields are stored with `Release`, so that the odd sequence comes before
        // each of them.
        match settings {
            None => self.window.store(0, Ordering::Release),
            Some(Adaptive {
                k,
                window,
                min,
                floor,
            }) => {
                self.k.store(k.to_bits(), Ordering::Release);
                self.window.store(nanos(window), Ordering::Release);
                self.min.store(min, Ordering::Release);
                self.floor.store(floor.to_bits(), Ordering::Release);
            }
        }
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// Returns the settings; `None` if there is no throttle any more.
    #[inline]
    pub(super) fn get(&self) -> Option<Adaptive> {
        loop {
            let sequence = self.sequence.load(Ordering::Acquire);
            let settings = Adaptive {
                k: f64::from_bits(self.k.load(Ordering::Relaxed)),
                window: Duration::from_nanos(self.window.load(Ordering::Relaxed)),
                min: self.min.load(Ordering::Relaxed),
                floor: f64::from_bits(self.floor.load(Ordering::Relaxed)),
            };
            // Partner: the `Release` stores in `set`.
            fence(Ordering::Acquire);
            if sequence.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == sequence {
                return Some(settings).filter(|settings| !settings.window.is_zero());
            }
            pause(0);
        }
    }

    /// Returns the window in nanoseconds; zero if there is no throttle any more.
    #[inline]
    pub(super) fn window(&self) -> u64 {
        self.window.load(Ordering::Relaxed)
    }
}
