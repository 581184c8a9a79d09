//! Which half-open calls become probes: `RampUp(0.1, 1.0, 60s)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{Call, Param, Range, Ratio, Time, Value, policy_value};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) struct Permit {
    pub(crate) ident: Ident,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    All,
    Random(Ratio),
    RampUp(RampUp),
    Custom(Expr),
    InCode(Expr),
}

pub(crate) struct RampUp {
    pub(crate) initial: Ratio,
    pub(crate) r#final: Ratio,
    pub(crate) duration: Time,
}

const NAMES: &[&str] = &["RampUp", "Random", "All", "Custom"];
const RANDOM: &[Param] = &[Param::required("ratio", "Random(0.2)")];
const RAMP_UP: &[Param] = &[
    Param::required(
        "initial",
        "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
    ),
    Param::required(
        "final",
        "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
    ),
    Param::required(
        "duration",
        "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
    ),
];
const CUSTOM: &[Param] = &[Param::required(
    "permit",
    "Custom(|elapsed| elapsed > Duration::from_secs(1))",
)];

impl Permit {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = match policy_value(cursor, "permit", NAMES, errors)? {
            Value::Known(call) => call,
            Value::InCode(expr) => {
                return Some(Self {
                    ident: Ident::new("permit", expr.span()),
                    kind: Kind::InCode(expr),
                });
            }
        };
        let kind = match call.name.as_str() {
            "All" => {
                call.no_arguments(errors)?;
                Kind::All
            }
            "Random" => {
                let ratio = call.bind(RANDOM, errors)?.remove(0)?;
                Kind::Random(Ratio::read(ratio, Range::Probability, errors)?)
            }
            "RampUp" => Kind::RampUp(ramp_up(&call, errors)?),
            "Custom" => Kind::Custom(call.custom(CUSTOM, errors)?),
            _ => {
                let advice = "; a permit of your own goes into `Custom(…)`";
                call.unknown("permit", NAMES, advice, errors);
                return None;
            }
        };
        Some(Self {
            ident: call.ident,
            kind,
        })
    }
}

fn ramp_up(call: &Call<'_>, errors: &Errors) -> Option<RampUp> {
    let mut bound = call.bind(RAMP_UP, errors)?.into_iter();
    let initial = Ratio::read(bound.next()??, Range::Ramp, errors);
    let r#final = Ratio::read(bound.next()??, Range::Ramp, errors);
    let duration = Time::read(bound.next()??, errors);
    let (initial, r#final) = (initial?, r#final?);
    let known = initial.known.zip(r#final.known);
    if let Some((from, to)) = known.filter(|(from, to)| !(*from > 0.0 && from <= to && *to <= 1.0))
    {
        let culprit = if from > 0.0 && from <= 1.0 {
            &r#final
        } else {
            &initial
        };
        errors.at(
            &culprit.place,
            format!(
                "the ratios of `RampUp` must satisfy 0 < initial <= final <= 1, \
                 but initial is {from:?} and final is {to:?}"
            ),
        );
        return None;
    }
    Some(RampUp {
        initial,
        r#final,
        duration: duration?,
    })
}
