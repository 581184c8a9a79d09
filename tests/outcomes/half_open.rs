//! A half-open circuit whose probes say nothing.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Outcome, State, clock::ManualClock, permit::All, retry::Cooldown,
    tripper::FailureStreak,
};
use fluxgate_tests::Events;

/// The messages of the crate's own reports.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    /// Returns a subscriber that keeps them here.
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let reports = Arc::clone(&self.0);
        Events::new(
            |target| target == "fluxgate",
            move |logged| reports.lock().unwrap().push(logged.message),
        )
    }
}

fn half_open(clock: &ManualClock) -> CircuitBreaker {
    let breaker = CircuitBreaker::builder("silent")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(Duration::from_secs(1)))
        .permit(All)
        .max_half_open_calls(1)
        .clock(clock.clone())
        .build()
        .expect("valid settings");
    breaker.acquire().expect("it is closed").failure();
    clock.advance(Duration::from_secs(1));
    breaker
}

fn probe(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.acquire().expect("a slot is free").record(outcome);
}

#[test]
fn silent_probes_hold_no_slot_and_report_once() {
    fluxgate_tests::ask_every_subscriber();
    let reports = Reports::default();
    let _subscriber = tracing::subscriber::set_default(reports.subscriber());
    let breaker = half_open(&ManualClock::new());
    let seen = || reports.0.lock().unwrap().len();
    for _ in 0..99 {
        probe(&breaker, Outcome::Ignored);
    }
    assert_eq!(seen(), 0);
    for _ in 0..201 {
        probe(&breaker, Outcome::Ignored);
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    let reports = reports.0.lock().unwrap();
    let [report] = &reports[..] else {
        panic!("one report, not {reports:?}");
    };
    assert!(report.contains("'silent' stays half-open"), "{report}");
    assert!(report.contains("#[outcome(alive)]"), "{report}");
}

#[test]
fn cancelled_probes_say_nothing_either() {
    fluxgate_tests::ask_every_subscriber();
    let reports = Reports::default();
    let _subscriber = tracing::subscriber::set_default(reports.subscriber());
    let breaker = half_open(&ManualClock::new());
    for _ in 0..100 {
        drop(breaker.acquire().expect("a slot is free"));
    }
    assert_eq!(reports.0.lock().unwrap().len(), 1);
}

#[test]
fn one_answer_closes_a_silent_circuit() {
    let breaker = half_open(&ManualClock::new());
    for _ in 0..50 {
        probe(&breaker, Outcome::Ignored);
    }
    probe(&breaker, Outcome::Alive);
    assert_eq!(breaker.state(), State::Closed);
}
