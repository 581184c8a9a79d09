//! What a registry holds: one collector for all circuits, and the claims to the
//! names of its metrics.

use std::sync::Arc;

use ::prometheus::{
    core::{Collector, Desc},
    proto::{MetricFamily, MetricType},
};

use super::super::exported::{CIRCUIT, Circuits, Family, MetricKind, Read, Readings};
use crate::{Name, info::exposition};

/// Collects every circuit of one registry.
///
/// It describes only its own [`marker`]: the names of the metrics are claimed one
/// by one, when the first listener wants them.
pub(super) struct Exported {
    circuits: Arc<Circuits>,
    descs: Vec<Desc>,
}

impl Exported {
    pub(super) fn new(circuits: Arc<Circuits>, id: u64) -> Self {
        Self {
            circuits,
            descs: vec_of(marker(id)),
        }
    }
}

/// Describes metrics and has no samples.
pub(super) struct NameClaim(Vec<Desc>);

impl NameClaim {
    /// Claims the name of a metric, as nothing else in the registry may have it.
    pub(super) fn family(family: &Family) -> Self {
        let labels = match family.read {
            Read::Forgotten => Vec::new(),
            Read::Numbers(_) | Read::Durations => labels(family),
        };
        Self(vec_of(exposition::desc(
            family.name,
            family.help,
            &labels,
            &[],
        )))
    }

    /// Makes one that no registry holds. (One without a descriptor might be there:
    /// a user's.)
    pub(super) fn unknown() -> Self {
        Self::marker(u64::MAX)
    }

    /// Finds out whether the registry holds the collector of this number.
    pub(super) fn marker(id: u64) -> Self {
        Self(vec_of(marker(id)))
    }
}

/// Tells a collector of ours from the others: a registry has nothing by which it
/// could be compared with another one, but it refuses what it holds already.
fn marker(id: u64) -> ::prometheus::Result<Desc> {
    let id = [("exporter", id.to_string())];
    let help = "Marks the collector of circuit breakers; it has no samples";
    exposition::desc("circuit_breaker_exporter", help, &[], &id)
}

/// Unwraps a description: every name and every label is a valid one.
fn vec_of(desc: ::prometheus::Result<Desc>) -> Vec<Desc> {
    desc.into_iter().collect()
}

fn labels(family: &Family) -> Vec<&'static str> {
    let others = family.labels.iter().copied();
    std::iter::once(CIRCUIT).chain(others).collect()
}

impl Collector for NameClaim {
    fn desc(&self) -> Vec<&Desc> {
        self.0.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        Vec::new()
    }
}

impl Collector for Exported {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let readings = self.circuits.read();
        let families = Family::ALL.iter();
        families.map(|family| exposed(family, &readings)).collect()
    }
}

fn exposed(family: &Family, readings: &Readings) -> MetricFamily {
    let kind = match family.kind {
        MetricKind::Counter => MetricType::COUNTER,
        MetricKind::Gauge => MetricType::GAUGE,
        MetricKind::Histogram => MetricType::HISTOGRAM,
    };
    let name = |name: &Name| exposition::label(CIRCUIT, name.as_str());
    let metrics = match family.read {
        Read::Numbers(_) | Read::Forgotten => {
            let samples = family.samples(readings).into_iter();
            let metrics = samples.map(|sample| {
                let others = sample.labels.iter();
                let others = others.map(|(label, value)| exposition::label(label, value.as_ref()));
                let labels = sample.circuit.map(name).into_iter().chain(others);
                exposition::number(kind, labels.collect(), sample.value)
            });
            metrics.collect()
        }
        Read::Durations => {
            let circuits = readings.circuits.iter();
            let circuits = circuits.filter(|circuit| circuit.settings.wants(family));
            let metrics = circuits.filter_map(|circuit| {
                let labels = vec![name(&circuit.name)];
                Some(exposition::histogram(labels, circuit.durations()?))
            });
            metrics.collect()
        }
    };
    exposition::family(family.name, family.help, kind, metrics)
}
