//! Which part of a rule made it fire.

use super::{Context, InFlight, rule::Node};
#[cfg(feature = "fleet")]
use crate::Reason;
use crate::{
    RuleKind,
    flight::{PARTS, RulePart},
};

/// The leaf of a rule that opened a circuit, small enough to be published in
/// atomic words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cause {
    /// Counted from left to right, from 0.
    pub(crate) leaf: u16,
    pub(crate) measured: f64,
    /// How many calls the window held.
    pub(crate) calls: u64,
}

impl Cause {
    /// In place of a leaf of the rule: the setting `reopen_after`.
    pub(crate) const REOPEN_AFTER: u16 = u16::MAX - 1;
    /// In place of a leaf of the rule: the votes of a fleet.
    pub(crate) const FLEET: u16 = Self::REOPEN_AFTER - 1;
    /// In place of a cause: the circuit was open in an earlier process.
    #[cfg(feature = "settings")]
    pub(crate) const RESTORED: Self = Self {
        leaf: Self::RESTORED_LEAF,
        measured: 0.0,
        calls: 0,
    };
    pub(crate) const RESTORED_LEAF: u16 = Self::FLEET - 1;
    /// The highest number of a leaf; a rule with more of them is refused.
    pub(crate) const LAST: u16 = Self::RESTORED_LEAF - 1;
}

/// Votes and quorum share one number: both are below this.
#[cfg(feature = "fleet")]
const VOTES: u64 = 1 << 26;

#[cfg(feature = "fleet")]
impl Cause {
    /// Returns the cause of an opening by so many votes, where `quorum` were needed.
    pub(crate) fn fleet(votes: u64, quorum: u64) -> Self {
        let (votes, quorum) = (votes.min(VOTES - 1), quorum.min(VOTES - 1));
        Self {
            leaf: Self::FLEET,
            // Whole numbers below 2^53 are exact.
            measured: (votes * VOTES + quorum) as f64,
            calls: 0,
        }
    }

    pub(crate) fn by_fleet(&self) -> Reason {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole"
        )]
        let packed = self.measured as u64;
        let (votes, quorum) = (packed / VOTES, packed % VOTES);
        Reason {
            rule: RuleKind::Fleet { votes, quorum },
            measured: votes as f64,
            threshold: quorum as f64,
            calls: self.calls,
        }
    }
}

impl Node {
    /// Returns the leaf that made the rule fire, and whether it looks at
    /// outcomes; `None` if the rule does not fire. `next` numbers the leaves.
    ///
    /// When several had to hold together, it is the first that looks at
    /// outcomes. A custom rule is asked once more here.
    pub(super) fn cause(&self, seen: &Context<'_>, next: &mut u16) -> Option<(Cause, bool)> {
        match self {
            Self::All(nodes) => {
                let mut chosen = None;
                let mut all = true;
                for node in nodes {
                    let found = node.cause(seen, next);
                    all &= found.is_some();
                    chosen = match (chosen, found) {
                        (None | Some((_, false)), Some((_, true))) | (None, _) => found,
                        (chosen, _) => chosen,
                    };
                }
                chosen.filter(|_| all)
            }
            Self::Any(nodes) => {
                let mut chosen = None;
                for node in nodes {
                    if chosen.is_some() {
                        // Asked for nothing but its numbers.
                        *next = next.saturating_add(node.leaves()).min(Cause::LAST);
                    } else {
                        chosen = node.cause(seen, next);
                    }
                }
                chosen
            }
            leaf => {
                let index = *next;
                *next = index.saturating_add(1).min(Cause::LAST);
                let outcomes = !matches!(leaf, Self::State(_) | Self::MinRequests(_));
                let cause = || Cause {
                    leaf: index,
                    measured: leaf.measured(seen),
                    calls: seen.totals.calls,
                };
                leaf.fires(seen).then(|| (cause(), outcomes))
            }
        }
    }

    /// Adds what each leaf reads, up to a number of leaves. Custom rules are not asked;
    /// of those only the one that is the `cause` is known to fire.
    pub(super) fn parts(
        &self,
        seen: &Context<'_>,
        cause: Option<Cause>,
        next: &mut u16,
        parts: &mut Vec<RulePart>,
    ) {
        if parts.len() >= PARTS {
            return;
        }
        if let Self::All(nodes) | Self::Any(nodes) = self {
            for node in nodes {
                node.parts(seen, cause, next, parts);
            }
            return;
        }
        let index = *next;
        *next = index.saturating_add(1);
        let cause = cause.filter(|cause| cause.leaf == index);
        let (rule, threshold) = self.kind();
        let is_custom = matches!(self, Self::Custom(_));
        let measured = match cause {
            _ if is_custom => None,
            // What the reason says, although other calls may have been recorded since.
            Some(cause) => Some(cause.measured),
            None if matches!(self, Self::State(_)) => Some(f64::from(u8::from(self.fires(seen)))),
            None => Some(self.measured(seen)),
        };
        parts.push(RulePart {
            rule,
            measured,
            threshold,
            holds: cause.is_some() || !is_custom && self.fires(seen),
        });
    }

