//! The sums of a window, as an operator reads them.

use std::time::Duration;

use crate::{util::duration::from_nanos, window::Totals};

/// What a breaker's window held at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(into = "MetricsOnWire")
)]
#[non_exhaustive]
pub struct Metrics {
    /// Recorded calls.
    pub total_count: u64,
    /// How many of them failed.
    pub failure_count: u64,
    /// The sum of their durations; `None` when nothing keeps it (see
    /// [`Builder::durations`](crate::Builder::durations)).
    pub total_duration: Option<Duration>,
    /// For each slowness threshold in the rules, ascending, how many calls took
    /// that long or longer.
    pub slow_counts: Vec<(Duration, u64)>,
}

impl Metrics {
    pub(crate) fn new(totals: &Totals, thresholds: &[Duration], durations: bool) -> Self {
        Self {
            total_count: totals.calls,
            failure_count: totals.failures,
            total_duration: durations.then(|| from_nanos(totals.nanos.0)),
            slow_counts: thresholds
                .iter()
                .copied()
                .zip(totals.slow.iter().copied())
                .collect(),
        }
    }

    /// Returns the failures per call, or `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        self.per_call(self.failure_count)
    }

    /// Returns the share of the calls that took `threshold` or longer, or `None`
    /// if there were no calls or no rule has this threshold.
    #[must_use]
    pub fn slow_rate(&self, threshold: Duration) -> Option<f64> {
        let (_, count) = self.slow_counts.iter().find(|(at, _)| *at == threshold)?;
        self.per_call(*count)
    }

    /// Returns the mean duration, or `None` if there were no calls or durations
    /// are not kept.
    #[must_use]
    pub fn avg_duration(&self) -> Option<Duration> {
        let calls = u128::from(self.total_count);
        let total = self.total_duration?.as_nanos();
        Some(from_nanos(total.checked_div(calls)?))
    }

    fn per_call(&self, count: u64) -> Option<f64> {
        (self.total_count > 0).then(|| count as f64 / self.total_count as f64)
    }
}

/// [`Metrics`] as serialised: what can be read from the sums is written as well, so that
/// a listing needs no arithmetic.
#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
#[serde(rename = "Metrics")]
struct MetricsOnWire {
    total_count: u64,
    failure_count: u64,
    failure_rate: Option<f64>,
    total_duration: Option<f64>,
    avg_duration: Option<f64>,
    slow_counts: Vec<Slow>,
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
struct Slow {
    threshold: f64,
    count: u64,
    rate: Option<f64>,
}

#[cfg(feature = "serde")]
impl From<Metrics> for MetricsOnWire {
    fn from(metrics: Metrics) -> Self {
        let seconds = |duration: Duration| duration.as_secs_f64();
        let slow = |&(threshold, count): &(Duration, u64)| Slow {
            threshold: seconds(threshold),
            count,
            rate: metrics.slow_rate(threshold),
        };
        Self {
            total_count: metrics.total_count,
            failure_count: metrics.failure_count,
            failure_rate: metrics.failure_rate(),
            total_duration: metrics.total_duration.map(seconds),
            avg_duration: metrics.avg_duration().map(seconds),
            slow_counts: metrics.slow_counts.iter().map(slow).collect(),
        }
    }
}
