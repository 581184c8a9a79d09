//! The number of failing calls that open a closed circuit.

use super::{Size, branches};
use crate::policy::{ParsedRule, TripperFormula};

/// Failing calls, one after the other, until the circuit opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Openings {
    /// When nothing was recorded before.
    pub(crate) cold: Option<u64>,
    /// When the window is full of successes.
    pub(crate) healthy: Option<u64>,
}

/// Counts the failing calls that open the circuit: the calls are quick, and custom
/// rules are silent. `None` if a constant is not known.
pub(crate) fn openings(tripper: &TripperFormula, window: Size) -> Option<Openings> {
    let branches = branches(tripper)?;
    let counted: Vec<_> = branches
        .iter()
        .filter(|branch| branch.can_fire_closed())
        .filter(|branch| {
            branch
                .find(|rule| {
                    matches!(
                        rule,
                        ParsedRule::AvgLatency(_)
                            | ParsedRule::SlowRate { .. }
                            | ParsedRule::InFlight { .. }
                            | ParsedRule::Custom(_)
                            | ParsedRule::InCode(_)
                    )
                })
                .is_none()
        })
        .collect();
    if counted.is_empty() || !counted.iter().all(|branch| branch.is_known()) {
        return None;
    }
    let size = match window {
        Size::Calls { size, .. } => Some(size),
        Size::Unbounded => None,
        Size::Unknown => return None,
    };
    let fires = |failures: u64, before: u64| {
        let held = size.map_or(failures, |size| failures.min(size));
        let calls = size.map_or(failures, |size| size.min(before.saturating_add(failures)));
        counted.iter().any(|branch| {
            branch.leaves.iter().all(|leaf| match &leaf.rule {
                ParsedRule::MinRequests(count) => count.known.is_some_and(|count| calls >= count),
                ParsedRule::FailureRate(ratio) => ratio
                    .known
                    .is_some_and(|ratio| held as f64 / calls as f64 >= ratio),
                ParsedRule::FailureStreak(count) => {
                    count.known.is_some_and(|count| failures >= count)
                }
                ParsedRule::Closed => true,
                _ => false,
            })
        })
    };
    Some(Openings {
        cold: first(|failures| fires(failures, 0)),
        healthy: size.and_then(|size| first(|failures| fires(failures, size))),
    })
}

/// Finds the smallest number for which `holds`, which holds for all larger ones.
fn first(holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut below, mut above) = (0, 1);
    while !holds(above) {
        below = above;
        above = above.checked_mul(2)?;
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if holds(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    Some(above)
}
