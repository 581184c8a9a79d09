//! Scrapes that run code of users who use breakers.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use fluxgate::{
    CircuitBreaker, Signal, StaticBreaker, clock::Clock, listener::PrometheusListener,
    tripper::FailureStreak,
};
use prometheus::{
    Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{builder, fail, of, samples, state, states, succeed, transitions};
use crate::{eventually, reports};

/// A user's collector.
struct Asks<F> {
    desc: Desc,
    ask: F,
}

impl<F: Fn() + Send + Sync> Collector for Asks<F> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        (self.ask)();
        Vec::new()
    }
}

fn ask(registry: &Registry, ask: impl Fn() + Send + Sync + 'static) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("asks_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let desc = Desc::new(name, "a user's".into(), Vec::new(), HashMap::new()).unwrap();
    registry.register(Box::new(Asks { desc, ask })).unwrap();
}

#[test]
fn a_collector_may_call_a_function_first() {
    static BREAKER: StaticBreaker = StaticBreaker::new(|| {
        CircuitBreaker::builder("first_in_scrape").listener(PrometheusListener::new())
    });
    let registry = prometheus::default_registry();
    ask(registry, || succeed(&BREAKER));
    // Nothing of ours is in the registry when the first scrape begins.
    drop(registry.gather());
    eventually(|| !of(registry, "state", "first_in_scrape").is_empty());
    let calls = of(registry, "calls_total", "first_in_scrape");
    let (_, n) = calls
        .iter()
        .find(|(label, _)| label == "outcome=success")
        .unwrap();
    assert!(*n >= 1.0, "{calls:?}");
}

#[test]
fn a_collector_may_build_and_drop_breakers() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let lasting = CircuitBreaker::builder("lasting").listener(metrics.clone());
    let lasting = Mutex::new(Some(lasting.build().unwrap()));
    // Closing one of its own leaves the others alone.
    let builds = PrometheusListener::with_registry(registry.clone());
    drop(
        CircuitBreaker::builder("passing")
            .listener(builds.clone())
            .build()
            .unwrap(),
    );
    ask(&registry, move || {
        let builder = CircuitBreaker::builder("passing").listener(builds.clone());
        let breaker = builder.tripper(FailureStreak::new(1)).build().unwrap();
        fail(&breaker);
        drop(breaker);
        drop(lasting.lock().unwrap().take());
        builds.close();
        let builder = CircuitBreaker::builder("passing").listener(builds.clone());
        fail(&builder.tripper(FailureStreak::new(1)).build().unwrap());
    });
    (0..3).for_each(|_| drop(registry.gather()));
    let _other = CircuitBreaker::builder("other")
        .listener(metrics)
        .build()
        .unwrap();
    assert_eq!(of(&registry, "state", "other").len(), 6);
    eventually(|| states(&registry, "lasting").is_empty());
}

#[test]
fn a_collector_may_make_listeners() {
    let registry = Registry::new();
    let (inner, kept) = (registry.clone(), Mutex::new(Vec::new()));
    ask(&registry, move || {
        let mut kept = kept.lock().unwrap();
        if kept.is_empty() {
            // Each has a listener of its own, which knows of no other yet.
            for _ in 0..5 {
                let breaker = builder("made", &inner).tripper(FailureStreak::new(1));
                let breaker = breaker.build().unwrap();
                fail(&breaker);
                kept.push(breaker);
            }
        }
    });
    drop(registry.gather());
    eventually(|| states(&registry, "made") == super::pairs([("state=open", 5.0)]));
    assert_eq!(
        transitions(&registry, "made"),
        super::pairs([("new_state=open,old_state=closed", 5.0)])
    );
}

#[test]
fn a_clash_that_shows_after_a_scrape_is_reported() {
    let registry = Registry::new();
    let foreign = prometheus::IntCounter::new("circuit_breaker_probes_total", "foreign");
    registry.register(Box::new(foreign.unwrap())).unwrap();
    let (inner, kept) = (registry.clone(), Mutex::new(None));
    ask(&registry, move || {
        let mut kept = kept.lock().unwrap();
        if kept.is_none() {
            // Not refused: the registry can't be asked now.
            *kept = Some(builder("clash_in_scrape", &inner).build().unwrap());
        }
    });
    drop(registry.gather());
    // The next one is, as soon as the registry was asked.
    let refused = || builder("clash_later", &registry).build().err();
    reports::of(|| eventually(|| refused().is_some()));
    let error = refused().unwrap().to_string();
    assert!(error.contains("`circuit_breaker_probes_total`"), "{error}");
    assert!(of(&registry, "state", "clash_in_scrape").is_empty());
}

#[test]
fn a_listener_may_scrape() {
    let registry = Registry::new();
    let scraped = registry.clone();
    let breaker = builder("scraped", &registry)
        .listener(move |_: &Signal| assert!(!samples(&scraped).is_empty()))
        .build()
        .unwrap();
    breaker.force_open();
    assert_eq!(breaker.info().listener_failures, 0);
}

#[test]
fn a_scrape_goes_on_when_a_clock_panics() {
    struct Broken(AtomicUsize);
    impl Clock for Broken {
        fn now(&self) -> std::time::Duration {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) < 20, "broken");
            std::time::Duration::ZERO
        }
        fn wall(&self) -> std::time::SystemTime {
            std::time::UNIX_EPOCH
        }
    }
    let registry = Registry::new();
    let broken = builder("broken", &registry)
        .clock(Broken(AtomicUsize::new(0)))
        .build()
        .unwrap();
    let _whole = builder("whole", &registry).build().unwrap();
    for _ in 0..30 {
        assert_eq!(of(&registry, "state", "whole").len(), 6);
    }
    drop(broken);
    assert_eq!(of(&registry, "state", "whole").len(), 6);
}

#[test]
fn foreign_collectors_come_and_go() {
    let registry = Registry::new();
    let foreign = || prometheus::IntCounter::new("foreign_total", "foreign").unwrap();
    registry.register(Box::new(foreign())).unwrap();
    let breaker = builder("stays", &registry).build().unwrap();
    registry.unregister(Box::new(foreign())).unwrap();
    assert_eq!(of(&registry, "state", "stays").len(), 6);
    // No other collector gets our names, nor takes them away.
    let opts = prometheus::Opts::new(
        "circuit_breaker_state",
        "Current state of the circuit breaker",
    );
    let same = prometheus::IntGaugeVec::new(opts, &["circuit_name", "state"]).unwrap();
    assert!(registry.register(Box::new(same.clone())).is_err());
    let _ = registry.unregister(Box::new(same));
    breaker.force_open();
    assert_eq!(state(&registry, "stays"), Some(fluxgate::State::ForcedOpen));
}

#[test]
fn a_foreign_collector_without_descriptors_stays() {
    struct Bare;
    impl Collector for Bare {
        fn desc(&self) -> Vec<&Desc> {
            Vec::new()
        }
        fn collect(&self) -> Vec<MetricFamily> {
            prometheus::IntCounter::new("bare_total", "bare")
                .unwrap()
                .collect()
        }
    }
    let registry = Registry::new();
    registry.register(Box::new(Bare)).unwrap();
    let _breaker = builder("beside", &registry).build().unwrap();
    assert!(samples(&registry).contains_key("bare_total"));
}
