//! The breakers of one name at one moment.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Settings,
    totals::{ExportedTotals, Join},
};
use crate::{Histogram, Info, Name, State};

/// All that is exported of one name.
pub(crate) struct Reading {
    pub(crate) name: Name,
    pub(crate) settings: Settings,
    /// How many circuits are in each state; `None` if none is there.
    pub(super) states: Option<BTreeMap<State, u64>>,
    pub(super) transitions: BTreeMap<(State, State), u64>,
    /// The counters; `None` if the name never had a breaker.
    pub(super) totals: Option<ExportedTotals>,
    /// `None` if no breaker is there.
    pub(super) present: Option<Present>,
}

/// What is so now, of all breakers of the name together.
#[derive(Default)]
pub(super) struct Present {
    pub(super) probes_in_flight: u64,
    pub(super) missing_listeners: u64,
    pub(super) window_calls: u64,
    pub(super) failures: Share,
    /// By the threshold of slowness.
    pub(super) slow: BTreeMap<Duration, Share>,
    /// The largest share that a throttle rejects; `None` without a throttle.
    pub(super) throttle_share: Option<f64>,
    /// The shortest wait of an open circuit.
    pub(super) retry_after: Option<Duration>,
}

/// Some calls of all calls.
#[derive(Clone, Copy, Default)]
pub(super) struct Share {
    some: f64,
    all: f64,
}

impl Share {
    fn add(&mut self, some: f64, all: f64) {
        self.some += some;
        self.all += all;
    }

    pub(super) fn rate(self) -> Option<f64> {
        (self.all > 0.0).then(|| self.some / self.all)
    }
}

impl Reading {
    /// Returns the histogram of durations, if there is one.
    pub(crate) fn durations(&self) -> Option<&Histogram> {
        self.totals.as_ref()?.durations.as_ref()
    }

    /// Adds one breaker.
    pub(super) fn add(&mut self, info: &Info) {
        let states = self.states.get_or_insert_default();
        *states.entry(info.state).or_default() += 1;
        let totals = ExportedTotals::of(info, &self.settings.bounds);
        self.totals.get_or_insert_default().join(&totals, Join::Add);
        self.present.get_or_insert_default().add(info);
    }
}

impl Present {
    fn add(&mut self, info: &Info) {
        self.probes_in_flight += info.probes_in_flight as u64;
        self.missing_listeners += info.missing_listeners.len() as u64;
        if let Some(throttle) = info.throttle {
            let most = self.throttle_share.unwrap_or_default();
            self.throttle_share = Some(most.max(throttle.share));
        }
        let waits = self.retry_after.into_iter().chain(info.retry_after);
        self.retry_after = waits.min();
        let metrics = info.last_window();
        self.window_calls += metrics.total_count;
        let calls = metrics.total_count as f64;
        self.failures.add(metrics.failure_count as f64, calls);
        for (threshold, n) in &metrics.slow_counts {
            let share = self.slow.entry(*threshold).or_default();
            share.add(*n as f64, calls);
        }
    }
}
