//! The axes: round steps, and how times and rates are written.

use std::time::Duration;

/// A tick of the axis of time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: Duration,
    /// Empty for a tick between two labels.
    pub(super) text: String,
}

/// A unit of time: its nanoseconds, its name, and the steps in it that read easily.
type Unit = (u128, &'static str, &'static [u128]);

const UNITS: [Unit; 5] = [
    (
        86_400_000_000_000,
        "d",
        &[1, 2, 5, 10, 20, 50, 100, 200, 500],
    ),
    (3_600_000_000_000, "h", &[1, 2, 3, 6, 12, 24, 48]),
    (60_000_000_000, "min", &[1, 2, 5, 10, 15, 20, 30, 60]),
    (1_000_000_000, "s", &[1, 2, 5, 10, 15, 20, 30, 60]),
    (1_000_000, "ms", &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
];

/// Returns the ticks of an axis of this length: 0, then at most `most` labels, all in one
/// unit, and a tick between two of them where they stand far apart.
pub(super) fn marks(lasts: Duration, most: u64) -> Vec<Mark> {
    let (lasts, most) = (lasts.as_nanos(), u128::from(most.max(1)));
    let (unit, name, steps) = UNITS
        .into_iter()
        .find(|(unit, ..)| lasts > 2 * unit)
        .unwrap_or(UNITS[4]);
    let step = steps
        .iter()
        .map(|step| step * unit)
        .find(|step| lasts / step <= most)
        // More than all steps hold: whole thousands of days.
        .unwrap_or_else(|| lasts.div_ceil(most).next_multiple_of(1000 * unit));
    let labels = lasts / step;
    let is_sparse = 2 * labels <= most;
    let between = if is_sparse { step / 2 } else { step };
    (0..=lasts / between)
        .map(|tick| {
            let at = tick * between;
            let text = match at {
                0 => "0".to_owned(),
                _ if at % step == 0 => format!("{} {name}", at / unit),
                _ => String::new(),
            };
            Mark {
                at: Duration::from_nanos(u64::try_from(at).unwrap_or(u64::MAX)),
                text,
            }
        })
        .collect()
}

/// Returns the lines of an axis of rates whose highest value is `calls` in `span`: for
/// each its share of that value, and its label.
pub(super) fn rates(calls: u64, span: Duration) -> Vec<(f64, String)> {
    let seconds = span.as_secs_f64();
    if calls == 0 || seconds <= 0.0 {
        return Vec::new();
    }
    let per_second = calls as f64 / seconds;
    let (highest, unit) = [(1.0, "s"), (60.0, "min"), (3600.0, "h")]
        .into_iter()
        .map(|(seconds, unit)| (per_second * seconds, unit))
        .find(|(highest, _)| *highest >= 2.0)
        .unwrap_or((per_second * 3600.0, "h"));
    // 1, 2, 5, 10, 20 …, until four lines are enough.
    let mut step = 1_u64;
    while highest / step as f64 > 4.0 && step < u64::MAX / 10 {
        step = match step.to_string().as_bytes()[0] {
            b'2' => step / 2 * 5,
            _ => step * 2,
        };
    }
    (1..=4_u64)
        .map(|line| line * step)
        .filter(|rate| *rate as f64 <= highest)
        .map(|rate| (rate as f64 / highest, format!("{}/{unit}", grouped(rate))))
        .collect()
}

/// Writes a number in groups of three digits: `23,961`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a whole number of seconds as `90 s`, `4 min`, `4 min 5 s` or `2 h`.
fn text(time: Duration) -> String {
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
    fn marks_are_round_few_and_in_one_unit() {
        let nanos = [
            1,
            900_000,
            9_000_000_000,
            120_000_000_000,
            300_000_000_000,
            7_200_000_000_000,
            86_400_000_000_000,
            u64::MAX,
        ];
        for lasts in nanos.map(Duration::from_nanos) {
            for most in [2, 5, 10, 12] {
                let marks = marks(lasts, most);
                assert_eq!(marks[0].text, "0");
                assert!(marks.iter().all(|mark| mark.at <= lasts), "{marks:?}");
                let texts = marks[1..].iter().map(|mark| mark.text.as_str());
                let labels: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
                assert!(labels.len() as u64 <= most, "{lasts:?}: {labels:?}");
                let mut units = labels.iter().map(|text| text.split(' ').nth(1));
                let first = units.next();
                assert!(units.all(|unit| Some(unit) == first), "{labels:?}");
            }
        }
        let labels = |seconds| {
            let marks = marks(Duration::from_secs(seconds), 10).into_iter();
            let texts = marks.map(|mark| mark.text);
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(300), "0  1 min  2 min  3 min  4 min  5 min");
        assert_eq!(labels(90), "0 10 s 20 s 30 s 40 s 50 s 60 s 70 s 80 s 90 s");
        assert_eq!(labels(14_400), "0  1 h  2 h  3 h  4 h");
    }

    #[test]
    fn rates_are_round_and_few() {
        let lines = |calls, seconds| {
            let lines = rates(calls, Duration::from_secs(seconds)).into_iter();
            let texts = lines.map(|(_, text)| text);
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(lines(242, 1), "100/s 200/s");
        assert_eq!(lines(1078, 1), "500/s 1,000/s");
        assert_eq!(lines(17, 60), "5/min 10/min 15/min");
        assert_eq!(lines(3, 3600), "1/h 2/h 3/h");
        assert_eq!(lines(1, 36_000), "");
        assert_eq!(lines(0, 1), "");
        assert!(!lines(u64::MAX, 1).is_empty());
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
