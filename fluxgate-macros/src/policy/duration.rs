//! Durations: `250ms`, `1.5s`, `5min`, a bare number of seconds, or an
//! expression of type `Duration`.

use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Lit};

use super::{
    Argument,
    number::{Given, number, wrong_kind},
};
use crate::{errors::Errors, source::Place, suggest::suggest};

/// A duration greater than zero.
#[derive(Clone)]
pub(crate) struct Time {
    pub(crate) known: Option<Nanos>,
    pub(crate) place: Place,
    pub(crate) what: String,
    /// How to write it in the expansion when it isn't a literal.
    expr: Option<Expr>,
}

/// A known duration, finer than the nanoseconds it is rounded up to, so that
/// two of them compare as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos {
    attos: u128,
}

const ATTOS_PER_NANO: u128 = 1_000_000_000;
const NANOS_PER_SEC: u128 = 1_000_000_000;

impl Nanos {
    /// Rounded up: nothing above zero becomes zero.
    pub(crate) fn duration(self) -> Option<Duration> {
        let nanos = self.attos.div_ceil(ATTOS_PER_NANO);
        let secs = u64::try_from(nanos / NANOS_PER_SEC).ok()?;
        let nanos = u32::try_from(nanos % NANOS_PER_SEC).ok()?;
        Some(Duration::new(secs, nanos))
    }

    fn of(duration: Duration) -> Self {
        Self {
            attos: duration.as_nanos() * ATTOS_PER_NANO,
        }
    }

    pub(crate) fn from_secs(secs: u64) -> Self {
        Self::of(Duration::from_secs(secs))
    }
}

/// The units, and for each how many of it (first) make so many powers of ten of
/// seconds (second).
const UNITS: [(&str, u128, i32); 6] = [
    ("ns", 1, -9),
    ("us", 1, -6),
    ("ms", 1, -3),
    ("s", 1, 0),
    ("min", 60, 0),
    ("h", 3600, 0),
];

impl Time {
    pub(crate) fn read(argument: Argument<'_>, errors: &Errors) -> Option<Self> {
        let (place, what) = (argument.place.clone(), argument.what.clone());
        let expr = argument.expr(errors)?;
        let known = match number(&expr) {
            Given::Literal { lit, negative } => {
                let text = lit.to_token_stream().to_string();
                let (digits, suffix) = match &lit {
                    Lit::Int(int) => (int.base10_digits(), int.suffix()),
                    Lit::Float(float) => (float.base10_digits(), float.suffix()),
                    other => {
                        wrong_kind(other, &what, "a duration, such as `30s`", &place, errors);
                        return None;
                    }
                };
                let nanos = match literal(digits, suffix) {
                    Ok(nanos) => nanos,
                    Err(wrong) => {
                        errors.at(&place, wrong.message(&what, &text, digits));
                        return None;
                    }
                };
                if negative || nanos.attos == 0 {
                    let sign = if negative { "-" } else { "" };
                    errors.at(
                        &place,
                        format!("{what} must be greater than zero, but is {sign}{text}"),
                    );
                    return None;
                }
                return Some(Self {
                    known: Some(nanos),
                    place,
                    what,
                    expr: None,
                });
            }
            Given::Unnamed(value) => {
                errors.at(
                    &place,
                    format!("{what} must be a duration, such as `30s`, but is {value:?}"),
                );
                return None;
            }
            Given::Unknown => duration_call(&expr),
        };
        if known.is_some_and(|known| known.attos == 0) {
            errors.at(
                &place,
                format!("{what} must be greater than zero, but is 0ns"),
            );
            return None;
        }
        Some(Self {
            known,
            place,
            what,
            expr: Some(expr),
        })
    }

    /// For comparisons with defaults.
    pub(crate) fn secs(secs: u64) -> Self {
        Self {
            known: Some(Nanos::from_secs(secs)),
            place: Place::at(Span::call_site()),
            what: String::new(),
            expr: None,
        }
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        self.known.and_then(Nanos::duration)
    }

    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }

    /// The constant to be checked by the compiler: what is written like one. Any
    /// other expression may be computed when the breaker is built.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        let expr = self.expr.as_ref().filter(|_| self.known.is_none())?;
        match expr {
            Expr::Path(path) => {
                let name = path.path.segments.last()?.ident.to_string();
                let is_constant = name.chars().all(|c| !c.is_lowercase());
                is_constant.then_some(expr)
            }
            _ => None,
        }
    }
}

