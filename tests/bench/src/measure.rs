//! Times, robust against a machine that is busy with other things: many short
//! rounds over everything that is measured, so that a disturbance falls on all
//! alike, and quartiles instead of means.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
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
        // Forth and back: nobody always follows the same neighbour.
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

    /// Finds the number of calls that fills a turn.
    fn calibrate(&mut self) {
        let turn = self.case.turn();
        loop {
            let begin = Instant::now();
            (self.batch)(self.calls);
            let elapsed = begin.elapsed();
            if elapsed >= turn / 2 {
                let scale = turn.as_secs_f64() / elapsed.as_secs_f64();
                self.calls = ((self.calls as f64 * scale) as u64).max(1);
                return;
            }
            self.calls *= 2;
        }
    }

    fn turn(&mut self) {
        let sample = self.time();
        self.samples.extend(sample);
    }

    fn time(&self) -> Option<f64> {
        let elapsed = if self.case.threads() > 1 {
            together(&self.batch, self.calls)?
        } else {
            let begin = Instant::now();
            (self.batch)(self.calls);
            begin.elapsed()
        };
        Some(elapsed.as_nanos() as f64 / self.calls as f64)
    }
}

/// How often two threads may fail to run side by side in a turn.
const ATTEMPTS: usize = 4;

/// The mean time of two threads that run the same batch side by side; `None` if
/// the machine does not let them.
fn together(batch: &Batch, calls: u64) -> Option<Duration> {
    (0..ATTEMPTS).find_map(|_| {
        let arrived = AtomicUsize::new(0);
        let side = || Side::run(batch, calls, &arrived);
        let (one, other) = thread::scope(|scope| {
            let other = scope.spawn(side);
            (side(), other.join())
        });
        let other = other.ok()?;
        let both = one.end.min(other.end);
        let overlap = both.saturating_duration_since(one.begin.max(other.begin));
        let longest = one.lasted().max(other.lasted());
        (overlap >= longest * 4 / 5).then(|| (one.lasted() + other.lasted()) / 2)
    })
}

/// One of two threads.
struct Side {
    begin: Instant,
    end: Instant,
}

impl Side {
    fn run(batch: &Batch, calls: u64, arrived: &AtomicUsize) -> Self {
        arrived.fetch_add(1, Ordering::AcqRel);
        while arrived.load(Ordering::Acquire) < 2 {
            thread::yield_now();
        }
        let begin = Instant::now();
        batch(calls);
        let end = Instant::now();
        Self { begin, end }
    }

    fn lasted(&self) -> Duration {
        self.end - self.begin
    }
}
