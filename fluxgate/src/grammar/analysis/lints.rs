//! Lints for rules that can't mean what they say. One function a mistake.

use super::{Branch, Facts, Size, branches, implies};
use crate::grammar::{
    describe::words::{self, count_of},
    policy::{Leaf, ParsedRule},
    tokens::errors::ErrorList,
};

pub(crate) fn check(facts: &Facts<'_>, errors: &ErrorList) {
    let Some(branches) = branches(facts.tripper) else {
        return;
    };
    let mut found = Found {
        errors,
        blamed: Vec::new(),
    };
    let mut sound = Vec::new();
    for branch in branches {
        let is_sound = !contradicts(&branch, &mut found)
            & !needs_more_than_the_window(&branch, facts.window, &mut found)
            & !looks_at_nothing(&branch, &mut found)
            & !finer_than_the_window(&branch, facts.window, &mut found);
        if is_sound {
            sound.push(branch);
        }
    }
    if found.blamed.is_empty() {
        never_opens(&sound, &mut found);
        too_many_probes(&sound, facts, &mut found);
    }
    shadowed(&sound, facts.window, &mut found);
}

/// Errors, one for a leaf: it may stand in several branches.
struct Found<'a, 'e> {
    errors: &'e ErrorList,
    blamed: Vec<&'a Leaf>,
}

impl<'a> Found<'a, '_> {
    fn blame(&mut self, leaf: &'a Leaf, message: String) {
        if !self.blamed.iter().any(|known| std::ptr::eq(*known, leaf)) {
            self.blamed.push(leaf);
            self.errors.at(&leaf.place, message);
        }
    }
}

fn contradicts<'a>(branch: &Branch<'a>, found: &mut Found<'a, '_>) -> bool {
    let closed =
        branch.find(|rule| matches!(rule, ParsedRule::Closed | ParsedRule::InFlight { .. }));
    let half_opened = branch.find(|rule| matches!(rule, ParsedRule::HalfOpened));
    let (Some(closed), Some(leaf)) = (closed, half_opened) else {
        return false;
    };
    let why = match closed.rule {
        ParsedRule::Closed => "a breaker is in one state at a time",
        _ => "it fires in the closed state alone",
    };
    found.blame(
        leaf,
        format!(
            "`{} & HalfOpened` can never hold: {why}; combine the two with `|`, or leave one out",
            words::leaf(closed)
        ),
    );
    true
}

fn needs_more_than_the_window<'a>(
    branch: &Branch<'a>,
    window: Size,
    found: &mut Found<'a, '_>,
) -> bool {
    let Size::Calls { size, default } = window else {
        return false;
    };
    let Some((count, leaf)) = branch.min_requests().filter(|(count, _)| *count > size) else {
        return false;
    };
    let which = if default {
        format!("the default window, `CountWindow({size})`,")
    } else {
        format!("`CountWindow({size})`")
    };
    found.blame(
        leaf,
        format!(
            "`MinRequests({count})` can never hold: {which} keeps the last {size} calls, and \
             {count} is more; write `MinRequests({size})` or less, or `window = CountWindow({count})` \
             or more"
        ),
    );
    true
}

fn looks_at_nothing<'a>(branch: &Branch<'a>, found: &mut Found<'a, '_>) -> bool {
    if branch.looks_at_outcomes() {
        return false;
    }
    let Some(leaf) = branch.leaves.last().copied() else {
        return false;
    };
    let text = branch.to_string();
    let message = match branch.min_requests() {
        Some((count, _)) if branch.can_fire_closed() => format!(
            "`{text}` looks at no outcome: the {} opens the circuit of a service in perfect health; \
             add what must have gone wrong, as in `{text} & FailureRate(0.5)`",
            nth_call(count),
        ),
        _ if branch.can_fire_closed() => format!(
            "`{text}` looks at no outcome: every call opens the circuit, whatever comes of it; \
             add what must have gone wrong, as in `{text} & FailureRate(0.5)`"
        ),
        _ => format!(
            "`{text}` looks at no outcome: it keeps even successful probes from closing the circuit; \
             to reopen at the first failed probe write `reopen_after = 1` instead"
        ),
    };
    found.blame(leaf, message);
    true
}

fn nth_call(count: u64) -> String {
    if count == 1 {
        "first call".to_owned()
    } else {
        format!("call that makes {count}")
    }
}

fn finer_than_the_window<'a>(branch: &Branch<'a>, window: Size, found: &mut Found<'a, '_>) -> bool {
    let Size::Calls { size, .. } = window else {
        return false;
    };
    let mut finer = false;
    let step = 1.0 / size as f64;
    for leaf in &branch.leaves {
        let (what, ratio) = match &leaf.rule {
            ParsedRule::FailureRate(ratio) => ("failure", ratio),
            ParsedRule::SlowRate { ratio, .. } => ("slow call", ratio),
            _ => continue,
        };
        let Some(given) = ratio.known.filter(|ratio| *ratio < step) else {
            continue;
        };
        finer = true;
        let wanted = (1.0 / given).ceil();
        found.blame(
            leaf,
            format!(
                "a ratio of {given} is finer than the window can show: one {what} in {} is \
                 already {step}, so `{}` fires at the first; write a ratio of {step} or more, or \
                 `window = CountWindow({wanted})` or more",
                count_of(size, "call"),
                words::leaf(leaf),
            ),
        );
    }
    finer
}

