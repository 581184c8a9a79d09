//! Rules for slow probes: `Pass`, `Fail`.

use proc_macro2::Ident;

use super::policy;
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedSlowProbes {
    pub(crate) ident: Ident,
}

const NAMES: &[&str] = &["Pass", "Fail"];

impl ParsedSlowProbes {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = policy(cursor, "rule for slow probes", NAMES, errors)?;
        if !NAMES.contains(&call.name.as_str()) {
            return Err(call.unknown("rule for slow probes", NAMES, "", errors));
        }
        call.no_arguments(errors)?;
        Ok(Self { ident: call.ident })
    }
}
