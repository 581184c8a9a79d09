//! Counts of the last window, without a lock.
//!
//! The window is a ring of slots, each a power of two of nanoseconds long. What is
//! counted goes into the sums first and then into the slot of the present; when a
//! slot is too old, what it holds is taken out of it and then out of the sums. So a
//! sum is never less than its slots together, and no subtraction goes below zero: the
//! `Release` of an addition to a slot is seen by the `Acquire` that empties it.
//!
//! A thread that stands still for a whole window between finding a slot and adding to
//! it adds to a slot of the future. Nothing is lost by that: the call counts for
//! longer than a window.

use super::share::Counts;
use crate::util::sync::{AtomicU64, Ordering};

/// More than two windows, so that emptying the slots of one that is over never meets
/// the slot that is being filled, unless no call came for longer than a window.
const RING: u64 = if cfg!(fluxgate_loom) { 5 } else { 64 };
/// The fewest slots of a window; at most twice as many. Models have as few as show
/// every way through the code.
const LEAST: u64 = if cfg!(fluxgate_loom) { 1 } else { 12 };

/// An offered call, and an accepted one, in a word that holds both.
const OFFERED: u64 = 1 << 32;
const ACCEPTED: u64 = 1;

pub(crate) struct Counter {
    /// How time is cut into slots, in one word: see [`Scale`].
    scale: AtomicU64,
    /// The number of the present slot, above it how often the scale was changed. So a
    /// thread that still counts by the old scale finds the number of the present slot
    /// to be later than its own.
    tick: AtomicU64,
    /// All slots together. Like each of them it has the offered calls in the upper
    /// half, the accepted ones in the lower: room for 35 million calls a second.
    sum: AtomicU64,
    #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
    ring: [AtomicU64; RING as usize],
}

/// How time is cut into slots.
#[derive(Clone, Copy)]
struct Scale {
    /// How often it was changed.
    changes: u64,
    /// The binary logarithm of a slot's nanoseconds.
    shift: u32,
    /// How many slots make the window: less than 64.
    slots: u64,
}

/// Where the number of changes stands in the number of a slot.
const CHANGES: u32 = 48;

