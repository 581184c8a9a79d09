//! How overload is answered: `Adaptive(k = 1.5, window = 10s)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::value::exact::Nanos;
use super::{Call, Count, Param, Range, Ratio, Time, Value, policy_value};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) struct Throttle {
    pub(crate) ident: Ident,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Adaptive(Adaptive),
    InCode(Expr),
}

pub(crate) struct Adaptive {
    pub(crate) k: Ratio,
    pub(crate) window: Option<Time>,
    pub(crate) min: Option<Count>,
    pub(crate) floor: Option<Ratio>,
}

const NAMES: &[&str] = &["Adaptive"];
const ADAPTIVE: &[Param] = &[
    Param::required("k", "Adaptive(k = 1.5)"),
    Param::optional("window"),
    Param::optional("min"),
    Param::optional("floor"),
];

impl Throttle {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = match policy_value(cursor, "throttle", NAMES, errors)? {
            Value::Known(call) => call,
            Value::InCode(expr) => {
                return Some(Self {
                    ident: Ident::new("throttle", expr.span()),
                    kind: Kind::InCode(expr),
                });
            }
        };
        if call.name != "Adaptive" {
            call.unknown("throttle", NAMES, "", errors);
            return None;
        }
        let kind = Kind::Adaptive(adaptive(&call, errors)?);
        Some(Self {
            ident: call.ident,
            kind,
        })
    }
}

fn adaptive(call: &Call<'_>, errors: &Errors) -> Option<Adaptive> {
    let mut bound = call.bind(ADAPTIVE, errors)?.into_iter();
    let k = Ratio::read(bound.next()??, Range::ThrottleK, errors);
    let window = match bound.next()? {
        None => Some(None),
        Some(argument) => window(Time::read(argument, errors), errors).map(Some),
    };
    let min = match bound.next()? {
        None => Some(None),
        Some(argument) => Count::read(argument, Range::Count, errors).map(Some),
    };
    let floor = match bound.next()? {
        None => Some(None),
        Some(argument) => Ratio::read(argument, Range::JitterRatio, errors).map(Some),
    };
    Some(Adaptive {
        k: k?,
        window: window?,
        min: min?,
        floor: floor?,
    })
}

/// What the runtime's `throttle_window` allows.
fn window(window: Option<Time>, errors: &Errors) -> Option<Time> {
    let window = window?;
    let Some(known) = window.known else {
        return Some(window);
    };
    if known < Nanos::from_secs(2) || known > Nanos::from_secs(120) {
        errors.at(
            &window.place,
            format!(
                "{} must be from 2s to 2min, but is {:?}: in less than 2s too few calls are \
                 counted to tell a share from chance",
                window.what,
                window.duration().unwrap_or_default()
            ),
        );
        return None;
    }
    Some(window)
}
