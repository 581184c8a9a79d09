//! The last n calls.

use std::{fmt, time::Duration};

use super::{Record, Sum, Totals, Window};
use crate::{Fault, util::bounds};

/// Holds the last `size` recorded calls.
///
/// It takes a bit a call, one more for each slowness threshold in the rules,
/// and eight bytes where durations are kept.
///
/// ```
/// use fluxgate::{CircuitBreaker, window::CountWindow};
///
/// let breaker = CircuitBreaker::builder("api").window(CountWindow::new(50)).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("sliding_window"))]
#[derive(Clone, Debug)]
pub struct CountWindow {
    size: u64,
    /// Where the next record goes, and how many places are taken.
    next: u32,
    held: u32,
    /// One bit a place: did it fail; then one such row for each threshold.
    bits: Box<[u64]>,
    /// One number a place, where durations are kept; else empty.
    nanos: Box<[u64]>,
}

impl CountWindow {
    /// Creates a window of the last `size` calls, from 1 to 2^32 - 1.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self {
            size,
            next: 0,
            held: 0,
            bits: Box::default(),
            nanos: Box::default(),
        }
    }

    /// `check` bounds the size to this.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn places(&self) -> u32 {
        self.size as u32
    }

    /// Returns how many words a row has.
    #[inline]
    fn words(&self) -> usize {
        self.places().div_ceil(u64::BITS) as usize
    }

    /// Returns whether the window is full: every record from now on replaces
    /// another.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.held == self.places()
    }

    /// Records what is kept of every call. Its place, and whether another left it.
    #[inline]
    pub(crate) fn record_outcome(&mut self, failed: bool, totals: &mut Totals) -> (u32, bool) {
        let (place, full) = (self.next, self.is_full());
        if !full {
            self.held += 1;
            totals.calls += 1;
        }
        self.next = if place + 1 == self.places() {
            0
        } else {
            place + 1
        };
        self.put(0, place, full, failed, &mut totals.failures);
        (place, full)
    }

    /// Puts a bit into a row; what leaves is taken off its count.
    #[inline]
    fn put(&mut self, row: usize, place: u32, full: bool, bit: bool, count: &mut u64) {
        let index = row * self.words() + (place / u64::BITS) as usize;
        let (word, at) = (&mut self.bits[index], place % u64::BITS);
        let old = *word >> at & u64::from(full);
        *word = *word & !(1 << at) | u64::from(bit) << at;
        *count = *count + u64::from(bit) - old;
    }

    #[inline]
    pub(super) fn success_changes_nothing(&self, totals: &Totals) -> bool {
        totals.failures == 0
            && self.is_full()
            && self.nanos.is_empty()
            && totals.slow.first().is_none_or(|slow| *slow == 0)
    }

    /// Holds the newest calls of another window, as many as there is room for. Takes a
    /// step for 64 calls, and one for each whose duration is kept.
    #[cfg(feature = "settings")]
    pub(super) fn take_over(&mut self, old: &Self, totals: &mut Totals) {
        let kept = old.held.min(self.places());
        // The newest stand before `next`, and go on at the end of the ring.
        let wrapped = kept.saturating_sub(old.next);
        let ends = [
            (old.places() - wrapped, wrapped),
            (old.next - (kept - wrapped), kept - wrapped),
        ];
        let rows = self
            .bits
            .chunks_mut(self.places().div_ceil(u64::BITS) as usize);
        for (row, (from, to)) in old.bits.chunks(old.words()).zip(rows).enumerate() {
            let mut place = 0;
            for (at, count) in ends {
                copy_bits(from, at, to, place, count);
                place += count;
            }
            let ones = to.iter().map(|word| u64::from(word.count_ones())).sum();
            match row.checked_sub(1) {
                None => totals.failures = ones,
                Some(threshold) => totals.slow[threshold] = ones,
            }
        }
        if !self.nanos.is_empty() {
            let mut place = 0;
            for (at, count) in ends {
                let (at, count) = (at as usize, count as usize);
                let (to, from) = (&mut self.nanos[place..place + count], &old.nanos[at..]);
                to.copy_from_slice(&from[..count]);
                place += count;
            }
            let kept = self.nanos[..place].iter().copied();
            totals.nanos = Sum(kept.map(u128::from).sum());
        }
        totals.calls = kept.into();
        self.held = kept;
        self.next = if kept == self.places() { 0 } else { kept };
    }

    /// Returns how many calls the window holds when it is full.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// Copies `count` bits to where there are zeros.
