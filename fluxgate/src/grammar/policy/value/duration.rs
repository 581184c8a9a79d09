//! Durations: `250ms`, `1.5s`, `5min`, or a bare number of seconds.

use std::time::Duration;

use super::{
    exact::{Nanos, literal},
    literal::{Literal, number, wrong_kind},
};
use crate::grammar::{
    policy::Argument,
    tokens::{
        Location,
        errors::{ErrorList, Reported},
        number::Lit,
    },
};

/// A duration greater than zero.
#[derive(Clone)]
pub(crate) struct Time {
    pub(crate) known: Option<Nanos>,
    pub(crate) place: Location,
    pub(crate) what: String,
}

impl Time {
    /// Reads a duration greater than zero.
    pub(crate) fn read(argument: Argument<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let wanted = "a duration, such as `30s`";
        let written = number(&argument, wanted, errors)?;
        let Argument { place, what, .. } = argument;
        let number = match &written.lit {
            Literal::Lit(Lit::Int(number) | Lit::Float(number)) => number,
            other => return Err(wrong_kind(other, &what, wanted, &place, errors)),
        };
        let nanos = literal(&number.digits, &number.suffix).map_err(|wrong| {
            errors.at(&place, wrong.message(&what, &number.text, &number.digits))
        })?;
        if written.negative || nanos.attos == 0 {
            let sign = if written.negative { "-" } else { "" };
            return Err(errors.at(
                &place,
                format!(
                    "{what} must be greater than zero, but is {sign}{}",
                    number.text
                ),
            ));
        }
        Ok(Self {
            known: Some(nanos),
            place,
            what,
        })
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        self.known.and_then(Nanos::duration)
    }

    pub(crate) fn get(&self) -> Duration {
        self.duration().unwrap_or(Duration::MAX)
    }
}
