//! How near a rule is to firing.

use super::{Context, Rule, rule::Node};

impl Rule {
    /// Returns the measured value as a share of its threshold: 1 and above fires. Of
    /// `a & b` the smaller counts, of `a | b` the larger.
    pub(crate) fn pressure(&self, seen: &Context<'_>) -> f64 {
        self.0.pressure(seen)
    }
}

impl Node {
    fn pressure(&self, seen: &Context<'_>) -> f64 {
        let share = |measured: Option<f64>, threshold: f64| {
            measured.map_or(0.0, |measured| measured / threshold)
        };
        match self {
            Self::State(state) => f64::from(u8::from(seen.state == *state)),
            Self::MinRequests(count) => seen.totals.calls as f64 / *count as f64,
            Self::FailureRate(ratio) => share(seen.failure_rate(), *ratio),
            Self::AvgLatency(threshold) => share(
                seen.avg_duration().map(|mean| mean.as_secs_f64()),
                threshold.as_secs_f64(),
            ),
            Self::SlowRate(ratio, slow) => share(seen.slow_rate(*slow), *ratio),
            Self::FailureStreak(count) => seen.streak as f64 / *count as f64,
            Self::InFlight(rule) => share(
                seen.in_flight(rule.older_than).map(|calls| calls as f64),
                rule.count as f64,
            ),
            // Says whether, not how far; and no user code runs for a picture.
            Self::Custom(_) | Self::TooLarge { .. } => 0.0,
            Self::All(nodes) => nodes
                .iter()
                .map(|node| node.pressure(seen))
                .fold(f64::INFINITY, f64::min),
            Self::Any(nodes) => nodes
                .iter()
                .map(|node| node.pressure(seen))
                .fold(0.0, f64::max),
        }
    }
}