#[cfg(feature = "settings")]
fn copy_bits(from: &[u64], mut at: u32, to: &mut [u64], mut place: u32, mut count: u32) {
    while count > 0 {
        let (left, room) = (u64::BITS - at % u64::BITS, u64::BITS - place % u64::BITS);
        let step = left.min(room).min(count);
        let mask = u64::MAX >> (u64::BITS - step);
        let bits = from[(at / u64::BITS) as usize] >> (at % u64::BITS) & mask;
        to[(place / u64::BITS) as usize] |= bits << (place % u64::BITS);
        (at, place, count) = (at + step, place + step, count - step);
    }
}

/// The last 100 calls.
impl Default for CountWindow {
    fn default() -> Self {
        Self::new(100)
    }
}

/// Writes the window as the attribute reads it: `CountWindow(100)`.
impl fmt::Display for CountWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountWindow({})", self.size)
    }
}

impl CountWindow {
    /// Records a call in a window that was prepared.
    #[inline]
    pub(super) fn record_call(&mut self, record: Record, totals: &mut Totals) {
        let (place, full) = self.record_outcome(record.failed, totals);
        for (row, slow) in totals.slow.iter_mut().enumerate() {
            self.put(row + 1, place, full, row < record.reached, slow);
        }
        if let Some(nanos) = self.nanos.get_mut(place as usize) {
            let old = if full { *nanos } else { 0 };
            *nanos = record.nanos;
            totals.nanos = Sum(totals.nanos.0 + u128::from(*nanos) - u128::from(old));
        }
    }
}

impl Window for CountWindow {
    fn record(&mut self, record: Record, _now: Duration, totals: &mut Totals) {
        // By itself, outside a breaker, the window was not prepared.
        if self.bits.len() < (1 + totals.slow.len()) * self.words() {
            self.prepare(totals.slow.len(), true);
            self.clear();
        }
        self.record_call(record, totals);
    }

    fn clear(&mut self) {
        self.next = 0;
        self.held = 0;
    }

