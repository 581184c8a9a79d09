//! Counters that never go down, count nothing twice, and begin at zero.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use fluxgate::{
    CircuitBreaker, Listener, Signal, State, WeakBreaker,
    clock::ManualClock,
    listener::PrometheusListener,
    permit,
    tripper::{FailureRate, FailureStreak, MinRequests, SlowRate},
};
use prometheus::Registry;

use super::{builder, fail, of, one, pairs, samples, state, states, succeed, transitions};
use crate::eventually;

fn successes(registry: &Registry, name: &str) -> Option<f64> {
    let calls = of(registry, "calls_total", name);
    let successes = calls.iter().find(|(label, _)| label == "outcome=success");
    successes.map(|(_, n)| *n)
}

#[test]
fn a_dropped_twin_stays_counted() {
    let registry = Registry::new();
    let metrics =
        PrometheusListener::with_registry(registry.clone()).durations([Duration::from_secs(1)]);
    let build = || {
        let builder = CircuitBreaker::builder("twins").listener(metrics.clone());
        builder.tripper(FailureStreak::new(1)).build().unwrap()
    };
    let (first, second) = (build(), build());
    (0..3000).for_each(|_| succeed(&first));
    (0..1600).for_each(|_| succeed(&second));
    fail(&first);
    (0..7).for_each(|_| fail(&first));
    assert_eq!(successes(&registry, "twins"), Some(4600.0));
    // What came after the last scrape, too.
    (0..5).for_each(|_| fail(&first));
    drop(first);
    assert_eq!(successes(&registry, "twins"), Some(4600.0));
    let rejections = of(&registry, "rejections_total", "twins");
    assert!(
        rejections.contains(&("reason=open".into(), 12.0)),
        "{rejections:?}"
    );
    assert_eq!(
        one(&registry, "call_duration_seconds_count", "twins"),
        Some(4601.0)
    );
    let one_closed = pairs([("state=closed", 1.0)]);
    eventually(|| states(&registry, "twins") == one_closed);
    drop(second);
    assert_eq!(successes(&registry, "twins"), Some(4600.0));
    eventually(|| of(&registry, "state", "twins").is_empty());
    let third = build();
    succeed(&third);
    assert_eq!(successes(&registry, "twins"), Some(4601.0));
}

#[test]
fn calls_between_scrape_and_drop_are_counted() {
    let registry = Registry::new();
    for round in 1..=3 {
        let breaker = builder("brief", &registry).build().unwrap();
        (0..10).for_each(|_| succeed(&breaker));
        drop(breaker);
        assert_eq!(successes(&registry, "brief"), Some(f64::from(round * 10)));
    }
}

#[test]
fn gone_names_are_bounded_and_counted() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let build = |name: String| {
        let builder = CircuitBreaker::builder(name).listener(metrics.clone());
        builder.build().unwrap()
    };
    let living = build("living".into());
    for i in 0..3000 {
        succeed(&build(format!("gone-{i}")));
        // One name that comes and goes all the time.
        succeed(&build("flapping".into()));
    }
    succeed(&living);
    let samples = samples(&registry);
    let successes_of = |name: &str| {
        let series =
            format!("circuit_breaker_calls_total{{circuit_name=\"{name}\",outcome=\"success\"}}");
        samples.get(&series).copied()
    };
    assert_eq!(successes_of("living"), Some(1.0));
    assert_eq!(successes_of("flapping"), Some(3000.0));
    assert_eq!(successes_of("gone-2999"), Some(1.0));
    assert_eq!(successes_of("gone-0"), None);
    let kept = (0..3000).filter(|i| successes_of(&format!("gone-{i}")).is_some());
    let kept = kept.count();
    // Another test may be looking at all breakers, and hold a few.
    assert!((999..1100).contains(&kept), "{kept}");
    let forgotten = samples.get("circuit_breaker_forgotten_circuits_total");
    assert_eq!(forgotten, Some(&((3000 - kept) as f64)));
    // Closing lets go of them all.
    metrics.close();
    let left = super::samples(&registry);
    assert!(
        left.keys().all(|series| !series.contains("gone-")),
        "{left:?}"
    );
    // Neither does the listener keep the names.
    assert_eq!(format!("{metrics:?}").matches("gone-").count(), 0);
}

