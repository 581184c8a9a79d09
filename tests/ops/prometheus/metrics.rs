//! What is exported, and what switches it.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Guard, Signal, State,
    clock::ManualClock,
    listener::{MetricGroup, PrometheusListener},
    permit,
    retry::{self, Cooldown},
    tripper::{FailureStreak, MinRequests, SlowRate},
};
use prometheus::Registry;

use super::{builder, fail, of, one, pairs, state, succeed};

#[test]
fn every_metric_through_opening_and_recovery() {
    let registry = Registry::new();
    let clock = ManualClock::new();
    let metrics = PrometheusListener::with_registry(registry.clone())
        .durations([100, 1000].map(Duration::from_millis));
    let breaker = CircuitBreaker::builder("api")
        .tripper(
            FailureStreak::new(2)
                | MinRequests::new(50) & SlowRate::new(0.9, Duration::from_millis(500)),
        )
        .retry(Cooldown::new(Duration::from_secs(30)))
        .permit(permit::All)
        .listener(metrics)
        .listener(|signal: &Signal| assert_ne!(signal.sequence, 1, "fails once"))
        .try_listener("Pager", Err::<fn(&Signal), _>("no URL"))
        .clock(clock.clone())
        .build()
        .unwrap();
    let slow = || {
        clock.advance(Duration::from_secs(1));
        Ok::<_, io::Error>(())
    };
    assert_eq!(one(&registry, "failure_rate", "api"), None, "no call yet");

    (0..2).for_each(|_| succeed(&breaker));
    breaker.call(slow).unwrap();
    fail(&breaker);
    assert_eq!(one(&registry, "window_calls", "api"), Some(4.0));
    assert_eq!(one(&registry, "failure_rate", "api"), Some(0.25));
    assert_eq!(
        of(&registry, "slow_rate", "api"),
        pairs([("threshold=0.5", 0.25)])
    );
    assert_eq!(one(&registry, "retry_after_seconds", "api"), None);
    fail(&breaker);
    clock.advance(Duration::from_secs(10));
    (0..3).for_each(|_| fail(&breaker));
    assert_eq!(state(&registry, "api"), Some(State::Open));
    assert_eq!(one(&registry, "retry_after_seconds", "api"), Some(20.0));
    assert_eq!(
        one(&registry, "failure_rate", "api"),
        Some(0.4),
        "what it opened with"
    );

    clock.advance(Duration::from_secs(20));
    let probe = breaker.acquire().unwrap();
    assert_eq!(one(&registry, "probes_in_flight", "api"), Some(1.0));
    clock.advance(Duration::from_secs(5));
    probe.success();
    assert_eq!(state(&registry, "api"), Some(State::Closed));
    assert_eq!(one(&registry, "probes_in_flight", "api"), Some(0.0));

    totals_after_a_recovery(&registry);
}

fn totals_after_a_recovery(registry: &Registry) {
    let get = |metric| of(registry, metric, "api");
    let one = |metric| one(registry, metric, "api");
    assert_eq!(
        get("calls_total"),
        pairs([
            ("outcome=alive", 0.0),
            ("outcome=cancelled", 0.0),
            ("outcome=failure", 2.0),
            ("outcome=ignored", 0.0),
            ("outcome=late", 0.0),
            ("outcome=overloaded", 0.0),
            ("outcome=panicked", 0.0),
            ("outcome=success", 4.0),
        ])
    );
    assert_eq!(
        get("rejections_total"),
        pairs([
            ("reason=forced_open", 0.0),
            ("reason=half_open", 0.0),
            ("reason=open", 3.0)
        ])
    );
    assert_eq!(
        get("time_in_state_seconds_total"),
        pairs([
            ("state=closed", 1.0),
            ("state=disabled", 0.0),
            ("state=forced_open", 0.0),
            ("state=half_open", 5.0),
            ("state=metrics_only", 0.0),
            ("state=open", 30.0),
        ])
    );
    assert_eq!(
        get("state_transition_total"),
        pairs([
            ("new_state=closed,old_state=half_open", 1.0),
            ("new_state=half_open,old_state=open", 1.0),
            ("new_state=open,old_state=closed", 1.0),
            ("new_state=open,old_state=half_open", 0.0),
        ])
    );
    assert_eq!(one("probes_total"), Some(1.0));
    assert_eq!(one("probes_lost_total"), Some(0.0));
    assert_eq!(one("missing_listeners"), Some(1.0));
    let failures = get("listener_failures_total");
    let numbers: Vec<_> = failures.iter().map(|(_, n)| *n).collect();
    assert_eq!(numbers, [0.0, 1.0], "{failures:?}");
    assert_eq!(
        get("call_duration_seconds_bucket"),
        pairs([("le=+Inf", 6.0), ("le=0.1", 4.0), ("le=1", 5.0)])
    );
    assert_eq!(one("call_duration_seconds_sum"), Some(6.0));
    assert_eq!(one("call_duration_seconds_count"), Some(6.0));
}

