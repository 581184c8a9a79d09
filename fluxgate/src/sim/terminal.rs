//! A run in characters: 12 lines, told apart by shape and not by colour.

use std::fmt::Write;

use super::{Run, axis, states, text::printable};
use crate::State;

const TRAFFIC: usize = 5;
const MARGIN: usize = 9;
const LEGEND: &str = "█ answered  ▒ failed  · refused   ─ closed  O open  h half-open";
const LEGEND_THROTTLED: &str =
    "█ answered ▒ failed ~ throttled · refused  ─ closed O open h half-open";

/// What one character's width of time shows, in calls a column.
#[derive(Default)]
struct Slice {
    offered: f64,
    answered: f64,
    failed: f64,
    throttled: f64,
    pressure: f64,
}

impl Run {
    /// Draws the run in 12 lines of at most `width` characters, at least 40: traffic,
    /// states, and how near the rule was to firing.
    ///
    /// A character stands for one answer to many calls: `█` answered, `▒` failed or
    /// overloaded, `~` throttled, `·` refused. States: `─` closed, `O` open, `h` half-open; of many
    /// instances, the number of tenths that are open.
    #[must_use]
    pub fn terminal(&self, width: usize) -> String {
        let columns = width.max(40) - MARGIN - 1;
        let slices = self.slices(columns);
        let mut out: String = printable(&self.rule)
            .chars()
            .take(columns + MARGIN)
            .collect();
        out.push('\n');
        self.write_phases(&mut out, columns);
        self.write_traffic(&mut out, &slices);
        self.write_states(&mut out, columns);
        write_pressure(&mut out, &slices);
        self.write_axis(&mut out, columns);
        let is_throttled = slices.iter().any(|slice| slice.throttled > 0.0);
        let legend = if is_throttled {
            LEGEND_THROTTLED
        } else {
            LEGEND
        };
        let legend: String = legend.chars().take(columns).collect();
        let _ = writeln!(out, "{:MARGIN$}{legend}", "");
        out
    }

    /// Returns the columns of the run in another number: each slice is the average of
    /// what it covers, so that steady traffic stays flat.
    fn slices(&self, number: usize) -> Vec<Slice> {
        // The last column may be a part of one.
        let columns = self.lasts.as_secs_f64() / self.column_width.as_secs_f64();
        let per_slice = columns.max(f64::MIN_POSITIVE) / number as f64;
        (0..number)
            .map(|place| {
                let (from, to) = (place as f64 * per_slice, (place + 1) as f64 * per_slice);
                let mut slice = Slice::default();
                for (at, column) in self.columns.iter().enumerate() {
                    let covered = to.min((at + 1) as f64) - from.max(at as f64);
                    if covered <= 0.0 {
                        continue;
                    }
                    let share = covered / per_slice;
                    let figures = &column.figures;
                    slice.offered += share * figures.offered as f64;
                    slice.answered += share * figures.answered as f64;
                    slice.failed += share * (figures.failed + figures.overloaded) as f64;
                    slice.throttled += share * figures.throttled as f64;
                    slice.pressure = slice.pressure.max(column.pressure.unwrap_or(0.0));
                }
                slice
            })
            .collect()
    }

    fn place(&self, at: std::time::Duration, columns: usize) -> usize {
        let lasts = self.lasts.as_nanos().max(1);
        usize::try_from(at.as_nanos() * columns as u128 / lasts).unwrap_or(columns)
    }

    fn write_phases(&self, out: &mut String, columns: usize) {
        let mut line = vec![' '; columns];
        for phase in &self.phases {
            let from = self.place(phase.start, columns).min(columns);
            let to = self.place(phase.end, columns).min(columns);
            let name = if phase.name.is_empty() && phase.down {
                "down"
            } else {
                &phase.name
            };
            let text: Vec<char> = format!("|{}", printable(name)).chars().collect();
            let room = to - from;
            line[from..to].copy_from_slice(&vec![' '; room]);
            for (place, character) in text.into_iter().take(room).enumerate() {
                line[from + place] = character;
            }
        }
        let _ = writeln!(out, "{:MARGIN$}{}", "", trimmed(line));
    }

    fn write_traffic(&self, out: &mut String, slices: &[Slice]) {
        let most = slices
            .iter()
            .map(|slice| slice.offered)
            .fold(f64::MIN_POSITIVE, f64::max);
        for row in (0..TRAFFIC).rev() {
            // The middle of the row, as a number of calls.
            let at = (row as f64 + 0.5) / TRAFFIC as f64 * most;
            let line = slices.iter().map(|slice| {
                if at < slice.answered {
                    '█'
                } else if at < slice.answered + slice.failed {
                    '▒'
                } else if at < slice.answered + slice.failed + slice.throttled {
                    '~'
                } else if at < slice.offered {
                    '·'
                } else if row == 0 && slice.failed > 0.0 {
                    '▒'
                } else {
                    ' '
                }
            });
            let label = if row == TRAFFIC - 1 {
                axis::rate(most, self.column_width)
            } else {
                String::new()
            };
            let _ = writeln!(out, "{label:>8} {}", trimmed(line.collect()));
        }
    }

    fn write_states(&self, out: &mut String, columns: usize) {
        let rows: Vec<Vec<State>> = self
            .spans()
            .iter()
            .map(|spans| states::columns(spans, columns))
            .collect();
        let line = (0..columns).map(|column| {
            let open = rows.iter().filter(|row| row[column] == State::Open).count();
            let half = rows.iter().any(|row| row[column] == State::HalfOpen);
            match open * 10 / rows.len().max(1) {
                _ if open == rows.len() => 'O',
                0 if open == 0 && half => 'h',
                0 if open == 0 => '─',
                tenths => char::from(b'0' + u8::try_from(tenths).unwrap_or(9)),
            }
        });
        let _ = writeln!(out, "{:>8} {}", "circuit", trimmed(line.collect()));
        let reason = self
            .changes
            .iter()
            .find(|change| change.new_state == State::Open)
            .and_then(|change| Some((change.at, change.reason.as_ref()?)));
        let text = match reason {
            Some((at, reason)) => {
                printable(&format!("first opened at {}: {reason}", axis::short(at)))
            }
            None => "never opened".to_owned(),
        };
        let text: String = text.chars().take(columns).collect();
        let _ = writeln!(out, "{:MARGIN$}{text}", "");
    }

    fn write_axis(&self, out: &mut String, columns: usize) {
        let mut line = vec![' '; columns];
        for mark in axis::marks(self.lasts, (columns / 12).max(2) as u64) {
            let at = self.place(mark.at, columns);
            for (place, character) in mark.text.chars().enumerate() {
                if let Some(cell) = line.get_mut(at + place) {
                    *cell = character;
                }
            }
        }
        let _ = writeln!(out, "{:MARGIN$}{}", "", trimmed(line));
    }
}

/// Draws how near the rule is to firing; the upper line is above its threshold.
fn write_pressure(out: &mut String, slices: &[Slice]) {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let line = slices.iter().map(|slice| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let eighths = (slice.pressure.clamp(0.0, 1.0) * 8.0) as usize;
        if slice.pressure >= 1.0 {
            '!'
        } else {
            BLOCKS[eighths.min(8)]
        }
    });
    let line = format!("{:>8} {}", "rule", trimmed(line.collect()));
    let _ = writeln!(out, "{}", line.trim_end());
}

fn trimmed(line: Vec<char>) -> String {
    let line: String = line.into_iter().collect();
    line.trim_end().to_owned()
}
