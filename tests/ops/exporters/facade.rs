//! A recorder of the facade `metrics`, and what differs from Prometheus there.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fluxgate::{CircuitBreaker, State, listener::MetricsListener};
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

use super::{Series, series};
use crate::eventually;

/// Keeps what it is told.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Inside>);

#[derive(Default)]
struct Inside {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    histograms: Mutex<BTreeMap<String, Arc<Observed>>>,
    described: Mutex<BTreeMap<String, String>>,
}

#[derive(Default)]
pub(super) struct Observed(pub(super) Mutex<Vec<f64>>);

impl HistogramFn for Observed {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

fn named(key: &Key) -> String {
    series(
        key.name(),
        key.labels().map(|label| (label.key(), label.value())),
    )
}

impl Memory {
    pub(super) fn counters(&self) -> Series {
        let counters = self.0.counters.lock().unwrap();
        let value = |n: &Arc<AtomicU64>| n.load(Ordering::Relaxed) as f64;
        counters
            .iter()
            .map(|(key, n)| (key.clone(), value(n)))
            .collect()
    }

    pub(super) fn gauges(&self) -> Series {
        let gauges = self.0.gauges.lock().unwrap();
        let value = |n: &Arc<AtomicU64>| f64::from_bits(n.load(Ordering::Relaxed));
        gauges
            .iter()
            .map(|(key, n)| (key.clone(), value(n)))
            .collect()
    }

    /// The values of each histogram.
    pub(super) fn histograms(&self) -> BTreeMap<String, Vec<f64>> {
        let histograms = self.0.histograms.lock().unwrap();
        let values = |observed: &Arc<Observed>| observed.0.lock().unwrap().clone();
        histograms
            .iter()
            .map(|(key, observed)| (key.clone(), values(observed)))
            .collect()
    }

    pub(super) fn described(&self) -> BTreeMap<String, String> {
        self.0.described.lock().unwrap().clone()
    }

    fn describe(&self, key: &KeyName, help: &SharedString) {
        let mut described = self.0.described.lock().unwrap();
        described.insert(key.as_str().to_owned(), help.to_string());
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(&key, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.0.counters.lock().unwrap();
        Counter::from_arc(Arc::clone(counters.entry(named(key)).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut gauges = self.0.gauges.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(named(key)).or_default()))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let mut histograms = self.0.histograms.lock().unwrap();
        Histogram::from_arc(Arc::clone(histograms.entry(named(key)).or_default()))
    }
}

fn state(recorder: &Memory, name: &str, state: State) -> Option<f64> {
    let labels = [("circuit_name", name), ("state", state.as_str())];
    let series = series("circuit_breaker_state", labels);
    recorder.gauges().get(&series).copied()
}

#[test]
fn facade_hears_of_a_transition_unasked() {
    let recorder = Memory::default();
    let breaker = CircuitBreaker::builder("unasked")
        .listener(MetricsListener::with_recorder(recorder.clone()).every(Duration::from_secs(3600)))
        .build()
        .unwrap();
    eventually(|| state(&recorder, "unasked", State::Closed) == Some(1.0));
    breaker.force_open();
    eventually(|| state(&recorder, "unasked", State::ForcedOpen) == Some(1.0));
    eventually(|| state(&recorder, "unasked", State::Closed) == Some(0.0));
}

#[test]
fn dropped_breaker_is_published_a_last_time() {
    let recorder = Memory::default();
    let breaker = CircuitBreaker::builder("last_words")
        .listener(MetricsListener::with_recorder(recorder.clone()).every(Duration::from_secs(3600)))
        .build()
        .unwrap();
    eventually(|| state(&recorder, "last_words", State::Closed) == Some(1.0));
    breaker.call(|| Ok::<_, std::io::Error>(())).unwrap();
    drop(breaker);
    let calls = series(
        "circuit_breaker_calls_total",
        [("circuit_name", "last_words"), ("outcome", "success")],
    );
    eventually(|| recorder.counters().get(&calls) == Some(&1.0));
    // Its gauges can't be taken back.
    eventually(|| state(&recorder, "last_words", State::Closed) == Some(0.0));
}

#[test]
fn recorder_that_panics_is_contained() {
    struct Broken;

    impl Recorder for Broken {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            panic!("broken")
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            panic!("broken")
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            panic!("broken")
        }
    }

    let metrics = MetricsListener::with_recorder(Broken);
    let breaker = CircuitBreaker::builder("broken_recorder")
        .listener(metrics.clone())
        .build()
        .unwrap();
    metrics.publish();
    breaker.force_open();
    metrics.publish();
    assert_eq!(breaker.state(), State::ForcedOpen);
}

#[test]
fn recorder_may_use_the_listener_and_the_breaker() {
    struct Nosy(Mutex<Option<(MetricsListener, CircuitBreaker)>>);

    impl Recorder for Nosy {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            let inside = self.0.lock().unwrap().take();
            if let Some((metrics, breaker)) = inside {
                breaker.force_open();
                metrics.publish();
            }
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    let nosy = Arc::new(Nosy(Mutex::default()));
    let metrics = MetricsListener::with_recorder(Arc::clone(&nosy));
    let breaker = CircuitBreaker::builder("nosy")
        .listener(metrics.clone())
        .build()
        .unwrap();
    *nosy.0.lock().unwrap() = Some((metrics.clone(), breaker.clone()));
    metrics.publish();
    eventually(|| breaker.state() == State::ForcedOpen);
}
