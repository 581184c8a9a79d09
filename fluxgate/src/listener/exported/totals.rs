//! What is counted of the breakers of one name.

use std::{collections::BTreeMap, time::Duration};

use crate::{Histogram, Info, LifetimeTotals, State};

/// The counters of one breaker, or of all that ever had a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportedTotals {
    calls: [u64; OUTCOMES.len()],
    pub(super) rejected: BTreeMap<State, u64>,
    pub(super) throttled: u64,
    pub(super) would_have_opened: u64,
    pub(super) probes: u64,
    pub(super) lost_probes: u64,
    pub(super) passed_over: u64,
    pub(super) early_probes: u64,
    pub(super) time_in_state: BTreeMap<State, Duration>,
    /// By the listener's name.
    pub(super) listeners: BTreeMap<String, ListenerCounts>,
    pub(super) durations: Option<Histogram>,
}

/// What is counted of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListenerCounts {
    pub(super) failures: u64,
    pub(super) dropped: u64,
    pub(super) dropped_calls: u64,
}

type CountOf = fn(&Info, &LifetimeTotals) -> u64;

/// How calls end, and how many ended so.
const OUTCOMES: [(&str, CountOf); 8] = [
    ("success", |_, lifetime| lifetime.successes.unwrap_or(0)),
    ("failure", |_, lifetime| lifetime.failures),
    ("overloaded", |info, _| info.overloaded),
    ("alive", |info, _| info.alive),
    ("ignored", |info, _| info.ignored),
    ("cancelled", |info, _| info.cancelled),
    ("panicked", |info, _| info.panicked),
    ("late", |_, lifetime| lifetime.late),
];

/// How many listeners are counted by name; the rest is counted as [`OTHER`]. A
/// listener may have a new name for every breaker.
const LISTENERS: usize = 100;
const OTHER: &str = "(other)";

/// How two numbers become one.
#[derive(Clone, Copy)]
pub(super) enum Join {
    Add,
    Max,
    /// The first less the second, at least zero.
    Excess,
}

impl Join {
    fn numbers(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Add => a.saturating_add(b),
            Self::Max => a.max(b),
            Self::Excess => a.saturating_sub(b),
        }
    }

    fn times(self, a: Duration, b: Duration) -> Duration {
        match self {
            Self::Add => a.saturating_add(b),
            Self::Max => a.max(b),
            Self::Excess => a.saturating_sub(b),
        }
    }
}

impl ExportedTotals {
    /// Reads one breaker, with the histogram at these bounds.
    pub(super) fn of(info: &Info, bounds: &[Duration]) -> Self {
        let none = LifetimeTotals::default();
        let lifetime = info.lifetime.as_ref().unwrap_or(&none);
        let mut totals = Self {
            calls: OUTCOMES.map(|(_, count)| count(info, lifetime)),
            rejected: lifetime.rejected.clone(),
            throttled: info.throttled,
            would_have_opened: info.would_have_opened,
            probes: lifetime.probes,
            lost_probes: info.lost_probes,
            passed_over: info.passed_over,
            early_probes: info.early_probes,
            time_in_state: lifetime.time_in_state.clone(),
            listeners: BTreeMap::new(),
            durations: None,
        };
        for each in &info.listeners {
            let counts = ListenerCounts {
                failures: each.failures,
                dropped: each.dropped,
                dropped_calls: each.dropped_calls,
            };
            totals.count_listener(&each.name, counts, Join::Add);
        }
        if let (Some(durations), false) = (&lifetime.durations, bounds.is_empty()) {
            let mut durations = durations.clone();
            // The breaker's own bounds may be finer, for other listeners.
            durations
                .buckets
                .retain(|(bound, _)| bounds.contains(bound));
            totals.durations = Some(durations);
        }
        totals
    }

