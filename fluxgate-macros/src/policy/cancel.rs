//! Rules for cancelled calls: `Ignore`, `Fail`, `FailAfter(5s)`.

use proc_macro2::Ident;

use super::{Param, Params, Time, policy};
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedOnCancel {
    pub(crate) ident: Ident,
    pub(crate) least: Option<Time>,
}

const NAMES: &[&str] = &["Ignore", "Fail", "FailAfter"];
const FAIL_AFTER: Params<1, 0> = Params::required([Param::new("duration")], "FailAfter(5s)");

impl ParsedOnCancel {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = policy(cursor, "rule for cancelled calls", NAMES, errors)?;
        let least = match call.name.as_str() {
            "Ignore" | "Fail" => {
                call.no_arguments(errors)?;
                None
            }
            "FailAfter" => {
                let ([least], []) = call.bind(&FAIL_AFTER, errors)?;
                Some(Time::read(least, errors)?)
            }
            _ => return Err(call.unknown("rule for cancelled calls", NAMES, "", errors)),
        };
        Ok(Self {
            ident: call.ident,
            least,
        })
    }
}
