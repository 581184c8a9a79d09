//! Times, robust against a machine that is busy with other things: many short
//! rounds over everything that is measured, so that a disturbance falls on all
//! alike, and quartiles instead of means.

use std::time::{Duration, Instant};

use crate::{
    pair,
    peer::Batch,
    suite::{Case, Entry, Suite},
};

/// Nanoseconds a call.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Times {
    /// Not numbers, if the machine never let two threads run side by side.
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = samples.len().saturating_sub(1) * quarter / 4;
            samples.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }
}

/// Measures every entry in every round; the times are in the order of the
/// entries.
pub fn measure(suite: &Suite, rounds: usize) -> Vec<Times> {
    let mut runs: Vec<Run> = suite.entries.iter().map(Run::new).collect();
    for round in 0..rounds {
        if round % 10 == 0 {
            eprintln!("round {round} of {rounds}");
        }
        // Forth and back, so that no entry always follows the same neighbour.
        if round % 2 == 0 {
            runs.iter_mut().for_each(Run::turn);
        } else {
            runs.iter_mut().rev().for_each(Run::turn);
        }
    }
    runs.into_iter().map(|run| Times::of(run.samples)).collect()
}

struct Run {
    batch: Batch,
    case: Case,
    /// As many as take a turn, on one thread.
    calls: u64,
    samples: Vec<f64>,
}

impl Run {
    fn new(entry: &Entry) -> Self {
        let mut run = Self {
            batch: (entry.prepare)(),
            case: entry.case,
            calls: 16,
            samples: Vec::new(),
        };
        run.calibrate();
        run
    }

    /// Finds the number of calls that fills a turn. The best of three times: one
    /// disturbance must not make the turns short for good.
    fn calibrate(&mut self) {
        let turn = self.case.turn().as_secs_f64();
        loop {
            let times = (0..3).map(|_| self.time().as_secs_f64());
            let elapsed = times.fold(f64::INFINITY, f64::min);
            if elapsed >= turn / 2.0 {
                self.calls = ((self.calls as f64 * turn / elapsed) as u64).max(1);
                return;
            }
            self.calls *= 2;
        }
    }

    fn turn(&mut self) {
        if self.case.threads() > 1 {
            let samples = pair::samples(&self.batch, self.calls, SHARED);
            self.samples.extend(samples);
        } else {
            let nanos = self.time().as_nanos() as f64;
            self.samples.push(nanos / self.calls as f64);
        }
    }

    fn time(&self) -> Duration {
        let begin = Instant::now();
        (self.batch)(self.calls);
        begin.elapsed()
    }
}

/// How long two threads run side by side in a round.
const SHARED: Duration = Duration::from_millis(3);
