//! `CountWindow(100)`, `TimeWindow(60s)`, `Custom(…)`.

use proc_macro2::Ident;
use syn::Expr;

use super::{Count, Param, Range, Time, Value, policy_value};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) enum Window {
    Count { ident: Ident, size: Count },
    Time { ident: Ident, duration: Time },
    Custom { ident: Ident, window: Expr },
    InCode(Expr),
}

const NAMES: &[&str] = &["CountWindow", "TimeWindow", "Custom"];
const COUNT: &[Param] = &[Param::required("size", "CountWindow(100)")];
const TIME: &[Param] = &[Param::required("size", "TimeWindow(60s)")];
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
                let mut duration = call.bind(TIME, errors)?.remove(0)?;
                "the duration of `TimeWindow`".clone_into(&mut duration.what);
                Self::Time {
                    ident,
                    duration: Time::read(duration, errors)?,
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
