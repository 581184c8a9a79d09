//! Who is in a registry, from when until when, and beside whom.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::SystemTime,
};

use fluxgate::{
    CircuitBreaker, Listener as _, Signal, State, StaticBreaker,
    listener::{MetricGroup, PrometheusListener},
    tripper::MinRequests,
};
use prometheus::{IntCounter, IntGaugeVec, Opts, Registry};

use super::{builder, fail, of, one, pairs, samples, state, states, succeed, transitions};
use crate::{eventually, reports};

#[test]
fn exported_from_build_until_drop() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let build = |name| {
        CircuitBreaker::builder(name)
            .listener(metrics.clone())
            .build()
    };
    let (payments, quotes) = (build("payments").unwrap(), build("quotes").unwrap());
    assert_eq!(state(&registry, "payments"), Some(State::Closed));
    assert_eq!(state(&registry, "quotes"), Some(State::Closed));
    assert!(transitions(&registry, "quotes").is_empty());

    quotes.force_open();
    assert_eq!(state(&registry, "payments"), Some(State::Closed));
    assert_eq!(state(&registry, "quotes"), Some(State::ForcedOpen));
    let transitions = transitions(&registry, "quotes");
    assert_eq!(
        transitions,
        pairs([("new_state=forced_open,old_state=closed", 1.0)])
    );

    drop(payments);
    eventually(|| of(&registry, "state", "payments").is_empty());
    assert_eq!(one(&registry, "window_calls", "payments"), None);
    assert_eq!(one(&registry, "probes_total", "payments"), Some(0.0));

    // A new breaker of the name begins closed and goes on counting.
    drop(quotes);
    eventually(|| of(&registry, "state", "quotes").is_empty());
    let quotes = build("quotes").unwrap();
    assert_eq!(state(&registry, "quotes"), Some(State::Closed));
    quotes.force_open();
    assert_eq!(
        super::transitions(&registry, "quotes"),
        pairs([("new_state=forced_open,old_state=closed", 2.0)])
    );
}

#[test]
fn foreign_metric_of_same_name_is_refused() {
    let registry = Registry::new();
    let opts = Opts::new("circuit_breaker_state", "somebody else's");
    let foreign = IntGaugeVec::new(opts, &["service"]).unwrap();
    registry.register(Box::new(foreign)).unwrap();
    let error = builder("clash", &registry).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "circuit breaker 'clash' can't be built: its listener PrometheusListener refused to serve it: \
         the registry holds another metric named `circuit_breaker_state`, which this listener did not \
         register; rename that one, or give the listener a registry of its own"
    );
    // Only what is exported can clash.
    let registry = Registry::new();
    let foreign = IntCounter::new("circuit_breaker_probes_total", "foreign").unwrap();
    registry.register(Box::new(foreign)).unwrap();
    let error = builder("clash", &registry).build().unwrap_err();
    assert!(
        error.to_string().contains("`circuit_breaker_probes_total`"),
        "{error}"
    );
    let metrics = PrometheusListener::with_registry(registry.clone());
    let metrics = metrics.without(MetricGroup::Probes);
    let builder = CircuitBreaker::builder("clash").listener(metrics);
    let _breaker = builder.build().unwrap();
    assert_eq!(state(&registry, "clash"), Some(State::Closed));
}

#[test]
fn static_breaker_survives_metric_clash() {
    static BREAKER: StaticBreaker = StaticBreaker::new(|| {
        let registry = Registry::new();
        let foreign = IntCounter::new("circuit_breaker_state", "foreign").unwrap();
        registry.register(Box::new(foreign)).unwrap();
        builder("static_clash", &registry)
    });
    succeed(&BREAKER);
    let info = BREAKER.info();
    assert_eq!(info.metrics.total_count, 1);
    assert_eq!(info.missing_listeners[0].name, "PrometheusListener");
    assert!(
        info.missing_listeners[0]
            .reason
            .contains("`circuit_breaker_state`")
    );
}