impl ToTokens for Time {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(expr) = &self.expr {
            return expr.to_tokens(tokens);
        }
        let duration = self.duration().unwrap_or(Duration::MAX);
        let secs = Literal::u64_unsuffixed(duration.as_secs());
        let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
        quote_spanned!(self.place.span()=> ::core::time::Duration::new(#secs, #nanos))
            .to_tokens(tokens);
    }
}

#[derive(Debug, PartialEq)]
enum Wrong {
    Unit(String),
    TooLong,
}

impl Wrong {
    fn message(&self, what: &str, text: &str, digits: &str) -> String {
        match self {
            Self::TooLong => format!("{what} is longer than a `Duration` can be: {text}"),
            Self::Unit(unit) => {
                let unit = unit.as_str();
                let meant = match unit {
                    "m" => format!(
                        "; write `{digits}min` for minutes or `{digits}ms` for milliseconds"
                    ),
                    "sec" | "secs" | "second" | "seconds" => format!("; write `{digits}s`"),
                    "mins" | "minute" | "minutes" => format!("; write `{digits}min`"),
                    "hr" | "hrs" | "hour" | "hours" => format!("; write `{digits}h`"),
                    "msec" | "millis" | "msecs" => format!("; write `{digits}ms`"),
                    "d" | "day" | "days" => match digits.parse::<u64>() {
                        Ok(days) => format!("; write `{}h`", days.saturating_mul(24)),
                        Err(_) => "; write hours, `24h` a day".to_owned(),
                    },
                    _ => match suggest(unit, UNITS.iter().map(|(unit, ..)| *unit)) {
                        Some(unit) => format!("; did you mean `{digits}{unit}`?"),
                        None => "; the units are `ns`, `us`, `ms`, `s`, `min` and `h`".to_owned(),
                    },
                };
                format!("{what} has the unknown unit `{unit}`{meant}")
            }
        }
    }
}

/// A number with a unit; without one, seconds.
fn literal(digits: &str, suffix: &str) -> Result<Nanos, Wrong> {
    let suffix = match suffix {
        "" | "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64" => "s",
        suffix => suffix,
    };
    let (_, factor, power) = UNITS
        .iter()
        .find(|(unit, ..)| *unit == suffix)
        .ok_or_else(|| Wrong::Unit(suffix.to_owned()))?;
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(i32::MAX / 2)),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let all = all.trim_start_matches('0');
    // More digits than these can't change a duration but by rounding it up.
    let (kept, cut) = all.split_at(all.len().min(24));
    let sticky = u128::from(cut.chars().any(|digit| digit != '0'));
    let value = kept.parse::<u128>().unwrap_or(0) + sticky;
    let exponent = exponent
        .saturating_add(*power)
        .saturating_add(18)
        .saturating_sub(i32::try_from(fraction.len()).unwrap_or(i32::MAX / 2))
        .saturating_add(i32::try_from(cut.len()).unwrap_or(i32::MAX / 2));
    let value = value * factor;
    let attos = if value == 0 {
        Some(0)
    } else if exponent >= 0 {
        10u128
            .checked_pow(exponent.unsigned_abs())
            .and_then(|power| value.checked_mul(power))
    } else {
        Some(match 10u128.checked_pow(exponent.unsigned_abs()) {
            Some(power) => value.div_ceil(power),
            None => 1,
        })
    };
    attos
        .map(|attos| Nanos { attos })
        .filter(|nanos| nanos.duration().is_some())
        .ok_or(Wrong::TooLong)
}

/// `Duration::from_secs(30)` and its kin, so that what is written out in Rust
/// is checked like a literal.
fn duration_call(expr: &Expr) -> Option<Nanos> {
    let of_duration = |path: &syn::Path| {
        let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
        let last = names.next()?.to_string();
        (names.next()? == "Duration").then_some(last)
    };
    match expr {
        Expr::Path(path) => match of_duration(&path.path)?.as_str() {
            "ZERO" => Some(Nanos { attos: 0 }),
            "MAX" => Some(Nanos::of(Duration::MAX)),
            _ => None,
        },
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let unit = match of_duration(&path.path)?.as_str() {
                "from_secs" | "from_secs_f64" => "s",
                "from_millis" => "ms",
                "from_micros" => "us",
                "from_nanos" => "ns",
                "from_mins" => "min",
                "from_hours" => "h",
                _ => return None,
            };
            let argument = call.args.first().filter(|_| call.args.len() == 1)?;
            match number(argument) {
                Given::Literal {
                    lit: Lit::Int(int),
                    negative: false,
                } => literal(int.base10_digits(), unit).ok(),
                Given::Literal {
                    lit: Lit::Float(float),
                    negative: false,
                } => literal(float.base10_digits(), unit).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(digits: &str, unit: &str, expected: Duration) {
        assert_eq!(literal(digits, unit).unwrap().duration(), Some(expected));
    }

    #[test]
    fn units_are_exact() {
        is("250", "ms", Duration::from_millis(250));
        is("1.5", "s", Duration::from_millis(1500));
        is("0.1", "s", Duration::from_millis(100));
        is("5", "min", Duration::from_secs(300));
        is("1.5", "h", Duration::from_secs(5400));
        is("7", "us", Duration::from_micros(7));
        is("7", "ns", Duration::from_nanos(7));
        is("30", "", Duration::from_secs(30));
        is("1e3", "ms", Duration::from_secs(1));
        is("18446744073709551615", "s", Duration::from_secs(u64::MAX));
    }

    #[test]
    fn nothing_above_zero_becomes_zero() {
        is("5e-324", "s", Duration::from_nanos(1));
        is(
            "0.0000000000000000000000000000000000000000001",
            "s",
            Duration::from_nanos(1),
        );
        is("1.0000000001", "s", Duration::new(1, 1));
        is("0.0", "s", Duration::ZERO);
    }

    #[test]
    fn what_is_less_than_a_nanosecond_apart_still_compares() {
        assert!(literal("9.999999999999998", "s").unwrap() < literal("10", "s").unwrap());
        assert!(literal("300.00000000000006", "s").unwrap() > literal("300", "s").unwrap());
    }

    #[test]
    fn too_long_and_unknown_units_are_refused() {
        assert_eq!(literal("1e300", "s"), Err(Wrong::TooLong));
        assert_eq!(literal("18446744073709551616", "s"), Err(Wrong::TooLong));
        assert_eq!(literal("1", "m"), Err(Wrong::Unit("m".to_owned())));
    }
}