    fn prepare(&mut self, thresholds: usize, durations: bool) {
        let places = if durations { self.places() } else { 0 };
        self.bits = vec![0; (1 + thresholds) * self.words()].into();
        self.nanos = vec![0; places as usize].into();
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        if bounds::window_size(self.size) {
            Ok(())
        } else {
            Err(vec![Fault::new(format!(
                "the size of `CountWindow` must be from 1 to 4294967295 calls, but is {}",
                self.size
            ))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_by_itself_needs_no_breaker() {
        let (mut window, mut totals) = (CountWindow::new(2), Totals::new(1));
        for failed in [true, true, false] {
            let record = Record::new(failed, 5, &[Duration::from_nanos(5)]);
            Window::record(&mut window, record, Duration::ZERO, &mut totals);
        }
        assert_eq!((totals.calls, totals.failures), (2, 1));
        assert_eq!((totals.slow[0], totals.nanos.0), (2, 10));
    }

    const SLOW: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(20)];

    fn record(failed: bool, millis: u64) -> Record {
        Record::new(failed, millis * 1_000_000, &SLOW)
    }

    #[test]
    fn the_oldest_leaves_as_the_next_arrives() {
        let mut window = CountWindow::new(2);
        window.prepare(SLOW.len(), true);
        let mut totals = Totals::new(SLOW.len());
        for (failed, millis) in [(true, 15), (false, 25), (false, 5)] {
            window.record(record(failed, millis), Duration::ZERO, &mut totals);
        }
        assert_eq!(totals.calls, 2);
        assert_eq!(totals.failures, 0);
        assert_eq!(totals.nanos, Sum(30_000_000));
        assert_eq!(*totals.slow, [1, 1]);
    }

    #[test]
    fn success_changes_nothing_if_full_and_clean() {
        let mut window = CountWindow::new(70);
        window.prepare(0, false);
        let mut totals = Totals::new(0);
        for i in 0..70 {
            assert!(!window.success_changes_nothing(&totals), "after {i}");
            window.record(record(i == 0, 0), Duration::ZERO, &mut totals);
        }
        assert!(!window.success_changes_nothing(&totals));
        window.record(record(false, 0), Duration::ZERO, &mut totals);
        assert!(window.success_changes_nothing(&totals));

        let before = totals.clone();
        window.record(record(false, 0), Duration::ZERO, &mut totals);
        assert_eq!(totals, before);
        window.clear();
        totals.clear();
        assert!(!window.success_changes_nothing(&totals));
    }

    #[test]
    fn the_sums_are_those_of_the_last_records() {
        for size in [1, 63, 64, 65, 130] {
            let mut window = CountWindow::new(size);
            window.prepare(SLOW.len(), true);
            let mut totals = Totals::new(SLOW.len());
            let mut last = std::collections::VecDeque::new();
            for i in 0..500_u64 {
                let (failed, millis) = (i * 7 % 5 < 2, i * 11 % 30);
                last.push_back((failed, millis));
                if last.len() as u64 > size {
                    last.pop_front();
                }
                window.record(record(failed, millis), Duration::ZERO, &mut totals);
                let count = |counts: fn(&(bool, u64)) -> bool| {
                    last.iter().filter(|record| counts(record)).count() as u64
                };
                assert_eq!(totals.calls, last.len() as u64);
                assert_eq!(totals.failures, count(|(failed, _)| *failed));
                assert_eq!(totals.slow[0], count(|(_, millis)| *millis >= 10));
                assert_eq!(totals.slow[1], count(|(_, millis)| *millis >= 20));
                let millis: u64 = last.iter().map(|(_, millis)| millis).sum();
                assert_eq!(totals.nanos, Sum(u128::from(millis) * 1_000_000));
            }
        }
    }

    #[cfg(feature = "settings")]
    #[test]
    fn another_size_keeps_the_newest() {
        let sizes = [1, 2, 63, 64, 65, 130];
        for (old, new) in sizes.iter().flat_map(|old| sizes.map(|new| (*old, new))) {
            for calls in [0, 1, old - 1, old, old + 1, 3 * old + 7] {
                let prepared = |size| {
                    let mut window = CountWindow::new(size);
                    window.prepare(SLOW.len(), true);
                    (window, Totals::new(SLOW.len()))
                };
                let ((mut window, mut totals), records) = (
                    prepared(old),
                    (0..calls).map(|i| record(i * 7 % 5 < 2, i * 11 % 30)),
                );
                for record in records.clone() {
                    window.record_call(record, &mut totals);
                }
                let (mut resized, mut sums) = prepared(new);
                resized.take_over(&window, &mut sums);
                let (mut expected, mut expected_sums) = prepared(new);
                for (_, record) in (0..calls).zip(records).filter(|(i, _)| i + old >= calls) {
                    expected.record_call(record, &mut expected_sums);
                }
                assert_eq!(sums, expected_sums, "{calls} calls from {old} to {new}");
                // They go on alike.
                for i in 0..2 * new {
                    for (window, sums) in [
                        (&mut resized, &mut sums),
                        (&mut expected, &mut expected_sums),
                    ] {
                        window.record_call(record(i % 3 == 0, i % 25), sums);
                    }
                    assert_eq!(sums, expected_sums, "{i} after {old} to {new}");
                }
            }
        }
    }
}