#[test]
fn a_listener_does_not_keep_gone_names() {
    let metrics = PrometheusListener::with_registry(Registry::new());
    for i in 0..5000 {
        let builder = CircuitBreaker::builder(format!("gone-{i}"));
        drop(builder.listener(metrics.clone()).build().unwrap());
    }
    let kept = format!("{metrics:?}").matches("gone-").count();
    assert!((1000..=2100).contains(&kept), "{kept}");
}

#[test]
fn names_told_by_hand_are_bounded() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    for i in 0..5000 {
        let name = format!("told-{i}");
        let signal = Signal::new(name, State::Closed, State::Open, SystemTime::now());
        metrics.on_signal(&signal);
    }
    let told = samples(&registry);
    let told = told.keys().filter(|series| series.contains("transition"));
    assert_eq!(told.count(), 1000);
}

#[test]
fn a_listener_given_twice_counts_once() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let shared: Arc<dyn Listener> = Arc::new(metrics.clone());
    let breaker = builder("twice", &registry)
        .listener(metrics.clone())
        .listener(metrics)
        .listener(Arc::clone(&shared))
        .listener(shared)
        .build()
        .unwrap();
    (0..3).for_each(|_| succeed(&breaker));
    breaker.force_open();
    breaker.force_open();
    assert_eq!(successes(&registry, "twice"), Some(3.0));
    assert_eq!(state(&registry, "twice"), Some(State::ForcedOpen));
    assert_eq!(
        transitions(&registry, "twice"),
        pairs([
            ("new_state=forced_open,old_state=closed", 1.0),
            ("new_state=forced_open,old_state=forced_open", 1.0),
        ])
    );
    drop(breaker);
    assert_eq!(successes(&registry, "twice"), Some(3.0));
}

/// Passes on what a user who wraps a listener thinks of.
struct Wrapped {
    metrics: PrometheusListener,
    attaches: bool,
}

impl Listener for Wrapped {
    fn on_signal(&self, signal: &Signal) {
        self.metrics.on_signal(signal);
    }

    fn attach(
        &self,
        breaker: &WeakBreaker,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.attaches {
            self.metrics.attach(breaker)?;
        }
        Ok(())
    }
}

#[test]
fn a_wrapped_listener_counts_the_same() {
    for attaches in [true, false] {
        let registry = Registry::new();
        let build = || {
            let metrics = PrometheusListener::with_registry(registry.clone());
            let wrapped = Wrapped { metrics, attaches };
            let builder = CircuitBreaker::builder("wrapped").listener(wrapped);
            builder.tripper(FailureStreak::new(1)).build().unwrap()
        };
        let (first, second) = (build(), build());
        fail(&first);
        second.force_open();
        assert_eq!(
            states(&registry, "wrapped"),
            pairs([("state=forced_open", 1.0), ("state=open", 1.0)])
        );
        assert_eq!(transitions(&registry, "wrapped").len(), 2);
        let times = of(&registry, "time_in_state_seconds_total", "wrapped");
        drop(first);
        let one_left = pairs([("state=forced_open", 1.0)]);
        eventually(|| states(&registry, "wrapped") == one_left);
        for _ in 0..3 {
            assert_eq!(state(&registry, "wrapped"), Some(State::ForcedOpen));
            assert_eq!(transitions(&registry, "wrapped").len(), 2);
        }
        drop(second);
        eventually(|| states(&registry, "wrapped").is_empty());
        for _ in 0..3 {
            assert!(states(&registry, "wrapped").is_empty());
            let now = of(&registry, "time_in_state_seconds_total", "wrapped");
            assert!(now.iter().zip(&times).all(|(now, then)| now.1 >= then.1));
        }
    }
}

