//! A real Prometheus watches the example service through outages and recoveries.
//!
//! Not part of `cargo test`, since it needs Prometheus: `tests/prometheus/run`
//! builds what it needs and runs it.

mod http;
mod process;
mod prometheus;
mod queries;
mod service;

use std::{
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{
    prometheus::{Prometheus, Sample},
    queries::Query,
    service::Service,
};

/// Waits for something that two other processes do.
fn until(what: &str, is_so: impl Fn() -> bool) {
    const LIMIT: Duration = Duration::from_secs(30);
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(100));
    }
    println!("{:5.1} s  {what}", start.elapsed().as_secs_f64());
}

/// The values by one label, sorted.
fn by(label: &str, samples: Vec<Sample>) -> Vec<(String, f64)> {
    let mut values: Vec<_> = samples
        .into_iter()
        .map(|sample| (sample.label(label), sample.value))
        .collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

fn names(label: &str, samples: Vec<Sample>) -> Vec<String> {
    by(label, samples)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn real_prometheus_answers_every_query() {
    // One webhook takes the connection and never answers, one is not there, and
    // one is not configured.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let webhook = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let gone = webhook(&TcpListener::bind("127.0.0.1:0").unwrap());
    let service = Service::start(&[
        ("QUOTES_WEBHOOK", &webhook(&hanging)),
        ("PAYMENTS_WEBHOOK", &gone),
    ]);
    let prometheus = Prometheus::start(&service.address);
    service.check_metrics();

    all_are_closed_before_their_first_call(&service, &prometheus);
    quotes_fail_and_recover(&service, &prometheus);
    payments_hang(&service, &prometheus);
    the_warehouse_is_forced_open(&service, &prometheus);
    a_listener_is_overwhelmed(&service, &hanging);
    prometheus.until_alert("CircuitBreakerSignalsDropped");

    prometheus_agrees_with_the_service(&service, &prometheus);
    service.check_metrics();
    queries_of_the_original(&prometheus);
    no_query_is_dead(&prometheus);
    every_alert_came_up(&prometheus);
}

fn all_are_closed_before_their_first_call(service: &Service, prometheus: &Prometheus) {
    until("the first scrape", || {
        !prometheus.ask("circuit_breaker_state").is_empty()
    });
    let closed = prometheus.ask(r#"circuit_breaker_state{state="closed"} == 1"#);
    assert_eq!(
        names("circuit_name", closed),
        ["payments", "quotes", "warehouse"]
    );
    for path in ["quote", "charge", "stock"] {
        (0..20).for_each(|_| assert_eq!(service.get(path).0, 200, "{path}"));
    }
    let succeeded = r#"sum by (circuit_name) (circuit_breaker_calls_total{outcome="success"})"#;
    until("every success is counted", || {
        let counts = by("circuit_name", prometheus.ask(succeeded));
        counts.len() == 3 && counts.iter().all(|(_, n)| *n >= 20.0)
    });
}

fn quotes_fail_and_recover(service: &Service, prometheus: &Prometheus) {
    service.outage("quotes", "fails");
    (0..6).for_each(|_| assert_eq!(service.get("quote").0, 502));
    until("Prometheus sees that 6 of 20 quotes failed", || {
        let rate = prometheus.ask(r#"circuit_breaker_failure_rate{circuit_name="quotes"}"#);
        let rate = rate.first().map(|sample| sample.value.to_bits());
        rate == Some(0.3_f64.to_bits())
    });
    prometheus.until_alert("CircuitBreakerFailureRateHigh");
    until("quotes open", || {
        service.get("quote");
        service.state("quotes") == "open"
    });
    // No call is made: it stays open, so what Prometheus must say is known.
    until("Prometheus says so", || {
        let open = prometheus.ask(r#"circuit_breaker_state{state="open"} == 1"#);
        names("circuit_name", open) == ["quotes"]
    });
    the_first_opening_is_seen(prometheus);
    let count = prometheus.ask(r#"sum(circuit_breaker_state{state="open"})"#);
    assert_eq!(count.len(), 1);
    assert_eq!(by("", count)[0].1.to_bits(), 1_f64.to_bits());
    let overview = by(
        "state",
        prometheus.ask("sum(circuit_breaker_state) by (state)"),
    );
    let expected = [
        ("closed", 2.0),
        ("disabled", 0.0),
        ("forced_open", 0.0),
        ("half_open", 0.0),
        ("metrics_only", 0.0),
        ("open", 1.0),
    ];
    assert_eq!(overview, expected.map(|(state, n)| (state.to_owned(), n)));

    let opened =
        r#"sum(circuit_breaker_state_transition_total{circuit_name="quotes",new_state="open"})"#;
    until("quotes opened six times", || {
        service.get("quote");
        let opened = prometheus.ask(opened);
        opened.first().is_some_and(|sample| sample.value >= 6.0)
    });
    service.outage("quotes", "works");
    until("quotes recover", || {
        service.get("quote");
        service.state("quotes") == "closed"
    });
    (0..20).for_each(|_| assert_eq!(service.get("quote").0, 200));
    service.outage("quotes", "is_slow");
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| service.get("quote"));
        }
    });
    assert_eq!(service.state("quotes"), "open");
    let rule = &service.breaker("quotes")["reason"]["rule"];
    assert_eq!(rule, "SlowRate", "slow is as bad as down");
    service.outage("quotes", "works");
    until("quotes recover again", || {
        service.get("quote");
        service.state("quotes") == "closed"
    });
}

/// By the query of the original's documentation, and by the dashboard's
/// annotation: the counter did not begin with it.
fn the_first_opening_is_seen(prometheus: &Prometheus) {
    let opened = r#"circuit_breaker_state_transition_total{circuit_name="quotes",new_state="open",old_state="closed"}"#;
    let numbers = || by("circuit_name", prometheus.ask(opened));
    assert_eq!(numbers(), [("quotes".to_owned(), 1.0)]);
    let annotation = queries::all().into_iter();
    let annotation = annotation.filter(|query| query.origin.starts_with("annotation"));
    let tripped = r#"sum(rate(circuit_breaker_state_transition_total{new_state="open"}[5m])) by (circuit_name)"#;
    for text in annotation
        .map(|query| query.text)
        .chain([tripped.to_owned()])
    {
        until(&format!("one opening is seen by {text}"), || {
            let seen = by("circuit_name", prometheus.ask(&format!("({text}) > 0")));
            seen.len() == 1 && seen[0].0 == "quotes"
        });
    }
    assert_eq!(numbers(), [("quotes".to_owned(), 1.0)], "still the first");
}

fn payments_hang(service: &Service, prometheus: &Prometheus) {
    service.outage("payments", "fails");
    until("payments open", || {
        service.get("charge");
        service.state("payments") == "open"
    });
    service.outage("payments", "is_slow");
    until("a probe of payments outlives its lease", || {
        service.get("charge");
        service.breaker("payments")["lost_probes"] == 1
    });
    let lost = r#"circuit_breaker_probes_lost_total{circuit_name="payments"}"#;
    until("Prometheus sees it", || {
        prometheus.ask(lost).iter().any(|sample| sample.value > 0.0)
    });
    // It succeeded in the end, and one more is needed.
    assert_eq!(service.state("payments"), "half_open");
    prometheus.until_alert("CircuitBreakerStuckHalfOpen");
    service.outage("payments", "works");
    assert_eq!(service.get("charge").0, 200);
    assert_eq!(service.state("payments"), "closed");
}

fn the_warehouse_is_forced_open(service: &Service, prometheus: &Prometheus) {
    assert_eq!(
        service.post("breakers/api/breakers/warehouse/force_open").0,
        200
    );
    let (status, stock) = service.get("stock");
    assert_eq!((status, &*stock), (200, "42.17"), "the fallback's");
    let rejected =
        r#"circuit_breaker_rejections_total{circuit_name="warehouse",reason="forced_open"}"#;
    until("Prometheus sees rejections of the warehouse", || {
        prometheus
            .ask(rejected)
            .iter()
            .any(|sample| sample.value > 0.0)
    });
    let forced = prometheus.ask(r#"circuit_breaker_state{state="forced_open"} == 1"#);
    assert_eq!(names("circuit_name", forced), ["warehouse"]);
    prometheus.until_alert("CircuitBreakerOverridden");
    assert_eq!(service.post("breakers/api/breakers/warehouse/reset").0, 200);
}

/// More signals than may wait, for the webhook that does not answer.
fn a_listener_is_overwhelmed(service: &Service, hanging: &TcpListener) {
    for _ in 0..1_100 {
        assert_eq!(service.post("breakers/api/breakers/quotes/reset").0, 200);
    }
    let dropped = service.breaker("quotes")["listeners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|listener| listener["dropped"].as_u64().unwrap())
        .sum::<u64>();
    assert!(dropped > 0);
    // It was told of the first opening, and is still at it.
    let (request, _): (TcpStream, _) = hanging.accept().unwrap();
    drop(request);
}

/// Nothing moves any more: both have the same numbers.
fn prometheus_agrees_with_the_service(service: &Service, prometheus: &Prometheus) {
    let series = [
        "circuit_breaker_state",
        "circuit_breaker_state_transition_total",
        "circuit_breaker_calls_total",
        "circuit_breaker_rejections_total",
        "circuit_breaker_probes_total",
        "circuit_breaker_call_duration_seconds_count",
    ];
    until("Prometheus has the numbers of the service", || {
        let page = service.metrics();
        series.iter().all(|series| {
            let asked = prometheus.ask(series).into_iter();
            let mut asked: Vec<_> = asked.map(|sample| sample.line(series)).collect();
            let start = format!("{series}{{");
            let exported = page.lines().filter(|line| line.starts_with(&start));
            let mut exported: Vec<_> = exported.map(str::to_owned).collect();
            asked.sort();
            exported.sort();
            !exported.is_empty() && asked == exported
        })
    });
}

/// Those in the documentation of the original.
fn queries_of_the_original(prometheus: &Prometheus) {
    let tripped = r#"sum(rate(circuit_breaker_state_transition_total{new_state="open"}[5m])) by (circuit_name)"#;
    let tripped = by("circuit_name", prometheus.ask(tripped));
    let rate = |name: &str| {
        tripped
            .iter()
            .find(|(circuit, _)| circuit == name)
            .map(|(_, n)| *n)
    };
    assert!(rate("quotes") > Some(0.0), "{tripped:?}");
    assert!(rate("quotes") > rate("payments"), "{tripped:?}");
    assert_eq!(
        rate("warehouse"),
        Some(0.0),
        "it was never open: {tripped:?}"
    );

    let half_open =
        r#"increase(circuit_breaker_state_transition_total{new_state="half_open"}[1h])"#;
    let half_open = by("circuit_name", prometheus.ask(half_open));
    let quotes = half_open.iter().find(|(circuit, _)| circuit == "quotes");
    assert!(quotes.is_some_and(|(_, n)| *n >= 5.0), "{half_open:?}");

    let open = prometheus.ask(r#"circuit_breaker_state{state="open"} == 1"#);
    assert!(open.is_empty(), "all recovered: {open:?}");
    let closed = by(
        "state",
        prometheus.ask("sum(circuit_breaker_state) by (state)"),
    );
    assert_eq!(closed[0], ("closed".into(), 3.0));
}

/// Each finds something at some time.
fn no_query_is_dead(prometheus: &Prometheus) {
    for Query { origin, text } in queries::all() {
        until(&format!("samples of {origin}: {text}"), || {
            prometheus.ask_all_along(&text) > 0
        });
    }
    let circuits = prometheus.label_values("circuit_breaker_state", "circuit_name");
    assert_eq!(circuits, ["payments", "quotes", "warehouse"]);
}

/// Prometheus itself took every rule, and each was pending or firing.
fn every_alert_came_up(prometheus: &Prometheus) {
    let rules = prometheus.rules();
    let names = rules.iter().filter_map(|rule| rule["name"].as_str());
    let names: Vec<_> = names.collect();
    assert_eq!(names, queries::alerts());
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    for name in names {
        prometheus.until_alert(name);
    }
}
