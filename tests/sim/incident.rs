//! An incident: recorded from a live service, replayed through other policies.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use fluxgate::{
    Builder, CircuitBreaker, State as Circuit,
    clock::ManualClock,
    retry::Cooldown,
    sim::{Ended, Recorder},
    tripper::FailureStreak,
};

use crate::{ms, secs, usual};

fn recorded(recorder: &Recorder, settings: impl Fn(Builder) -> Builder) -> CircuitBreaker {
    let builder = CircuitBreaker::builder("recorded").listener(recorder.clone());
    settings(builder).build().expect("valid settings")
}

/// Serves until the test's runtime ends; answers 503 while `down`.
async fn upstream(down: Arc<AtomicBool>) -> String {
    let app = Router::new()
        .route(
            "/quote",
            get(|State(down): State<Arc<AtomicBool>>| async move {
                if down.load(Ordering::SeqCst) {
                    StatusCode::SERVICE_UNAVAILABLE
                } else {
                    StatusCode::OK
                }
            }),
        )
        .with_state(down);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/quote")
}

#[tokio::test]
async fn outage_of_a_service_is_replayed() {
    let down = Arc::new(AtomicBool::new(false));
    let url = upstream(Arc::clone(&down)).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let clock = ManualClock::new();
    let recorder = Recorder::new(10_000);
    let now = |breaker: Builder| {
        breaker
            .tripper(FailureStreak::new(5))
            .retry(Cooldown::new(secs(10)))
            .permit(fluxgate::permit::All)
    };
    let breaker = recorded(&recorder, |builder| now(builder).clock(clock.clone()));
    // A minute of ten calls a second, down from second 20 to 40.
    for call in 0..600 {
        down.store((200..400).contains(&call), Ordering::SeqCst);
        let _ = breaker
            .try_call_async(async {
                let response = client.get(&url).send().await.map_err(io::Error::other)?;
                response.error_for_status().map_err(io::Error::other)
            })
            .await;
        clock.advance(ms(100));
    }
    assert_eq!(breaker.state(), Circuit::Closed);

    let mut file = Vec::new();
    recorder.take().write_jsonl(&mut file).expect("written");
    let trace = fluxgate::sim::Trace::from_jsonl(file.as_slice()).expect("read");
    assert_eq!(trace.entries().len(), 600);
    let ran = |ended| {
        let calls = trace.entries().iter();
        calls
            .filter(|entry| entry.ended.is_some_and(|(_, found)| found == ended))
            .count() as u64
    };
    let (good, bad) = (ran(Ended::Success), ran(Ended::Failure));

    // In its own policy it goes as it went.
    let same = trace.run(now);
    assert_eq!(
        (same.answered().value(), same.failed().value()),
        (good, bad)
    );
    assert_eq!(same.refused().value(), 600 - good - bad);
    assert_eq!(
        same.answered().share() + same.failed().share(),
        0.0,
        "nothing is guessed"
    );
    let opened: Vec<_> = same
        .run()
        .changes()
        .iter()
        .map(|change| change.new_state)
        .collect();
    assert_eq!(opened.last(), Some(&Circuit::Closed));

    // In one that is slower to open, more calls fail; what was refused is guessed.
    let slower = trace.run(|breaker: Builder| now(breaker).tripper(FailureStreak::new(50)));
    assert!(slower.failed().value() >= 50, "{slower}");
    assert!(slower.failed().share() > 0.2, "{slower}");
    assert!(slower.to_string().contains("% guessed)"), "{slower}");
}

#[test]
fn recorder_keeps_the_latest_calls() {
    let recorder = Recorder::new(10);
    let breaker = recorded(&recorder, |builder| builder);
    for _ in 0..25 {
        breaker.call(|| Ok::<_, io::Error>(())).expect("well");
    }
    assert_eq!(recorder.dropped(), 15);
    assert_eq!(recorder.take().entries().len(), 10);
    assert!(recorder.take().entries().is_empty());
}

#[test]
fn recorder_samples() {
    let recorder = Recorder::sampling(1000, 10);
    let breaker = recorded(&recorder, usual);
    for _ in 0..95 {
        breaker.call(|| Ok::<_, io::Error>(())).expect("well");
    }
    assert_eq!(recorder.take().entries().len(), 10);
    assert_eq!(recorder.dropped(), 0);
}

#[test]
fn recorder_tells_outcomes_apart() {
    let recorder = Recorder::new(100);
    let clock = ManualClock::new();
    let breaker = recorded(&recorder, |builder| {
        builder.tripper(FailureStreak::new(3)).clock(clock.clone())
    });
    use fluxgate::Outcome;
    clock.advance(secs(5));
    for (outcome, took) in [
        (Some(Outcome::Success), 1),
        (Some(Outcome::Failure), 2),
        (Some(Outcome::Overloaded), 3),
        (Some(Outcome::Alive), 4),
        (Some(Outcome::Ignored), 5),
        (None, 6),
    ] {
        let guard = breaker.acquire().expect("closed");
        clock.advance(ms(took));
        match outcome {
            Some(outcome) => guard.record(outcome),
            None => drop(guard),
        }
    }
    breaker.force_open();
    assert!(breaker.acquire().is_err());
    let trace = recorder.take();
    let found: Vec<_> = trace
        .entries()
        .iter()
        .map(|entry| (entry.at, entry.ended))
        .collect();
    let ran = |at, took, ended| (ms(at), Some((ms(took), ended)));
    assert_eq!(
        found,
        [
            ran(0, 1, Ended::Success),
            ran(1, 2, Ended::Failure),
            ran(3, 3, Ended::Overloaded),
            ran(6, 4, Ended::Alive),
            ran(10, 5, Ended::Ignored),
            ran(15, 6, Ended::Cancelled),
            (ms(21), None),
        ]
    );
}

/// What a recorder asks for shows in nothing else that the breaker counts.
#[test]
fn recorder_changes_no_counter() {
    let recorder = Recorder::new(100);
    let breaker = recorded(&recorder, |builder| builder);
    breaker.call(|| Ok::<_, io::Error>(())).expect("well");
    let info = breaker.info();
    assert_eq!(
        (info.metrics.total_count, info.metrics.failure_count),
        (1, 0)
    );
    assert_eq!(info.lifetime.and_then(|lifetime| lifetime.durations), None);
}
