//! Implications between rules: one fires whenever another does.

use super::{Branch, Size};
use crate::grammar::policy::{Leaf, ParsedRule};

/// Says why `specific` can only fire together with `general`, if so.
pub(crate) fn branch(specific: &Branch<'_>, general: &Branch<'_>, window: Size) -> Option<String> {
    let mut why = None;
    for wanted in &general.leaves {
        let found = specific.leaves.iter().find_map(|given| {
            if std::ptr::eq(*given, *wanted) {
                return Some(None);
            }
            leaf(given, wanted, window).map(Some)
        })?;
        why = why.or(found);
    }
    Some(why.unwrap_or_else(|| "it asks for less".to_owned()))
}

/// Says why `given` holds only where `wanted` does, too, if so. The divisions are those
/// of the runtime.
fn leaf(given: &Leaf, wanted: &Leaf, window: Size) -> Option<String> {
    match (&given.rule, &wanted.rule) {
        (ParsedRule::Closed, ParsedRule::Closed)
        | (ParsedRule::HalfOpened, ParsedRule::HalfOpened) => {
            Some("both hold in the same state".to_owned())
        }
        (ParsedRule::MinRequests(given), ParsedRule::MinRequests(wanted)) => {
            let (given, wanted) = (given.known?, wanted.known?);
            (given >= wanted).then(|| format!("{given} calls include {wanted}"))
        }
        (ParsedRule::FailureStreak(given), ParsedRule::FailureStreak(wanted)) => {
            let (given, wanted) = (given.known?, wanted.known?);
            (given >= wanted).then(|| format!("{given} failures in a row include {wanted}"))
        }
        (ParsedRule::FailureRate(given), ParsedRule::FailureRate(wanted)) => {
            let (given, wanted) = (given.known?, wanted.known?);
            (given >= wanted).then(|| format!("a rate that reaches {given} has reached {wanted}"))
        }
        (ParsedRule::AvgLatency(given), ParsedRule::AvgLatency(wanted)) => {
            let (given, wanted) = (given.known?, wanted.known?);
            (given >= wanted).then(|| "a mean that reaches it has reached the smaller".to_owned())
        }
        (
            ParsedRule::InFlight { count, older_than },
            ParsedRule::InFlight {
                count: count_wanted,
                older_than: older_wanted,
            },
        ) => {
            let older = older_than.known? >= older_wanted.known?;
            let more = count.known? >= count_wanted.known?;
            (older && more).then(|| "what runs for longer there is counted here".to_owned())
        }
        (
            ParsedRule::SlowRate { ratio, threshold },
            ParsedRule::SlowRate {
                ratio: ratio_wanted,
                threshold: threshold_wanted,
            },
        ) => {
            let slower = threshold.known? >= threshold_wanted.known?;
            let more = ratio.known? >= ratio_wanted.known?;
            (slower && more).then(|| "what is slow there is slow here".to_owned())
        }
        (ParsedRule::FailureStreak(streak), ParsedRule::MinRequests(count)) => {
            let (streak, count) = (streak.known?, count.known?);
            let held = held_of_streak(streak, window)?;
            (held >= count).then(|| format!("{streak} failures in a row are {count} calls or more"))
        }
        (ParsedRule::FailureStreak(streak), ParsedRule::FailureRate(ratio)) => {
            let (streak, ratio) = (streak.known?, ratio.known?);
            let Size::Calls { size, .. } = window else {
                return None;
            };
            let held = held_of_streak(streak, window)?;
            (held as f64 / size as f64 >= ratio).then(|| {
                format!("{streak} failures in a row are at least {held} of {size} calls, which reaches {ratio}")
            })
        }
        _ => None,
    }
}

/// Returns how many failures of a streak the window is sure to hold.
fn held_of_streak(streak: u64, window: Size) -> Option<u64> {
    match window {
        Size::Calls { size, .. } => Some(streak.min(size)),
        // Some may have left the window by time.
        Size::Unbounded | Size::Unknown => None,
    }
}

/// Returns the largest failure rate that at least `least` calls can show without
/// `streak` failures in a row: one success in every `streak` calls.
pub(crate) fn densest(least: u64, streak: u64, window: Size) -> Option<(u64, u64)> {
    let most = match window {
        Size::Calls { size, .. } => size,
        Size::Unbounded => u64::MAX,
        Size::Unknown => return None,
    };
    // The best place is just before the next success is due.
    let due = least.checked_next_multiple_of(streak)?;
    let before = if due > least {
        due - 1
    } else {
        due.checked_add(streak - 1)?
    };
    [least.max(1), before.min(most)]
        .into_iter()
        .filter(|calls| *calls >= least && *calls >= 1 && *calls <= most)
        .map(|calls| (calls - calls / streak, calls))
        .max_by(|(f, c), (g, d)| (*f as f64 / *c as f64).total_cmp(&(*g as f64 / *d as f64)))
}
