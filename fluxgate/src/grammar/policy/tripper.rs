//! Trippers, which say when to open: `MinRequests(20) & FailureRate(0.5)`.

use std::{cell::Cell, convert::Infallible};

use super::{
    CountLimits, Formula, Param, Params, PolicyCall, Ratio, RatioLimits, Time, WholeNumber,
    call::{OWN, alone, made_in_code},
    formula::{Grammar, LeafResult},
};
use crate::grammar::tokens::{
    Cursor, Location,
    errors::{ErrorList, Reported},
};

pub(crate) type TripperFormula = Formula<Leaf>;

/// One rule as written.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) ident: String,
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
    /// No text has one, but the code's rule may, which is looked at beside a window from
    /// text.
    Custom(OwnRule),
    /// Only the attribute has it; it is here for the analysis, which is the same.
    #[allow(dead_code, reason = "the attribute's")]
    InCode(Infallible),
}

/// A rule of the user's own, as it is shown.
#[derive(Clone)]
pub(crate) struct OwnRule(pub(crate) String);

const NAMES: &[&str] = &[
    "Closed",
    "HalfOpened",
    "MinRequests",
    "FailureRate",
    "AvgLatency",
    "SlowRate",
    "FailureStreak",
    "InFlight",
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
/// Reads the whole rule.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<TripperFormula, Reported> {
    Grammar {
        what: "tripper",
        why_no_negation: "say what shall fire, not what shall not",
        leaf,
        count: Cell::new(0),
        errors,
    }
    .read(cursor)
}

/// Reads one leaf alone.
pub(crate) fn read_leaf(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Leaf, Reported> {
    let leaf = leaf(cursor, errors)??;
    alone(cursor, "rule", &leaf.ident, errors)?;
    Ok(leaf)
}

fn leaf(cursor: &mut Cursor<'_>, errors: &ErrorList) -> LeafResult<Leaf> {
    if let Some(reported) = made_in_code(cursor, "tripper", NAMES, errors) {
        return Ok(Err(reported));
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
        ident: call.name.clone(),
        place: call.place,
        rule,
    }))
}

fn rule(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<ParsedRule, Reported> {
    let calls = |argument| WholeNumber::read(&argument, CountLimits::Calls, errors);
    let share = |argument| Ratio::read(&argument, Some(RatioLimits::Share), errors);
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
            return call.unknown("tripper", NAMES, OWN, errors);
        }
    };
    errors.at(&call.name_place, message)
}
