//! The three exporters, metric by metric.

use std::{collections::BTreeMap, io, time::Duration};

use fluxgate::{
    Builder, CallError, CircuitBreaker, Outcome,
    clock::ManualClock,
    listener::{MetricsListener, OpenTelemetryListener, PrometheusListener},
    permit,
    retry::Cooldown,
    throttle::Adaptive,
    tripper::{FailureStreak, SlowRate},
};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use prometheus::{Registry, proto::MetricType};

use super::{Series, facade::Memory, otlp::Pipe, series};

/// What Prometheus would scrape.
#[derive(Default)]
struct Scrape {
    counters: Series,
    gauges: Series,
    histograms: BTreeMap<String, Buckets>,
    help: BTreeMap<String, String>,
}

/// A histogram: the sum, and how many were no more than each bound, and at all.
#[derive(Clone, Debug, PartialEq)]
struct Buckets {
    sum: f64,
    counts: Vec<u64>,
}

/// The bounds of the histogram, in milliseconds. The second is what a call takes.
const BOUNDS: [u64; 3] = [1000, 1500, 10_000];

fn bounds() -> [Duration; 3] {
    BOUNDS.map(Duration::from_millis)
}

impl Buckets {
    /// Returns the buckets of values.
    fn of(values: &[f64]) -> Self {
        let within = |bound: f64| values.iter().filter(|value| **value <= bound).count() as u64;
        let bounds = bounds().map(|bound| bound.as_secs_f64());
        Self {
            sum: values.iter().sum(),
            counts: bounds
                .into_iter()
                .chain([f64::INFINITY])
                .map(within)
                .collect(),
        }
    }
}

