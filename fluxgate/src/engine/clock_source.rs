//! Time as a breaker holds it: the system's clock without indirection, a custom one
//! contained.
//!
//! A custom clock is asked without any lock of the breaker's. When it panics, or is
//! asked from within itself, the last time it told stands in.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use crate::{
    clock::{Alarm, Clock, SystemClock},
    diagnostics,
    util::{
        alarms,
        consult::{Consulted, consult},
        duration::nanos,
        panic::catch_panic,
    },
};

pub(crate) enum ClockSource {
    System,
    Custom(Box<OwnClock>),
}

impl Default for ClockSource {
    /// Returns the system's clock, or that of a test that has breakers of its own.
    fn default() -> Self {
        #[cfg(feature = "test-util")]
        if let Some(world) = crate::registry::isolated::world() {
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

    /// Returns whether this is the system's clock, which a test may replace for the
    /// whole process.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self, Self::System)
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

    /// Sets an alarm that rings when `now` has come to `at`: by the clock, if it can, else in
    /// real time.
    pub(crate) fn set_alarm(&self, at: Duration, alarm: Alarm) {
        let set = match self {
            Self::System => SystemClock.alarm(at, alarm),
            Self::Custom(own) => own.alarm(at, alarm),
        };
        if let Err(alarm) = set {
            alarms::ring_after(at.saturating_sub(self.now()), || alarm.ring());
        }
    }
}

impl OwnClock {
    /// Reads a clock of the user's. Out of line, so that the system's clock is read without
    /// this frame.
    #[inline(never)]
    fn now(&self) -> Duration {
        match consult(self, || self.clock.now()) {
            Consulted::Given(now) => {
                let now = now.saturating_sub(self.origin);
                self.last.store(nanos(now), Relaxed);
                return now;
            }
            Consulted::Panicked => diagnostics::policy_panicked("clock"),
            Consulted::Within => {}
        }
        Duration::from_nanos(self.last.load(Relaxed))
    }

    fn wall(&self) -> SystemTime {
        match consult(self, || self.clock.wall()) {
            Consulted::Given(wall) => return wall,
            Consulted::Panicked => diagnostics::policy_panicked("clock"),
            Consulted::Within => {}
        }
        SystemTime::now()
    }

    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        let at = at.saturating_add(self.origin);
        let again = alarm.again();
        let mut given = Some(alarm);
        let answer = consult(self, || match given.take() {
            Some(alarm) => self.clock.alarm(at, alarm),
            None => Ok(()),
        });
        match answer {
            Consulted::Given(set) => {
                again.silence();
                set
            }
            Consulted::Panicked => {
                diagnostics::policy_panicked("clock");
                Err(again)
            }
            Consulted::Within => {
                if let Some(given) = given {
                    given.silence();
                }
                Err(again)
            }
        }
    }
}
