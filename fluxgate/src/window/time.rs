//! The calls of the last while.

use std::{collections::VecDeque, fmt, time::Duration};

use super::{Record, Sum, Totals, Window};
use crate::{
    Fault,
    util::bounds,
    util::duration::{Literal, nanos},
};

/// Holds the calls recorded in the last `duration`.
///
/// Time is cut into slots, and a slot leaves as a whole: what is held covers
/// between `duration` less one slot and `duration`. A window of whole seconds
/// has slots of one second; any other has at least ten. None has more than
/// 10 000, unless it is [told so](Self::slots): the slots of a window of more than
/// 10 000 seconds are longer. Old slots leave when the window is read as well as
/// when it is written.
///
/// It takes memory for the slots that hold calls, however many calls they are.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{CircuitBreaker, window::TimeWindow};
///
/// let breaker = CircuitBreaker::builder("api")
///     .window(TimeWindow::new(Duration::from_secs(30)))
///     .build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("rolling_window", "sliding_window", "sampling_duration"))]
#[derive(Clone, Debug)]
pub struct TimeWindow {
    duration: Duration,
    slots: u64,
    /// The length of a slot in nanoseconds.
    width: u64,
    /// Slots that hold calls, oldest first.
    held: VecDeque<TimeSlot>,
    /// For each held slot one number a threshold.
    slow: VecDeque<u64>,
    thresholds: usize,
}

#[derive(Clone, Copy, Debug)]
struct TimeSlot {
    /// When it begins, in nanoseconds.
    begins: u64,
    calls: u64,
    failures: u64,
    nanos: u128,
}

/// How many slots there are at most, unless the user wants more.
const SLOTS: u64 = 10_000;

/// Returns the length of a slot in nanoseconds. The arithmetic has more bits
/// than the sum of all nanoseconds, so that a window of the longest duration
/// does not get slots of zero length.
fn width(duration: Duration, slots: u64) -> u64 {
    let width = duration.as_nanos().div_ceil(slots.max(1).into());
    u64::try_from(width).unwrap_or(u64::MAX).max(1)
}

/// How many slots get their memory when the breaker is built.
const PREPARED: u64 = 64;

impl TimeWindow {
    /// Creates a window of the last `duration`, which must be above zero.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        Self::with_slots(duration, default_slots(duration))
    }

    /// Sets the number of slots, from 1 to 1 000 000: more follow the time more
    /// closely, fewer take less memory.
    #[must_use]
    pub fn slots(self, slots: u64) -> Self {
        Self::with_slots(self.duration, slots)
    }

    fn with_slots(duration: Duration, slots: u64) -> Self {
        Self {
            duration,
            slots,
            width: width(duration, slots),
            held: VecDeque::new(),
            slow: VecDeque::new(),
            thresholds: 0,
        }
    }
}

#[cfg(feature = "settings")]
impl TimeWindow {
    /// Returns whether both cut the time in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.duration, self.slots) == (other.duration, other.slots)
    }

    /// Returns a window like this one that holds nothing.
    pub(super) fn fresh(&self) -> Self {
        Self::with_slots(self.duration, self.slots)
    }

    /// Holds the calls of another window that are not too old: each of its slots goes
    /// into the one that holds its beginning.
    pub(super) fn take_over(&mut self, old: &Self, now: Duration, totals: &mut Totals) {
        let mut slow = old.slow.iter();
        for slot in &old.held {
            let begins = slot.begins / self.width * self.width;
            if self.held.back().is_none_or(|newest| newest.begins < begins) {
                self.held.push_back(TimeSlot { begins, ..*slot });
                self.slow.extend(slow.by_ref().take(self.thresholds));
            } else if let Some(newest) = self.held.back_mut() {
                newest.calls += slot.calls;
                newest.failures += slot.failures;
                newest.nanos = newest.nanos.saturating_add(slot.nanos);
                let first = self.slow.len() - self.thresholds;
                for (sum, slow) in self.slow.range_mut(first..).zip(slow.by_ref()) {
                    *sum += slow;
                }
            }
        }
        totals.clear();
        for slot in &self.held {
            totals.calls += slot.calls;
            totals.failures += slot.failures;
            totals.nanos = Sum(totals.nanos.0.saturating_add(slot.nanos));
        }
        for (place, slow) in self.slow.iter().enumerate() {
            totals.slow[place % self.thresholds] += slow;
        }
        self.expire(now, totals);
    }
}

