//! What a slow probe counts as: `Pass`, `Fail`.

use proc_macro2::Ident;

use super::policy;
use crate::tokens::{Cursor, errors::Errors};

pub(crate) struct SlowProbes {
    pub(crate) ident: Ident,
}

const NAMES: &[&str] = &["Pass", "Fail"];

impl SlowProbes {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = policy(cursor, "rule for slow probes", NAMES, errors)?;
        if !NAMES.contains(&call.name.as_str()) {
            call.unknown("rule for slow probes", NAMES, "", errors);
            return None;
        }
        call.no_arguments(errors)?;
        Some(Self { ident: call.ident })
    }
}
