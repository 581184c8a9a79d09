//! The deliveries of this process, as Prometheus metrics.

use std::{collections::HashMap, sync::Arc};

use ::prometheus::{
    core::{Collector, Desc},
    proto::{MetricFamily, MetricType},
};

use super::{ChannelStats, DeliveryStats, registry};
use crate::{Histogram, info::exposition};

/// Exports the counters of all deliveries of this process, added up. Register it
/// once; it reads when it is scraped.
///
/// | metric | type | label |
/// |---|---|---|
/// | `fluxgate_slack_requests_received_total` | counter | `channel` |
/// | `fluxgate_slack_requests_succeeded_total` | counter | `channel` |
/// | `fluxgate_slack_requests_failed_total` | counter | `channel` |
/// | `fluxgate_slack_requests_retried_total` | counter | `channel` |
/// | `fluxgate_slack_requests_not_processed_total` | counter | `channel` |
/// | `fluxgate_slack_requests_dropped_total` | counter | `channel` |
/// | `fluxgate_slack_requests_refused_total` | counter | |
/// | `fluxgate_slack_panics_total` | counter | |
/// | `fluxgate_slack_queue_size` | gauge | |
/// | `fluxgate_slack_workers` | gauge | |
/// | `fluxgate_slack_send_duration_seconds` | histogram | |
///
/// [`DeliveryStats`] and [`ChannelStats`] say what is counted. The counts of a delivery
/// that is dropped are dropped with it.
///
/// ```
/// use fluxgate::slack::PrometheusCollector;
/// use prometheus::{Registry, TextEncoder};
///
/// let registry = Registry::new();
/// registry.register(Box::new(PrometheusCollector::new()))?;
/// let page = TextEncoder::new().encode_to_string(&registry.gather())?;
/// assert!(page.contains("fluxgate_slack_queue_size 0"));
/// # Ok::<_, prometheus::Error>(())
/// ```
#[derive(Debug)]
pub struct PrometheusCollector {
    descs: Vec<Desc>,
}

struct SlackFamily {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: Value,
}

enum Value {
    /// A sample for each channel.
    Channel(fn(&ChannelStats) -> u64),
    One(fn(&DeliveryStats) -> u64),
    Times(fn(&DeliveryStats) -> &Histogram),
}

macro_rules! families {
    ($($name:literal $kind:ident $value:expr, $help:literal;)*) => {
        const FAMILIES: &[SlackFamily] = &[$(SlackFamily {
            name: concat!("fluxgate_slack_", $name),
            help: $help,
            kind: MetricType::$kind,
            value: $value,
        }),*];
    };
}

families! {
    "requests_received_total" COUNTER Value::Channel(|channel| channel.received),
        "Messages taken for delivery to Slack";
    "requests_succeeded_total" COUNTER Value::Channel(|channel| channel.succeeded),
        "Messages delivered to Slack";
    "requests_failed_total" COUNTER Value::Channel(|channel| channel.failed),
        "Messages given up, after a permanent error or the last retry";
    "requests_retried_total" COUNTER Value::Channel(|channel| channel.retried),
        "Attempts that failed and were to be repeated";
    "requests_not_processed_total" COUNTER Value::Channel(|channel| channel.not_processed),
        "Messages dropped because their channel can't be posted to";
    "requests_dropped_total" COUNTER Value::Channel(|channel| channel.dropped),
        "Messages dropped for newer ones when the queue was full, or at the shutdown";
    "requests_refused_total" COUNTER Value::One(|stats| stats.refused),
        "Messages not taken because the queue was full, or the delivery shut down";
    "panics_total" COUNTER Value::One(|stats| stats.panics),
        "Panics of the delivery, which went on";
    "queue_size" GAUGE Value::One(|stats| stats.queue_size as u64),
        "Messages that wait for delivery";
    "workers" GAUGE Value::One(|stats| u64::from(stats.running)),
        "Threads that deliver";
    "send_duration_seconds" HISTOGRAM Value::Times(|stats| &stats.requests),
        "How long requests to Slack took";
}

impl PrometheusCollector {
    /// Creates the collector, for a registry.
    #[must_use]
    pub fn new() -> Self {
        let descs = FAMILIES.iter().map(|family| {
            let labels: &[&str] = match family.value {
                Value::Channel(_) => &["channel"],
                Value::One(_) | Value::Times(_) => &[],
            };
            exposition::desc(family.name, family.help, labels, &[])
        });
        Self {
            // Every name and every label is a valid one.
            descs: descs.filter_map(Result::ok).collect(),
        }
    }
}

impl Default for PrometheusCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector for PrometheusCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let all: Vec<DeliveryStats> = registry::all()
            .iter()
            .map(|shared| shared.stats())
            .collect();
        FAMILIES.iter().map(|family| family.of(&all)).collect()
    }
}

impl SlackFamily {
    fn of(&self, all: &[DeliveryStats]) -> MetricFamily {
        let metrics = match self.value {
            Value::Channel(of) => {
                let mut sums: HashMap<&Arc<str>, u64> = HashMap::new();
                for (channel, stats) in all.iter().flat_map(|stats| &stats.channels) {
                    *sums.entry(channel).or_default() += of(stats);
                }
                let sums = sums.into_iter();
                sums.map(|(channel, sum)| {
                    let labels = vec![exposition::label("channel", &**channel)];
                    exposition::number(self.kind, labels, sum as f64)
                })
                .collect()
            }
            Value::One(of) => {
                let sum: u64 = all.iter().map(of).sum();
                vec![exposition::number(self.kind, Vec::new(), sum as f64)]
            }
            Value::Times(of) => vec![exposition::histogram(Vec::new(), &sum(all.iter().map(of)))],
        };
        exposition::family(self.name, self.help, self.kind, metrics)
    }
}

/// Adds up histograms, which all have the same bounds or none.
fn sum<'a>(all: impl Iterator<Item = &'a Histogram>) -> Histogram {
    let mut sum = Histogram::default();
    for one in all {
        if sum.buckets.is_empty() {
            sum.buckets.clone_from(&one.buckets);
        } else {
            for ((_, sum), (_, count)) in sum.buckets.iter_mut().zip(&one.buckets) {
                *sum += count;
            }
        }
        sum.count += one.count;
        sum.sum = sum.sum.saturating_add(one.sum);
    }
    sum
}
