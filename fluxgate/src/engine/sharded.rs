//! Counters that threads on different cores don't fight over.

use std::{
    cell::Cell,
    num::NonZero,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    thread,
};

use once_cell::sync::OnceCell;

/// A row of counters, once for each of several groups of threads.
pub(crate) struct ShardedCounters {
    lines: Box<[CacheLines]>,
    /// Lines that make up one stripe.
    per_stripe: usize,
    /// The number of stripes, a power of two, less one.
    mask: usize,
}

/// What one core writes without disturbing another: two cache lines, since
/// processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct CacheLines([AtomicU64; PLACES]);

const PLACES: usize = 16;
const MAX_STRIPES: usize = 64;

impl ShardedCounters {
    pub(crate) fn new(places: usize) -> Self {
        let per_stripe = places.div_ceil(PLACES);
        let stripes = shards();
        let lines = (0..per_stripe * stripes).map(|_| CacheLines::default());
        Self {
            lines: lines.collect(),
            per_stripe,
            mask: stripes - 1,
        }
    }

    #[inline]
    pub(crate) fn add(&self, place: usize, by: u64) {
        let stripe = mine() & self.mask;
        let line = &self.lines[stripe * self.per_stripe + place / PLACES];
        line.0[place % PLACES].fetch_add(by, Relaxed);
    }

    pub(crate) fn sum(&self, place: usize) -> u64 {
        let lines = self.lines.iter().skip(place / PLACES);
        lines.step_by(self.per_stripe.max(1)).fold(0, |sum, line| {
            sum.wrapping_add(line.0[place % PLACES].load(Relaxed))
        })
    }

    pub(crate) fn clear(&self) {
        for place in self.lines.iter().flat_map(|line| &line.0) {
            place.store(0, Relaxed);
        }
    }
}

/// Returns how many stripes there are: one for each core, rounded up to a power of two.
fn shards() -> usize {
    static STRIPES: OnceCell<usize> = OnceCell::new();
    *STRIPES.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        cores.next_power_of_two().min(MAX_STRIPES)
    })
}

/// Returns the number of this thread; threads take turns in using the stripes.
#[inline]
fn mine() -> usize {
    const UNKNOWN: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(UNKNOWN) };
    }
    let mine = MINE.get();
    if mine != UNKNOWN {
        return mine;
    }
    let next = NEXT.fetch_add(1, Relaxed);
    MINE.set(next);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let stripes = ShardedCounters::new(PLACES + 3);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        stripes.add(0, 1);
                        stripes.add(PLACES + 2, 3);
                    }
                });
            }
        });
        assert_eq!(stripes.sum(0), 8_000);
        assert_eq!(stripes.sum(1), 0);
        assert_eq!(stripes.sum(PLACES + 2), 24_000);
        stripes.clear();
        assert_eq!(stripes.sum(PLACES + 2), 0);
    }
}
