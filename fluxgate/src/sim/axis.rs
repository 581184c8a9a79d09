//! The axis of time: round steps, and how they are written.

use std::time::Duration;

/// Steps that people read without effort, in seconds.
const STEPS: [u64; 14] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600,
];

/// Returns the marks of an axis of this length, at most `most` of them after the first.
pub(super) fn marks(lasts: Duration, most: u64) -> Vec<Duration> {
    let seconds = lasts.as_secs().max(1);
    let step = STEPS
        .into_iter()
        .find(|step| seconds / step <= most)
        .unwrap_or_else(|| seconds.div_ceil(most).next_multiple_of(86_400));
    (0..=seconds / step)
        .map(|mark| Duration::from_secs(mark * step))
        .collect()
}

/// Writes a time as `0`, `90 s`, `4 min` or `2 h`.
pub(super) fn text(time: Duration) -> String {
    match time.as_secs() {
        0 => "0".to_owned(),
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds if seconds > 120 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{seconds} s"),
    }
}

/// Writes how many calls a second these are, or a minute if they are few.
pub(super) fn rate(calls: f64, lasts: Duration) -> String {
    if lasts.is_zero() {
        return String::new();
    }
    let per_second = calls / lasts.as_secs_f64();
    match per_second {
        10.0.. => format!("{per_second:.0}/s"),
        1.0.. => format!("{per_second:.1}/s"),
        _ => format!("{:.0}/min", per_second * 60.0),
    }
}

/// Writes a short time with three digits: `60.2 ms`, `4.18 s`, `2 min 5 s`.
pub(super) fn short(time: Duration) -> String {
    let micros = time.as_micros();
    let with_unit = |value: u128, unit: u128, name: &str| {
        let whole = value / unit;
        let thousandths = value % unit * 1000 / unit;
        match whole {
            0..10 => format!("{whole}.{:02} {name}", thousandths / 10),
            10..100 => format!("{whole}.{} {name}", thousandths / 100),
            _ => format!("{whole} {name}"),
        }
    };
    match micros {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => with_unit(micros, 1_000, "ms"),
        1_000_000..120_000_000 => with_unit(micros, 1_000_000, "s"),
        _ => text(Duration::from_secs(time.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        for (seconds, step, last) in [(9, 1, 9), (300, 30, 300), (86_400, 7200, 86_400)] {
            let marks = marks(Duration::from_secs(seconds), 12);
            assert!(marks.len() <= 13, "{marks:?}");
            assert_eq!(marks[1], Duration::from_secs(step));
            assert_eq!(marks[marks.len() - 1], Duration::from_secs(last));
        }
    }

    #[test]
    fn times_have_three_digits() {
        let micros = Duration::from_micros;
        assert_eq!(short(micros(60_163)), "60.1 ms");
        assert_eq!(short(micros(4_178_999)), "4.17 s");
        assert_eq!(short(micros(125_000_000)), "2 min 5 s");
        assert_eq!(text(Duration::from_secs(90)), "90 s");
        assert_eq!(text(Duration::from_secs(7200)), "2 h");
    }
}
