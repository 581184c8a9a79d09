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
