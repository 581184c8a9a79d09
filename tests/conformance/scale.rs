//! Recorded seconds as the durations of this crate, and back.

use std::time::{Duration, SystemTime};

use crate::{
    format::{Config, Op, Permit, Retry, Scenario, Tripper},
    observed::START,
};

/// Recorded times are multiples of 1/1024 s, which is 976562.5 ns. A scenario
/// with an odd multiple in it runs with all its times doubled, so that every
/// comparison stays exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    AsRecorded,
    Doubled,
}

const TICKS: f64 = 1024.0;
/// Nanoseconds in two ticks.
const TWO_TICKS: i128 = 1_953_125;
const WALL_START: Duration = Duration::from_secs(1_700_000_000);

impl Scale {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let steps = scenario.steps.iter().map(|step| match &step.op {
            Op::Advance { seconds } | Op::WallStep { seconds } => *seconds,
            Op::Call(call) => call.duration,
            Op::Control { .. } => 0.0,
        });
        let is_odd = |seconds: f64| (seconds * TICKS % 2.0).abs() >= 1.0;
        if steps
            .chain(configured(&scenario.config))
            .any(|seconds| is_odd(seconds) && ticks(seconds).is_some())
        {
            Self::Doubled
        } else {
            Self::AsRecorded
        }
    }

    /// By how much durations are multiplied.
    pub(crate) fn factor(self) -> u64 {
        match self {
            Self::AsRecorded => 1,
            Self::Doubled => 2,
        }
    }

    /// Exact for a multiple of 1/1024 s; a setting that is none, as 0.1, goes to
    /// the nearest nanosecond, as a user would write it.
    pub(crate) fn duration(self, seconds: f64) -> Duration {
        match self.nanos(seconds) {
            Some(nanos) => u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos),
            None => Duration::try_from_secs_f64(seconds * self.factor() as f64)
                .unwrap_or(Duration::MAX)
                .max(Duration::from_nanos(1)),
        }
    }

    pub(crate) fn seconds(self, duration: Duration) -> f64 {
        let nanos = i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        self.signed_seconds(nanos)
    }

    /// A time of the wall clock that is `by` away from `wall`.
    pub(crate) fn step(self, wall: SystemTime, by: f64) -> SystemTime {
        if by < 0.0 {
            wall - self.duration(-by)
        } else {
            wall + self.duration(by)
        }
    }

    /// Seconds since 1970.
    pub(crate) fn wall_seconds(self, wall: SystemTime) -> f64 {
        let since = match wall.duration_since(wall_start()) {
            Ok(after) => self.seconds(after),
            Err(before) => -self.seconds(before.duration()),
        };
        START + since
    }

    fn nanos(self, seconds: f64) -> Option<i128> {
        Some(ticks(seconds)? * TWO_TICKS * i128::from(self.factor()) / 2)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53 ticks are a quarter of a million years"
    )]
    fn signed_seconds(self, nanos: i128) -> f64 {
        let (whole, scale) = (nanos * 2, TWO_TICKS * i128::from(self.factor()));
        if whole % scale == 0 {
            (whole / scale) as f64 / TICKS
        } else {
            nanos as f64 / 1e9 / self.factor() as f64
        }
    }
}

/// When a breaker is built, by the wall clock.
pub(crate) fn wall_start() -> SystemTime {
    SystemTime::UNIX_EPOCH + WALL_START
}

/// How many 1/1024 s these are, if a whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is a whole number, and `as` saturates"
)]
fn ticks(seconds: f64) -> Option<i128> {
    let ticks = seconds * TICKS;
    (ticks.fract() == 0.0)
        .then_some(ticks as i64)
        .map(i128::from)
}

/// All durations in the settings.
fn configured(config: &Config) -> Vec<f64> {
    let mut durations = Vec::new();
    if let Some(tripper) = &config.tripper {
        thresholds(tripper, &mut durations);
    }
    match config.retry {
        Some(Retry::Cooldown { duration, .. }) => durations.push(duration),
        Some(Retry::Backoff {
            initial,
            max_duration,
            ..
        }) => {
            durations.push(initial);
            durations.extend(max_duration);
        }
        Some(Retry::Never | Retry::Always) | None => {}
    }
    if let Some(Permit::RampUp { duration, .. }) = config.permit {
        durations.push(duration);
    }
    durations
}

fn thresholds(tripper: &Tripper, durations: &mut Vec<f64>) {
    match tripper {
        Tripper::SlowRate { threshold, .. } | Tripper::AvgLatency(threshold) => {
            durations.push(*threshold);
        }
        Tripper::And(both) | Tripper::Or(both) => {
            thresholds(&both.0, durations);
            thresholds(&both.1, durations);
        }
        _ => {}
    }
}