    /// Returns the kind and threshold of the leaf with this number, which is
    /// counted down to 0.
    pub(super) fn leaf(&self, number: &mut u32) -> Option<(RuleKind, f64)> {
        if let Self::All(nodes) | Self::Any(nodes) = self {
            return nodes.iter().find_map(|node| node.leaf(number));
        }
        let left = number.checked_sub(1);
        *number = left.unwrap_or(u32::MAX);
        left.is_none().then(|| self.kind())
    }

    fn leaves(&self) -> u16 {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                let each = nodes.iter().map(Self::leaves);
                each.fold(0, u16::saturating_add)
            }
            _ => 1,
        }
    }

    fn measured(&self, seen: &Context<'_>) -> f64 {
        match self {
            Self::MinRequests(_) => seen.totals.calls as f64,
            Self::FailureRate(_) => seen.failure_rate().unwrap_or(0.0),
            Self::AvgLatency(_) => seen.avg_duration().unwrap_or_default().as_secs_f64(),
            Self::SlowRate(_, slow) => seen.slow_rate(*slow).unwrap_or(0.0),
            Self::FailureStreak(_) => seen.streak as f64,
            Self::InFlight(rule) => seen.in_flight(rule.older_than).unwrap_or(0) as f64,
            Self::State(_) | Self::Custom(_) | Self::All(_) | Self::Any(_) => 1.0,
        }
    }

    fn kind(&self) -> (RuleKind, f64) {
        match self {
            Self::MinRequests(count) => (RuleKind::MinRequests, *count as f64),
            Self::FailureRate(ratio) => (RuleKind::FailureRate, *ratio),
            Self::AvgLatency(threshold) => (RuleKind::AvgLatency, threshold.as_secs_f64()),
            Self::SlowRate(ratio, slow) => (RuleKind::SlowRate { slow: *slow }, *ratio),
            Self::FailureStreak(count) => (RuleKind::FailureStreak, *count as f64),
            Self::InFlight(rule) => {
                let InFlight { count, older_than } = **rule;
                (RuleKind::InFlight { older_than }, count as f64)
            }
            Self::Custom(custom) => (RuleKind::Custom(custom.name()), 1.0),
            Self::State(_) | Self::All(_) | Self::Any(_) => (RuleKind::State, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{
        RuleKind, State,
        tripper::{
            Closed, Context, FailureRate, FailureStreak, HalfOpened, MinRequests, Rule, SlowRate,
        },
        window::Totals,
    };

    fn named(rule: impl Into<Rule>) -> Option<(RuleKind, f64, f64)> {
        let totals = Totals {
            calls: 10,
            failures: 6,
            slow: Box::new([2]),
            ..Totals::default()
        };
        let rule = rule.into();
        let seen = Context {
            state: State::Closed,
            streak: 3,
            totals: &totals,
            thresholds: &[Duration::from_secs(1)],
            durations: false,
            running: None,
        };
        let cause = rule.cause(&seen)?;
        assert!(rule.fires(&seen));
        let (kind, threshold) = rule.leaf(cause.leaf)?;
        Some((kind, cause.measured, threshold))
    }

    #[test]
    fn conjunction_names_first_leaf_about_outcomes() {
        let rate = Some((RuleKind::FailureRate, 0.6, 0.5));
        assert_eq!(named(MinRequests::new(5) & FailureRate::new(0.5)), rate);
        assert_eq!(
            named(Closed & MinRequests::new(5) & FailureRate::new(0.5)),
            rate
        );
        assert_eq!(
            named(FailureRate::new(0.5) & FailureStreak::new(2) & MinRequests::new(5)),
            rate
        );
        assert_eq!(
            named(MinRequests::new(5) & Closed),
            Some((RuleKind::MinRequests, 10.0, 5.0))
        );
        assert_eq!(named(MinRequests::new(11) & FailureRate::new(0.5)), None);
    }

    #[test]
    fn of_a_disjunction_the_first_that_fires() {
        let slow = Duration::from_secs(1);
        assert_eq!(
            named(FailureStreak::new(4) | SlowRate::new(0.2, slow) | FailureRate::new(0.5)),
            Some((RuleKind::SlowRate { slow }, 0.2, 0.2))
        );
        assert_eq!(
            named(
                (HalfOpened & FailureStreak::new(1))
                    | MinRequests::new(5) & (FailureRate::new(0.9) | FailureStreak::new(3))
            ),
            Some((RuleKind::FailureStreak, 3.0, 3.0))
        );
    }

    #[test]
    fn leaf_behind_long_alternative_keeps_number() {
        let either = MinRequests::new(5) | Closed & (MinRequests::new(6) | FailureStreak::new(1));
        assert_eq!(
            named(either & FailureRate::new(0.5)),
            Some((RuleKind::FailureRate, 0.6, 0.5))
        );
    }

    #[test]
    fn cause_prefers_a_rate_to_a_state() {
        assert_eq!(
            named((Closed | FailureRate::new(0.1)) & FailureRate::new(0.5)),
            Some((RuleKind::FailureRate, 0.6, 0.5))
        );
    }
}
