//! Retries, which say how long the circuit stays open: `Backoff(initial = 10s)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{
    Argument, Param, Params, PolicyCall, PolicyValue, Ratio, RatioLimits, Time, policy_value,
};
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedRetry {
    pub(crate) ident: Ident,
    pub(crate) kind: RetryKind,
}

pub(crate) enum RetryKind {
    Never,
    Always,
    Cooldown {
        duration: Time,
        jitter_ratio: Option<Ratio>,
    },
    Backoff(ParsedBackoff),
    Custom(Expr),
    InCode(Expr),
}

pub(crate) struct ParsedBackoff {
    pub(crate) initial: Time,
    pub(crate) multiplier: Option<Ratio>,
    pub(crate) max_duration: Option<Time>,
    pub(crate) jitter_ratio: Option<Ratio>,
}

const NAMES: &[&str] = &["Cooldown", "Backoff", "Always", "Never", "Custom"];
const COOLDOWN: Params<1, 1> = Params {
    required: [Param::new("duration")],
    optional: [Param::new("jitter_ratio")],
    example: "Cooldown(60s)",
};
const BACKOFF: Params<1, 3> = Params {
    required: [Param::new("initial").called("the initial duration")],
    optional: [
        Param::new("multiplier"),
        Param::new("max_duration"),
        Param::new("jitter_ratio"),
    ],
    example: "Backoff(initial = 10s)",
};
const CUSTOM: Params<1, 0> = Params::required(
    [Param::new("retry")],
    "Custom(|opening| Some(Duration::from_secs(5)))",
);

impl ParsedRetry {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = match policy_value(cursor, "retry", NAMES, errors)? {
            PolicyValue::Known(call) => call,
            PolicyValue::InCode(expr) => {
                return Ok(Self {
                    ident: Ident::new("retry", expr.span()),
                    kind: RetryKind::InCode(expr),
                });
            }
        };
        let kind = match call.name.as_str() {
            "Never" => {
                call.no_arguments(errors)?;
                RetryKind::Never
            }
            "Always" => {
                call.no_arguments(errors)?;
                RetryKind::Always
            }
            "Cooldown" => {
                let ([duration], [jitter_ratio]) = call.bind(&COOLDOWN, errors)?;
                let duration = Time::read(duration, errors);
                let jitter_ratio = optional_ratio(jitter_ratio, RatioLimits::Jitter, errors);
                RetryKind::Cooldown {
                    duration: duration?,
                    jitter_ratio: jitter_ratio?,
                }
            }
            "Backoff" => RetryKind::Backoff(backoff(&call, errors)?),
            "Custom" => RetryKind::Custom(call.custom(&CUSTOM, errors)?),
            _ => {
                let advice = "; a retry of your own goes into `Custom(…)`";
                return Err(call.unknown("retry", NAMES, advice, errors));
            }
        };
        Ok(Self {
            ident: call.ident,
            kind,
        })
    }
}

fn optional_ratio(
    argument: Option<Argument<'_>>,
    limits: RatioLimits,
    errors: &ErrorList,
) -> Result<Option<Ratio>, Reported> {
    argument
        .map(|argument| Ratio::read(argument, Some(limits), errors))
        .transpose()
}

fn backoff(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<ParsedBackoff, Reported> {
    let ([initial], [multiplier, max_duration, jitter_ratio]) = call.bind(&BACKOFF, errors)?;
    let initial = Time::read(initial, errors);
    let multiplier = optional_ratio(multiplier, RatioLimits::Multiplier, errors);
    let max_duration = max_duration.map(|most| Time::read(most, errors));
    let jitter_ratio = optional_ratio(jitter_ratio, RatioLimits::Jitter, errors);
    // These two are compared whatever is wrong with the others.
    let (initial, max_duration) = (initial?, max_duration.transpose()?);
    grows(&initial, max_duration.as_ref(), errors)?;
    Ok(ParsedBackoff {
        initial,
        multiplier: multiplier?,
        max_duration,
        jitter_ratio: jitter_ratio?,
    })
}

/// Refuses a wait whose limit is shorter than its beginning.
fn grows(initial: &Time, max_duration: Option<&Time>, errors: &ErrorList) -> Result<(), Reported> {
    let default = Time::secs(300);
    let known = initial.known.zip(max_duration.unwrap_or(&default).known);
    if let Some((first, most)) = known.filter(|(first, most)| most < first) {
        let (place, advice) = match max_duration {
            Some(given) => (&given.place, String::new()),
            None => (
                &initial.place,
                format!(
                    ", its default; write `max_duration = {:?}` or more",
                    first.duration().unwrap_or_default()
                ),
            ),
        };
        return Err(errors.at(
            place,
            format!(
                "the max_duration of `Backoff` must be at least its initial duration, \
                 but {:?} is less than {:?}{advice}",
                most.duration().unwrap_or_default(),
                first.duration().unwrap_or_default(),
            ),
        ));
    }
    Ok(())
}
