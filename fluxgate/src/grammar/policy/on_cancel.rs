//! Rules for cancelled calls: `Ignore`, `Fail`, `FailAfter(5s)`.

use super::{Param, Params, Time, policy};
use crate::{
    OnCancel,
    grammar::tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
};

const NAMES: &[&str] = &["Ignore", "Fail", "FailAfter"];
const FAIL_AFTER: Params<1, 0> = Params::required([Param::new("duration")], "FailAfter(5s)");

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<OnCancel, Reported> {
    let call = policy(cursor, "rule for cancelled calls", NAMES, errors)?;
    Ok(match call.name.as_str() {
        "Ignore" => {
            call.no_arguments(errors)?;
            OnCancel::Ignore
        }
        "Fail" => {
            call.no_arguments(errors)?;
            OnCancel::Fail
        }
        "FailAfter" => {
            let ([least], []) = call.bind(&FAIL_AFTER, errors)?;
            OnCancel::FailAfter(Time::read(least, errors)?.get())
        }
        _ => return Err(call.unknown("rule for cancelled calls", NAMES, "", errors)),
    })
}