fn default_slots(duration: Duration) -> u64 {
    let seconds = duration.as_secs();
    let slots = if duration.subsec_nanos() == 0 {
        seconds
    } else {
        seconds.saturating_add(1).max(10).min(nanos(duration))
    };
    slots.min(SLOTS)
}

/// Writes the window as the attribute reads it: `TimeWindow(60s)`.
impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            duration, slots, ..
        } = *self;
        write!(f, "TimeWindow({}", Literal(duration))?;
        if slots != default_slots(duration) {
            write!(f, ", slots = {slots}")?;
        }
        f.write_str(")")
    }
}

impl Window for TimeWindow {
    fn record(&mut self, record: Record, now: Duration, totals: &mut Totals) {
        self.expire(now, totals);
        let begins = nanos(now) / self.width * self.width;
        // A clock that jumped back leaves its records in the newest slot.
        if self.held.back().is_none_or(|slot| slot.begins < begins) {
            self.held.push_back(TimeSlot {
                begins,
                calls: 0,
                failures: 0,
                nanos: 0,
            });
            self.slow.extend((0..self.thresholds).map(|_| 0));
        }
        totals.add(&record);
        if let Some(slot) = self.held.back_mut() {
            slot.calls += 1;
            slot.failures += u64::from(record.failed);
            slot.nanos = slot.nanos.saturating_add(u128::from(record.nanos));
        }
        let newest = self.slow.len() - self.thresholds;
        for slow in self.slow.range_mut(newest..).take(record.reached) {
            *slow += 1;
        }
    }

    fn expire(&mut self, now: Duration, totals: &mut Totals) {
        // Asked of the time and not of the number of slots, whose lengths are
        // rounded up and may add up to more.
        while let Some(oldest) = self.held.front() {
            if nanos(now).saturating_sub(oldest.begins) < nanos(self.duration) {
                break;
            }
            totals.calls -= oldest.calls;
            totals.failures -= oldest.failures;
            totals.nanos = Sum(totals.nanos.0.saturating_sub(oldest.nanos));
            for (total, slow) in totals
                .slow
                .iter_mut()
                .zip(self.slow.drain(..self.thresholds))
            {
                *total -= slow;
            }
            self.held.pop_front();
        }
    }

    fn clear(&mut self) {
        self.held.clear();
        self.slow.clear();
    }