#[test]
fn automatic_transitions_begin_at_zero() {
    let registry = Registry::new();
    let _breaker = builder("new", &registry).build().unwrap();
    assert_eq!(
        of(&registry, "state_transition_total", "new"),
        pairs([
            ("new_state=closed,old_state=half_open", 0.0),
            ("new_state=half_open,old_state=open", 0.0),
            ("new_state=open,old_state=closed", 0.0),
            ("new_state=open,old_state=half_open", 0.0),
        ])
    );
}

#[test]
fn open_breakers_of_a_name_are_counted() {
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let build = || {
        let builder = CircuitBreaker::builder("tenants").listener(metrics.clone());
        builder.tripper(FailureStreak::new(1)).build().unwrap()
    };
    let tenants: Vec<_> = (0..501).map(|_| build()).collect();
    tenants.iter().for_each(fail);
    tenants[0].reset();
    assert_eq!(
        states(&registry, "tenants"),
        pairs([("state=closed", 1.0), ("state=open", 500.0)])
    );
    drop(tenants);
    eventually(|| states(&registry, "tenants").is_empty());
}

#[test]
fn an_open_circuit_shows_the_rate_it_opened_with() {
    let registry = Registry::new();
    let clock = ManualClock::new();
    let breaker = builder("rates", &registry)
        .tripper(MinRequests::new(4) & FailureRate::new(0.5))
        .permit(permit::All)
        .clock(clock.clone())
        .build()
        .unwrap();
    (0..2).for_each(|_| succeed(&breaker));
    (0..2).for_each(|_| fail(&breaker));
    assert_eq!(state(&registry, "rates"), Some(State::Open));
    assert_eq!(one(&registry, "failure_rate", "rates"), Some(0.5));
    assert_eq!(one(&registry, "window_calls", "rates"), Some(4.0));
    clock.advance(Duration::from_secs(60));
    let probe = breaker.acquire().unwrap();
    assert_eq!(state(&registry, "rates"), Some(State::HalfOpen));
    assert_eq!(one(&registry, "failure_rate", "rates"), None);
    probe.failure();
    breaker.reset();
    assert_eq!(one(&registry, "failure_rate", "rates"), None);

    let slow = builder("slow", &registry)
        .tripper(MinRequests::new(2) & SlowRate::new(0.5, Duration::from_secs(1)))
        .clock(clock.clone())
        .build()
        .unwrap();
    for took in [0, 2] {
        let call = || {
            clock.advance(Duration::from_secs(took));
            Ok::<_, std::io::Error>(())
        };
        slow.call(call).unwrap();
    }
    assert_eq!(state(&registry, "slow"), Some(State::Open));
    assert_eq!(
        of(&registry, "slow_rate", "slow"),
        pairs([("threshold=1", 0.5)])
    );
    assert_eq!(one(&registry, "failure_rate", "slow"), Some(0.0));
    assert_eq!(one(&registry, "window_calls", "slow"), Some(2.0));
}

#[test]
fn counters_never_fall_as_breakers_come_and_go() {
    const ROUNDS: u32 = 300;
    let registry = Registry::new();
    let metrics = PrometheusListener::with_registry(registry.clone());
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut before = BTreeMap::new();
            while !is_done.load(Ordering::Acquire) {
                let now = samples(&registry);
                let counters = before
                    .iter()
                    .filter(|(series, _): &(&String, _)| series.contains("_total"));
                for (series, n) in counters {
                    assert!(now.get(series).is_some_and(|now| now >= n), "{series}");
                }
                before = now;
            }
        });
        let flapping = [(); 3].map(|()| {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let builder = CircuitBreaker::builder("flapping");
                    let breaker = builder.listener(metrics.clone()).build().unwrap();
                    succeed(&breaker);
                    breaker.force_open();
                    drop(breaker);
                }
            })
        });
        for thread in flapping {
            thread.join().unwrap();
        }
        is_done.store(true, Ordering::Release);
        watching.join().unwrap();
    });
    let all = f64::from(3 * ROUNDS);
    eventually(|| successes(&registry, "flapping") == Some(all));
    assert_eq!(
        transitions(&registry, "flapping"),
        pairs([("new_state=forced_open,old_state=closed", all)])
    );
}
