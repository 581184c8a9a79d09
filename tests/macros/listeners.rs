//! Listeners declared inline.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use fluxgate::{Listener, Signal, State, circuit_breaker, listener::AsyncListener, testing};

static TOLD: AtomicUsize = AtomicUsize::new(0);

struct Mine {
    weight: usize,
}

impl Listener for Mine {
    fn on_signal(&self, _: &Signal) {
        TOLD.fetch_add(self.weight, Ordering::Relaxed);
    }
}

struct Later;

impl AsyncListener for Later {
    async fn on_signal(&self, signal: &Signal) {
        assert_eq!(signal.new_state, State::Open);
    }
}

fn count(_: &Signal) {
    TOLD.fetch_add(100, Ordering::Relaxed);
}

#[circuit_breaker(
    tripper = FailureStreak(1),
    listeners = [
        LogListener,
        Mine { weight: 1 },
        count,
        // The types of these arguments are inferred.
        |signal| {
            if signal.new_state == State::Open {
                TOLD.fetch_add(10, Ordering::Relaxed);
            }
        },
        |signal| async move { assert_eq!(signal.new_state, State::Open) },
        async |signal| assert_eq!(signal.old_state, State::Closed),
        Later,
    ],
    handle = told_breaker,
)]
fn told() -> io::Result<()> {
    Err(io::Error::other("down"))
}

#[test]
fn every_kind_of_listener() {
    let _time = testing::freeze();
    TOLD.store(0, Ordering::Relaxed);
    told().unwrap_err();
    assert_eq!(TOLD.load(Ordering::Relaxed), 111);
    assert_eq!(told_breaker().info().listener_failures, 0);
}

#[test]
fn frozen_metrics_count_from_zero() {
    let registry = fluxgate::prometheus::Registry::new();
    let metrics = fluxgate::listener::PrometheusListener::with_registry(registry.clone());
    let breaker = fluxgate::CircuitBreaker::builder("frozen_metrics")
        .tripper(fluxgate::tripper::FailureStreak::new(1))
        .listener(metrics)
        .build()
        .unwrap();
    let has = |series: &str| {
        let page = fluxgate::prometheus::TextEncoder::new();
        let page = page.encode_to_string(&registry.gather()).unwrap();
        assert!(page.lines().any(|line| line == series), "{series}: {page}");
    };
    let frozen = testing::freeze();
    let call = |ok: bool| {
        let result = if ok {
            Ok(())
        } else {
            Err(io::Error::other("down"))
        };
        let _ = breaker.call(|| result);
    };
    call(true);
    call(false);
    has(r#"circuit_breaker_calls_total{circuit_name="frozen_metrics",outcome="success"} 1"#);
    has(
        r#"circuit_breaker_state_transition_total{circuit_name="frozen_metrics",new_state="open",old_state="closed"} 1"#,
    );
    frozen.reset_all();
    call(false);
    // The breaker is as new; what listeners were told is what they were told.
    has(r#"circuit_breaker_calls_total{circuit_name="frozen_metrics",outcome="success"} 0"#);
    has(
        r#"circuit_breaker_state_transition_total{circuit_name="frozen_metrics",new_state="open",old_state="closed"} 2"#,
    );
}

mod exported {
    use fluxgate::circuit_breaker;
    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    struct Deaf;

    impl Recorder for Deaf {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[circuit_breaker(
        name = "exported_in_every_way",
        handle = exported,
        listeners = [
            PrometheusListener(registry = fluxgate::prometheus::Registry::new()),
            MetricsListener(recorder = Deaf),
            OpenTelemetryListener(meter = opentelemetry::global::meter("macros")),
            MetricsListener,
            OpenTelemetryListener,
        ],
    )]
    fn call() -> std::io::Result<()> {
        Ok(())
    }

    #[test]
    fn exporters_are_known_by_name() {
        call().unwrap();
        let names: Vec<_> = exported()
            .info()
            .listeners
            .into_iter()
            .map(|one| one.name)
            .collect();
        let metrics = ["MetricsListener", "OpenTelemetryListener"];
        assert_eq!(
            names,
            [&["PrometheusListener"][..], &metrics, &metrics].concat()
        );
        assert_eq!(exported().info().missing_listeners, []);
    }
}
