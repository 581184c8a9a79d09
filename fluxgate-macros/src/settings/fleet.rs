//! How a breaker takes part in a fleet: `fleet`, or `fleet(suspect = FailureStreak(2))`.

use proc_macro2::Ident;

use super::value::policy;
use crate::{
    policy::{
        CountLimits, Param, Params, ParsedRule, PolicyCall, Time, TripperFormula, WholeNumber,
        read_tripper,
    },
    tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
};

pub(crate) struct ParsedFleet {
    pub(crate) ident: Ident,
    pub(crate) suspect: Option<TripperFormula>,
    pub(crate) probes: Option<WholeNumber>,
    pub(crate) lease: Option<Time>,
}

const FLEET: Params<0, 3> = Params {
    required: [],
    optional: [
        Param::new("suspect"),
        Param::new("probes"),
        Param::new("lease"),
    ],
    example: "fleet(suspect = FailureStreak(2), probes = 3)",
};

/// How many probes of a fleet may run at a time; the runtime says the same.
const MOST_PROBES: u64 = 1000;

/// Reads the setting from its name on.
pub(super) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<ParsedFleet, Reported> {
    let call = PolicyCall::read(cursor, "setting", &["fleet"], errors)?;
    let ([], [suspect, probes, lease]) = call.bind(&FLEET, errors)?;
    let suspect = suspect.map(|mut suspect| {
        let rule = policy(&mut suspect.cursor, errors, read_tripper)?;
        let mut own = false;
        rule.leaves(&mut |leaf| own |= matches!(leaf.rule, ParsedRule::Custom(_)));
        if own {
            return Err(errors.at(
                &suspect.place,
                "the rule `suspect` of a fleet can't have a `Custom` part: it is asked while the \
                 breaker is locked",
            ));
        }
        Ok(rule)
    });
    let probes = probes.map(|probes| {
        let probes = WholeNumber::read(probes, CountLimits::Calls32, errors)?;
        match probes.known {
            Some(known) if known > MOST_PROBES => Err(errors.at(
                &probes.place,
                format!(
                    "{} must be from 1 to {MOST_PROBES}, but is {known}",
                    probes.what
                ),
            )),
            _ => Ok(probes),
        }
    });
    let lease = lease.map(|lease| Time::read(lease, errors));
    Ok(ParsedFleet {
        ident: call.ident,
        suspect: suspect.transpose()?,
        probes: probes.transpose()?,
        lease: lease.transpose()?,
    })
}
