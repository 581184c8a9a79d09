//! The metrics: names, help texts, labels.

use std::{collections::HashMap, time::Duration};

use ::prometheus::{
    core::Desc,
    proto::{
        Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
    },
};

use super::PrometheusMetric::{
    self, Calls, Listeners, Probes, Rates, Rejections, RetryAfter, TimeInState,
};
use crate::Histogram;

/// A histogram as it is exposed, with the buckets whose bounds are `wanted`.
pub(crate) fn exposed(histogram: &Histogram, wanted: impl Fn(Duration) -> bool) -> Buckets {
    let buckets = histogram.buckets.iter().filter(|(bound, _)| wanted(*bound));
    let buckets = buckets.map(|(bound, count)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound.as_secs_f64());
        bucket.set_cumulative_count(*count);
        bucket
    });
    let mut exposed = Buckets::default();
    exposed.set_bucket(buckets.collect());
    exposed.set_sample_count(histogram.count);
    exposed.set_sample_sum(histogram.sum.as_secs_f64());
    exposed
}

/// A metric of every circuit.
pub(super) struct Family {
    pub(super) name: &'static str,
    help: &'static str,
    kind: MetricType,
    /// Beside `circuit_name`, in alphabetical order.
    labels: &'static [&'static str],
    /// `None` for what is not switched by a group.
    pub(super) group: Option<PrometheusMetric>,
}

const CIRCUIT: &str = "circuit_name";

macro_rules! families {
    ($($id:ident = $name:literal $kind:ident [$($label:literal),*] $group:expr, $help:literal;)*) => {
        $(pub(super) const $id: Family = Family {
            name: concat!("circuit_breaker_", $name),
            help: $help,
            kind: MetricType::$kind,
            labels: &[$($label),*],
            group: $group,
        };)*

        impl Family {
            pub(super) const ALL: &'static [Family] = &[$($id),*];
        }
    };
}

families! {
    STATE = "state" GAUGE ["state"] None,
        "Current state of the circuit breaker";
    TRANSITIONS = "state_transition_total" COUNTER ["new_state", "old_state"] None,
        "Count of state transitions for circuit breakers";
    CALLS = "calls_total" COUNTER ["outcome"] Some(Calls),
        "Calls that ran, by how they ended; late ones ended after the state had moved on";
    REJECTIONS = "rejections_total" COUNTER ["reason"] Some(Rejections),
        "Calls that were rejected, by the state that rejected them";
    PROBES = "probes_total" COUNTER [] Some(Probes),
        "Calls that ran as probes of a half-open circuit";
    PROBES_LOST = "probes_lost_total" COUNTER [] Some(Probes),
        "Probes that were still in flight when their lease ended";
    PROBES_IN_FLIGHT = "probes_in_flight" GAUGE [] Some(Probes),
        "Probes that hold a slot now";
    TIME_IN_STATE = "time_in_state_seconds_total" COUNTER ["state"] Some(TimeInState),
        "Time spent in each state";
    WINDOW_CALLS = "window_calls" GAUGE [] Some(Rates),
        "Calls in the window; while the circuit is open, in the one it opened with";
    FAILURE_RATE = "failure_rate" GAUGE [] Some(Rates),
        "Failures per call in the window; while the circuit is open, in the one it opened with";
    SLOW_RATE = "slow_rate" GAUGE ["threshold"] Some(Rates),
        "Calls in the window that took the threshold, in seconds, or longer, per call";
    RETRY_AFTER = "retry_after_seconds" GAUGE [] Some(RetryAfter),
        "Time until an open circuit lets the first probe through";
    LISTENER_FAILURES = "listener_failures_total" COUNTER ["listener"] Some(Listeners),
        "Panics and failed deliveries of the circuit breaker's listeners";
    LISTENER_DROPS = "listener_dropped_signals_total" COUNTER ["listener"] Some(Listeners),
        "Signals that a listener gave up because too many were waiting";
    LISTENERS_MISSING = "missing_listeners" GAUGE [] Some(Listeners),
        "Listeners that could not be built or could not serve the circuit breaker";
    DURATIONS = "call_duration_seconds" HISTOGRAM [] None,
        "Duration of calls, however they ended";
}

impl Family {
    /// What the registry compares: each circuit is a constant label of its own.
    pub(super) fn desc(&self, circuit: &str) -> ::prometheus::Result<Desc> {
        Desc::new(
            self.name.into(),
            self.help.into(),
            self.labels.iter().copied().map(String::from).collect(),
            HashMap::from([(CIRCUIT.into(), circuit.into())]),
        )
    }

    /// The samples of one circuit, each with the values of its labels.
    pub(super) fn of<const LABELS: usize>(
        &self,
        circuit: &str,
        samples: impl IntoIterator<Item = ([String; LABELS], f64)>,
    ) -> MetricFamily {
        let metric = |(labels, value): (_, f64)| {
            let mut metric = self.metric(circuit, labels);
            if self.kind == MetricType::COUNTER {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            } else {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
            metric
        };
        self.family(samples.into_iter().map(metric).collect())
    }

    /// The one sample of one circuit, if there is any.
    pub(super) fn one(&self, circuit: &str, value: Option<f64>) -> MetricFamily {
        self.of(circuit, value.map(|value| ([], value)))
    }

    /// A circuit's histogram with these bounds.
    pub(super) fn histogram(
        &self,
        circuit: &str,
        histogram: &Histogram,
        bounds: &[Duration],
    ) -> MetricFamily {
        // The breaker's own bounds may be finer, for other listeners.
        let value = exposed(histogram, |bound| bounds.contains(&bound));
        let mut metric = self.metric(circuit, []);
        metric.set_histogram(value);
        self.family(vec![metric])
    }

    fn metric<const LABELS: usize>(&self, circuit: &str, values: [String; LABELS]) -> Metric {
        debug_assert_eq!(self.labels.len(), LABELS, "{}", self.name);
        let others = self.labels.iter().copied().zip(values);
        let labels = std::iter::once((CIRCUIT, circuit.to_owned())).chain(others);
        let labels = labels.map(|(name, value)| {
            let mut label = LabelPair::default();
            label.set_name(name.into());
            label.set_value(value);
            label
        });
        Metric::from_label(labels.collect())
    }

    fn family(&self, metrics: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.name.into());
        family.set_help(self.help.into());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        family
    }
}
