//! What exporters of metrics have in common: the table of metrics, and the
//! circuits whose readings fill it.
//!
//! An exporter keeps one [`Circuits`] for each place it exports to, tells it of
//! breakers and their signals, and turns [`Circuits::read`] into samples by
//! [`Family::ALL`]. Nothing here knows the format of an exporter.

mod circuit;
mod circuits;
mod reading;
mod table;
mod totals;

use std::{sync::Arc, time::Duration};

pub(crate) use circuits::{Circuits, Readings};
pub(crate) use reading::Reading;
pub(crate) use table::{CIRCUIT, Family, MetricKind, Read};

/// A group of metrics beyond state and transitions, to be switched on and off;
/// [`PrometheusListener`](super::PrometheusListener) lists what is in each. All
/// are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrometheusMetric {
    /// Calls by how they ended.
    Calls,
    /// Rejected calls, by the state that rejected them.
    Rejections,
    /// Probes: those that ran, were lost, and are in flight.
    Probes,
    /// The time spent in each state.
    TimeInState,
    /// Failure and slow rate of the window.
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

    pub(crate) fn has(&self, group: PrometheusMetric) -> bool {
        self.groups & bit(group) != 0
    }

    pub(crate) fn set(&mut self, group: PrometheusMetric, on: bool) {
        if on {
            self.groups |= bit(group);
        } else {
            self.groups &= !bit(group);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.groups = 0;
    }

    /// Returns whether a family is exported.
    pub(crate) fn wants(&self, family: &Family) -> bool {
        match family.read {
            Read::Durations => !self.bounds.is_empty(),
            Read::Numbers(_) | Read::Forgotten => family.group.is_none_or(|group| self.has(group)),
        }
    }
}

fn bit(group: PrometheusMetric) -> u8 {
    1 << group as u8
}
