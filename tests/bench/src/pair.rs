//! Two threads on one breaker.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::peer::Batch;

/// The companion tells how far it is after an eighth of what is timed.
const PARTS: u64 = 8;

/// How far it may be ahead or behind. If it is further, the machine had taken a
/// core from one of the two meanwhile, and nothing was shared.
const APART: u64 = 4;

/// Runs a batch over and over for a while, beside a companion that does the
/// same, and gives nanoseconds a call and thread for each time they ran side by
/// side: on a busy machine perhaps none.
pub fn samples(batch: &Batch, calls: u64, during: Duration) -> Vec<f64> {
    let part = (calls / PARTS).max(1);
    let stop = AtomicBool::new(false);
    let parts = AtomicU64::new(0);
    let companion = || {
        while !stop.load(Ordering::Relaxed) {
            batch(part);
            parts.fetch_add(1, Ordering::Relaxed);
        }
    };
    let timed = || {
        let before = parts.load(Ordering::Relaxed);
        let begin = Instant::now();
        batch(part * PARTS);
        let elapsed = begin.elapsed();
        let beside = parts.load(Ordering::Relaxed) - before;
        let together = beside * APART >= PARTS && beside <= PARTS * APART;
        // Both worked all the time: the work of two.
        let both = (part * (PARTS + beside)) as f64 / 2.0;
        together.then_some(elapsed.as_nanos() as f64 / both)
    };
    thread::scope(|scope| {
        scope.spawn(companion);
        while parts.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        let end = Instant::now() + during;
        let mut samples = Vec::new();
        while Instant::now() < end {
            samples.extend(timed());
        }
        stop.store(true, Ordering::Relaxed);
        samples
    })
}
