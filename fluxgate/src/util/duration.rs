//! Between durations and the numbers that are reckoned with: nanoseconds in the
//! core, seconds in the policies' formulas.

use std::{fmt, time::Duration};

/// Returns the nanoseconds of a duration, at most `u64::MAX` (584 years).
pub(crate) const fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(duration.subsec_nanos() as u64)
}

/// Returns the shortest duration that is not below `seconds`: rounded up to the
/// nanosecond, so that `elapsed >= from_secs_ceil(s)` decides as `elapsed >= s`
/// would with unlimited precision. Negative numbers and NaN give zero; what is
/// too large gives the longest duration.
pub(crate) fn from_secs_ceil(seconds: f64) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    if seconds.is_nan() || seconds <= 0.0 {
        return Duration::ZERO;
    }
    // The value is `mantissa * 2^exponent`, exactly.
    let bits = seconds.to_bits();
    let biased = i32::try_from(bits >> 52).unwrap_or(i32::MAX);
    let fraction = u128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = match biased {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, biased - 1075),
    };
    let scaled = mantissa * NANOS;
    let nanos = if exponent >= 64 {
        return Duration::MAX;
    } else if exponent >= 0 {
        match scaled.checked_mul(1 << exponent) {
            Some(nanos) => nanos,
            None => return Duration::MAX,
        }
    } else if exponent > -128 {
        let shift = exponent.unsigned_abs();
        let whole = scaled >> shift;
        whole + u128::from(whole << shift != scaled)
    } else {
        1
    };
    match u64::try_from(nanos / NANOS) {
        Ok(secs) => Duration::new(secs, u32::try_from(nanos % NANOS).unwrap_or(0)),
        Err(_) => Duration::MAX,
    }
}

/// Displays a duration as the attribute reads it, exactly: `250ms`, `1.5s`.
pub(crate) struct Literal(pub(crate) Duration);

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The attribute's units are ASCII.
        f.write_str(&format!("{:?}", self.0).replace('µ', "u"))
    }
}

/// Displays a duration as part of a sentence: `250 ms`, `1.5 s`, `5 min`.
#[cfg(feature = "page")]
pub(crate) struct Words(pub(crate) Duration);

#[cfg(feature = "page")]
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(duration) = self;
        let minutes = duration.as_secs() / 60;
        if minutes > 1 && *duration == Duration::from_secs(minutes * 60) {
            return write!(f, "{minutes} min");
        }
        let text = format!("{duration:?}");
        let unit = text.find(char::is_alphabetic).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        write!(f, "{number} {unit}")
    }
}

/// Returns a sum of nanoseconds as a duration, which holds more than any window can.
pub(crate) fn from_nanos(nanos: u128) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    match u64::try_from(nanos / NANOS) {
        Ok(secs) => Duration::new(secs, u32::try_from(nanos % NANOS).unwrap_or(0)),
        Err(_) => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "page")]
    #[test]
    fn durations_in_words() {
        let words = |nanos| Words(Duration::from_nanos(nanos)).to_string();
        assert_eq!(words(250_000_000), "250 ms");
        assert_eq!(words(1_500), "1.5 µs");
        assert_eq!(words(60_000_000_000), "60 s");
        assert_eq!(words(300_000_000_000), "5 min");
        assert_eq!(words(301_000_000_000), "301 s");
    }

    #[test]
    fn whole_and_binary_fractions_are_exact() {
        assert_eq!(from_secs_ceil(6.0), Duration::from_secs(6));
        assert_eq!(from_secs_ceil(0.5), Duration::from_millis(500));
        assert_eq!(from_secs_ceil(1.0 / 512.0), Duration::from_nanos(1_953_125));
    }

    #[test]
    fn fraction_of_nanosecond_is_rounded_up() {
        assert_eq!(from_secs_ceil(f64::from_bits(1)), Duration::from_nanos(1));
        assert_eq!(from_secs_ceil(1e-300), Duration::from_nanos(1));
        assert_eq!(from_secs_ceil(9.000_000_000_000_002), Duration::new(9, 1));
        assert_eq!(from_secs_ceil(0.1), Duration::from_nanos(100_000_001));
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        assert_eq!(from_secs_ceil(f64::INFINITY), Duration::MAX);
        assert_eq!(from_secs_ceil(1e300), Duration::MAX);
        assert_eq!(from_secs_ceil(2f64.powi(80)), Duration::MAX);
        assert_eq!(from_secs_ceil(-1.0), Duration::ZERO);
        assert_eq!(from_secs_ceil(f64::NAN), Duration::ZERO);
        assert_eq!(from_secs_ceil(2f64.powi(53)), Duration::from_secs(1 << 53));
    }
}
