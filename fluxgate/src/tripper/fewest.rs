//! How many failures it takes at least: below that a rule need not be asked.

use super::{Rule, context::rate, rule::Node};
use crate::State;

impl Rule {
    /// With fewer failures than this in a window full of `calls` calls the rule
    /// does not fire in the closed state, whatever else. At most `calls`: all
    /// may have failed, and more before them.
    ///
    /// Zero with a rule of the user's, which may want to see every call.
    pub(crate) fn fewest_failures(&self, calls: u64) -> u64 {
        let mut fewest = self.0.fewest_failures(calls).min(calls);
        self.0.visit(&mut |node| {
            if let Node::Custom(_) = node {
                fewest = 0;
            }
        });
        fewest
    }
}

impl Node {
    /// The same, provided that no streak is longer than there are failures:
    /// that is so until all of the window failed.
    fn fewest_failures(&self, calls: u64) -> u64 {
        match self {
            Self::State(State::Closed)
            | Self::AvgLatency(_)
            | Self::SlowRate(..)
            | Self::InFlight(..)
            | Self::Custom(_) => 0,
            Self::MinRequests(count) if calls >= *count => 0,
            Self::State(_) | Self::MinRequests(_) => u64::MAX,
            Self::FailureStreak(count) => *count,
            Self::FailureRate(ratio) => fewest_at_rate(*ratio, calls),
            Self::All(nodes) => {
                let each = nodes.iter().map(|node| node.fewest_failures(calls));
                each.max().unwrap_or(0)
            }
            Self::Any(nodes) => {
                let each = nodes.iter().map(|node| node.fewest_failures(calls));
                each.min().unwrap_or(u64::MAX)
            }
        }
    }
}

/// The fewest failures that are `ratio` of `calls` calls, by the very comparison
/// that the rule makes.
fn fewest_at_rate(ratio: f64, calls: u64) -> u64 {
    let reaches = |failures: u64| rate(failures, calls).is_some_and(|rate| rate >= ratio);
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
    use super::*;
    use crate::{
        random::{Random, Seeded},
        tripper::{Closed, Context, Custom, FailureRate, FailureStreak, HalfOpened, MinRequests},
        window::Totals,
    };

    fn fires(rule: &Rule, calls: u64, failures: u64, streak: u64) -> bool {
        let totals = Totals {
            calls,
            failures,
            ..Totals::default()
        };
        rule.fires(&Context {
            state: State::Closed,
            streak,
            totals: &totals,
            thresholds: &[],
            durations: false,
            running: None,
        })
    }

    /// From random numbers, at most `depth` operators deep.
    fn rule(random: &mut Seeded, depth: u32) -> Rule {
        let mut below = |n: u64| (random.next_f64().to_bits() >> 20) % n;
        if depth > 0 && below(3) > 0 {
            let all = below(2) == 0;
            let (left, right) = (rule(random, depth - 1), rule(random, depth - 1));
            return if all { left & right } else { left | right };
        }
        match below(5) {
            0 => Closed.into(),
            1 => HalfOpened.into(),
            2 => MinRequests::new(1 + below(30)).into(),
            3 => FailureRate::new((1 + below(100)) as f64 / 100.0).into(),
            _ => FailureStreak::new(1 + below(30)).into(),
        }
    }

    #[test]
    fn a_rule_never_fires_below_and_does_at_the_fewest_failures() {
        let mut random = Seeded::new(11);
        for _ in 0..2000 {
            let rule = rule(&mut random, 3);
            for calls in [1, 2, 7, 20, 29] {
                let fewest = rule.fewest_failures(calls);
                for failures in 0..fewest {
                    for streak in 0..=failures {
                        let wrong = fires(&rule, calls, failures, streak);
                        assert!(
                            !wrong,
                            "{rule:?} at {failures} of {calls}, {streak} in a row"
                        );
                    }
                }
                let at = fires(&rule, calls, fewest, fewest);
                assert!(at || fewest == calls, "{rule:?} not at {fewest} of {calls}");
            }
        }
    }

    #[test]
    fn the_fewest_failures_of_a_large_window_are_found_at_once() {
        let most = u64::from(u32::MAX);
        for (ratio, calls, fewest) in [
            (0.5, 100, 50),
            (0.1, 30, 3),
            (0.3, 10, 3),
            (1.0, most, most),
            (f64::MIN_POSITIVE, most, 1),
            (0.5, most, most / 2 + 1),
        ] {
            let rule = Rule::from(FailureRate::new(ratio));
            assert_eq!(rule.fewest_failures(calls), fewest, "{ratio} of {calls}");
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
            assert_eq!(rule.fewest_failures(10), 0, "{rule:?}");
        }
    }
}
