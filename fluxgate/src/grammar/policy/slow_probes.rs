//! Rules for slow probes: `Pass`, `Fail`.

use super::policy;
use crate::{
    SlowProbes,
    grammar::tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
};

const NAMES: &[&str] = &["Pass", "Fail"];

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<SlowProbes, Reported> {
    let call = policy(cursor, "rule for slow probes", NAMES, errors)?;
    let slow_probes = match call.name.as_str() {
        "Pass" => SlowProbes::Pass,
        "Fail" => SlowProbes::Fail,
        _ => return Err(call.unknown("rule for slow probes", NAMES, "", errors)),
    };
    call.no_arguments(errors)?;
    Ok(slow_probes)
}
