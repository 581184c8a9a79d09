//! Time and chance, as a breaker holds them: the defaults without indirection.

use std::time::{Duration, SystemTime};

use crate::{
    clock::{Clock, SystemClock},
    random::{Random, Seeded},
};

pub(crate) enum ClockSource {
    System,
    Custom(Box<dyn Clock>),
}

impl Default for ClockSource {
    /// The system's clock, or that of a test that has breakers of its own.
    fn default() -> Self {
        #[cfg(feature = "test-util")]
        if let Some(world) = crate::testing::isolated::world() {
            return Self::Custom(Box::new(std::sync::Arc::clone(&world.clock)));
        }
        Self::System
    }
}

impl ClockSource {
    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System => SystemClock.now(),
            Self::Custom(clock) => clock.now(),
        }
    }

    pub(crate) fn wall(&self) -> SystemTime {
        match self {
            Self::System => SystemClock.wall(),
            Self::Custom(clock) => clock.wall(),
        }
    }
}

pub(crate) enum RandomSource {
    Seeded(Seeded),
    Custom(Box<dyn Random>),
}

impl RandomSource {
    pub(crate) fn get(&mut self) -> &mut dyn Random {
        match self {
            Self::Seeded(random) => random,
            Self::Custom(random) => &mut **random,
        }
    }
}