/// Finds a rule that never opens the circuit, which happens from closed alone.
fn never_opens<'a>(branches: &[Branch<'a>], found: &mut Found<'a, '_>) {
    let opens = branches.iter().any(Branch::can_fire_closed);
    let limited = branches
        .iter()
        .find_map(|branch| branch.find(|rule| matches!(rule, ParsedRule::HalfOpened)));
    if let (false, Some(leaf)) = (opens, limited) {
        found.blame(
            leaf,
            "the circuit can never open: every branch of the rule is limited to `HalfOpened`, and a \
             circuit opens from closed; add a branch without it, as in \
             `FailureStreak(5) | HalfOpened & …`"
                .to_owned(),
        );
    }
}

/// Finds a rule that can't fire before the half-open state ends, at the first good
/// probe or after `reopen_after` bad ones.
fn too_many_probes<'a>(branches: &[Branch<'a>], facts: &Facts<'_>, found: &mut Found<'a, '_>) {
    let (Some(1), Some(limit)) = (facts.close_after, facts.reopen_after) else {
        return;
    };
    let needed = |branch: &Branch<'a>| {
        branch
            .leaves
            .iter()
            .copied()
            .filter_map(|leaf| match &leaf.rule {
                ParsedRule::MinRequests(count) | ParsedRule::FailureStreak(count) => {
                    Some((count.known?, leaf))
                }
                _ => None,
            })
            .max_by_key(|(count, _)| *count)
    };
    let active: Vec<_> = branches
        .iter()
        .filter(|branch| branch.can_fire_half_open())
        .collect();
    // A branch that holds earlier can keep the circuit half-open for longer.
    if active
        .iter()
        .any(|branch| needed(branch).is_none_or(|(count, _)| count <= limit))
    {
        return;
    }
    for branch in active
        .into_iter()
        .filter(|branch| !branch.can_fire_closed())
    {
        if let Some((count, leaf)) = needed(branch) {
            found.blame(
                leaf,
                format!(
                    "`{}` can never hold in the half-open state: it needs {}, but the first \
                     success closes the circuit, and `reopen_after = {limit}` opens it at {}; \
                     write {limit} or less here, or leave `reopen_after` out",
                    words::leaf(leaf),
                    count_of(count, "probe"),
                    count_of(limit, "failure"),
                ),
            );
        }
    }
}

/// Finds branches that another one makes superfluous.
fn shadowed<'a>(branches: &[Branch<'a>], window: Size, found: &mut Found<'a, '_>) {
    for (at, branch) in branches.iter().enumerate() {
        let other = branches.iter().enumerate().find_map(|(other, general)| {
            if other == at {
                return None;
            }
            let why = implies::branch(branch, general, window)?;
            // Of two that say the same the first stays.
            let same = implies::branch(general, branch, window).is_some();
            (!same || other < at).then_some((general, why))
        });
        if let Some((general, why)) = other {
            let leaf = own_leaf(branch, general);
            found.blame(
                leaf,
                format!(
                    "`{branch}` never decides anything: `{general}` fires whenever it does \
                     ({why}); remove one of the two"
                ),
            );
            continue;
        }
        outrun(branch, branches, window, found);
    }
}

/// Finds a failure rate that can't be reached without the streak that opens first.
fn outrun<'a>(
    branch: &Branch<'a>,
    branches: &[Branch<'a>],
    window: Size,
    found: &mut Found<'a, '_>,
) {
    let rate = branch
        .leaves
        .iter()
        .copied()
        .find_map(|leaf| match &leaf.rule {
            ParsedRule::FailureRate(ratio) => Some((ratio.known?, leaf)),
            _ => None,
        });
    let Some((ratio, leaf)) = rate else { return };
    let least = branch.min_requests().map_or(1, |(count, _)| count);
    let streaks = branches
        .iter()
        .filter_map(|other| match other.leaves.as_slice() {
            [only] => match &only.rule {
                ParsedRule::FailureStreak(count) => count.known,
                _ => None,
            },
            _ => None,
        });
    for streak in streaks {
        let Some((failures, calls)) = implies::densest(least, streak, window) else {
            continue;
        };
        if (failures as f64 / calls as f64) < ratio {
            found.blame(
                leaf,
                format!(
                    "`{branch}` never decides anything: without {streak} failures in a row, at which \
                     `FailureStreak({streak})` fires, at most {failures} of {calls} calls fail, and \
                     that is less than {ratio}; write a smaller ratio or a longer streak"
                ),
            );
        }
    }
}

/// Returns the last leaf that the two branches do not share.
fn own_leaf<'a>(branch: &Branch<'a>, other: &Branch<'a>) -> &'a Leaf {
    let shared = |leaf: &&Leaf| other.leaves.iter().any(|known| std::ptr::eq(*known, *leaf));
    branch
        .leaves
        .iter()
        .rev()
        .find(|leaf| !shared(leaf))
        .or(branch.leaves.last())
        .copied()
        .expect("a branch has leaves")
}
