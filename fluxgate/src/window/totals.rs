//! The sums over the records a window holds.

use std::time::Duration;

use crate::util::duration;

/// One recorded call, as a window sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub(crate) failed: bool,
    pub(crate) nanos: u64,
    /// How many of the rules' slowness thresholds, ascending, it reached.
    pub(crate) reached: usize,
}

impl Record {
    /// `nanos` is its duration, `thresholds` are ascending.
    #[inline]
    pub(crate) fn new(failed: bool, nanos: u64, thresholds: &[Duration]) -> Self {
        let reached = |threshold: &&Duration| duration::nanos(**threshold) <= nanos;
        Self {
            failed,
            nanos,
            reached: thresholds.iter().take_while(reached).count(),
        }
    }

    /// Creates a record as a breaker would give it to a window, for testing a window of
    /// your own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::window::{CountWindow, Record, Totals, Window};
    ///
    /// let (mut window, mut totals) = (CountWindow::new(1), Totals::default());
    /// for failed in [true, false] {
    ///     let record = Record::from_call(failed, Duration::from_millis(3));
    ///     window.record(record, Duration::ZERO, &mut totals);
    /// }
    /// assert_eq!((totals.calls(), totals.failures()), (1, 0));
    /// ```
    #[must_use]
    pub fn from_call(failed: bool, duration: Duration) -> Self {
        Self::with_thresholds(failed, duration, &[])
    }

    /// Creates a record for rules with these slowness thresholds, in any order.
    #[must_use]
    pub fn with_thresholds(failed: bool, duration: Duration, thresholds: &[Duration]) -> Self {
        let nanos = duration::nanos(duration);
        let reached = |threshold: &&Duration| duration::nanos(**threshold) <= nanos;
        Self {
            failed,
            nanos,
            reached: thresholds.iter().filter(reached).count(),
        }
    }

    /// Returns whether the call counts as a failure.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Returns how long the call took, or zero if durations are not kept.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

/// A sum of nanoseconds, which may be more than a `u64` holds. Packed, since the
/// alignment of a `u128` would cost each breaker more than the number itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(Rust, packed(8))]
pub(crate) struct Sum(pub(crate) u128);

/// The sums over the records in a window. Integers throughout: adding and
/// removing the same record leaves no trace, however long the breaker runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) nanos: Sum,
    /// By threshold, ascending: how many records reached it.
    pub(crate) slow: Box<[u64]>,
}

impl Totals {
    pub(crate) fn new(thresholds: usize) -> Self {
        Self {
            slow: vec![0; thresholds].into(),
            ..Self::default()
        }
    }

    /// Creates empty totals for rules with these slowness thresholds, for testing.
    #[must_use]
    pub fn with_thresholds(thresholds: &[Duration]) -> Self {
        Self::new(thresholds.len())
    }

    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        self.calls = self.calls.saturating_add(1);
        self.failures = self.failures.saturating_add(u64::from(record.failed));
        self.nanos = Sum(self.nanos.0.saturating_add(u128::from(record.nanos)));
        for slow in self.slow.iter_mut().take(record.reached) {
            *slow = slow.saturating_add(1);
        }
    }

    /// Takes back a record that was added before.
    pub fn remove(&mut self, record: &Record) {
        self.calls = self.calls.saturating_sub(1);
        self.failures = self.failures.saturating_sub(u64::from(record.failed));
        self.nanos = Sum(self.nanos.0.saturating_sub(u128::from(record.nanos)));
        for slow in self.slow.iter_mut().take(record.reached) {
            *slow = slow.saturating_sub(1);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.calls = 0;
        self.failures = 0;
        self.nanos = Sum(0);
        self.slow.fill(0);
    }

    /// Returns how many calls the window holds.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns how many of them failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures
    }
}
