//! What `PrometheusListener` exports, its two original metrics.
//!
//! As in the original there are no breakers here, but listeners that are told: a
//! name has the series that it was told of, and no more. One difference is stated:
//! the original refuses a second listener on a registry of its own; here a
//! registry takes any number of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use fluxgate::{CircuitBreaker, Listener as _, Signal, State, listener::PrometheusListener};
use prometheus::{Registry, TextEncoder};
use serde::Deserialize;

use crate::{
    observed::state,
    vectors::{self, Kind},
};

#[derive(Debug, Deserialize)]
struct Recording {
    id: String,
    registry: String,
    names: Vec<String>,
    comments: Vec<String>,
    steps: Vec<Step>,
    construct_error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    op: Op,
    listener: Option<usize>,
    old: Option<String>,
    new: Option<String>,
    lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Start,
    Signal,
    Close,
}

#[test]
fn conformance_of_prometheus_listener() {
    let (mut recordings, mut compared, mut accepted) = (0, 0, 0);
    for file in vectors::read::<Recording>(Kind::Prometheus) {
        for (number, recording) in file.lines {
            recordings += 1;
            let place = format!("{}:{number} '{}'", file.name, recording.id);
            if recording.construct_error.is_some() {
                accepts_more_listeners(&recording.names, &place);
                accepted += 1;
            } else {
                compared += replay(&recording, &place);
            }
        }
    }
    println!(
        "prometheus: compared {recordings} recordings, {compared} steps; \
         {accepted} of them the original refuses and we accept"
    );
}

/// The number of steps.
fn replay(recording: &Recording, place: &str) -> usize {
    let Recording { names, steps, .. } = recording;
    let (registry, listeners) = match recording.registry.as_str() {
        "default" => {
            let new = |_| PrometheusListener::new();
            let listeners = names.iter().map(new).collect::<Vec<_>>();
            (prometheus::default_registry().clone(), listeners)
        }
        "custom" => {
            let registry = Registry::new();
            let listener = PrometheusListener::with_registry(registry.clone());
            (registry, vec![listener; names.len()])
        }
        other => panic!("{place}: unknown registry {other}"),
    };
    for (at, step) in steps.iter().enumerate() {
        let place = format!("{place} step {at}");
        match (step.op, step.listener) {
            (Op::Start, _) => {}
            (Op::Signal, Some(i)) => {
                let parse = |name: &Option<String>| state(name.as_deref().expect(&place));
                let (old, new) = (parse(&step.old), parse(&step.new));
                let signal = Signal::new(names[i].clone(), old, new, SystemTime::now());
                listeners[i].on_signal(&signal);
            }
            (Op::Close, Some(i)) => listeners[i].close(),
            (op, None) => panic!("{place}: {op:?} without a listener"),
        }
        let expected: BTreeMap<_, _> = step.lines.iter().map(|line| sample(line)).collect();
        let page = TextEncoder::new().encode_to_string(&registry.gather());
        let page = page.expect(&place);
        let lines = || page.lines().filter(|line| is_original(line));
        let exported = lines().filter(|line| !line.starts_with('#')).map(sample);
        assert_eq!(exported.collect::<BTreeMap<_, _>>(), expected, "{place}");
        let has_samples = |comment: &&str| {
            let metric = comment.split(' ').nth(2).expect(comment);
            let series = format!("{metric}{{");
            expected.keys().any(|sample| sample.starts_with(&series))
        };
        let comments = recording.comments.iter().map(String::as_str);
        let comments: BTreeSet<_> = comments.filter(has_samples).collect();
        let exported = lines().filter(|line| line.starts_with('#'));
        assert_eq!(exported.collect::<BTreeSet<_>>(), comments, "{place}");
    }
    steps.len()
}

fn accepts_more_listeners(names: &[String], place: &str) {
    let registry = Registry::new();
    let breakers: Vec<_> = names
        .iter()
        .map(|name| {
            let listener = PrometheusListener::with_registry(registry.clone());
            let builder = CircuitBreaker::builder(name.clone()).listener(listener);
            builder.build().expect(place)
        })
        .collect();
    let page = TextEncoder::new().encode_to_string(&registry.gather());
    let page = page.expect(place);
    for breaker in breakers {
        let closed = at_closed(breaker.name());
        let exported: BTreeMap<_, _> = page
            .lines()
            .filter(|line| is_original(line) && !line.starts_with('#'))
            .map(sample)
            .collect();
        for (series, value) in closed {
            assert_eq!(exported.get(&series), Some(&value), "{place}");
        }
    }
}

/// Samples and comments of what the original exports, too.
fn is_original(line: &str) -> bool {
    let line = line
        .trim_start_matches("# HELP ")
        .trim_start_matches("# TYPE ");
    line.starts_with("circuit_breaker_state")
}

/// A sample line: the series, and its value as a number.
fn sample(line: &str) -> (String, u64) {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value: f64 = value.parse().expect(line);
    (series.to_owned(), value.to_bits())
}

fn at_closed(name: &str) -> Vec<(String, u64)> {
    let name = name
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n");
    let series = |state: State| {
        let value = f64::from(u8::from(state == State::Closed));
        let series = format!("circuit_breaker_state{{circuit_name=\"{name}\",state=\"{state}\"}}");
        (series, value.to_bits())
    };
    State::ALL.map(series).into()
}
