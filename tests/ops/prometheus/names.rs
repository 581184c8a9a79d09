//! Any names, any number of them.

use std::thread;

use fluxgate::{CircuitBreaker, State, listener::PrometheusListener, tripper::FailureStreak};
use prometheus::Registry;

use super::{builder, fail, of, samples, state, states};

fn build(name: String, metrics: &PrometheusListener) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(name).listener(metrics.clone());
    builder.tripper(FailureStreak::new(1)).build().unwrap()
}

/// The series of circuits that are closed.
fn closed(registry: &Registry) -> Vec<String> {
    let samples = samples(registry).into_iter();
    let closed = samples.filter(|(series, n)| {
        let is_state = series.starts_with("circuit_breaker_state{");
        is_state && series.contains(r#"state="closed""#) && *n > 0.0
    });
    closed.map(|(series, _)| series).collect()
}

#[test]
fn similar_names_are_all_exported() {
    for (stem, count) in [("shard-", 100), ("api-", 26), ("tenant", 3000)] {
        let registry = Registry::new();
        let metrics = PrometheusListener::with_registry(registry.clone()).only_states();
        let names = (0..count).map(|i| format!("{stem}{i}"));
        let breakers: Vec<_> = names.map(|name| build(name, &metrics)).collect();
        assert_eq!(closed(&registry).len(), breakers.len(), "{stem}");
    }
}

#[test]
fn similar_names_of_two_listeners_are_exported() {
    let registry = Registry::new();
    let name = |i: usize| -> &'static str { format!("shard-{i}").leak() };
    let build = |i| builder(name(i), &registry).build().unwrap();
    let breakers: Vec<_> = (0..200).map(build).collect();
    assert_eq!(closed(&registry).len(), breakers.len());
}

#[test]
fn unusual_names_are_kept_apart() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let names = [
        "",
        "a ",
        "a*",
        "a\"b",
        "a\\b",
        "a\nb",
        "a\\nb",
        "a{}",
        "a,state=\"open\"",
        "aé",
        "a漢",
        "a\u{0}",
        "a\u{202e}x",
        "a(other)",
        "circuit_name",
    ];
    let names = names.iter().map(|name| (*name).to_owned());
    let names: Vec<_> = names
        .chain(["x".repeat(10_000), "x".repeat(10_001)])
        .collect();
    let breakers: Vec<_> = names
        .iter()
        .map(|name| build(name.clone(), &metrics))
        .collect();
    breakers.iter().step_by(2).for_each(fail);
    let family = registry.gather();
    let family = family
        .iter()
        .find(|family| family.name() == "circuit_breaker_state");
    let samples = family.unwrap().get_metric().iter();
    let mut open: Vec<_> = samples
        .filter(|sample| sample.get_label()[1].value() == "open")
        .map(|sample| {
            (
                sample.get_label()[0].value().to_owned(),
                sample.get_gauge().get_value(),
            )
        })
        .collect();
    let is_open = |i: usize| if i.is_multiple_of(2) { 1.0 } else { 0.0 };
    let mut expected: Vec<_> = names.into_iter().zip((0..).map(is_open)).collect();
    open.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(open, expected);
}

#[test]
fn two_registries_have_each_their_own() {
    let registries = [Registry::new(), Registry::new()];
    let [one, two] = registries.each_ref().map(|registry| {
        let metrics = PrometheusListener::with_registry(registry.clone());
        build("api".into(), &metrics)
    });
    fail(&two);
    let [first, second] = &registries;
    assert_eq!(state(first, "api"), Some(State::Closed));
    assert_eq!(state(second, "api"), Some(State::Open));
    drop((one, two));
}

#[test]
fn one_breaker_in_two_registries_is_in_both() {
    let registries = [Registry::new(), Registry::new()];
    let [first, second] = &registries;
    let breaker = builder("both", first)
        .listener(PrometheusListener::with_registry(second.clone()))
        .build()
        .unwrap();
    breaker.force_open();
    for registry in &registries {
        assert_eq!(state(registry, "both"), Some(State::ForcedOpen));
        assert_eq!(super::transitions(registry, "both").len(), 1);
    }
}

#[test]
fn threads_build_and_drop_beside_each_other() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (metrics, registry) = (metrics.clone(), &registry);
            scope.spawn(move || {
                let mine = PrometheusListener::with_registry(registry.clone());
                for i in 0..100 {
                    let metrics = if i % 2 == 0 { &metrics } else { &mine };
                    let breaker = build(format!("{thread}-{i}"), metrics);
                    let shared = build("shared".into(), metrics);
                    fail(&breaker);
                    fail(&shared);
                }
            });
        }
        scope.spawn(|| (0..20).for_each(|_| drop(registry.gather())));
    });
    let samples = samples(&registry);
    let opened = |name: &str| {
        let series = format!(
            "circuit_breaker_state_transition_total{{circuit_name=\"{name}\",new_state=\"open\",old_state=\"closed\"}}"
        );
        samples.get(&series).copied()
    };
    for thread in 0..4 {
        for i in 0..100 {
            assert_eq!(opened(&format!("{thread}-{i}")), Some(1.0));
        }
    }
    assert_eq!(opened("shared"), Some(400.0));
    crate::eventually(|| states(&registry, "shared").is_empty());
    assert!(!of(&registry, "calls_total", "shared").is_empty());
}