#[test]
fn clash_at_a_signal_is_reported() {
    let registry = Registry::new();
    let foreign = IntCounter::new("circuit_breaker_state", "foreign").unwrap();
    registry.register(Box::new(foreign)).unwrap();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let signal = Signal::new("late_clash", State::Closed, State::Open, SystemTime::now());
    let (reports, ()) = reports::of(|| metrics.on_signal(&signal));
    assert_eq!(reports.len(), 1);
    let start = "circuit breaker 'late_clash' is missing from its Prometheus registry: ";
    assert!(reports[0].starts_with(start), "{reports:?}");
    assert!(of(&registry, "state", "late_clash").is_empty());
}

#[test]
fn breakers_of_one_name_share_their_series() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let build = || {
        let builder = CircuitBreaker::builder("shared").listener(metrics.clone());
        builder.tripper(MinRequests::new(1000)).build().unwrap()
    };
    let (first, second) = (build(), build());
    (0..3).for_each(|_| succeed(&first));
    fail(&second);
    let calls = of(&registry, "calls_total", "shared");
    assert!(calls.contains(&("outcome=success".into(), 3.0)));
    assert!(calls.contains(&("outcome=failure".into(), 1.0)));
    assert_eq!(one(&registry, "failure_rate", "shared"), Some(0.25));
    first.disable();
    second.force_open();
    assert_eq!(
        states(&registry, "shared"),
        pairs([("state=disabled", 1.0), ("state=forced_open", 1.0)])
    );
    assert_eq!(transitions(&registry, "shared").len(), 2);
}

#[test]
fn listeners_apart_share_a_registry_and_names() {
    let registry = Registry::new();
    let build = |name| builder(name, &registry).build().unwrap();
    let (one, again, two) = (build("one"), build("one"), build("two"));
    succeed(&one);
    succeed(&again);
    succeed(&two);
    again.force_open();
    assert_eq!(
        states(&registry, "one"),
        pairs([("state=closed", 1.0), ("state=forced_open", 1.0)])
    );
    let calls = of(&registry, "calls_total", "one");
    assert!(
        calls.contains(&("outcome=success".into(), 2.0)),
        "{calls:?}"
    );
    assert_eq!(state(&registry, "two"), Some(State::Closed));
}

#[test]
fn close_drops_the_series_until_the_next_signal() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let builder = CircuitBreaker::builder("closing").listener(metrics.clone());
    let breaker = builder.build().unwrap();
    breaker.disable();
    metrics.close();
    metrics.close();
    assert!(samples(&registry).is_empty());
    succeed(&breaker);
    breaker.reset();
    assert_eq!(state(&registry, "closing"), Some(State::Closed));
    let transitions = transitions(&registry, "closing");
    assert_eq!(
        transitions,
        pairs([("new_state=closed,old_state=disabled", 1.0)])
    );
    assert_eq!(
        one(&registry, "probes_total", "closing"),
        Some(0.0),
        "the rest is back, too"
    );
}

#[test]
fn a_listener_told_by_hand_needs_no_breaker() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let now = SystemTime::now();
    metrics.on_signal(&Signal::new("by_hand", State::Closed, State::Open, now));
    assert_eq!(state(&registry, "by_hand"), Some(State::Open));
    assert!(of(&registry, "calls_total", "by_hand").is_empty());
}

#[test]
fn scrapes_and_transitions_do_not_deadlock() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let build = |name: &'static str| {
        let builder = CircuitBreaker::builder(name).listener(metrics.clone());
        builder.build().unwrap()
    };
    let lasting = build("lasting");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(of(&registry, "state", "lasting").len(), 6);
            }
        });
        scope.spawn(|| (0..500).for_each(|_| drop(build("passing"))));
        let flipping = scope.spawn(|| {
            for _ in 0..500 {
                lasting.force_open();
                lasting.reset();
            }
        });
        let other = PrometheusListener::with_registry(registry.clone());
        for _ in 0..500 {
            let builder = CircuitBreaker::builder("closed_often").listener(other.clone());
            let breaker = builder.build().unwrap();
            other.close();
            breaker.disable();
        }
        flipping.join().unwrap();
        done.store(true, Ordering::Relaxed);
    });
    // The gauge ends on the state that the breaker ended on.
    assert_eq!(state(&registry, "lasting"), Some(State::Closed));
    let transitions = transitions(&registry, "lasting");
    assert_eq!(
        transitions,
        pairs([
            ("new_state=closed,old_state=forced_open", 500.0),
            ("new_state=forced_open,old_state=closed", 500.0),
        ])
    );
}