    /// Returns the calls by how they ended.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&'static str, u64)> + use<'_> {
        let names = OUTCOMES.iter().map(|(name, _)| *name);
        names.zip(self.calls.iter().copied())
    }

    /// Joins each number with its counterpart.
    pub(super) fn join(&mut self, other: &Self, how: Join) {
        for (a, b) in self.calls.iter_mut().zip(other.calls) {
            *a = how.numbers(*a, b);
        }
        for (state, b) in &other.rejected {
            let a = self.rejected.entry(*state).or_default();
            *a = how.numbers(*a, *b);
        }
        self.throttled = how.numbers(self.throttled, other.throttled);
        self.would_have_opened = how.numbers(self.would_have_opened, other.would_have_opened);
        self.probes = how.numbers(self.probes, other.probes);
        self.lost_probes = how.numbers(self.lost_probes, other.lost_probes);
        self.passed_over = how.numbers(self.passed_over, other.passed_over);
        self.early_probes = how.numbers(self.early_probes, other.early_probes);
        for (state, b) in &other.time_in_state {
            let a = self.time_in_state.entry(*state).or_default();
            *a = how.times(*a, *b);
        }
        for (name, b) in &other.listeners {
            self.count_listener(name, *b, how);
        }
        match (&mut self.durations, &other.durations) {
            (Some(a), Some(b)) => join(a, b, how),
            (a @ None, Some(b)) if !matches!(how, Join::Excess) => *a = Some(b.clone()),
            (_, None) | (None, Some(_)) => {}
        }
    }

    /// Lets no time in a state be shorter than it was shown.
    ///
    /// A transition reads the clock before it takes the breaker's lock. One that waits
    /// for it meanwhile is dated back, and the state that a reading saw in between was
    /// over a moment earlier than that said.
    pub(super) fn keep_times(&mut self, shown: &Self) {
        for (state, shown) in &shown.time_in_state {
            let time = self.time_in_state.entry(*state).or_default();
            *time = (*time).max(*shown);
        }
    }

    fn count_listener(&mut self, name: &str, b: ListenerCounts, how: Join) {
        let is_known = self.listeners.contains_key(name);
        let name = if is_known || self.listeners.len() < LISTENERS {
            name
        } else {
            OTHER
        };
        let a = self.listeners.entry(name.to_owned()).or_default();
        *a = ListenerCounts {
            failures: how.numbers(a.failures, b.failures),
            dropped: how.numbers(a.dropped, b.dropped),
            dropped_calls: how.numbers(a.dropped_calls, b.dropped_calls),
        };
    }
}

fn join(a: &mut Histogram, b: &Histogram, how: Join) {
    let counts: BTreeMap<Duration, u64> = b.buckets.iter().copied().collect();
    // What one of them does not measure, none of them can answer.
    a.buckets.retain(|(bound, _)| counts.contains_key(bound));
    for (bound, n) in &mut a.buckets {
        *n = how.numbers(*n, counts.get(bound).copied().unwrap_or_default());
    }
    a.count = how.numbers(a.count, b.count);
    a.sum = how.times(a.sum, b.sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_do_not_become_shorter() {
        let of = |millis| ExportedTotals {
            time_in_state: BTreeMap::from([(State::Closed, Duration::from_millis(millis))]),
            ..ExportedTotals::default()
        };
        for (now, expected) in [(9, 10), (11, 11)] {
            let mut totals = of(now);
            totals.keep_times(&of(10));
            assert_eq!(totals.time_in_state, of(expected).time_in_state);
        }
        let mut none = ExportedTotals::default();
        none.keep_times(&of(10));
        assert_eq!(none.time_in_state, of(10).time_in_state);
    }

    #[test]
    fn listener_names_are_bounded() {
        let mut all = ExportedTotals::default();
        for i in 0..10_000 {
            let mut one = ExportedTotals::default();
            let counts = ListenerCounts {
                failures: 1,
                dropped: 2,
                dropped_calls: 3,
            };
            one.count_listener(&format!("listener {i}"), counts, Join::Add);
            all.join(&one, Join::Add);
        }
        assert_eq!(all.listeners.len(), LISTENERS + 1);
        let others = ListenerCounts {
            failures: 9_900,
            dropped: 19_800,
            dropped_calls: 29_700,
        };
        assert_eq!(all.listeners[OTHER], others);
    }
}
