//! The table of metrics: name, kind, labels, help, and how each is read.

use std::{borrow::Cow, time::Duration};

use super::{
    MetricGroup::{self, Calls, Listeners, Probes, Rates, Rejections, RetryAfter, TimeInState},
    Readings,
    reading::{Reading, Share},
    totals::{ExportedTotals, ListenerCounts},
};
use crate::{Name, State};

/// The label that every metric of a circuit has.
pub(crate) const CIRCUIT: &str = "circuit_name";

/// One metric.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: MetricKind,
    /// The labels beside [`CIRCUIT`], in alphabetical order.
    pub(crate) labels: &'static [&'static str],
    /// `None` for what no group switches.
    pub(crate) group: Option<MetricGroup>,
    pub(crate) read: Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Where the samples of a metric come from.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// The samples of one circuit.
    Numbers(fn(&Reading) -> Samples),
    /// The histogram of one circuit, [`Reading::durations`].
    Durations,
    /// The one sample of all circuits together,
    /// [`Readings::forgotten`](super::Readings::forgotten).
    Forgotten,
}

/// The values of a metric's labels, and its value.
pub(crate) type Samples = Vec<(Vec<Cow<'static, str>>, f64)>;

macro_rules! families {
    ($($name:literal $kind:ident [$($label:literal),*] $group:expr, $read:expr, $help:literal;)*) => {
        impl Family {
            /// Every metric.
            pub(crate) const ALL: &'static [Family] = &[$(Family {
                name: concat!("circuit_breaker_", $name),
                help: $help,
                kind: MetricKind::$kind,
                labels: &[$($label),*],
                group: $group,
                read: $read,
            }),*];
        }
    };
}

families! {
    "state" Gauge ["state"] None, Read::Numbers(states),
        "Current state of the circuit breaker";
    "state_transition_total" Counter ["new_state", "old_state"] None, Read::Numbers(transitions),
        "Count of state transitions for circuit breakers";
    "would_have_opened_total" Counter [] Some(Rates), Read::Numbers(|of| counter(of, |totals| totals.would_have_opened)),
        "How often the rule began to fire while the circuit breaker only measured";
    "calls_total" Counter ["outcome"] Some(Calls), Read::Numbers(calls),
        "Calls that ran, by how they ended; late ones ended after the state had moved on";
    "rejections_total" Counter ["reason"] Some(Rejections), Read::Numbers(rejections),
        "Calls that were rejected, by the state that rejected them";
    "throttled_total" Counter [] Some(Rejections), Read::Numbers(throttled),
        "Calls that the throttle rejected, since the dependency was overloaded";
    "throttle_share" Gauge [] Some(Rates), Read::Numbers(throttle_share),
        "Share of the calls that the throttle rejects now";
    "passed_over_total" Counter [] Some(Rejections), Read::Numbers(|of| counter(of, |totals| totals.passed_over)),
        "Calls that went to another circuit breaker, or nowhere, since this one did not admit them";
    "probes_total" Counter [] Some(Probes), Read::Numbers(|of| counter(of, |totals| totals.probes)),
        "Calls that ran as probes of a half-open circuit";
    "probes_lost_total" Counter [] Some(Probes), Read::Numbers(|of| counter(of, |totals| totals.lost_probes)),
        "Probes that were still in flight when their lease ended";
    "early_probes_total" Counter [] Some(Probes), Read::Numbers(|of| counter(of, |totals| totals.early_probes)),
        "Calls that ran as probes before the wait of an open circuit was over";
    "probes_in_flight" Gauge [] Some(Probes), Read::Numbers(probes_in_flight),
        "Probes that hold a slot now";
    "time_in_state_seconds_total" Counter ["state"] Some(TimeInState), Read::Numbers(times),
        "Time spent in each state";
    "window_calls" Gauge [] Some(Rates), Read::Numbers(window_calls),
        "Calls in the window; while the circuit is open, in the one it opened with";
    "failure_rate" Gauge [] Some(Rates), Read::Numbers(failure_rate),
        "Failures per call in the window; while the circuit is open, in the one it opened with";
    "slow_rate" Gauge ["threshold"] Some(Rates), Read::Numbers(slow_rates),
        "Calls in the window that took the threshold, in seconds, or longer, per call";
    "retry_after_seconds" Gauge [] Some(RetryAfter), Read::Numbers(retry_after),
        "Time until an open circuit lets the first probe through";
    "listener_failures_total" Counter ["listener"] Some(Listeners),
        Read::Numbers(|of| listeners(of, |counts| counts.failures)),
        "Panics and failed deliveries of the circuit breaker's listeners";
    "listener_dropped_signals_total" Counter ["listener"] Some(Listeners),
        Read::Numbers(|of| listeners(of, |counts| counts.dropped)),
        "Signals that a listener gave up because too many were waiting";
    "listener_dropped_calls_total" Counter ["listener"] Some(Listeners),
        Read::Numbers(|of| listeners(of, |counts| counts.dropped_calls)),
        "Call events that a listener gave up, since too many were waiting or it caused them itself";
    "missing_listeners" Gauge [] Some(Listeners), Read::Numbers(missing_listeners),
        "Listeners that could not be built or could not serve the circuit breaker";
    "call_duration_seconds" Histogram [] None, Read::Durations,
        "Duration of calls, however they ended";
    "forgotten_circuits_total" Counter [] None, Read::Forgotten,
        "Names whose counters were given up because too many circuit breakers are gone";
}

/// One number of one circuit, or of all together.
pub(crate) struct Sample<'a> {
    /// `None` for what is of all circuits together.
    pub(crate) circuit: Option<&'a Name>,
    /// The labels beside [`CIRCUIT`].
    pub(crate) labels: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) value: f64,
}

