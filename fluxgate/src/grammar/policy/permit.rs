//! Permits, which pick the probes of a half-open circuit: `RampUp(0.1, 1.0, 60s)`.

use super::{Param, Params, PolicyCall, Ratio, RatioLimits, Time, call::OWN, policy};
use crate::{
    grammar::tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
    permit::{All, AnyPermit, RampUp, Random},
};

const NAMES: &[&str] = &["RampUp", "Random", "All"];
const RANDOM: Params<1, 0> = Params::required([Param::new("ratio")], "Random(0.2)");
const RAMP_UP: Params<3, 0> = Params::required(
    [
        Param::new("initial"),
        Param::new("final"),
        Param::new("duration"),
    ],
    "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
);

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<AnyPermit, Reported> {
    let call = policy(cursor, "permit", NAMES, errors)?;
    Ok(match call.name.as_str() {
        "All" => {
            call.no_arguments(errors)?;
            All.into()
        }
        "Random" => {
            let ([ratio], []) = call.bind(&RANDOM, errors)?;
            let limits = Some(RatioLimits::Probability);
            Random::new(Ratio::read(&ratio, limits, errors)?.get()).into()
        }
        "RampUp" => ramp_up(&call, errors)?.into(),
        _ => return Err(call.unknown("permit", NAMES, OWN, errors)),
    })
}

fn ramp_up(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<RampUp, Reported> {
    let ([initial, r#final, duration], []) = call.bind(&RAMP_UP, errors)?;
    let initial = Ratio::read(&initial, None, errors);
    let r#final = Ratio::read(&r#final, None, errors);
    let duration = Time::read(duration, errors);
    let (initial, r#final) = (initial?, r#final?);
    let known = initial.known.zip(r#final.known);
    if let Some((from, to)) = known.filter(|(from, to)| !(*from > 0.0 && from <= to && *to <= 1.0))
    {
        let culprit = if from > 0.0 && from <= 1.0 {
            &r#final
        } else {
            &initial
        };
        return Err(errors.at(
            &culprit.place,
            format!(
                "the ratios of `RampUp` must satisfy 0 < initial <= final <= 1, \
                 but initial is {from:?} and final is {to:?}"
            ),
        ));
    }
    Ok(RampUp::new(initial.get(), r#final.get(), duration?.get()))
}
