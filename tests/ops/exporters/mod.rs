//! Prometheus, the facade `metrics` and OpenTelemetry export the same.

mod agreement;
mod facade;
mod otlp;

use std::collections::BTreeMap;

/// Values by metric and labels, as in `calls{circuit_name="a",outcome="success"}`.
type Series = BTreeMap<String, f64>;

fn series<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let labels: BTreeMap<_, _> = labels.into_iter().collect();
    let labels = labels
        .iter()
        .map(|(label, value)| format!("{label}={value:?}"));
    format!("{name}{{{}}}", labels.collect::<Vec<_>>().join(","))
}