impl Family {
    /// Returns the histogram of how long calls take. An exporter that can't hand over
    /// buckets tells its backend of each call.
    #[cfg(any(feature = "metrics", feature = "opentelemetry"))]
    pub(crate) fn durations() -> Option<&'static Self> {
        let mut all = Self::ALL.iter();
        all.find(|family| family.kind == MetricKind::Histogram)
    }

    /// Returns the samples of the metric; none if it is a histogram.
    pub(crate) fn samples<'a>(&self, readings: &'a Readings) -> Vec<Sample<'a>> {
        let sample = |circuit, values: Vec<Cow<'static, str>>, value| {
            debug_assert_eq!(values.len(), self.labels.len(), "{}", self.name);
            Sample {
                circuit,
                labels: self.labels.iter().copied().zip(values).collect(),
                value,
            }
        };
        match self.read {
            Read::Numbers(read) => {
                let circuits = readings.circuits.iter();
                let circuits = circuits.filter(|circuit| circuit.settings.wants(self));
                let samples = circuits.flat_map(|circuit| {
                    let samples = read(circuit).into_iter();
                    samples.map(|(values, value)| sample(Some(&circuit.name), values, value))
                });
                samples.collect()
            }
            Read::Durations => Vec::new(),
            Read::Forgotten => {
                let n = readings.forgotten;
                let forgotten = (n > 0).then(|| sample(None, Vec::new(), n as f64));
                forgotten.into_iter().collect()
            }
        }
    }

    /// Returns whether the values are seconds.
    #[cfg(any(feature = "metrics", feature = "opentelemetry"))]
    pub(crate) fn is_in_seconds(&self) -> bool {
        self.name.ends_with("_seconds") || self.name.ends_with("_seconds_total")
    }
}

fn one(value: f64) -> Samples {
    vec![(Vec::new(), value)]
}

fn counted(n: u64) -> Samples {
    one(n as f64)
}

fn labelled(label: impl Into<Cow<'static, str>>, value: f64) -> (Vec<Cow<'static, str>>, f64) {
    (vec![label.into()], value)
}

fn states(of: &Reading) -> Samples {
    let Some(states) = &of.states else {
        return Vec::new();
    };
    let count = |state: State| {
        let n = states.get(&state).copied().unwrap_or_default();
        labelled(state.as_str(), n as f64)
    };
    State::ALL.map(count).into()
}

fn transitions(of: &Reading) -> Samples {
    let transitions = of.transitions.iter().map(|((old_state, new_state), n)| {
        let labels = vec![new_state.as_str().into(), old_state.as_str().into()];
        (labels, *n as f64)
    });
    transitions.collect()
}

fn counter(of: &Reading, count: fn(&ExportedTotals) -> u64) -> Samples {
    let totals = of.totals.iter();
    totals.flat_map(|totals| counted(count(totals))).collect()
}

fn calls(of: &Reading) -> Samples {
    let calls = of.totals.iter().flat_map(ExportedTotals::calls);
    calls
        .map(|(outcome, n)| labelled(outcome, n as f64))
        .collect()
}

fn rejections(of: &Reading) -> Samples {
    let rejected = of.totals.iter().flat_map(|totals| &totals.rejected);
    rejected
        .map(|(state, n)| labelled(state.as_str(), *n as f64))
        .collect()
}

fn times(of: &Reading) -> Samples {
    let times = of.totals.iter().flat_map(|totals| &totals.time_in_state);
    times
        .map(|(state, time)| labelled(state.as_str(), time.as_secs_f64()))
        .collect()
}

fn listeners(of: &Reading, count: fn(ListenerCounts) -> u64) -> Samples {
    let listeners = of.totals.iter().flat_map(|totals| &totals.listeners);
    listeners
        .map(|(name, counts)| labelled(name.clone(), count(*counts) as f64))
        .collect()
}

fn probes_in_flight(of: &Reading) -> Samples {
    let present = of.present.as_ref();
    present.map_or_else(Vec::new, |present| counted(present.probes_in_flight))
}

fn missing_listeners(of: &Reading) -> Samples {
    let present = of.present.as_ref();
    present.map_or_else(Vec::new, |present| counted(present.missing_listeners))
}

fn window_calls(of: &Reading) -> Samples {
    let present = of.present.as_ref();
    present.map_or_else(Vec::new, |present| counted(present.window_calls))
}

fn failure_rate(of: &Reading) -> Samples {
    let rate = of
        .present
        .as_ref()
        .and_then(|present| present.failures.rate());
    rate.map_or_else(Vec::new, one)
}

/// Circuits without a throttle have no series.
fn throttled(of: &Reading) -> Samples {
    let samples = counter(of, |totals| totals.throttled);
    let counted = samples.iter().any(|(_, n)| *n > 0.0);
    if counted || !throttle_share(of).is_empty() {
        samples
    } else {
        Vec::new()
    }
}

fn throttle_share(of: &Reading) -> Samples {
    let present = of.present.as_ref();
    let share = present.and_then(|present| present.throttle_share);
    share.map_or_else(Vec::new, one)
}

fn slow_rates(of: &Reading) -> Samples {
    let slow = of.present.iter().flat_map(|present| &present.slow);
    let rate = |(threshold, share): (&Duration, &Share)| {
        let threshold = threshold.as_secs_f64().to_string();
        Some(labelled(threshold, share.rate()?))
    };
    slow.filter_map(rate).collect()
}

fn retry_after(of: &Reading) -> Samples {
    let wait = of.present.as_ref().and_then(|present| present.retry_after);
    wait.map_or_else(Vec::new, |wait| one(wait.as_secs_f64()))
}
