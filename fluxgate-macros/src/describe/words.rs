//! Values of settings as words, for messages and documentation.

use std::time::Duration;

use quote::ToTokens;

use crate::policy::{Leaf, ParsedRule, Ratio, Time, WholeNumber};

/// Returns `1 call` or `2 calls`.
pub(crate) fn count_of(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Writes a count, or the constant.
pub(crate) fn count(count: &WholeNumber) -> String {
    count
        .known
        .map_or_else(|| source(count.expr()), |value| value.to_string())
}

/// Writes a ratio, or the constant.
pub(crate) fn ratio(ratio: &Ratio) -> String {
    ratio
        .known
        .map_or_else(|| source(ratio.expr()), |value| value.to_string())
}

/// Returns `50 %`, or the constant in code.
pub(crate) fn per_cent(ratio: &Ratio) -> String {
    match ratio.known {
        Some(value) => {
            let tenths = (value * 100_000.0).round() / 1000.0;
            format!("{tenths} %")
        }
        None => format!("`{}`", source(ratio.expr())),
    }
}

/// Writes a duration, or the constant.
pub(crate) fn time(time: &Time) -> String {
    time.duration()
        .map_or_else(|| source(time.expr()), duration)
}

/// Writes a duration as the attribute takes it: `250ms`, `1.5s`, `5min`, `1h`.
pub(crate) fn duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    match (secs, duration.subsec_nanos()) {
        (secs, 0) if secs > 0 && secs % 3600 == 0 => format!("{}h", secs / 3600),
        (secs, 0) if secs > 60 && secs % 60 == 0 => format!("{}min", secs / 60),
        _ => format!("{duration:?}").replace('µ', "u"),
    }
}

/// Writes an expression as a user would, on one line.
pub(crate) fn source(expr: Option<&syn::Expr>) -> String {
    tokens(&expr)
}

/// Writes tokens as a user would.
pub(crate) fn tokens(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    [
        ("& ", "&"),
        (" :: ", "::"),
        (" . ", "."),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
    ]
    .into_iter()
    .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Writes a rule as the attribute takes it.
pub(crate) fn leaf(leaf: &Leaf) -> String {
    let name = &leaf.ident;
    match &leaf.rule {
        ParsedRule::Closed | ParsedRule::HalfOpened => name.to_string(),
        ParsedRule::MinRequests(value) | ParsedRule::FailureStreak(value) => {
            format!("{name}({})", count(value))
        }
        ParsedRule::FailureRate(value) => format!("{name}({})", ratio(value)),
        ParsedRule::InFlight {
            count: calls,
            older_than,
        } => {
            format!(
                "{name}({}, older_than = {})",
                count(calls),
                time(older_than)
            )
        }
        ParsedRule::AvgLatency(value) => format!("{name}({})", time(value)),
        ParsedRule::SlowRate {
            ratio: value,
            threshold,
        } => format!("{name}({}, threshold = {})", ratio(value), time(threshold)),
        ParsedRule::Custom(_) => format!("{name}(…)"),
        ParsedRule::InCode(expr) => source(Some(expr)),
    }
}
