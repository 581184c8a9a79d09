//! Throttles, which answer overload in proportion: `Adaptive(k = 1.5, window = 10s)`.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{
    CountLimits, Param, Params, PolicyCall, PolicyValue, Ratio, RatioLimits, Time, WholeNumber,
    policy_value,
};
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedThrottle {
    pub(crate) ident: Ident,
    pub(crate) kind: ThrottleKind,
}

pub(crate) enum ThrottleKind {
    Adaptive(ParsedAdaptive),
    InCode(Expr),
}

pub(crate) struct ParsedAdaptive {
    pub(crate) k: Ratio,
    pub(crate) window: Option<Time>,
    pub(crate) min: Option<WholeNumber>,
    pub(crate) floor: Option<Ratio>,
}

const NAMES: &[&str] = &["Adaptive"];
const ADAPTIVE: Params<1, 3> = Params {
    required: [Param::new("k")],
    optional: [Param::new("window"), Param::new("min"), Param::new("floor")],
    example: "Adaptive(k = 1.5)",
};

impl ParsedThrottle {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = match policy_value(cursor, "throttle", NAMES, errors)? {
            PolicyValue::Known(call) => call,
            PolicyValue::InCode(expr) => {
                return Ok(Self {
                    ident: Ident::new("throttle", expr.span()),
                    kind: ThrottleKind::InCode(expr),
                });
            }
        };
        if call.name != "Adaptive" {
            return Err(call.unknown("throttle", NAMES, "", errors));
        }
        let kind = ThrottleKind::Adaptive(adaptive(&call, errors)?);
        Ok(Self {
            ident: call.ident,
            kind,
        })
    }
}

fn adaptive(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<ParsedAdaptive, Reported> {
    let ([k], [window, min, floor]) = call.bind(&ADAPTIVE, errors)?;
    let k = Ratio::read(k, Some(RatioLimits::ThrottleK), errors);
    let window = window.map(|window| {
        let window = Time::read(window, errors)?;
        window_is_sound(&window, errors).map(|()| window)
    });
    let min = min.map(|min| WholeNumber::read(min, CountLimits::Calls, errors));
    let floor = floor.map(|floor| Ratio::read(floor, Some(RatioLimits::Jitter), errors));
    Ok(ParsedAdaptive {
        k: k?,
        window: window.transpose()?,
        min: min.transpose()?,
        floor: floor.transpose()?,
    })
}

/// Refuses what `throttle_window` in the runtime refuses.
fn window_is_sound(window: &Time, errors: &ErrorList) -> Result<(), Reported> {
    let Some(known) = window.duration() else {
        return Ok(());
    };
    if (Duration::from_secs(2)..=Duration::from_secs(120)).contains(&known) {
        return Ok(());
    }
    Err(errors.at(
        &window.place,
        format!(
            "{} must be from 2s to 2min, but is {known:?}: in less than 2s too few calls are \
             counted to tell a share from chance",
            window.what,
        ),
    ))
}
