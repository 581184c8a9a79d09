//! The branches of a rule: its disjunctive normal form.

use std::fmt;

use crate::grammar::{
    describe::words,
    policy::{Formula, Leaf, ParsedRule, TripperFormula},
};

/// Leaves that must hold together.
#[derive(Clone)]
pub(crate) struct Branch<'a> {
    pub(crate) leaves: Vec<&'a Leaf>,
}

/// More branches than this are not looked at one by one.
const MOST: usize = 256;

/// Returns the disjunctive normal form, or `None` if it is too large.
pub(crate) fn branches(tripper: &TripperFormula) -> Option<Vec<Branch<'_>>> {
    match tripper {
        Formula::Leaf(leaf) => Some(vec![Branch { leaves: vec![leaf] }]),
        Formula::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(branches(part)?);
            }
            (all.len() <= MOST).then_some(all)
        }
        Formula::All(parts) => {
            let mut all = vec![Branch { leaves: Vec::new() }];
            for part in parts {
                let factors = branches(part)?;
                all = all
                    .iter()
                    .flat_map(|left| {
                        factors.iter().map(|right| Branch {
                            leaves: left.leaves.iter().chain(&right.leaves).copied().collect(),
                        })
                    })
                    .collect();
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
    }
}

impl fmt::Display for Branch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, leaf) in self.leaves.iter().enumerate() {
            let and = if at == 0 { "" } else { " & " };
            write!(f, "{and}{}", words::leaf(leaf))?;
        }
        Ok(())
    }
}

impl<'a> Branch<'a> {
    pub(crate) fn find(&self, wanted: impl Fn(&ParsedRule) -> bool) -> Option<&'a Leaf> {
        self.leaves.iter().copied().find(|leaf| wanted(&leaf.rule))
    }

    fn has(&self, wanted: impl Fn(&ParsedRule) -> bool) -> bool {
        self.find(wanted).is_some()
    }

    pub(crate) fn can_fire_closed(&self) -> bool {
        !self.has(|rule| matches!(rule, ParsedRule::HalfOpened))
    }

    pub(crate) fn can_fire_half_open(&self) -> bool {
        !self.has(|rule| matches!(rule, ParsedRule::Closed | ParsedRule::InFlight { .. }))
    }

    /// Returns whether it asks how calls went.
    pub(crate) fn looks_at_outcomes(&self) -> bool {
        self.has(|rule| {
            !matches!(
                rule,
                ParsedRule::Closed | ParsedRule::HalfOpened | ParsedRule::MinRequests(_)
            )
        })
    }

    /// Finds how many calls it needs, as far as it says so: the largest `MinRequests`.
    pub(crate) fn min_requests(&self) -> Option<(u64, &'a Leaf)> {
        self.leaves
            .iter()
            .copied()
            .filter_map(|leaf| match &leaf.rule {
                ParsedRule::MinRequests(count) => Some((count.known?, leaf)),
                _ => None,
            })
            .max_by_key(|(count, _)| *count)
    }

    /// Returns whether every value in it is known.
    pub(crate) fn is_known(&self) -> bool {
        self.leaves.iter().all(|leaf| match &leaf.rule {
            ParsedRule::Closed | ParsedRule::HalfOpened => true,
            ParsedRule::MinRequests(count) | ParsedRule::FailureStreak(count) => {
                count.known.is_some()
            }
            ParsedRule::FailureRate(ratio) => ratio.known.is_some(),
            ParsedRule::AvgLatency(threshold) => threshold.known.is_some(),
            ParsedRule::InFlight { count, older_than } => {
                count.known.is_some() && older_than.known.is_some()
            }
            ParsedRule::SlowRate { ratio, threshold } => {
                ratio.known.is_some() && threshold.known.is_some()
            }
            ParsedRule::Custom(_) | ParsedRule::InCode(_) => false,
        })
    }
}
