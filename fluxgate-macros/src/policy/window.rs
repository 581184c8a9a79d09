//! Windows: `CountWindow(100)`, `TimeWindow(60s)`, `Custom(…)`.

use proc_macro2::Ident;
use syn::Expr;

use super::{CountLimits, Param, Params, PolicyValue, Time, WholeNumber, policy_value};
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) enum ParsedWindow {
    Count {
        ident: Ident,
        size: WholeNumber,
    },
    Time {
        ident: Ident,
        duration: Time,
        slots: Option<WholeNumber>,
    },
    Custom {
        ident: Ident,
        window: Expr,
    },
    InCode(Expr),
}

const NAMES: &[&str] = &["CountWindow", "TimeWindow", "Custom"];
const COUNT: Params<1, 0> = Params::required([Param::new("size")], "CountWindow(100)");
const TIME: Params<1, 1> = Params {
    required: [Param::new("duration").or("size")],
    optional: [Param::new("slots")],
    example: "TimeWindow(60s)",
};
const CUSTOM: Params<1, 0> = Params::required([Param::new("window")], "Custom(MyWindow::new())");

impl ParsedWindow {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = match policy_value(cursor, "window", NAMES, errors)? {
            PolicyValue::Known(call) => call,
            PolicyValue::InCode(expr) => return Ok(Self::InCode(expr)),
        };
        let ident = call.ident.clone();
        Ok(match call.name.as_str() {
            "CountWindow" => {
                let ([size], []) = call.bind(&COUNT, errors)?;
                Self::Count {
                    ident,
                    size: WholeNumber::read(size, CountLimits::WindowSize, errors)?,
                }
            }
            "TimeWindow" => {
                let ([duration], [slots]) = call.bind(&TIME, errors)?;
                let duration = Time::read(duration, errors);
                let slots = slots.map(|slots| WholeNumber::read(slots, CountLimits::Slots, errors));
                Self::Time {
                    ident,
                    duration: duration?,
                    slots: slots.transpose()?,
                }
            }
            "Custom" => Self::Custom {
                ident,
                window: call.custom(&CUSTOM, errors)?,
            },
            _ => {
                let advice = "; a window of your own goes into `Custom(…)`";
                return Err(call.unknown("window", NAMES, advice, errors));
            }
        })
    }
}
