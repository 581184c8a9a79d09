//! The state that a breaker begins in: `MetricsOnly`.

use proc_macro2::Ident;

use super::policy;
use crate::tokens::{
    Cursor,
    errors::{ErrorList, Reported},
};

pub(crate) struct ParsedInitialState {
    /// The variant of the runtime's `State`, where it was written.
    pub(crate) ident: Ident,
    /// The name that the state is displayed by.
    pub(crate) name: &'static str,
}

const NAMES: &[&str] = &[
    "Closed",
    "Open",
    "HalfOpen",
    "MetricsOnly",
    "Disabled",
    "ForcedOpen",
];
/// The names in metrics, in the same order; they are read, too.
const DISPLAYED: &[&str] = &[
    "closed",
    "open",
    "half_open",
    "metrics_only",
    "disabled",
    "forced_open",
];

impl ParsedInitialState {
    /// Reads the whole value.
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let call = policy(cursor, "state", NAMES, errors)?;
        let is_it = |name: &&str| *name == call.name;
        let found = NAMES.iter().position(&is_it);
        let Some(found) = found.or_else(|| DISPLAYED.iter().position(is_it)) else {
            return Err(call.unknown("state", NAMES, "", errors));
        };
        call.no_arguments(errors)?;
        Ok(Self {
            ident: Ident::new(NAMES[found], call.ident.span()),
            name: DISPLAYED[found],
        })
    }
}
