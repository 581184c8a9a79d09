//! When a rule need not be asked: with so few failures and slow calls it does
//! not fire.

use super::{Rule, context::rate, rule::Node};
use crate::{State, util::duration::nanos, window::Totals};

/// A full window that stays below all three does not make the rule fire in the
/// closed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MinToTrip {
    failures: u64,
    /// How many calls reach the lowest threshold of slowness.
    slow: u64,
    /// The sum of the durations. One that does not fit is taken for less.
    nanos: u64,
}

impl MinToTrip {
    /// Nothing is known of the rule: it is always asked.
    pub(crate) const NONE: Self = Self {
        failures: 0,
        slow: 0,
        nanos: 0,
    };
    /// The rule can't fire.
    const ALL: Self = Self {
        failures: u64::MAX,
        slow: u64::MAX,
        nanos: u64::MAX,
    };

    /// Returns whether the sums of a full window stay below.
    #[inline]
    pub(crate) fn is_below(&self, totals: &Totals) -> bool {
        self.is_below_outcomes(totals)
            && totals.slow.first().is_none_or(|slow| *slow < self.slow)
            && totals.nanos.0 < self.nanos.into()
    }

    /// Returns what [`is_below`](Self::is_below) does where only failures are
    /// counted: then no rule looks at anything else, unless it is always asked.
    #[inline]
    pub(crate) fn is_below_outcomes(&self, totals: &Totals) -> bool {
        totals.failures < self.failures
    }

    /// Returns the sums below which neither rule fires.
    pub(crate) fn of_either(self, other: Self) -> Self {
        Self {
            failures: self.failures.min(other.failures),
            slow: self.slow.min(other.slow),
            nanos: self.nanos.min(other.nanos),
        }
    }

    /// Returns the sums below which one of two rules does not fire: those of the
    /// rule of which more is known.
    fn of_both(self, other: Self) -> Self {
        let least = |min_to_trip: &Self| {
            min_to_trip
                .failures
                .min(min_to_trip.slow)
                .min(min_to_trip.nanos)
        };
        if least(&other) > least(&self) {
            other
        } else {
            self
        }
    }
}

impl Rule {
    /// Returns the sums below which the rule need not be asked, in a window full
    /// of `calls` calls. A custom rule is always asked, since it may want to see
    /// every call.
    pub(crate) fn min_to_trip(&self, calls: u64) -> MinToTrip {
        let mut min_to_trip = self.0.min_to_trip(calls);
        // When all have failed, a streak may be longer than the window.
        min_to_trip.failures = min_to_trip.failures.min(calls);
        self.0.visit(&mut |node| {
            if let Node::Custom(_) = node {
                min_to_trip = MinToTrip::NONE;
            }
        });
        min_to_trip
    }
}

impl Node {
    /// Returns the same for a node, provided that no streak is longer than there
    /// are failures.
    fn min_to_trip(&self, calls: u64) -> MinToTrip {
        let failures = |failures| MinToTrip {
            failures,
            ..MinToTrip::ALL
        };
        match self {
            Self::MinRequests(count) if calls >= *count => MinToTrip::NONE,
            Self::State(State::Closed) | Self::InFlight(..) | Self::Custom(_) => MinToTrip::NONE,
            Self::State(_) | Self::MinRequests(_) => MinToTrip::ALL,
            Self::FailureStreak(count) => failures(*count),
            Self::FailureRate(ratio) => failures(fewest(*ratio, calls)),
            Self::SlowRate(ratio, _) => MinToTrip {
                slow: fewest(*ratio, calls),
                ..MinToTrip::ALL
            },
            Self::AvgLatency(threshold) => MinToTrip {
                nanos: nanos(*threshold).saturating_mul(calls),
                ..MinToTrip::ALL
            },
            Self::All(nodes) => {
                let each = nodes.iter().map(|node| node.min_to_trip(calls));
                each.fold(MinToTrip::NONE, MinToTrip::of_both)
            }
            Self::Any(nodes) => {
                let each = nodes.iter().map(|node| node.min_to_trip(calls));
                each.fold(MinToTrip::ALL, MinToTrip::of_either)
            }
        }
    }
}

