//! What is written where a policy is expected and is none: numbers, paths, closures and
//! other expressions. Each is refused with the policy that was probably meant.

use proc_macro2::{Delimiter, Literal};
use syn::{ExprClosure, Lit, parse::Parse};

use super::call::{CUSTOM, listed, one_of};
use crate::tokens::{
    Cursor, LocatedToken, Location, Tree,
    errors::{ErrorList, Reported},
};

/// Reports what is no name where a policy is expected.
pub(super) fn not_a_name(
    token: &LocatedToken,
    cursor: &Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Reported {
    let number = match &token.tree {
        Tree::Literal(literal) => BareNumber::of(literal),
        _ => None,
    };
    let advice = match (what, number) {
        ("tracker", _) if token.text() == "[" => {
            Some("for errors of several types write `TypeOf(A, B)`".to_owned())
        }
        (_, Some(number)) => number.advice(what),
        _ => None,
    };
    let advice = advice.unwrap_or_else(|| format!("write {}", one_of(names)));
    let place = match token.tree {
        Tree::Literal(_) => cursor.clone().expression().whole(),
        _ => token.place.clone(),
    };
    errors.at(
        &place,
        format!("expected a {what}, found `{}`; {advice}", token.text()),
    )
}

/// A number where a policy is expected: what was meant by it.
enum BareNumber {
    Whole(String),
    Fraction(String),
    Duration(String),
}

impl BareNumber {
    fn of(literal: &Literal) -> Option<Self> {
        let text = literal.to_string();
        match Lit::new(literal.clone()) {
            Lit::Int(int) if int.suffix().is_empty() => Some(Self::Whole(text)),
            Lit::Float(float) if float.suffix().is_empty() => Some(Self::Fraction(text)),
            Lit::Int(_) | Lit::Float(_) => Some(Self::Duration(text)),
            _ => None,
        }
    }

    fn advice(&self, what: &str) -> Option<String> {
        Some(match (what, self) {
            ("retry", Self::Whole(n)) => format!(
                "this says when an open circuit is probed again: for {n} seconds write \
                 `Cooldown({n}s)`; fluxgate repeats no call, and a crate such as `backon` around \
                 the function does"
            ),
            ("retry", Self::Fraction(n)) => format!("for {n} seconds write `Cooldown({n}s)`"),
            ("retry", Self::Duration(d)) => format!("write `Cooldown({d})`"),
            ("window", Self::Whole(n)) => {
                format!(
                    "for the last {n} calls write `CountWindow({n})`, for seconds `TimeWindow({n}s)`"
                )
            }
            ("window", Self::Duration(d)) => format!("write `TimeWindow({d})`"),
            ("tripper", Self::Whole(n)) => {
                format!("for {n} failures in a row write `FailureStreak({n})`")
            }
            ("tripper", Self::Fraction(ratio)) => {
                format!("for this part of the calls write `MinRequests(20) & FailureRate({ratio})`")
            }
            ("tripper", Self::Duration(d)) => {
                format!("for slow calls write `SlowRate(0.5, threshold = {d})`")
            }
            ("permit", Self::Fraction(ratio)) => format!("write `Random({ratio})`"),
            ("permit", Self::Whole(n)) => {
                format!("how many probes there are at once is `max_half_open_calls = {n}`")
            }
            ("tracker", Self::Whole(n)) => {
                format!("for errors with a code write `Matches(ApiError::Status({n}))`")
            }
            ("throttle", Self::Whole(k) | Self::Fraction(k)) => {
                format!("for {k} times the accepted calls write `Adaptive(k = {k})`")
            }
            ("throttle", Self::Duration(d)) => format!("write `Adaptive(k = 1.5, window = {d})`"),
            ("rule for cancelled calls", Self::Duration(d) | Self::Whole(d)) => {
                format!("write `FailAfter({d})`")
            }
            _ => return None,
        })
    }
}

/// Refuses `if …`, `match …` and `Duration::from_secs(5)`, which are no policies but
/// may lead to one.
pub(super) fn not_an_expression(
    cursor: &mut Cursor<'_>,
    what: &str,
    errors: &ErrorList,
) -> Result<(), Reported> {
    let Some(message) = expression_advice(cursor, what) else {
        return Ok(());
    };
    let place = cursor.place();
    cursor.until_comma();
    Err(errors.at(&place, message))
}

fn expression_advice(cursor: &Cursor<'_>, what: &str) -> Option<String> {
    let word = cursor.peek()?.ident()?.to_string();
    Some(match (word.as_str(), what) {
        ("if" | "match" | "loop" | "unsafe", _) => format!(
            "`{word}` can't stand here; write a function that gives the {what}, and call it: \
             `my_{}()`",
            what.split(' ').next().unwrap_or(what)
        ),
        ("Duration" | "std" | "core" | "time", _) => {
            let mut ahead = cursor.clone();
            let value = ahead.until_comma();
            let is_duration = value
                .tokens()
                .iter()
                .filter_map(LocatedToken::ident)
                .any(|ident| ident == "Duration");
            let advice = match what {
                "retry" => "`Cooldown(…)`, with this duration inside",
                "window" => "`TimeWindow(…)`, with this duration inside",
                "rule for cancelled calls" => "`FailAfter(…)`, with this duration inside",
                _ => return None,
            };
            if !is_duration {
                return None;
            }
            format!("expected a {what}, found a duration; write {advice}")
        }
        _ => return None,
    })
}

/// Refuses a closure, which is a policy but not by itself.
pub(super) fn not_a_closure(
    cursor: &Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Result<(), Reported> {
    // Asked of each leaf: most are seen to be none.
    let may_be = cursor.at_punct('|')
        || cursor
            .peek()
            .and_then(LocatedToken::ident)
            .is_some_and(|word| {
                ["move", "async", "static", "for"]
                    .iter()
                    .any(|keyword| word == keyword)
            });
    if !may_be {
        return Ok(());
    }
    let Some((_, taken)) = cursor.clone().try_parse(ExprClosure::parse) else {
        return Ok(());
    };
    let message = if names.contains(&CUSTOM) {
        format!("a closure is a {what} of your own: write `Custom(|…| …)`")
    } else {
        format!("a {what} can't be a closure: write {}", one_of(names))
    };
    Err(errors.at(&taken.whole(), message))
}

/// Reports `tripper::MinRequests(…)` and `MinRequests::new(…)`.
pub(super) fn path(
    cursor: &mut Cursor<'_>,
    first: &str,
    place: &Location,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Reported {
    let mut segments = vec![first.to_owned()];
    let mut end = place.clone();
    while let Some(token) = cursor.peek() {
        match token.ident() {
            Some(ident) => segments.push(ident.to_string()),
            None if token.is_punct(':') => {}
            None => break,
        }
        end = token.place.clone();
        cursor.next();
    }
    let arguments = cursor.group(Delimiter::Parenthesis);
    if arguments.is_some() {
        cursor.next();
    }
    let known = segments.iter().find(|name| names.contains(&name.as_str()));
    let advice = match known {
        Some(name) if arguments.as_ref().is_some_and(|inside| !inside.is_empty()) => {
            format!("write `{name}(…)`, without a path")
        }
        Some(name) => format!("write `{name}`, without a path"),
        None if what == "tracker" => {
            let path = segments.join("::");
            format!(
                "for errors of a type write `TypeOf({path})`, for a variant `Matches({path})`, \
                 and a tracker of your own goes into `Custom(…)`"
            )
        }
        None if names.contains(&CUSTOM) => format!(
            "a {what} of your own goes into `Custom(…)`; the others are {}",
            listed(names)
        ),
        None => format!("write {}", one_of(names)),
    };
    errors.at(
        &place.to(&end),
        format!("a {what} is written by its name alone: {advice}"),
    )
}
