//! Trippers, which say when to open: `MinRequests(20) & FailureRate(0.5)`.

use std::cell::Cell;

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{
    CountLimits, Formula, Grammar, Negation, Param, Params, PolicyCall, Ratio, RatioLimits, Time,
    WholeNumber, formula::LeafResult, in_code::in_code,
};
use crate::tokens::{
    Cursor, Location,
    errors::{ErrorList, Reported},
};

pub(crate) type TripperFormula = Formula<Leaf>;

/// One rule as written.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) ident: Ident,
    pub(crate) place: Location,
    pub(crate) rule: ParsedRule,
}

#[derive(Clone)]
pub(crate) enum ParsedRule {
    Closed,
    HalfOpened,
    MinRequests(WholeNumber),
    FailureRate(Ratio),
    AvgLatency(Time),
    SlowRate {
        ratio: Ratio,
        threshold: Time,
    },
    FailureStreak(WholeNumber),
    InFlight {
        count: WholeNumber,
        older_than: Time,
    },
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
const MIN_REQUESTS: Params<1, 0> = Params::required([Param::new("count")], "MinRequests(20)");
const FAILURE_RATE: Params<1, 0> = Params::required([Param::new("ratio")], "FailureRate(0.5)");
const AVG_LATENCY: Params<1, 0> = Params::required([Param::new("threshold")], "AvgLatency(500ms)");
const SLOW_RATE: Params<2, 0> = Params::required(
    [Param::new("ratio"), Param::new("threshold")],
    "SlowRate(0.3, threshold = 1s)",
);
const FAILURE_STREAK: Params<1, 0> = Params::required([Param::new("count")], "FailureStreak(5)");
const IN_FLIGHT: Params<2, 0> = Params::required(
    [
        Param::new("count"),
        Param::new("older_than").called("older_than"),
    ],
    "InFlight(10, older_than = 2s)",
);
const CUSTOM: Params<1, 0> = Params::required(
    [Param::new("tripper")],
    "Custom(|seen| seen.failure_count() >= 3)",
);

/// Reads the whole rule.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<TripperFormula, Reported> {
    Grammar {
        what: "tripper",
        negation: Negation::Refused("say what shall fire, not what shall not"),
        leaf,
        count: Cell::new(0),
        errors,
    }
    .read(cursor)
}

fn leaf(cursor: &mut Cursor<'_>, errors: &ErrorList) -> LeafResult<Leaf> {
    match in_code(cursor, "tripper", NAMES, errors) {
        Ok(None) => {}
        Ok(Some(expr)) => {
            return Ok(Ok(Leaf {
                ident: Ident::new("tripper", expr.span()),
                place: Location::of(&expr),
                rule: ParsedRule::InCode(expr),
            }));
        }
        Err(reported) => return Ok(Err(reported)),
    }
    let call = PolicyCall::read(cursor, "tripper", NAMES, errors)?;
    if call.name == "StateEnum" {
        return Err(errors.at(
            &call.name_place,
            "`StateEnum` of the original is `fluxgate::State`; in a rule write `Closed` or \
             `HalfOpened`",
        ));
    }
    Ok(rule(&call, errors).map(|rule| Leaf {
        ident: call.ident,
        place: call.place,
        rule,
    }))
}

fn rule(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<ParsedRule, Reported> {
    let calls = |argument| WholeNumber::read(argument, CountLimits::Calls, errors);
    let share = |argument| Ratio::read(argument, Some(RatioLimits::Share), errors);
    Ok(match call.name.as_str() {
        "Closed" => {
            call.no_arguments(errors)?;
            ParsedRule::Closed
        }
        "HalfOpened" => {
            call.no_arguments(errors)?;
            ParsedRule::HalfOpened
        }
        "MinRequests" => {
            let ([count], []) = call.bind(&MIN_REQUESTS, errors)?;
            ParsedRule::MinRequests(calls(count)?)
        }
        "FailureRate" => {
            let ([ratio], []) = call.bind(&FAILURE_RATE, errors)?;
            ParsedRule::FailureRate(share(ratio)?)
        }
        "AvgLatency" => {
            let ([threshold], []) = call.bind(&AVG_LATENCY, errors)?;
            ParsedRule::AvgLatency(Time::read(threshold, errors)?)
        }
        "SlowRate" => {
            let ([ratio, threshold], []) = call.bind(&SLOW_RATE, errors)?;
            let (ratio, threshold) = (share(ratio), Time::read(threshold, errors));
            ParsedRule::SlowRate {
                ratio: ratio?,
                threshold: threshold?,
            }
        }
        "FailureStreak" => {
            let ([count], []) = call.bind(&FAILURE_STREAK, errors)?;
            ParsedRule::FailureStreak(calls(count)?)
        }
        "InFlight" => {
            let ([count, older_than], []) = call.bind(&IN_FLIGHT, errors)?;
            let (count, older_than) = (calls(count), Time::read(older_than, errors));
            ParsedRule::InFlight {
                count: count?,
                older_than: older_than?,
            }
        }
        "Custom" => ParsedRule::Custom(call.custom(&CUSTOM, errors)?),
        _ => return Err(unknown(call, errors)),
    })
}

fn unknown(call: &PolicyCall<'_>, errors: &ErrorList) -> Reported {
    let message = match call.name.as_str() {
        "HalfOpen" => "the state is written `HalfOpened` in a rule",
        "Open" | "Opened" => {
            "no rule is asked in the open state: only `Closed` and `HalfOpened` are there"
        }
        _ => {
            let advice = "; a rule of your own goes into `Custom(…)`";
            return call.unknown("tripper", NAMES, advice, errors);
        }
    };
    errors.at(&call.name_place, message)
}
