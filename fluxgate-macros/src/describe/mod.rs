//! The policy in the documentation of what it protects.

mod policy;
pub(crate) mod words;

use crate::{
    policy::{Formula, Matched, Tracker},
    settings::{BreakerOptions, Options},
};
use policy::policy;

/// The section of a function. It is only added to documentation that is there:
/// the lint for items without any is the user's.
pub(crate) fn of_function(options: &Options) -> String {
    let named = options.shared.as_ref().or(options.breaker.name.as_ref());
    let name = words::source(named);
    let name = name.trim_matches('"');
    let key = words::source(options.key.as_ref());
    let breaker = match (named, &options.key) {
        (Some(_), None) => format!("the circuit breaker `{name}`"),
        (Some(_), Some(_)) => format!("the circuit breakers `{name}`, one for each `{key}`"),
        (None, None) => "a circuit breaker of the function's own".to_owned(),
        (None, Some(_)) => format!("circuit breakers of the function's own, one for each `{key}`"),
    };
    let bound = match (&options.shared, &options.key) {
        (None, Some(_)) => bound(&options.breaker),
        _ => String::new(),
    };
    let judged = judged(options);
    let rejected = if options.fallback.is_some() {
        "On a rejection and on an error the fallback answers."
    } else if options.map_rejection.is_some() {
        "A rejected call returns at once with the error that `map_rejection` makes of it."
    } else {
        "A rejected call returns at once with an error made of `CallNotPermitted`."
    };
    let policy = match &options.shared {
        Some(_) => String::new(),
        None => policy(&options.breaker),
    };
    indented(&format!(
        "# Circuit breaker\n\nCalls go through {breaker}.{bound}{judged} {rejected}\n{policy}"
    ))
}

/// The section of a breaker in `breaker!`.
pub(crate) fn of_breaker(options: &BreakerOptions) -> String {
    let keys = match &options.key_type {
        Some(keys) => {
            let keys = words::tokens(keys);
            format!(
                "\nThere is one for each key, a `{keys}`.{}\n",
                bound(options)
            )
        }
        None => String::new(),
    };
    indented(&format!("# Policy\n{keys}{}", policy(options)))
}

/// How many breakers there may be.
fn bound(options: &BreakerOptions) -> String {
    let most = options.max_keys.as_ref();
    let most = most.map_or_else(|| "10000".to_owned(), words::count);
    format!(" There are at most {most} of them at a time.")
}

/// As far from the margin as the lines of `///` are.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text
        .trim_end()
        .lines()
        .map(|line| format!(" {line}"))
        .collect();
    lines.join("\n")
}

/// Which results count as failures.
fn judged(options: &Options) -> String {
    if let Some(classify) = &options.classify {
        let by = match classify {
            syn::Expr::Path(_) => words::source(Some(classify)),
            _ => "classify".to_owned(),
        };
        return format!(" `{by}` says what each result counts as.");
    }
    let errors = match &options.tracker {
        None | Some(Formula::Leaf(Matched::All)) => None,
        Some(tracker) => Some(format!("errors that `{}` matches", tracker_text(tracker))),
    };
    match (errors, &options.failure_if) {
        (None, None) => String::new(),
        (Some(errors), None) => format!(" Only {errors} count as failures."),
        (None, Some(_)) => " Results that `failure_if` picks count as failures, too.".to_owned(),
        (Some(errors), Some(_)) => {
            format!(" Only {errors}, and results that `failure_if` picks, count as failures.")
        }
    }
}

fn tracker_text(tracker: &Tracker) -> String {
    let part = |part: &Tracker| match part {
        Formula::Leaf(_) | Formula::Not(_) => tracker_text(part),
        _ => format!("({})", tracker_text(part)),
    };
    match tracker {
        Formula::Leaf(Matched::All) => "All".to_owned(),
        Formula::Leaf(Matched::TypeOf(types)) => {
            let types: Vec<_> = types.iter().map(words::tokens).collect();
            format!("TypeOf({})", types.join(", "))
        }
        Formula::Leaf(Matched::Custom(_)) => "Custom(…)".to_owned(),
        Formula::Leaf(Matched::Matches { pattern, guard }) => {
            let guard = guard
                .as_ref()
                .map_or_else(String::new, |guard| format!(" if {}", words::tokens(guard)));
            format!("Matches({}{guard})", words::tokens(pattern))
        }
        Formula::Not(inner) => format!("!{}", part(inner)),
        Formula::All(parts) => joined(parts.iter().map(part), " & "),
        Formula::Any(parts) => joined(parts.iter().map(part), " | "),
    }
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}