impl Scale {
    fn new(window: u64, changes: u64) -> Self {
        let shift = (window / LEAST).max(1).ilog2();
        Self {
            changes,
            shift,
            slots: window.div_ceil(1 << shift),
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn from_bits(bits: u64) -> Self {
        Self {
            changes: bits >> 16,
            shift: (bits >> 8) as u32 & 63,
            slots: bits & 0xFF,
        }
    }

    fn bits(self) -> u64 {
        self.changes << 16 | u64::from(self.shift) << 8 | self.slots
    }

    /// Returns the number of the slot of a time. They begin with the size of the ring, so
    /// that the one before a whole window is a number.
    #[inline]
    fn tick_at(self, now: u64) -> u64 {
        let tick = (now >> self.shift) + RING;
        self.changes << CHANGES | tick & ((1 << CHANGES) - 1)
    }
}

impl Counter {
    /// Counts the calls of the last `window` nanoseconds, or up to a twelfth more.
    pub(crate) fn new(window: u64) -> Self {
        Self {
            scale: AtomicU64::new(Scale::new(window, 0).bits()),
            tick: AtomicU64::new(RING),
            sum: AtomicU64::new(0),
            ring: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Counts a call that ends at `now`.
    #[inline]
    pub(crate) fn add(&self, accepted: bool, now: u64) {
        self.present(now).add(accepted);
    }

    /// Returns the counts of the window that ends at `now`.
    #[inline]
    pub(crate) fn counts(&self, now: u64) -> Counts {
        self.present(now).counts()
    }

    /// Moves the window on to `now`.
    #[inline]
    pub(crate) fn present(&self, now: u64) -> Present<'_> {
        Present {
            sum: &self.sum,
            slot: &self.ring[index(self.advance(now))],
        }
    }

    /// Forgets everything, and begins at `now`, which may be earlier than before.
    pub(crate) fn restart(&self, now: u64) {
        for slot in &self.ring {
            self.empty(slot);
        }
        let tick = self.scale().tick_at(now);
        self.tick.store(tick, Ordering::Relaxed);
    }

    /// Counts from nothing, over another window. One caller at a time.
    #[cfg(feature = "settings")]
    pub(crate) fn resize(&self, window: u64, now: u64) {
        let scale = Scale::new(window, self.scale().changes + 1);
        self.scale.store(scale.bits(), Ordering::Relaxed);
        self.restart(now);
    }

    #[inline]
    fn scale(&self) -> Scale {
        Scale::from_bits(self.scale.load(Ordering::Relaxed))
    }

    /// Returns the number of the present slot, and empties those that are too old. A
    /// clock that goes back finds the slot where it was.
    #[inline]
    fn advance(&self, now: u64) -> u64 {
        let scale = self.scale();
        let tick = scale.tick_at(now);
        let present = self.tick.load(Ordering::Relaxed);
        if tick > present {
            self.move_on(scale, present, tick);
        }
        tick.max(present)
    }

    #[cold]
    fn move_on(&self, scale: Scale, present: u64, tick: u64) {
        // The thread that moves the tick empties the slots. That of `tick` itself is
        // among them only after a pause of many slots.
        let moved = self
            .tick
            .compare_exchange(present, tick, Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() {
            let newest = tick - scale.slots;
            for old in 0..(tick - present).min(RING) {
                self.empty(&self.ring[index(newest.wrapping_sub(old))]);
            }
        }
    }

    fn empty(&self, slot: &AtomicU64) {
        // Pairs with the `Release` in `add`: what is found here is in the sum.
        let calls = slot.swap(0, Ordering::Acquire);
        self.sum.fetch_sub(calls, Ordering::Relaxed);
    }
}

/// The window at one moment.
pub(crate) struct Present<'a> {
    sum: &'a AtomicU64,
    slot: &'a AtomicU64,
}

impl Present<'_> {
    #[inline]
    pub(crate) fn add(&self, accepted: bool) {
        let call = OFFERED | if accepted { ACCEPTED } else { 0 };
        self.sum.fetch_add(call, Ordering::Relaxed);
        // Pairs with the `Acquire` in `empty`.
        self.slot.fetch_add(call, Ordering::Release);
    }

    #[inline]
    pub(crate) fn counts(&self) -> Counts {
        let calls = self.sum.load(Ordering::Relaxed);
        Counts {
            offered: calls >> 32,
            accepted: calls & (OFFERED - 1),
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn index(tick: u64) -> usize {
    (tick % RING) as usize
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;
    use crate::random::{Random, Seeded};

    const SECOND: u64 = 1_000_000_000;

    /// Every call with its time: what a counter ought to hold.
    struct Naive(Vec<(u64, bool)>);

    impl Naive {
        fn counts(&self, counter: &Counter, now: u64) -> Counts {
            let oldest = counter.scale().tick_at(now) - counter.scale().slots;
            let mut counts = Counts::default();
            for (at, accepted) in &self.0 {
                if counter.scale().tick_at(*at) > oldest {
                    counts.offered += 1;
                    counts.accepted += u64::from(*accepted);
                }
            }
            counts
        }
    }

    #[test]
    fn counts_are_those_of_a_naive_list() {
        let windows = [2 * SECOND, 10 * SECOND, 120 * SECOND, 7, 1];
        for (seed, window) in (1..).zip(windows) {
            let counter = Counter::new(window);
            let mut naive = Naive(Vec::new());
            let mut random = Seeded::new(seed);
            let mut now = seed * 12_345;
            for number in 0..2_000 {
                // Mostly small steps, at times a slot, and at times several windows.
                let most = match random.next_f64() {
                    0.0..0.9 => window as f64 / 200.0,
                    0.9..0.99 => window as f64 / 8.0,
                    _ => window as f64 * 4.0,
                };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let step = (random.next_f64() * most) as u64;
                now += step;
                let accepted = random.next_f64() < 0.4;
                counter.add(accepted, now);
                naive.0.push((now, accepted));
                let counts = counter.counts(now);
                assert_eq!(counts, naive.counts(&counter, now), "{window} at {number}");
            }
            counter.restart(0);
            assert_eq!(counter.counts(now), Counts::default());
        }
    }

    #[test]
    fn a_window_is_at_most_a_twelfth_too_long() {
        for window in [
            2 * SECOND,
            3 * SECOND,
            10 * SECOND,
            60 * SECOND,
            120 * SECOND,
        ] {
            let counter = Counter::new(window);
            let Scale { slots, shift, .. } = counter.scale();
            let held = slots << shift;
            assert!((window..=window + window / 12).contains(&held), "{window}");
            assert!(slots < RING);
        }
    }

    #[cfg(feature = "settings")]
    #[test]
    fn another_window_begins_empty() {
        let counter = Counter::new(120 * SECOND);
        counter.add(true, 500 * SECOND);
        // A thread that found the old scale before.
        let old = counter.scale();
        for (change, window) in (1..).zip([2, 120, 7, 2]) {
            counter.resize(window * SECOND, 500 * SECOND);
            assert_eq!(counter.counts(500 * SECOND), Counts::default());
            assert_eq!(counter.scale().changes, change);
            let tick = counter.tick.load(Ordering::Relaxed);
            assert!(old.tick_at(u64::MAX) < tick, "the old scale moves nothing");
            counter.add(true, 501 * SECOND);
            assert_eq!(counter.counts(501 * SECOND).accepted, 1);
            let over = (502 + window + window / 12) * SECOND;
            assert_eq!(counter.counts(over).accepted, 0, "{window}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let counter = Counter::new(10 * SECOND);
        counter.add(true, 30 * SECOND);
        counter.add(true, SECOND);
        assert_eq!(counter.counts(0).accepted, 2);
        assert_eq!(counter.counts(39 * SECOND).accepted, 2);
        assert_eq!(counter.counts(42 * SECOND).accepted, 0);
    }
}

#[cfg(all(test, fluxgate_loom))]
mod tests {
    use loom::{sync::Arc, thread};

    use super::*;

    /// Checks, when no thread runs, that the slots make the sum. Returns the sum.
    fn settled(counter: &Counter) -> Counts {
        let slots = counter.ring.iter();
        let slots: u64 = slots.map(|slot| slot.load(Ordering::Relaxed)).sum();
        assert_eq!(counter.sum.load(Ordering::Relaxed), slots);
        Counts {
            offered: slots >> 32,
            accepted: slots & (OFFERED - 1),
        }
    }

    /// One thread moves the window on past a slot while another counts into it.
    #[test]
    fn sums_never_go_below_their_slots() {
        loom::model(|| {
            let counter = Arc::new(Counter::new(1200));
            let Scale { slots, shift, .. } = counter.scale();
            let over = slots << shift;
            let other = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.add(false, 0))
            };
            counter.add(true, over);
            let Counts { offered, accepted } = counter.counts(over);
            // Below zero would be more than ever was counted.
            assert!(offered <= 2 && accepted <= 1, "{accepted} of {offered}");
            other.join().unwrap();
            // The first call is in a slot that is over, or came too late for that.
            let counts = settled(&counter);
            assert!(counts.accepted == 1 && (1..=2).contains(&counts.offered));
        });
    }

    /// Two threads find the window to be over: each slot is emptied once.
    #[test]
    fn a_slot_is_taken_from_the_sum_once() {
        loom::model(|| {
            let counter = Arc::new(Counter::new(1200));
            counter.add(true, 0);
            let Scale { slots, shift, .. } = counter.scale();
            let over = slots << shift;
            let other = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.counts(over + (1 << shift)))
            };
            let mine = counter.counts(over);
            for Counts { offered, accepted } in [mine, other.join().unwrap()] {
                assert!(offered <= 1 && accepted <= 1, "{accepted} of {offered}");
            }
            assert_eq!(settled(&counter), Counts::default());
        });
    }

    /// Attention begins anew while a call is counted.
    #[test]
    fn a_restart_takes_nothing_twice() {
        loom::model(|| {
            let counter = Arc::new(Counter::new(1200));
            counter.add(true, 0);
            let other = {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.add(false, 0))
            };
            counter.restart(0);
            other.join().unwrap();
            let counts = settled(&counter);
            assert!(counts.accepted == 0 && counts.offered <= 1);
        });
    }
}
