//! Rules as words.

use crate::{
    grammar::policy::{Leaf, ParsedRule, Time},
    util::duration::Literal,
};

/// Returns `1 call` or `2 calls`.
pub(crate) fn count_of(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Writes a rule as the attribute takes it.
pub(crate) fn leaf(leaf: &Leaf) -> String {
    let name = &leaf.ident;
    match &leaf.rule {
        ParsedRule::Closed | ParsedRule::HalfOpened => name.clone(),
        ParsedRule::MinRequests(count) | ParsedRule::FailureStreak(count) => {
            format!("{name}({})", count.get())
        }
        ParsedRule::FailureRate(ratio) => format!("{name}({})", ratio.get()),
        ParsedRule::InFlight { count, older_than } => {
            format!("{name}({}, older_than = {})", count.get(), time(older_than))
        }
        ParsedRule::AvgLatency(threshold) => format!("{name}({})", time(threshold)),
        ParsedRule::SlowRate { ratio, threshold } => {
            format!("{name}({}, threshold = {})", ratio.get(), time(threshold))
        }
        ParsedRule::Custom(own) => own.0.clone(),
        ParsedRule::InCode(never) => match *never {},
    }
}

/// Writes a duration as the attribute takes it: `250ms`, `1.5s`, `5min`, `1h`.
fn time(time: &Time) -> String {
    let duration = time.get();
    match (duration.as_secs(), duration.subsec_nanos()) {
        (secs, 0) if secs > 0 && secs % 3600 == 0 => format!("{}h", secs / 3600),
        (secs, 0) if secs > 60 && secs % 60 == 0 => format!("{}min", secs / 60),
        _ => Literal(duration).to_string(),
    }
}
