//! What a cancelled call counts as: `Ignore`, `Fail`, `FailAfter(5s)`.

use proc_macro2::Ident;

use super::{Param, Time, policy};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) struct OnCancel {
    pub(crate) ident: Ident,
    pub(crate) least: Option<Time>,
}

const NAMES: &[&str] = &["Ignore", "Fail", "FailAfter"];
const FAIL_AFTER: &[Param] = &[Param::required("duration", "FailAfter(5s)")];

impl OnCancel {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = policy(cursor, "rule for cancelled calls", NAMES, errors)?;
        let least = match call.name.as_str() {
            "Ignore" | "Fail" => {
                call.no_arguments(errors)?;
                None
            }
            "FailAfter" => Some(Time::read(
                call.bind(FAIL_AFTER, errors)?.remove(0)?,
                errors,
            )?),
            _ => {
                call.unknown("rule for cancelled calls", NAMES, "", errors);
                return None;
            }
        };
        Some(Self {
            ident: call.ident,
            least,
        })
    }
}
