//! Durations as literals: `250ms`, `1.5s`, `5min`.

use std::time::Duration;

use crate::suggest::suggest;

/// A known duration, finer than the nanoseconds it is rounded up to, so that
/// two of them compare as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos {
    pub(super) attos: u128,
}

const ATTOS_PER_NANO: u128 = 1_000_000_000;
const NANOS_PER_SEC: u128 = 1_000_000_000;

impl Nanos {
    /// Rounds up: nothing above zero becomes zero.
    pub(crate) fn duration(self) -> Option<Duration> {
        let nanos = self.attos.div_ceil(ATTOS_PER_NANO);
        let secs = u64::try_from(nanos / NANOS_PER_SEC).ok()?;
        let nanos = u32::try_from(nanos % NANOS_PER_SEC).ok()?;
        Some(Duration::new(secs, nanos))
    }

    pub(super) fn of(duration: Duration) -> Self {
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

#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    Unit(String),
    TooLong,
}

impl Wrong {
    pub(super) fn message(&self, what: &str, text: &str, digits: &str) -> String {
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

/// Reads a number with a unit; without one, of seconds.
pub(super) fn literal(digits: &str, suffix: &str) -> Result<Nanos, Wrong> {
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
    // A `Duration` has 29 digits: more can only round it up. With the factor of an
    // hour, 34 fit.
    let (kept, cut) = all.split_at(all.len().min(34));
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
        is("18446744073709551615.999999999", "s", Duration::MAX);
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
    fn attoseconds_still_compare() {
        assert!(literal("9.999999999999998", "s").unwrap() < literal("10", "s").unwrap());
        assert!(literal("300.00000000000006", "s").unwrap() > literal("300", "s").unwrap());
    }

    #[test]
    fn unknown_units_are_refused() {
        assert_eq!(literal("1e300", "s"), Err(Wrong::TooLong));
        assert_eq!(literal("18446744073709551616", "s"), Err(Wrong::TooLong));
        assert_eq!(literal("1", "m"), Err(Wrong::Unit("m".to_owned())));
    }
}