fn scrape(registry: &Registry) -> Scrape {
    let mut scrape = Scrape::default();
    for family in registry.gather() {
        let name = family.name();
        scrape.help.insert(name.into(), family.help().into());
        for metric in family.get_metric() {
            let labels = metric.get_label().iter();
            let series = series(name, labels.map(|label| (label.name(), label.value())));
            match family.get_field_type() {
                MetricType::COUNTER => {
                    scrape
                        .counters
                        .insert(series, metric.get_counter().get_value());
                }
                MetricType::GAUGE => {
                    scrape.gauges.insert(series, metric.get_gauge().get_value());
                }
                MetricType::HISTOGRAM => {
                    let histogram = metric.get_histogram();
                    let buckets = histogram.get_bucket().iter();
                    let within = buckets.map(prometheus::proto::Bucket::cumulative_count);
                    let buckets = Buckets {
                        sum: histogram.get_sample_sum(),
                        counts: within.chain([histogram.get_sample_count()]).collect(),
                    };
                    scrape.histograms.insert(series, buckets);
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    scrape
}

/// One set of breakers, exported in three ways.
struct Exporters {
    registry: Registry,
    prometheus: PrometheusListener,
    recorder: Memory,
    facade: MetricsListener,
    pipe: Pipe,
    otel: OpenTelemetryListener,
}

impl Exporters {
    fn new() -> Self {
        let registry = Registry::new();
        let recorder = Memory::default();
        let facade = MetricsListener::with_recorder(recorder.clone());
        let pipe = Pipe::new();
        Self {
            prometheus: PrometheusListener::with_registry(registry.clone()).durations(bounds()),
            registry,
            recorder,
            facade: facade.every(Duration::from_secs(3600)).durations(true),
            otel: OpenTelemetryListener::with_meter(pipe.provider.meter("test"))
                .durations(bounds()),
            pipe,
        }
    }

    fn builder(&self, name: &'static str) -> Builder {
        CircuitBreaker::builder(name)
            .listener(self.prometheus.clone())
            .listener(self.facade.clone())
            .listener(self.otel.clone())
    }

    /// Compares them, and returns what Prometheus has.
    fn agree(&self, when: &str) -> Scrape {
        let scrape = scrape(&self.registry);
        assert!(!scrape.counters.is_empty() && !scrape.gauges.is_empty());

        let export = self.pipe.export();
        let without_total = |series: &Series| -> Series {
            let renamed = series.iter();
            let renamed = renamed.map(|(name, n)| (name.replacen("_total{", "{", 1), *n));
            renamed.collect()
        };
        assert_eq!(export.counters, without_total(&scrape.counters), "{when}");
        assert_eq!(export.gauges, scrape.gauges, "{when}");
        // What has no values yet is zero in Prometheus, and nothing elsewhere.
        let mut with_values = scrape.histograms.clone();
        with_values.retain(|_, buckets| buckets.counts[BOUNDS.len()] > 0);
        let exported: BTreeMap<_, _> = export.histograms.iter().map(otel_buckets).collect();
        assert_eq!(exported, with_values, "{when}");
        let recorded = self.recorder.histograms().into_iter();
        let recorded: BTreeMap<_, _> = recorded
            .map(|(name, values)| (name, Buckets::of(&values)))
            .collect();
        assert_eq!(recorded, with_values, "{when}");
        for (name, help, unit) in &export.described {
            let total = format!("{name}_total");
            let expected = scrape.help.get(name).or_else(|| scrape.help.get(&total));
            assert_eq!(Some(help), expected, "{name}");
            let ends = name.ends_with("_seconds");
            assert_eq!(unit, if ends { "s" } else { "" }, "{name}");
        }

        self.facade.publish();
        let whole: Series = scrape
            .counters
            .iter()
            .map(|(name, n)| (name.clone(), n.floor()))
            .collect();
        assert_eq!(self.recorder.counters(), whole, "{when}");
        let mut gauges = self.recorder.gauges();
        // What Prometheus would do without is 0 there.
        gauges.retain(|name, n| *n != 0.0 || scrape.gauges.contains_key(name));
        assert_eq!(gauges, scrape.gauges, "{when}");
        let described = self.recorder.described();
        for (name, help) in &scrape.help {
            assert_eq!(described.get(name), Some(help));
        }
        scrape
    }
}

#[test]
fn three_exporters_agree_metric_by_metric() {
    let exporters = Exporters::new();
    let clock = ManualClock::new();
    let slow = Duration::from_secs(2);
    let build = |name| {
        let builder = exporters.builder(name).clock(clock.clone());
        let builder = builder.try_listener("Pager", Err::<fn(&fluxgate::Signal), _>("no URL"));
        let builder = builder.tripper(FailureStreak::new(2) | SlowRate::new(0.9, slow));
        let builder = builder.retry(Cooldown::new(Duration::from_secs(10)));
        builder.permit(permit::All).build().unwrap()
    };
    let breaker = build("first");
    let other = build("second");
    let by_text = |result: &Result<(), &str>| match result {
        Ok(()) => Outcome::Success,
        Err("ignored") => Outcome::Ignored,
        Err("alive") => Outcome::Alive,
        Err("overloaded") => Outcome::Overloaded,
        Err(_) => Outcome::Failure,
    };
    let call = |breaker: &CircuitBreaker, result: Result<(), &'static str>| {
        let classified = breaker.with_classifier(by_text);
        let took = Duration::from_millis(1500);
        classified.try_call(|| {
            clock.advance(took);
            result
        })
    };
    let of = |scrape: &Scrape, metric: &str, labels: &[(&str, &str)]| {
        let series = series(&format!("circuit_breaker_{metric}"), labels.iter().copied());
        let counter = scrape
            .counters
            .get(&series)
            .or_else(|| scrape.gauges.get(&series));
        counter.copied()
    };
    let first = ("circuit_name", "first");

    let scrape = exporters.agree("before traffic");
    let opened = [first, ("old_state", "closed"), ("new_state", "open")];
    assert_eq!(of(&scrape, "state_transition_total", &opened), Some(0.0));
    let successes = [first, ("outcome", "success")];
    assert_eq!(of(&scrape, "calls_total", &successes), Some(0.0));

    for result in [
        Ok(()),
        Err("ignored"),
        Err("alive"),
        Err("overloaded"),
        Ok(()),
    ] {
        let _ = call(&breaker, result);
    }
    let _ = call(&other, Ok(()));
    let scrape = exporters.agree("while closed");
    assert_eq!(of(&scrape, "calls_total", &successes), Some(2.0));

    for _ in 0..3 {
        let _ = call(&breaker, Err("down"));
    }
    let scrape = exporters.agree("while open");
    assert_eq!(of(&scrape, "state_transition_total", &opened), Some(1.0));
    assert!(of(&scrape, "retry_after_seconds", &[first]) > Some(0.0));
    let rejected = [first, ("reason", "open")];
    assert_eq!(of(&scrape, "rejections_total", &rejected), Some(1.0));

    clock.advance(Duration::from_secs(10));
    assert!(matches!(
        call(&breaker, Err("down")),
        Err(CallError::Failed(_))
    ));
    clock.advance(Duration::from_secs(10));
    exporters.agree("due");
    assert!(call(&breaker, Ok(())).is_ok());
    let scrape = exporters.agree("closed again");
    assert_eq!(of(&scrape, "retry_after_seconds", &[first]), None);
    assert_eq!(of(&scrape, "probes_total", &[first]), Some(2.0));

    // With a throttle, that refuses some.
    let busy = exporters.builder("busy").clock(clock.clone());
    let busy = busy.throttle(Adaptive::new(1.5)).build().unwrap();
    for n in 0..100 {
        if let Ok(guard) = busy.acquire() {
            guard.record(if n % 5 == 0 {
                Outcome::Success
            } else {
                Outcome::Overloaded
            });
        }
    }
    let scrape = exporters.agree("overloaded");
    let busy = [("circuit_name", "busy")];
    assert!(of(&scrape, "throttled_total", &busy) > Some(0.0));
    assert!(of(&scrape, "throttle_share", &busy) > Some(0.0));

    other.force_open();
    exporters.agree("forced open");
    drop(other);
    let scrape = exporters.agree("one is gone");
    let gone = [("circuit_name", "second"), ("state", "forced_open")];
    assert_eq!(of(&scrape, "state", &gone), None);
    let kept = [("circuit_name", "second"), ("outcome", "success")];
    assert_eq!(of(&scrape, "calls_total", &kept), Some(1.0));

    let again = build("second");
    let _ = call(&again, Ok(()));
    let scrape = exporters.agree("it is back");
    assert_eq!(of(&scrape, "calls_total", &kept), Some(2.0));
}

/// In cumulative counts, as Prometheus has them.
fn otel_buckets((name, point): &(String, HistogramDataPoint)) -> (String, Buckets) {
    let bounds = bounds().map(|bound| bound.as_secs_f64());
    assert_eq!(point.explicit_bounds, bounds);
    let mut within = 0;
    let counts = point.bucket_counts.iter().map(|n| {
        within += n;
        within
    });
    let counts: Vec<u64> = counts.collect();
    assert_eq!(counts.last(), Some(&point.count));
    let sum = point.sum.expect("a sum");
    (name.clone(), Buckets { sum, counts })
}

/// Clones of a listener, and others of the same place.
#[test]
fn listeners_of_one_place_record_a_call_once() {
    let exporters = Exporters::new();
    let clock = ManualClock::new();
    let builder = exporters.builder("twice").clock(clock.clone());
    let builder = builder.listener(exporters.facade.clone());
    let breaker = builder.listener(exporters.otel.clone()).build().unwrap();
    for millis in [500, 1500, 20_000] {
        let _ = breaker.call(|| {
            clock.advance(Duration::from_millis(millis));
            Ok::<_, io::Error>(())
        });
    }
    let scrape = exporters.agree("after three calls");
    let series = series(
        "circuit_breaker_call_duration_seconds",
        [("circuit_name", "twice")],
    );
    let expected = Buckets {
        sum: 22.0,
        counts: vec![1, 2, 2, 3],
    };
    assert_eq!(scrape.histograms[&series], expected);
}

/// Rejections take no time, and in `Disabled` nothing is recorded.
#[test]
fn histograms_have_the_calls_that_ran() {
    let exporters = Exporters::new();
    let breaker = exporters.builder("ran").clock(ManualClock::new());
    let breaker = breaker.build().unwrap();
    let call = || breaker.call(|| Ok::<_, io::Error>(()));
    call().unwrap();
    breaker.force_open();
    call().unwrap_err();
    breaker.disable();
    call().unwrap();
    let scrape = exporters.agree("after one call");
    let counts = scrape
        .histograms
        .values()
        .next()
        .map(|buckets| &buckets.counts);
    assert_eq!(counts, Some(&vec![1, 1, 1, 1]));
}

#[test]
fn names_beyond_the_bound_are_forgotten_by_all() {
    let exporters = Exporters::new();
    for i in 0..1010 {
        let builder = CircuitBreaker::builder(format!("passing-{i}"));
        let builder = builder.listener(exporters.prometheus.clone().only_states());
        let builder = builder.listener(exporters.otel.clone().only_states());
        builder.build().unwrap();
    }
    let scrape = scrape(&exporters.registry);
    let forgotten = "circuit_breaker_forgotten_circuits_total{}";
    assert_eq!(scrape.counters.get(forgotten), Some(&10.0));
    let export = exporters.pipe.export();
    let forgotten = "circuit_breaker_forgotten_circuits{}";
    assert_eq!(export.counters.get(forgotten), Some(&10.0));
}

#[test]
fn breaker_is_first_built_inside_a_collection() {
    let pipe = Pipe::new();
    let meter = pipe.provider.meter("test");
    let otel = OpenTelemetryListener::with_meter(meter.clone());
    let build = move || {
        let builder = CircuitBreaker::builder("built_in_a_callback");
        let breaker = builder.listener(otel.clone()).build().unwrap();
        breaker.call(|| Ok::<_, io::Error>(1.0)).unwrap()
    };
    let gauge = meter.f64_observable_gauge("users_own");
    gauge
        .with_callback(move |observer| observer.observe(build(), &[]))
        .build();
    // The SDK holds its lock, which registering needs, while it calls back.
    assert_eq!(pipe.export().gauges.get("users_own{}"), Some(&1.0));
}
