//! Windows: `CountWindow(100)`, `TimeWindow(60s)`.

use std::time::Duration;

use super::{CountLimits, Param, Params, Time, WholeNumber, call::OWN, policy};
use crate::grammar::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

/// A window to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParsedWindow {
    Count(u64),
    Time(Duration, Option<u64>),
}

const NAMES: &[&str] = &["CountWindow", "TimeWindow"];
const COUNT: Params<1, 0> = Params::required([Param::new("size")], "CountWindow(100)");
const TIME: Params<1, 1> = Params {
    required: [Param::new("duration").or("size")],
    optional: [Param::new("slots")],
    example: "TimeWindow(60s)",
};

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<ParsedWindow, Reported> {
    let call = policy(cursor, "window", NAMES, errors)?;
    Ok(match call.name.as_str() {
        "CountWindow" => {
            let ([size], []) = call.bind(&COUNT, errors)?;
            ParsedWindow::Count(WholeNumber::read(&size, CountLimits::WindowSize, errors)?.get())
        }
        "TimeWindow" => {
            let ([duration], [slots]) = call.bind(&TIME, errors)?;
            let duration = Time::read(duration, errors);
            let slots = slots.map(|slots| WholeNumber::read(&slots, CountLimits::Slots, errors));
            ParsedWindow::Time(duration?.get(), slots.transpose()?.map(|slots| slots.get()))
        }
        _ => return Err(call.unknown("window", NAMES, OWN, errors)),
    })
}
