//! Slack is gone, and the service is not to notice.

use std::{
    thread,
    time::{Duration, Instant},
};

use fluxgate::{CircuitBreaker, State, listener::SlackListener, slack::Delivery};
use serde_json::Value;

use crate::{
    fake::{Act, Slack},
    rig::{deliver, hasty},
};

fn breaker(delivery: &Delivery) -> CircuitBreaker {
    let listener = SlackListener::builder()
        .channel("C1")
        .delivery(delivery.clone())
        .build()
        .unwrap();
    CircuitBreaker::builder("outage")
        .listener(listener)
        .build()
        .unwrap()
}

fn states(body: &Value) -> &str {
    let field = &body["attachments"][0]["blocks"][1]["fields"][1]["text"];
    field.as_str().unwrap().split_once('\n').unwrap().1
}

#[test]
fn flood_of_transitions_leaves_last_and_count() {
    const TRANSITIONS: u64 = 100_000;
    let slack = Slack::start();
    slack.then(Act::text(503, "down"));
    let delivery = deliver(&slack, &hasty().max_retries(1000));
    let breaker = breaker(&delivery);
    for i in 0..TRANSITIONS {
        match i % 3 {
            0 => breaker.force_open(),
            1 => breaker.disable(),
            _ => breaker.reset(),
        }
    }
    assert_eq!(breaker.state(), State::ForcedOpen);
    let info = breaker.info().listeners[0].clone();
    assert_eq!((info.waiting, info.dropped), (101, TRANSITIONS - 101));
    assert_eq!(delivery.stats().queue_size, 100);

    slack.then(Act::Ok);
    assert_eq!(delivery.flush(Duration::from_secs(20)).left, 0);
    let bodies = slack.bodies();
    let last = bodies.last().unwrap();
    assert_eq!(states(last), "closed → forced_open");
    let description = &last["attachments"][0]["blocks"][1]["fields"][3]["text"];
    let missed = format!(
        "_{} transitions before this one are not shown_",
        TRANSITIONS - 101
    );
    assert!(
        description.as_str().unwrap().ends_with(&missed),
        "{description}"
    );

    let total = delivery.stats().total();
    assert_eq!(total.received, TRANSITIONS);
    assert_eq!(total.received, total.succeeded + total.dropped);
    assert_eq!((total.succeeded, total.failed), (101, 0));
}

#[test]
fn calls_take_no_longer_while_slack_hangs() {
    let slack = Slack::start();
    slack.then(Act::Hang);
    let delivery = deliver(&slack, &hasty());
    let alerting = breaker(&delivery);
    let silent = CircuitBreaker::builder("silent").build().unwrap();
    // The thread has been started, and waits for an answer.
    alerting.force_open();
    slack.wait(1);

    let typical = |breaker: &CircuitBreaker| {
        let mut times: Vec<_> = (0..20_000)
            .map(|i| {
                let started = Instant::now();
                if i % 2 == 0 {
                    breaker.reset();
                } else {
                    breaker.force_open();
                }
                started.elapsed()
            })
            .collect();
        times.sort();
        (times[times.len() / 2], times[times.len() * 99 / 100])
    };
    let (silent, alerting) = (typical(&silent), typical(&alerting));
    println!(
        "half and 99 % of transitions: {silent:?} without a listener, {alerting:?} with Slack hanging"
    );
    // A request takes longer even on loopback.
    assert!(alerting.0 < silent.0 + Duration::from_micros(50));
    assert!(alerting.1 < silent.1 + Duration::from_millis(1));
    assert!(delivery.stats().queue_size <= 100);
    assert_eq!(slack.arrivals().len(), 1);
}

#[test]
fn many_threads_lose_nothing_uncounted() {
    let slack = Slack::start();
    let delivery = deliver(&slack, &hasty().queue_size(10));
    let breaker = breaker(&delivery);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    breaker.force_open();
                    breaker.reset();
                }
            });
        }
    });
    assert_eq!(delivery.flush(Duration::from_secs(20)).left, 0);
    let total = delivery.stats().total();
    // While callers are faster than their one deliverer, the oldest signals that wait
    // are merged, and counted.
    let merged = breaker.info().listeners[0].dropped - total.dropped;
    assert_eq!(total.received + merged, 4000);
    assert_eq!(total.received, total.succeeded + total.dropped);
    assert_eq!(slack.arrivals().len() as u64, total.succeeded);
}
