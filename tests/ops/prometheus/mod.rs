//! Breakers in a Prometheus registry.

mod counting;
mod metrics;
mod names;
mod scraping;
mod sharing;

use std::{collections::BTreeMap, io};

use fluxgate::{Builder, CircuitBreaker, State, listener::PrometheusListener};
use prometheus::{Registry, TextEncoder};

/// The samples of a registry, by series.
fn samples(registry: &Registry) -> BTreeMap<String, f64> {
    let page = TextEncoder::new().encode_to_string(&registry.gather());
    let page = page.unwrap();
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// Of one metric: the labels beside the circuit's name, and the value.
fn of(registry: &Registry, metric: &str, circuit: &str) -> Vec<(String, f64)> {
    let start = format!("circuit_breaker_{metric}{{circuit_name=\"{circuit}\"");
    let samples = samples(registry);
    let found = samples.iter().filter_map(|(series, value)| {
        let labels = series.strip_prefix(&start)?.strip_suffix('}')?;
        Some((labels.trim_start_matches(',').replace('"', ""), *value))
    });
    found.collect()
}

fn one(registry: &Registry, metric: &str, circuit: &str) -> Option<f64> {
    match &of(registry, metric, circuit)[..] {
        [] => None,
        [(labels, value)] if labels.is_empty() => Some(*value),
        more => panic!("{metric}: {more:?}"),
    }
}

fn pairs<const N: usize>(pairs: [(&str, f64); N]) -> Vec<(String, f64)> {
    pairs.map(|(label, value)| (label.to_owned(), value)).into()
}

/// The transitions that happened.
fn transitions(registry: &Registry, circuit: &str) -> Vec<(String, f64)> {
    let mut transitions = of(registry, "state_transition_total", circuit);
    transitions.retain(|(_, n)| *n > 0.0);
    transitions
}

/// How many circuits are in each state, but for states without any.
fn states(registry: &Registry, circuit: &str) -> Vec<(String, f64)> {
    let mut states = of(registry, "state", circuit);
    states.retain(|(_, n)| *n > 0.0);
    states
}

/// The state of the one circuit of this name.
fn state(registry: &Registry, circuit: &str) -> Option<State> {
    let states = states(registry, circuit);
    let (label, n) = states.first()?;
    assert_eq!((states.len(), *n), (1, 1.0), "{states:?}");
    Some(label.strip_prefix("state=")?.parse().unwrap())
}

fn builder(name: &'static str, registry: &Registry) -> Builder {
    let metrics = PrometheusListener::with_registry(registry.clone());
    CircuitBreaker::builder(name).listener(metrics)
}

fn succeed(breaker: &CircuitBreaker) {
    breaker.call(|| Ok::<_, io::Error>(())).unwrap();
}

fn fail(breaker: &CircuitBreaker) {
    breaker
        .call(|| Err::<(), _>(io::Error::other("down")))
        .unwrap_err();
}
