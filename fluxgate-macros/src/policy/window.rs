//! `CountWindow(100)`, `TimeWindow(60s)`, `Custom(…)`.

use proc_macro2::Ident;
use syn::Expr;

use super::{Count, Param, Range, Time, Value, policy_value};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) enum Window {
    Count {
        ident: Ident,
        size: Count,
    },
    Time {
        ident: Ident,
        duration: Time,
        slots: Option<Count>,
    },
    Custom {
        ident: Ident,
        window: Expr,
    },
    InCode(Expr),
}

const NAMES: &[&str] = &["CountWindow", "TimeWindow", "Custom"];
const COUNT: &[Param] = &[Param::required("size", "CountWindow(100)")];
const TIME: &[Param] = &[
    Param::required("duration", "TimeWindow(60s)").or("size"),
    Param::optional("slots"),
];
const CUSTOM: &[Param] = &[Param::required("window", "Custom(MyWindow::new())")];

impl Window {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = match policy_value(cursor, "window", NAMES, errors)? {
            Value::Known(call) => call,
            Value::InCode(expr) => return Some(Self::InCode(expr)),
        };
        let ident = call.ident.clone();
        Some(match call.name.as_str() {
            "CountWindow" => {
                let size = call.bind(COUNT, errors)?.remove(0)?;
                Self::Count {
                    ident,
                    size: Count::read(size, Range::WindowSize, errors)?,
                }
            }
            "TimeWindow" => {
                let mut bound = call.bind(TIME, errors)?.into_iter();
                let duration = Time::read(bound.next()??, errors);
                let slots = match bound.next()? {
                    None => Some(None),
                    Some(slots) => Count::read(slots, Range::Slots, errors).map(Some),
                };
                Self::Time {
                    ident,
                    duration: duration?,
                    slots: slots?,
                }
            }
            "Custom" => Self::Custom {
                ident,
                window: call.custom(CUSTOM, errors)?,
            },
            _ => {
                let advice = "; a window of your own goes into `Custom(…)`";
                call.unknown("window", NAMES, advice, errors);
                return None;
            }
        })
    }
}
