//! Overloads with no other answer between them.

use crate::util::sync::{AtomicU64, Ordering::Relaxed};

/// How many overloads there were since the last other answer, and when the first of
/// them was.
///
/// Both are in one word, so that no thread sees the number of one row of overloads
/// with the time of another: the lower bits have the number, as far as it fits, and the
/// upper ones the time without its lower bits, which are a millisecond.
#[derive(Default)]
pub(super) struct Unanswered(AtomicU64);

const BITS: u32 = 20;
const MOST: u64 = (1 << BITS) - 1;

impl Unanswered {
    pub(super) fn add(&self, now: u64) {
        let mut word = self.0.load(Relaxed);
        loop {
            let next = match word & MOST {
                0 => now & !MOST | 1,
                MOST => return,
                _ => word + 1,
            };
            match self.0.compare_exchange_weak(word, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(seen) => word = seen,
            }
        }
    }

    /// Ends the row. Writes nothing if there is none.
    pub(super) fn clear(&self) {
        if self.0.load(Relaxed) != 0 {
            self.0.store(0, Relaxed);
        }
    }

    /// Returns whether there were at least `min`, and the first of them as long ago as
    /// `window`, or a millisecond less.
    pub(super) fn lasts(&self, now: u64, window: u64, min: u64) -> bool {
        let word = self.0.load(Relaxed);
        let count = word & MOST;
        count >= min.min(MOST) && count > 0 && now.saturating_sub(word & !MOST) >= window
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_row_lasts_from_its_first_overload() {
        let row = Unanswered::default();
        assert!(!row.lasts(0, 0, 0) && !row.lasts(u64::MAX, 0, 1));
        row.add(7 * SECOND);
        row.add(16 * SECOND);
        assert!(!row.lasts(17 * SECOND - MOST, 10 * SECOND, 2));
        assert!(row.lasts(17 * SECOND, 10 * SECOND, 2));
        assert!(!row.lasts(17 * SECOND, 10 * SECOND, 3), "too few");
        assert!(!row.lasts(SECOND, 10 * SECOND, 2), "the clock jumped back");
        row.clear();
        assert!(!row.lasts(u64::MAX, 0, 1));
    }

    #[test]
    fn more_than_fit_are_as_many_as_fit() {
        let row = Unanswered(AtomicU64::new(MOST - 1));
        for _ in 0..3 {
            row.add(u64::MAX);
        }
        assert_eq!(row.0.load(Relaxed), MOST);
        assert!(row.lasts(SECOND, SECOND, u64::MAX));
    }
}
