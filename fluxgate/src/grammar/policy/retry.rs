//! Retries, which say how long the circuit stays open: `Backoff(initial = 10s)`.

use super::{
    Argument, Param, Params, PolicyCall, Ratio, RatioLimits, Time, call::OWN, policy,
    value::exact::Nanos,
};
use crate::{
    grammar::tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
    retry::{Always, AnyRetry, Backoff, Cooldown, Never},
};

const NAMES: &[&str] = &["Cooldown", "Backoff", "Always", "Never"];
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

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<AnyRetry, Reported> {
    let call = policy(cursor, "retry", NAMES, errors)?;
    Ok(match call.name.as_str() {
        "Never" => {
            call.no_arguments(errors)?;
            Never.into()
        }
        "Always" => {
            call.no_arguments(errors)?;
            Always.into()
        }
        "Cooldown" => {
            let ([duration], [jitter_ratio]) = call.bind(&COOLDOWN, errors)?;
            let duration = Time::read(duration, errors);
            let jitter_ratio = optional_ratio(jitter_ratio, RatioLimits::Jitter, errors);
            let cooldown = Cooldown::new(duration?.get());
            match jitter_ratio? {
                Some(ratio) => cooldown.jitter_ratio(ratio.get()).into(),
                None => cooldown.into(),
            }
        }
        "Backoff" => backoff(&call, errors)?.into(),
        _ => return Err(call.unknown("retry", NAMES, OWN, errors)),
    })
}

fn optional_ratio(
    argument: Option<Argument<'_>>,
    limits: RatioLimits,
    errors: &ErrorList,
) -> Result<Option<Ratio>, Reported> {
    argument
        .map(|argument| Ratio::read(&argument, Some(limits), errors))
        .transpose()
}

fn backoff(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Backoff, Reported> {
    let ([initial], [multiplier, max_duration, jitter_ratio]) = call.bind(&BACKOFF, errors)?;
    let initial = Time::read(initial, errors);
    let multiplier = optional_ratio(multiplier, RatioLimits::Multiplier, errors);
    let max_duration = max_duration.map(|most| Time::read(most, errors));
    let jitter_ratio = optional_ratio(jitter_ratio, RatioLimits::Jitter, errors);
    // These two are compared whatever is wrong with the others.
    let (initial, max_duration) = (initial?, max_duration.transpose()?);
    grows(&initial, max_duration.as_ref(), errors)?;
    let mut backoff = Backoff::new(initial.get());
    if let Some(multiplier) = multiplier? {
        backoff = backoff.multiplier(multiplier.get());
    }
    if let Some(most) = max_duration {
        backoff = backoff.max_duration(most.get());
    }
    if let Some(ratio) = jitter_ratio? {
        backoff = backoff.jitter_ratio(ratio.get());
    }
    Ok(backoff)
}

/// Refuses a wait whose limit is shorter than its beginning.
fn grows(initial: &Time, max_duration: Option<&Time>, errors: &ErrorList) -> Result<(), Reported> {
    // As written: what is between two nanoseconds is rounded up for the policy.
    let known = match max_duration {
        Some(most) => initial.known.zip(most.known),
        None => initial.known.zip(Some(Nanos::from_secs(300))),
    };
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
