//! Descriptions of breakers, for the documentation of what they protect.

mod policy;
pub(crate) mod words;

use syn::Expr;

use crate::{
    policy::{Formula, Matched, TrackerFormula},
    validate::validated::{
        CallKey, ClassifiedBy, DefinedBreaker, FunctionBreaker, KeySet, ProtectedFunction,
        Rejection,
    },
};
use policy::policy;

/// Describes the breaker of a function, in a section. It is only added to
/// documentation that is there: the lint for items without any is the user's.
pub(crate) fn of_function(protected: &ProtectedFunction) -> String {
    let breaker = match &protected.breaker {
        FunctionBreaker::Shared { breaker, key } => named(Some(breaker), key.as_ref()),
        FunctionBreaker::Own { settings, keys, .. } => {
            let key = keys.as_ref().map(|keys| &keys.key);
            let bound = keys
                .as_ref()
                .map_or_else(String::new, |keys| bound(&keys.set));
            format!("{}{bound}", named(settings.name.as_ref(), key))
        }
    };
    let policy = match &protected.breaker {
        FunctionBreaker::Shared { .. } => String::new(),
        FunctionBreaker::Own { settings, .. } => policy(settings),
    };
    let classified = classified(&protected.classification);
    let rejected = match protected.rejection {
        Rejection::Fallback(_) => "On a rejection and on an error the fallback answers.",
        Rejection::Mapped(_) => {
            "A rejected call returns at once with the error that `map_rejection` makes of it."
        }
        Rejection::Converted => {
            "A rejected call returns at once with an error made of `CallNotPermitted`."
        }
    };
    indented(&format!(
        "# Circuit breaker\n\nCalls go through {breaker}{classified} {rejected}\n{policy}"
    ))
}

/// Names the breaker that calls go through.
fn named(name: Option<&Expr>, key: Option<&CallKey>) -> String {
    let source = words::source(name);
    let source = source.trim_matches('"');
    let key = key.map(|key| words::source(Some(&key.expr)));
    match (name, key) {
        (Some(_), None) => format!("the circuit breaker `{source}`."),
        (Some(_), Some(key)) => format!("the circuit breakers `{source}`, one for each `{key}`."),
        (None, None) => "a circuit breaker of the function's own.".to_owned(),
        (None, Some(key)) => {
            format!("circuit breakers of the function's own, one for each `{key}`.")
        }
    }
}

/// Describes the policy of a breaker in `breaker!`, in a section.
pub(crate) fn of_breaker(breaker: &DefinedBreaker<'_>) -> String {
    let keys = match &breaker.keys {
        Some(keys) => {
            let ty = words::tokens(&keys.set.ty);
            format!(
                "\nThere is one for each key, a `{ty}`.{}\n",
                bound(&keys.set)
            )
        }
        None => String::new(),
    };
    indented(&format!("# Policy\n{keys}{}", policy(&breaker.settings)))
}

/// Says how many breakers there may be.
fn bound(keys: &KeySet) -> String {
    let most = keys.max_keys.as_ref();
    let most = most.map_or_else(|| "10000".to_owned(), words::count);
    format!(" There are at most {most} of them at a time.")
}

/// Indents every line as those of `///` are.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text
        .trim_end()
        .lines()
        .map(|line| format!(" {line}"))
        .collect();
    lines.join("\n")
}

/// Says which results count as failures.
fn classified(classification: &ClassifiedBy) -> String {
    let (tracker, failure_if) = match classification {
        ClassifiedBy::Classifier(classify) => {
            let by = match classify {
                Expr::Path(_) => words::source(Some(classify)),
                _ => "classify".to_owned(),
            };
            return format!(" `{by}` says what each result counts as.");
        }
        ClassifiedBy::Tracker {
            tracker,
            failure_if,
        } => (tracker, failure_if),
    };
    let errors = match tracker {
        None | Some(Formula::Leaf(Matched::All)) => None,
        Some(tracker) => Some(format!("errors that `{}` matches", tracker_text(tracker))),
    };
    match (errors, failure_if) {
        (None, None) => String::new(),
        (Some(errors), None) => format!(" Only {errors} count as failures."),
        (None, Some(_)) => " Results that `failure_if` picks count as failures, too.".to_owned(),
        (Some(errors), Some(_)) => {
            format!(" Only {errors}, and results that `failure_if` picks, count as failures.")
        }
    }
}

fn tracker_text(tracker: &TrackerFormula) -> String {
    let part = |part: &TrackerFormula| match part {
        Formula::Leaf(_) => tracker_text(part),
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
        Formula::Leaf(Matched::Not(inner)) => format!("!{}", part(inner)),
        Formula::All(parts) => joined(parts.iter().map(part), " & "),
        Formula::Any(parts) => joined(parts.iter().map(part), " | "),
    }
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}
