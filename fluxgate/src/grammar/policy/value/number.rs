//! Counts and ratios.

use super::{
    limits::{CountLimits, RatioLimits},
    literal::{Literal, is_number_suffix, not_percent, number, wrong_kind},
};
use crate::grammar::{
    policy::Argument,
    tokens::{
        Location,
        errors::{ErrorList, Reported},
        number::{Lit, Number},
    },
};

/// A number of calls or slots.
#[derive(Clone)]
pub(crate) struct WholeNumber {
    /// Always known here: constants are the attribute's.
    pub(crate) known: Option<u64>,
}

/// A number that need not be whole.
#[derive(Clone)]
pub(crate) struct Ratio {
    pub(crate) known: Option<f64>,
    pub(crate) place: Location,
}

impl WholeNumber {
    /// Reads a whole number within `limits`.
    pub(crate) fn read(
        argument: &Argument<'_>,
        limits: CountLimits,
        errors: &ErrorList,
    ) -> Result<Self, Reported> {
        let Argument { place, what, .. } = argument;
        not_percent(argument, errors)?;
        let noun = limits.noun();
        let written = number(argument, noun, errors)?;
        match &written.lit {
            Literal::Lit(Lit::Int(int)) => match whole(int, written.negative, what, limits) {
                Ok(value) => Ok(Self { known: Some(value) }),
                Err(message) => Err(errors.at(place, message)),
            },
            Literal::Lit(Lit::Float(float)) => Err(errors.at(
                place,
                format!(
                    "{what} is {noun} and must be a whole number, but is {}",
                    float.text
                ),
            )),
            lit => Err(wrong_kind(lit, what, noun, place, errors)),
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.known.unwrap_or_default()
    }
}

/// Returns the value of an integer literal, or what is wrong with it.
fn whole(int: &Number, negative: bool, what: &str, limits: CountLimits) -> Result<u64, String> {
    if !is_number_suffix(&int.suffix) {
        let noun = limits.noun();
        return Err(format!(
            "{what} is {noun}, but `{}` is a duration",
            int.text
        ));
    }
    let digits = &int.digits;
    match digits.parse::<u64>() {
        Err(_) if !negative => Err(format!(
            "{what} must be at most {}, but is {digits}",
            limits.most()
        )),
        Ok(value) if !negative && limits.least() <= value && value <= limits.most() => Ok(value),
        _ => {
            let sign = if negative { "-" } else { "" };
            Err(format!("{what} {}, but is {sign}{digits}", limits.words()))
        }
    }
}

impl Ratio {
    /// Reads a number within `limits`. Without limits the caller checks it, together
    /// with another one.
    pub(crate) fn read(
        argument: &Argument<'_>,
        limits: Option<RatioLimits>,
        errors: &ErrorList,
    ) -> Result<Self, Reported> {
        let Argument { place, what, .. } = argument;
        not_percent(argument, errors)?;
        let written = number(argument, "a number", errors)?;
        let value = match &written.lit {
            Literal::Lit(Lit::Int(number) | Lit::Float(number)) => {
                if !is_number_suffix(&number.suffix) {
                    return Err(errors.at(
                        place,
                        format!(
                            "{what} is a plain number, but `{}` is a duration",
                            number.text
                        ),
                    ));
                }
                number.digits.parse::<f64>().unwrap_or(f64::NAN)
            }
            lit => return Err(wrong_kind(lit, what, "a number", place, errors)),
        };
        let value = if written.negative { -value } else { value };
        if let Some(limits) = limits {
            within(value, limits, what).map_err(|message| errors.at(place, message))?;
        }
        Ok(Self {
            known: Some(value),
            place: *place,
        })
    }

    pub(crate) fn get(&self) -> f64 {
        self.known.unwrap_or_default()
    }
}

/// Returns what is wrong with a value outside its limits.
fn within(value: f64, limits: RatioLimits, what: &str) -> Result<(), String> {
    if limits.hold(value) {
        return Ok(());
    }
    let advice = if limits.is_part() && value > 1.0 && value <= 100.0 {
        format!("; for {value} % write `{:?}`", value / 100.0)
    } else {
        limits.reason().to_owned()
    };
    Err(format!(
        "{what} {}, but is {value:?}{advice}",
        limits.words()
    ))
}
