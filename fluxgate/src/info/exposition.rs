//! Messages and descriptors of the `prometheus` crate, from plain values.

use std::{collections::HashMap, time::Duration};

use ::prometheus::{
    core::Desc,
    proto::{
        Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
    },
};

use crate::Histogram;

/// Describes a metric. Its labels have any value in each sample, its constants
/// one.
///
/// # Errors
///
/// A name or a label is not a valid one.
pub(crate) fn desc(
    name: &str,
    help: &str,
    labels: &[&str],
    constants: &[(&str, String)],
) -> ::prometheus::Result<Desc> {
    let constants = constants.iter().cloned();
    let constants: HashMap<String, String> = constants
        .map(|(label, value)| (label.to_owned(), value))
        .collect();
    let labels = labels.iter().copied().map(String::from);
    Desc::new(name.into(), help.into(), labels.collect(), constants)
}

/// Puts the samples of one metric together.
pub(crate) fn family(
    name: &str,
    help: &str,
    kind: MetricType,
    metrics: Vec<Metric>,
) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.into());
    family.set_help(help.into());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

/// Returns a label of a sample.
pub(crate) fn label(name: &str, value: impl Into<String>) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.into());
    label.set_value(value.into());
    label
}

/// Returns a sample of a counter or a gauge.
pub(crate) fn number(kind: MetricType, labels: Vec<LabelPair>, value: f64) -> Metric {
    let mut metric = Metric::from_label(labels);
    if kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

/// Returns a sample of a histogram.
pub(crate) fn histogram(labels: Vec<LabelPair>, histogram: &Histogram) -> Metric {
    let bucket = |(bound, count): &(Duration, u64)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound.as_secs_f64());
        bucket.set_cumulative_count(*count);
        bucket
    };
    let mut exposed = Buckets::default();
    exposed.set_bucket(histogram.buckets.iter().map(bucket).collect());
    exposed.set_sample_count(histogram.count);
    exposed.set_sample_sum(histogram.sum.as_secs_f64());
    let mut metric = Metric::from_label(labels);
    metric.set_histogram(exposed);
    metric
}