    fn prepare(&mut self, thresholds: usize, _durations: bool) {
        let slots = usize::try_from(self.slots.min(PREPARED)).unwrap_or(0);
        self.thresholds = thresholds;
        self.held.reserve(slots);
        self.slow.reserve(slots * thresholds);
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if !bounds::duration(self.duration) {
            faults.push(Fault::new(
                "the duration of `TimeWindow` must be greater than zero, but is 0ns",
            ));
        } else if !bounds::slots(self.slots) || self.slots > nanos(self.duration) {
            faults.push(Fault::new(format!(
                "the slots of `TimeWindow` must be from 1 to 1000000 and at least a nanosecond \
                 long, but are {} in {:?}",
                self.slots, self.duration
            )));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok() -> Record {
        Record::new(false, 0, &[])
    }

    fn window(duration: Duration) -> (TimeWindow, Totals) {
        let mut window = TimeWindow::new(duration);
        window.prepare(0, false);
        (window, Totals::new(0))
    }

    #[test]
    fn slots_leave_on_read() {
        let (mut window, mut totals) = window(Duration::from_secs(3));
        window.record(ok(), Duration::from_millis(900), &mut totals);
        window.expire(Duration::from_millis(2999), &mut totals);
        assert_eq!(totals.calls, 1);
        window.expire(Duration::from_secs(3), &mut totals);
        assert_eq!(totals.calls, 0);
    }

    #[test]
    fn windows_below_a_second_have_ten_slots() {
        let (mut window, mut totals) = window(Duration::from_millis(500));
        window.record(ok(), Duration::from_millis(49), &mut totals);
        window.record(ok(), Duration::from_millis(50), &mut totals);
        window.expire(Duration::from_millis(500), &mut totals);
        assert_eq!(totals.calls, 1);
        window.expire(Duration::from_millis(550), &mut totals);
        assert_eq!(totals.calls, 0);
    }

    #[test]
    fn a_clock_that_jumps_back_loses_nothing() {
        let (mut window, mut totals) = window(Duration::from_secs(2));
        window.record(ok(), Duration::from_secs(100), &mut totals);
        window.record(ok(), Duration::from_secs(1), &mut totals);
        assert_eq!(totals.calls, 2);
        window.expire(Duration::from_secs(102), &mut totals);
        assert_eq!(totals.calls, 0);
    }

    #[test]
    fn any_duration_makes_a_window() {
        for duration in [
            Duration::from_nanos(1),
            Duration::from_nanos(15),
            Duration::from_secs(1),
            Duration::MAX,
        ] {
            let (mut window, mut totals) = window(duration);
            assert_eq!(window.check(), Ok(()), "{duration:?}");
            window.record(ok(), Duration::ZERO, &mut totals);
            let century = Duration::from_secs(100 * 366 * 86_400);
            let within = century.min(duration.saturating_sub(Duration::from_nanos(1)));
            window.expire(within, &mut totals);
            assert_eq!(totals.calls, 1, "{duration:?}");
        }
        assert!(TimeWindow::new(Duration::ZERO).check().is_err());
    }

    #[test]
    fn window_of_all_time_has_long_slots() {
        for duration in [
            Duration::MAX,
            Duration::from_nanos(u64::MAX),
            Duration::from_secs(u64::MAX),
            Duration::from_secs(30 * 86_400),
        ] {
            let (mut window, mut totals) = window(duration);
            for second in 0..100_000 {
                window.record(ok(), Duration::from_millis(second * 50), &mut totals);
            }
            assert_eq!(totals.calls, 100_000);
            assert!(window.held.len() <= 5000, "{duration:?}");
            window.record(ok(), Duration::MAX, &mut totals);
            assert!(window.held.len() <= 5001, "{duration:?}");
        }
    }

    #[test]
    fn number_of_slots_is_bounded() {
        let window = TimeWindow::new(Duration::MAX);
        assert_eq!(window.slots, SLOTS);
        assert_eq!(window.clone().slots(1_000_000).check(), Ok(()));
        for slots in [0, 1_000_001, u64::MAX] {
            assert!(window.clone().slots(slots).check().is_err(), "{slots}");
        }
    }

    #[test]
    fn rounded_slots_do_not_lengthen_the_window() {
        let mut window = TimeWindow::new(Duration::from_nanos(15)).slots(10);
        window.prepare(0, false);
        let mut totals = Totals::new(0);
        window.record(ok(), Duration::ZERO, &mut totals);
        window.expire(Duration::from_nanos(14), &mut totals);
        assert_eq!(totals.calls, 1);
        window.expire(Duration::from_nanos(15), &mut totals);
        assert_eq!(totals.calls, 0);
    }

    #[test]
    fn memory_is_bounded_by_the_slots() {
        let (mut window, mut totals) = window(Duration::from_secs(5));
        for millis in 0..100_000 {
            window.record(ok(), Duration::from_millis(millis), &mut totals);
        }
        assert_eq!(totals.calls, 5000);
        assert!(window.held.len() <= 5 && window.held.capacity() <= 128);
    }

    #[cfg(feature = "settings")]
    #[test]
    fn old_slots_go_where_they_begin() {
        const SLOW: [Duration; 1] = [Duration::from_secs(1)];
        let second = Duration::from_secs(1);
        let mut old = TimeWindow::new(6 * second);
        old.prepare(1, false);
        let mut totals = Totals::new(1);
        for at in 1..=6 {
            let nanos = if at % 2 == 0 { 1_000_000_000 } else { 1 };
            let record = Record::new(at == 3, nanos, &SLOW);
            old.record(record, at * second, &mut totals);
        }
        let taken = |window: TimeWindow, now: Duration| {
            let (mut window, mut totals) = (window, Totals::new(1));
            window.prepare(1, false);
            window.take_over(&old, now, &mut totals);
            let Totals {
                calls,
                failures,
                slow,
                ..
            } = totals;
            (calls, failures, slow[0], window.held.len())
        };
        let now = 6 * second;
        assert_eq!(taken(TimeWindow::new(60 * second), now), (6, 1, 3, 6));
        // Slots of three seconds, from 0, 3 and 6.
        let wide = TimeWindow::new(12 * second).slots(4);
        assert_eq!(taken(wide, now), (6, 1, 3, 3));
        assert_eq!(taken(TimeWindow::new(2 * second), now), (2, 0, 1, 2));
        assert_eq!(
            taken(TimeWindow::new(2 * second), 60 * second),
            (0, 0, 0, 0)
        );
    }
}
