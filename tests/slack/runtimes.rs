//! With a runtime, without one, and after its end.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use fluxgate::{
    CircuitBreaker,
    listener::{self, SlackListener},
    slack::{Delivery, DeliveryPolicy, Error, Token},
};

use crate::{
    fake::{Act, Slack},
    rig::{deliver, hasty, message},
};

const LONG: Duration = Duration::from_secs(10);

fn breaker(name: &str, slack: &Slack) -> CircuitBreaker {
    let listener = SlackListener::builder()
        .channel("C1")
        .delivery(deliver(slack, &hasty()))
        .build()
        .unwrap();
    CircuitBreaker::builder(name.to_owned())
        .listener(listener)
        .build()
        .unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn sync_code_without_a_runtime() {
    let slack = Slack::start();
    let breaker = breaker("no runtime", &slack);
    breaker.force_open();
    slack.wait(1);
}

#[test]
fn async_code_that_never_lets_go_of_its_runtime() {
    let slack = Slack::start();
    runtime().block_on(async {
        let breaker = breaker("busy runtime", &slack);
        breaker.force_open();
        // Blocks the runtime's only thread, and the message comes.
        slack.wait(1);
    });
}

#[test]
fn breaker_outlives_its_runtime() {
    let slack = Slack::start();
    let runtime = runtime();
    let breaker = runtime.block_on(async {
        let breaker = breaker("outlives", &slack);
        breaker.force_open();
        breaker
    });
    runtime.shutdown_background();
    breaker.reset();
    thread::spawn(move || breaker.force_open()).join().unwrap();
    slack.wait(3);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_whose_clock_is_paused() {
    let slack = Slack::start();
    slack.will([Act::Drop]);
    let delivery = deliver(&slack, &hasty());
    delivery.try_send(message("#a", "x")).unwrap();
    delivery.flushed().await;
    assert_eq!(delivery.stats().total().succeeded, 1);
    assert_eq!(delivery.shutdown_async(Some(LONG)).await.left, 0);
}

#[test]
fn queued_messages_outlive_the_last_handle() {
    let slack = Slack::start();
    slack.will([Act::Drop]);
    let delivery = deliver(&slack, &hasty());
    delivery.try_send(message("#a", "x")).unwrap();
    drop(delivery);
    slack.wait(2);
}

#[test]
fn a_flush_of_all_listeners_waits_for_slack_too() {
    let slack = Slack::start();
    slack.will([Act::Delay(Duration::from_millis(100), Box::new(Act::Ok))]);
    let breaker = breaker("flushed", &slack);
    breaker.force_open();
    let waiting = |breaker: &CircuitBreaker| breaker.info().listeners[0].waiting;
    assert_eq!(waiting(&breaker), 1);
    // Others that run beside this one may hang on purpose.
    let started = Instant::now();
    while waiting(&breaker) > 0 && started.elapsed() < LONG {
        let _ = listener::flush(Duration::from_millis(50));
    }
    assert_eq!(waiting(&breaker), 0);
}

#[test]
fn a_failure_of_delivery_shows_in_the_breaker() {
    let slack = Slack::start();
    slack.will([Act::code("invalid_auth"), Act::code("channel_not_found")]);
    let breaker = breaker("failures", &slack);
    breaker.force_open();
    breaker.reset();
    breaker.force_open();
    let started = Instant::now();
    while breaker.info().listeners[0].waiting > 0 && started.elapsed() < LONG {
        thread::sleep(Duration::from_millis(5));
    }
    let info = breaker.info().listeners[0].clone();
    assert_eq!(
        (&*info.name, info.failures, info.waiting),
        ("SlackListener", 3, 0)
    );
}

#[test]
fn one_token_has_one_delivery() {
    let slack = Slack::start();
    let token = Token::new("xoxb-shared").unwrap();
    let shared = |policy: &DeliveryPolicy| Delivery::shared(&slack.url(), &token, policy);
    let first = shared(&hasty()).unwrap();
    let second = shared(&hasty()).unwrap();
    first.try_send(message("#a", "x")).unwrap();
    assert_eq!(second.flush(LONG).left, 0);
    assert_eq!(second.stats().total().succeeded, 1);

    let conflict = shared(&DeliveryPolicy::recommended()).unwrap_err();
    assert_eq!(conflict, Error::PolicyConflict);

    // One that was shut down is not handed out again.
    assert_eq!(first.shutdown(Some(LONG)).left, 0);
    assert!(!second.is_open());
    assert!(shared(&DeliveryPolicy::recommended()).unwrap().is_open());
}

#[test]
fn a_delivery_that_was_never_used_ends_at_once() {
    let slack = Slack::start();
    let delivery = deliver(&slack, &hasty());
    assert!(!delivery.stats().running);
    assert_eq!(delivery.flush(LONG).left, 0);
    assert_eq!(delivery.shutdown(None).left, 0);
}

#[test]
fn a_shutdown_may_be_awaited_by_many() {
    let slack = Slack::start();
    let delivery = deliver(&slack, &hasty());
    for i in 0..50 {
        delivery.try_send(message("#a", &i.to_string())).unwrap();
    }
    let (report, reports) = mpsc::channel();
    for _ in 0..4 {
        let (delivery, report) = (delivery.clone(), report.clone());
        thread::spawn(move || report.send(delivery.shutdown(None).left));
    }
    drop(report);
    assert_eq!(reports.iter().collect::<Vec<_>>(), [0; 4]);
    assert_eq!(slack.arrivals().len(), 50);
}