/// Returns the fewest of `calls` calls that are `ratio` of them, by the very
/// comparison that the rules make.
fn fewest(ratio: f64, calls: u64) -> u64 {
    let reaches = |part: u64| rate(part, calls).is_some_and(|rate| rate >= ratio);
    let (mut least, mut most) = (0, calls);
    while least < most {
        let middle = least + (most - least) / 2;
        if reaches(middle) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::window::Sum;
    use crate::{
        random::{Random, Seeded},
        tripper::{
            AvgLatency, Closed, Context, Custom, FailureRate, FailureStreak, HalfOpened,
            MinRequests, SlowRate,
        },
    };

    const SLOW: [Duration; 2] = [Duration::from_nanos(10), Duration::from_nanos(20)];

    fn fires(rule: &Rule, totals: &Totals, streak: u64) -> bool {
        rule.fires(&Context {
            state: State::Closed,
            streak,
            totals,
            thresholds: &SLOW,
            durations: true,
            running: None,
        })
    }

    fn failures(calls: u64, failures: u64) -> Totals {
        Totals {
            calls,
            failures,
            ..Totals::default()
        }
    }

    fn below(random: &mut Seeded, n: u64) -> u64 {
        (random.next_f64().to_bits() >> 20) % n
    }

    /// At most `depth` operators deep, and of the first `kinds` kinds.
    fn any_rule(random: &mut Seeded, depth: u32, kinds: u64) -> Rule {
        if depth > 0 && below(random, 3) > 0 {
            let left = any_rule(random, depth - 1, kinds);
            let right = any_rule(random, depth - 1, kinds);
            return match below(random, 2) {
                0 => left & right,
                _ => left | right,
            };
        }
        let mut draw = |n| below(random, n);
        match draw(kinds) {
            0 => Closed.into(),
            1 => HalfOpened.into(),
            2 => MinRequests::new(1 + draw(30)).into(),
            3 => FailureRate::new((1 + draw(100)) as f64 / 100.0).into(),
            4 => FailureStreak::new(1 + draw(30)).into(),
            5 => SlowRate::new(
                (1 + draw(100)) as f64 / 100.0,
                SLOW[usize::from(draw(2) == 0)],
            )
            .into(),
            _ => AvgLatency::new(Duration::from_nanos(1 + draw(30))).into(),
        }
    }

    #[test]
    fn no_rule_fires_while_it_is_calm() {
        let mut random = Seeded::new(5);
        let mut tried = 0;
        for _ in 0..200_000 {
            let rule = any_rule(&mut random, 3, 7);
            let mut draw = |n| below(&mut random, n);
            let calls = 1 + draw(29);
            let slow = draw(calls + 1);
            let totals = Totals {
                calls,
                failures: draw(calls + 1),
                nanos: Sum(draw(30 * calls).into()),
                slow: Box::new([slow, draw(slow + 1)]),
            };
            let streak = draw(totals.failures + 1);
            if rule.min_to_trip(calls).is_below(&totals) {
                tried += 1;
                assert!(!fires(&rule, &totals, streak), "{rule:?} at {totals:?}");
            }
        }
        assert!(tried > 20_000, "{tried} of them put it to the test");
    }

    #[test]
    fn a_rule_about_outcomes_is_calm_until_it_fires() {
        let mut random = Seeded::new(11);
        for _ in 0..2000 {
            let rule = any_rule(&mut random, 3, 5);
            for calls in [1, 2, 7, 20, 29] {
                for failed in 0..calls {
                    let totals = failures(calls, failed);
                    let min_to_trip = rule.min_to_trip(calls);
                    assert_eq!(
                        min_to_trip.is_below(&totals),
                        min_to_trip.is_below_outcomes(&totals)
                    );
                    assert_eq!(
                        min_to_trip.is_below(&totals),
                        !fires(&rule, &totals, failed),
                        "{rule:?} at {failed} of {calls}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_fewest_of_many_are_found_at_once() {
        let most = u64::from(u32::MAX);
        for (ratio, calls, least) in [
            (0.5, 100, 50),
            (0.1, 30, 3),
            (0.3, 10, 3),
            (1.0, most, most),
            (f64::MIN_POSITIVE, most, 1),
            (0.5, most, most / 2 + 1),
        ] {
            assert_eq!(fewest(ratio, calls), least, "{ratio} of {calls}");
        }
    }

    #[test]
    fn a_rule_of_the_users_is_always_asked() {
        let own = || Custom::from_fn(|_| false);
        for rule in [
            FailureRate::new(0.5) & own(),
            own() | FailureRate::new(0.5),
            (MinRequests::new(5) & own()) & FailureStreak::new(5),
        ] {
            assert_eq!(rule.min_to_trip(10), MinToTrip::NONE, "{rule:?}");
        }
    }

    #[test]
    fn a_mean_and_a_rate_are_both_watched() {
        let rule = MinRequests::new(10)
            & (FailureRate::new(0.5) | AvgLatency::new(SLOW[0]) | SlowRate::new(0.3, SLOW[1]));
        let min_to_trip = MinToTrip {
            failures: 5,
            slow: 3,
            nanos: 100,
        };
        assert_eq!(rule.min_to_trip(10), min_to_trip);
    }
}