#[test]
fn outcomes_and_rejections_have_labels() {
    let registry = Registry::new();
    let breaker = builder("labels", &registry)
        .tripper(FailureStreak::new(100))
        .retry(retry::Always)
        .permit(permit::All)
        .max_half_open_calls(1)
        .build()
        .unwrap();
    let times = |n: usize, call: &dyn Fn()| (0..n).for_each(|_| call());
    let admitted = || breaker.acquire().unwrap();
    times(1, &|| admitted().success());
    times(2, &|| admitted().failure());
    times(3, &|| admitted().ignore());
    times(7, &|| admitted().alive());
    times(8, &|| admitted().overloaded());
    times(4, &|| drop(admitted()));
    times(5, &|| {
        let call = || breaker.call(|| -> Result<(), io::Error> { panic!("call") });
        panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    });
    let late: Vec<_> = (0..6).map(|_| admitted()).collect();
    breaker.force_open();
    late.into_iter().for_each(Guard::success);
    assert_eq!(
        of(&registry, "calls_total", "labels"),
        pairs([
            ("outcome=alive", 7.0),
            ("outcome=cancelled", 4.0),
            ("outcome=failure", 2.0),
            ("outcome=ignored", 3.0),
            ("outcome=late", 6.0),
            ("outcome=overloaded", 8.0),
            ("outcome=panicked", 5.0),
            ("outcome=success", 1.0),
        ])
    );

    times(3, &|| fail(&breaker));
    breaker.reset();
    times(100, &|| admitted().failure());
    assert_eq!(state(&registry, "labels"), Some(State::Open));
    let probe = admitted();
    assert_eq!(state(&registry, "labels"), Some(State::HalfOpen));
    times(2, &|| fail(&breaker));
    probe.failure();
    assert_eq!(
        of(&registry, "rejections_total", "labels"),
        pairs([
            ("reason=forced_open", 3.0),
            ("reason=half_open", 2.0),
            ("reason=open", 0.0)
        ])
    );
}

#[test]
fn a_lost_probe_is_counted_once() {
    let registry = Registry::new();
    let clock = ManualClock::new();
    let breaker = builder("lost", &registry)
        .tripper(FailureStreak::new(1))
        .permit(permit::All)
        .max_half_open_calls(1)
        .probe_lease(Duration::from_secs(10))
        .clock(clock.clone())
        .build()
        .unwrap();
    fail(&breaker);
    clock.advance(Duration::from_secs(60));
    let hung = breaker.acquire().unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(one(&registry, "probes_lost_total", "lost"), Some(1.0));
    succeed(&breaker);
    drop(hung);
    assert_eq!(one(&registry, "probes_lost_total", "lost"), Some(1.0));
    assert_eq!(one(&registry, "probes_total", "lost"), Some(2.0));
}

#[test]
fn each_group_is_switched_by_itself() {
    let families = |metrics: PrometheusListener, registry: &Registry| {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("groups")
            .tripper(
                FailureStreak::new(1)
                    | SlowRate::new(1.0, Duration::from_secs(1)) & MinRequests::new(100),
            )
            .listener(metrics)
            .clock(clock)
            .build()
            .unwrap();
        // In turn, what has samples only when open and only with calls.
        let mut names: Vec<_> = Vec::new();
        fail(&breaker);
        names.extend(
            registry
                .gather()
                .iter()
                .map(|family| family.name().to_owned()),
        );
        breaker.metrics_only();
        succeed(&breaker);
        names.extend(
            registry
                .gather()
                .iter()
                .map(|family| family.name().to_owned()),
        );
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !name.starts_with("circuit_breaker_state"));
        (names, breaker.info().lifetime.is_some())
    };
    let with = |group| {
        let registry = Registry::new();
        let metrics = PrometheusListener::with_registry(registry.clone()).only_states();
        families(metrics.with(group), &registry)
    };
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone()).only_states();
    assert_eq!(families(metrics, &registry), (vec![], false));

    let names = |names: &[&str]| -> Vec<_> {
        let name = |name: &&str| format!("circuit_breaker_{name}");
        names.iter().map(name).collect()
    };
    let table: [(_, &[&str], bool); 7] = [
        (MetricGroup::Calls, &["calls_total"], true),
        (
            MetricGroup::Rejections,
            &["passed_over_total", "rejections_total"],
            true,
        ),
        (
            MetricGroup::Probes,
            &[
                "early_probes_total",
                "probes_in_flight",
                "probes_lost_total",
                "probes_total",
            ],
            true,
        ),
        (
            MetricGroup::TimeInState,
            &["time_in_state_seconds_total"],
            true,
        ),
        (
            MetricGroup::Rates,
            &[
                "failure_rate",
                "slow_rate",
                "window_calls",
                "would_have_opened_total",
            ],
            false,
        ),
        (MetricGroup::RetryAfter, &["retry_after_seconds"], false),
        (
            MetricGroup::Listeners,
            &[
                "listener_dropped_calls_total",
                "listener_dropped_signals_total",
                "listener_failures_total",
                "missing_listeners",
            ],
            false,
        ),
    ];
    for (group, expected, counts) in table {
        assert_eq!(with(group), (names(expected), counts), "{group:?}");
        let registry = Registry::new();
        let metrics = PrometheusListener::with_registry(registry.clone()).without(group);
        let (others, _) = families(metrics, &registry);
        assert!(
            names(expected).iter().all(|name| !others.contains(name)),
            "{group:?}"
        );
        assert!(others.len() >= 9, "{group:?}: {others:?}");
    }
}
