//! How near a rule is to firing.

use super::{Context, Rule, rule::Node};

impl Rule {
    /// Returns the measured value as a share of its threshold: 1 and above fires. Of
    /// `a & b` the smaller counts, of `a | b` the larger.
    pub(crate) fn pressure(&self, seen: &Context<'_>) -> f64 {
        self.0.pressure(seen)
    }

    /// Returns the number, from the left, of the part that says most about how near the
    /// rule is to firing: of alternatives one in the nearest, and there the outcomes that
    /// are nearest, rather than how many calls there are.
    #[cfg(feature = "page")]
    pub(crate) fn leading(&self, seen: &Context<'_>) -> usize {
        self.0.leading(seen, &mut 0).number
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
            Self::Custom(_) => 0.0,
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

    /// Returns the part that leads.
    #[cfg(feature = "page")]
    fn leading(&self, seen: &Context<'_>, next: &mut usize) -> Leading {
        let (Self::All(nodes) | Self::Any(nodes)) = self else {
            let number = *next;
            *next += 1;
            return Leading {
                number,
                pressure: self.pressure(seen),
                counts_calls: matches!(self, Self::MinRequests(_) | Self::State(_)),
            };
        };
        let is_any = matches!(self, Self::Any(_));
        let key = |node: &Self, found: &Leading| {
            let pressure = if is_any {
                node.pressure(seen)
            } else {
                found.pressure
            };
            // What only counts calls comes after all else that is asked with it.
            (is_any || !found.counts_calls, pressure)
        };
        let parts = nodes.iter().map(|node| {
            let found = node.leading(seen, next);
            (key(node, &found), found)
        });
        // Of equal ones the first.
        let nearest = parts.reduce(|a, b| if b.0 > a.0 { b } else { a });
        nearest.map_or_else(Leading::default, |(_, found)| found)
    }
}

/// A part of a rule, as it is chosen among others.
#[cfg(feature = "page")]
#[derive(Default)]
struct Leading {
    number: usize,
    pressure: f64,
    /// Whether it looks at no outcome.
    counts_calls: bool,
}

#[cfg(all(test, feature = "page", not(fluxgate_loom)))]
mod tests {
    use crate::{
        CircuitBreaker,
        tracker::All,
        tripper::{Closed, FailureRate, FailureStreak, MinRequests},
    };

    #[test]
    fn part_that_leads_is_that_of_the_nearest_alternative() {
        let many = MinRequests::new(20) & FailureRate::new(0.5);
        let breaker =
            CircuitBreaker::builder("leading").tripper(FailureStreak::new(5) | Closed & many);
        let breaker = breaker.build().unwrap();
        let leading = || {
            let glance = breaker.core.glance();
            glance.parts[glance.leading].rule.to_string()
        };
        let call = |fails: bool| {
            let outcome = if fails { Err("down") } else { Ok(()) };
            let _ = breaker.with_tracker(All).try_call(|| outcome);
        };
        (0..4).for_each(|_| call(true));
        // All failed, but they are 4 of 20, and 4 of 5 in a row.
        assert_eq!(leading(), "FailureStreak");
        (0..12).for_each(|i| call(i % 3 == 1));
        assert_eq!(leading(), "FailureRate", "and not how many there are");
    }
}
