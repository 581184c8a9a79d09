//! Durations as literals: `250ms`, `1.5s`, `5min`.

use std::time::Duration;

use crate::grammar::suggest::suggest;

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
