//! What a rule looks at.

use std::time::Duration;

use crate::{State, tripper::ages::InFlightAges, util::duration::from_nanos, window::Totals};

/// The breaker as a tripper sees it, right after a call was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(crate) state: State,
    pub(crate) streak: u64,
    pub(crate) totals: &'a Totals,
    pub(crate) thresholds: &'a [Duration],
    pub(crate) durations: bool,
    pub(crate) running: Option<Running<'a>>,
}

/// The calls in flight that have run for long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Running<'a> {
    /// As the breaker counts them.
    Counted(&'a InFlightAges),
    /// As a test says: ages, and how many calls have come to each.
    Given(&'a [(Duration, u64)]),
}

impl<'a> Context<'a> {
    /// Creates what a rule is shown, for testing a rule of your own: nothing but these
    /// calls is known.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{State, tripper::Context, window::{Record, Totals}};
    ///
    /// let slow = [Duration::from_secs(1)];
    /// let mut totals = Totals::with_thresholds(&slow);
    /// totals.add(&Record::with_thresholds(true, Duration::from_secs(3), &slow));
    /// totals.add(&Record::with_thresholds(false, Duration::from_millis(5), &slow));
    ///
    /// let context = Context::new(State::Closed, &totals)
    ///     .with_failure_streak(1)
    ///     .with_slow_thresholds(&slow)
    ///     .with_durations();
    /// assert_eq!(context.failure_rate(), Some(0.5));
    /// assert_eq!(context.slow_count(slow[0]), Some(1));
    /// assert_eq!(context.total_duration(), Some(Duration::from_millis(3005)));
    /// ```
    #[must_use]
    pub fn new(state: State, totals: &'a Totals) -> Self {
        Self {
            state,
            streak: 0,
            totals,
            thresholds: &[],
            durations: false,
            running: None,
        }
    }

    /// Sets how many failures came in a row.
    #[must_use]
    pub fn with_failure_streak(mut self, streak: u64) -> Self {
        self.streak = streak;
        self
    }

    /// Sets the slowness thresholds that the rules need, ascending, as they were given
    /// to the totals.
    #[must_use]
    pub fn with_slow_thresholds(mut self, thresholds: &'a [Duration]) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Says that durations are kept.
    #[must_use]
    pub fn with_durations(mut self) -> Self {
        self.durations = true;
        self
    }

    /// Sets how many calls are in flight and have been for each of these ages or
    /// longer; of any other age nothing is known.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{State, tripper::Context, window::Totals};
    ///
    /// let second = Duration::from_secs(1);
    /// let totals = Totals::with_thresholds(&[]);
    /// let calls = [(second, 7)];
    /// let context = Context::new(State::Closed, &totals).with_in_flight(&calls);
    /// assert_eq!(context.in_flight(second), Some(7));
    /// assert_eq!(context.in_flight(3 * second), None);
    /// ```
    #[must_use]
    pub fn with_in_flight(mut self, ages: &'a [(Duration, u64)]) -> Self {
        self.running = Some(Running::Given(ages));
        self
    }
}

impl Context<'_> {
    /// Returns the state the call ran under: [`State::Closed`] or
    /// [`State::HalfOpen`].
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns how many calls the window holds.
    #[must_use]
    pub fn total_count(&self) -> u64 {
        self.totals.calls
    }

    /// Returns how many of them failed.
    #[must_use]
    pub fn failure_count(&self) -> u64 {
        self.totals.failures
    }

    /// Returns how many failures came in a row, the last call included. It does
    /// not depend on the window.
    #[must_use]
    pub fn failure_streak(&self) -> u64 {
        self.streak
    }

    /// Returns the failures per call, or `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        rate(self.totals.failures, self.totals.calls)
    }

    /// Returns the sum of the durations, or `None` if durations are not kept.
    #[must_use]
    pub fn total_duration(&self) -> Option<Duration> {
        self.durations.then(|| from_nanos(self.totals.nanos.0))
    }

    /// Returns the mean duration, or `None` if there were no calls or durations
    /// are not kept.
    #[must_use]
    pub fn avg_duration(&self) -> Option<Duration> {
        let calls = u128::from(self.totals.calls);
        (self.durations && calls > 0).then(|| from_nanos(self.totals.nanos.0 / calls))
    }

    /// Returns how many calls took `threshold` or longer, for a threshold that a
    /// rule [needs](super::Needs); `None` for any other.
    #[must_use]
    pub fn slow_count(&self, threshold: Duration) -> Option<u64> {
        let row = self.thresholds.binary_search(&threshold).ok()?;
        self.totals.slow.get(row).copied()
    }

    /// Returns the share of the calls that took `threshold` or longer, or `None`
    /// if there were no calls or no rule needs this threshold.
    #[must_use]
    pub fn slow_rate(&self, threshold: Duration) -> Option<f64> {
        rate(self.slow_count(threshold)?, self.totals.calls)
    }

    /// Returns how many calls of the closed circuit are in flight and have been
    /// for `age` or longer, for an age that a rule [needs](super::Needs); `None`
    /// for any other.
    #[must_use]
    pub fn in_flight(&self, age: Duration) -> Option<u64> {
        match self.running? {
            Running::Counted(running) => running.count(age),
            Running::Given(ages) => {
                let given = ages.iter().find(|(given, _)| *given == age);
                given.map(|(_, calls)| *calls)
            }
        }
    }
}

pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    // Nothing of anything is nothing, and needs no division.
    match (part, whole) {
        (_, 0) => None,
        (0, _) => Some(0.0),
        _ => Some(part as f64 / whole as f64),
    }
}
