//! Permits, which pick the probes of a half-open circuit: `RampUp(0.1, 1.0, 60s)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{Param, Params, PolicyCall, PolicyValue, Ratio, RatioLimits, Time, policy_value};
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedPermit {
    pub(crate) ident: Ident,
    pub(crate) kind: PermitKind,
}

pub(crate) enum PermitKind {
    All,
    Random(Ratio),
    RampUp(ParsedRampUp),
    Custom(Expr),
    InCode(Expr),
}

pub(crate) struct ParsedRampUp {
    pub(crate) initial: Ratio,
    pub(crate) r#final: Ratio,
    pub(crate) duration: Time,
}

const NAMES: &[&str] = &["RampUp", "Random", "All", "Custom"];
const RANDOM: Params<1, 0> = Params::required([Param::new("ratio")], "Random(0.2)");
const RAMP_UP: Params<3, 0> = Params::required(
    [
        Param::new("initial"),
        Param::new("final"),
        Param::new("duration"),
    ],
    "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
);
const CUSTOM: Params<1, 0> = Params::required(
    [Param::new("permit")],
    "Custom(|elapsed| elapsed > Duration::from_secs(1))",
);

impl ParsedPermit {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = match policy_value(cursor, "permit", NAMES, errors)? {
            PolicyValue::Known(call) => call,
            PolicyValue::InCode(expr) => {
                return Ok(Self {
                    ident: Ident::new("permit", expr.span()),
                    kind: PermitKind::InCode(expr),
                });
            }
        };
        let kind = match call.name.as_str() {
            "All" => {
                call.no_arguments(errors)?;
                PermitKind::All
            }
            "Random" => {
                let ([ratio], []) = call.bind(&RANDOM, errors)?;
                let limits = Some(RatioLimits::Probability);
                PermitKind::Random(Ratio::read(ratio, limits, errors)?)
            }
            "RampUp" => PermitKind::RampUp(ramp_up(&call, errors)?),
            "Custom" => PermitKind::Custom(call.custom(&CUSTOM, errors)?),
            _ => {
                let advice = "; a permit of your own goes into `Custom(…)`";
                return Err(call.unknown("permit", NAMES, advice, errors));
            }
        };
        Ok(Self {
            ident: call.ident,
            kind,
        })
    }
}

fn ramp_up(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<ParsedRampUp, Reported> {
    let ([initial, r#final, duration], []) = call.bind(&RAMP_UP, errors)?;
    let initial = Ratio::read(initial, None, errors);
    let r#final = Ratio::read(r#final, None, errors);
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
    Ok(ParsedRampUp {
        initial,
        r#final,
        duration: duration?,
    })
}
