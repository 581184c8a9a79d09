//! What exporters of metrics have in common: the table of metrics, and the
//! circuits whose readings fill it.
//!
//! An exporter keeps one [`Circuits`] for each place it exports to, tells it of
//! breakers and their signals, and turns [`Circuits::read`] into samples by
//! [`Family::ALL`]. Nothing here knows the format of an exporter.
// Only those of a registry of `prometheus` are closed, and merged with others.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code))]

mod circuit;
mod circuits;
mod reading;
mod table;
mod totals;

use std::{sync::Arc, time::Duration};

use super::ListenerNeeds;

pub(crate) use circuits::{Circuits, Readings};
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
pub(crate) use table::Sample;
pub(crate) use table::{CIRCUIT, Family, MetricKind, Read};

/// A group of metrics beyond state and transitions, to be switched on and off.
/// `PrometheusListener` lists what is in each. All are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricGroup {
    /// Calls by how they ended.
    Calls,
    /// Rejected calls, by the state that rejected them.
    Rejections,
    /// Probes: those that ran, were lost, and are in flight.
    Probes,
    /// The time spent in each state.
    TimeInState,
    /// Failure and slow rate of the window, and how often a circuit that only measures
    /// would have opened.
    Rates,
    /// The time to the next attempt.
    RetryAfter,
    /// Listeners that fail, drop signals or are missing.
    Listeners,
}

/// What to export of a circuit.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// A bit for each group.
    groups: u8,
    /// The bounds of the histogram; none without it.
    pub(crate) bounds: Arc<[Duration]>,
}

impl Settings {
    /// Returns every metric but the histogram.
    pub(crate) fn all() -> Self {
        Self {
            groups: u8::MAX,
            bounds: Arc::new([]),
        }
    }

    pub(crate) fn has(&self, group: MetricGroup) -> bool {
        self.groups & bit(group) != 0
    }

    pub(crate) fn set(&mut self, group: MetricGroup, on: bool) {
        if on {
            self.groups |= bit(group);
        } else {
            self.groups &= !bit(group);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.groups = 0;
    }

    /// Returns what a breaker has to keep, so that these metrics can be read.
    pub(crate) fn needs(&self) -> ListenerNeeds {
        ListenerNeeds {
            lifetime: self.has(MetricGroup::Rejections)
                || self.has(MetricGroup::Probes)
                || self.has(MetricGroup::TimeInState),
            successes: self.has(MetricGroup::Calls),
            durations: self.bounds.to_vec(),
            ..ListenerNeeds::default()
        }
    }

    /// Returns whether a family is exported.
    pub(crate) fn wants(&self, family: &Family) -> bool {
        match family.read {
            Read::Durations => !self.bounds.is_empty(),
            Read::Numbers(_) | Read::Forgotten => family.group.is_none_or(|group| self.has(group)),
        }
    }
}

fn bit(group: MetricGroup) -> u8 {
    1 << group as u8
}
