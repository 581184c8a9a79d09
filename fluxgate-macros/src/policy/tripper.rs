//! When to open: `MinRequests(20) & FailureRate(0.5)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{Call, Count, Formula, Grammar, Param, Range, Ratio, Time, call::in_code};
use crate::tokens::{
    Cursor, Place,
    errors::{Errors, Reported},
};

pub(crate) type Tripper = Formula<Leaf>;

/// One rule as written.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) ident: Ident,
    pub(crate) place: Place,
    pub(crate) rule: Rule,
}

#[derive(Clone)]
pub(crate) enum Rule {
    Closed,
    HalfOpened,
    MinRequests(Count),
    FailureRate(Ratio),
    AvgLatency(Time),
    SlowRate { ratio: Ratio, threshold: Time },
    FailureStreak(Count),
    InFlight { count: Count, older_than: Time },
    Custom(Expr),
    InCode(Expr),
}

const NAMES: &[&str] = &[
    "Closed",
    "HalfOpened",
    "MinRequests",
    "FailureRate",
    "AvgLatency",
    "SlowRate",
    "FailureStreak",
    "InFlight",
    "Custom",
];
const MIN_REQUESTS: &[Param] = &[Param::required("count", "MinRequests(20)")];
const FAILURE_RATE: &[Param] = &[Param::required("ratio", "FailureRate(0.5)")];
const AVG_LATENCY: &[Param] = &[Param::required("threshold", "AvgLatency(500ms)")];
const SLOW_RATE: &[Param] = &[
    Param::required("ratio", "SlowRate(0.3, threshold = 1s)"),
    Param::required("threshold", "SlowRate(0.3, threshold = 1s)"),
];
const FAILURE_STREAK: &[Param] = &[Param::required("count", "FailureStreak(5)")];
const IN_FLIGHT: &[Param] = &[
    Param::required("count", "InFlight(10, older_than = 2s)"),
    Param::required("older_than", "InFlight(10, older_than = 2s)"),
];
const CUSTOM: &[Param] = &[Param::required(
    "tripper",
    "Custom(|seen| seen.failure_count() >= 3)",
)];

/// Reads the whole rule.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Tripper> {
    Grammar {
        what: "tripper",
        no_not: Some("say what shall fire, not what shall not"),
        leaf,
        errors,
    }
    .read(cursor)
}

fn leaf(cursor: &mut Cursor<'_>, errors: &Errors) -> Result<Option<Leaf>, Reported> {
    if let Some(expr) = in_code(cursor, "tripper", NAMES, errors) {
        return Ok(expr.map(|expr| Leaf {
            ident: Ident::new("tripper", expr.span()),
            place: Place::of(&expr),
            rule: Rule::InCode(expr),
        }));
    }
    let call = Call::read(cursor, "tripper", NAMES, errors)?;
    if call.name == "StateEnum" {
        return Err(errors.at(
            &call.name_place,
            "`StateEnum` of the original is `fluxgate::State`; in a rule write `Closed` or \
             `HalfOpened`",
        ));
    }
    Ok(rule(&call, errors).map(|rule| Leaf {
        ident: call.ident.clone(),
        place: call.place.clone(),
        rule,
    }))
}

fn rule(call: &Call<'_>, errors: &Errors) -> Option<Rule> {
    let first = |params| call.bind(params, errors)?.remove(0);
    Some(match call.name.as_str() {
        "Closed" => {
            call.no_arguments(errors)?;
            Rule::Closed
        }
        "HalfOpened" => {
            call.no_arguments(errors)?;
            Rule::HalfOpened
        }
        "MinRequests" => {
            Rule::MinRequests(Count::read(first(MIN_REQUESTS)?, Range::Count, errors)?)
        }
        "FailureRate" => {
            Rule::FailureRate(Ratio::read(first(FAILURE_RATE)?, Range::Ratio, errors)?)
        }
        "AvgLatency" => Rule::AvgLatency(Time::read(first(AVG_LATENCY)?, errors)?),
        "SlowRate" => {
            let mut bound = call.bind(SLOW_RATE, errors)?.into_iter();
            let ratio = Ratio::read(bound.next()??, Range::Ratio, errors);
            let threshold = Time::read(bound.next()??, errors);
            Rule::SlowRate {
                ratio: ratio?,
                threshold: threshold?,
            }
        }
        "FailureStreak" => {
            Rule::FailureStreak(Count::read(first(FAILURE_STREAK)?, Range::Count, errors)?)
        }
        "InFlight" => {
            let mut bound = call.bind(IN_FLIGHT, errors)?.into_iter();
            let count = Count::read(bound.next()??, Range::Count, errors);
            let mut older_than = bound.next()??;
            "older_than of `InFlight`".clone_into(&mut older_than.what);
            let older_than = Time::read(older_than, errors);
            Rule::InFlight {
                count: count?,
                older_than: older_than?,
            }
        }
        "Custom" => Rule::Custom(call.custom(CUSTOM, errors)?),
        "HalfOpen" => return habit(call, "the state is written `HalfOpened` in a rule", errors),
        "Open" | "Opened" => {
            return habit(
                call,
                "no rule is asked in the open state: only `Closed` and `HalfOpened` are there",
                errors,
            );
        }
        _ => {
            let advice = "; a rule of your own goes into `Custom(…)`";
            call.unknown("tripper", NAMES, advice, errors);
            return None;
        }
    })
}

fn habit(call: &Call<'_>, message: &str, errors: &Errors) -> Option<Rule> {
    errors.at(&call.name_place, message);
    None
}
