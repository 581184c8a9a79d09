//! A network and a Slack in trouble.

use std::time::{Duration, Instant};

use fluxgate::slack::{ChannelStats, DeliveryPolicy, SendError, Token};
use serde_json::json;

use crate::{
    fake::{Act, Slack},
    log,
    rig::{deliver, hasty, message},
};

const LONG: Duration = Duration::from_secs(10);

/// One message to a Slack that acts so; what it came to, and how often it came.
fn outcome(policy: &DeliveryPolicy, acts: Vec<Act>) -> (ChannelStats, usize) {
    let slack = Slack::start();
    slack.will(acts);
    let delivery = deliver(&slack, policy);
    delivery.try_send(message("#a", "x")).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    (delivery.stats().total(), slack.arrivals().len())
}

#[test]
fn what_passes_is_survived() {
    let policy = hasty()
        .request_timeout(Duration::from_millis(150))
        .max_retry_after(Duration::from_millis(30));
    let html = "<html>a gateway's idea of an answer</html>";
    for (fault, name) in [
        (Act::Drop, "reset"),
        (Act::Hang, "hanging"),
        (Act::Drip, "dripping for ever"),
        (Act::text(200, &"x".repeat(200_000)), "an endless answer"),
        (Act::text(200, html), "no JSON"),
        (Act::text(200, ""), "no body"),
        (Act::text(502, html), "a bad gateway"),
        (Act::json(500, &json!({"ok": true})), "a server error"),
        (Act::code("internal_error"), "an internal error"),
        (Act::code("an_error_of_tomorrow"), "an unknown error"),
        (Act::limit(1), "a rate limit"),
        (Act::code("ratelimited"), "a rate limit in the body"),
    ] {
        let (stats, arrived) = outcome(&policy, vec![fault.clone(), fault]);
        assert_eq!(
            (stats.succeeded, stats.retried, arrived),
            (1, 2, 3),
            "{name}"
        );
    }
}

#[test]
fn a_slow_answer_is_an_answer() {
    let slow = Act::Delay(Duration::from_millis(100), Box::new(Act::Ok));
    let (stats, arrived) = outcome(&hasty(), vec![slow]);
    assert_eq!((stats.succeeded, arrived), (1, 1));
}

#[test]
fn what_can_not_pass_is_not_tried_again() {
    for (fault, name) in [
        (Act::code("invalid_auth"), "a wrong token"),
        (Act::text(404, "no_service"), "a webhook that was removed"),
        (Act::text(404, "<html>"), "a wrong URL"),
        (Act::text(301, ""), "a redirect"),
    ] {
        let (stats, arrived) = outcome(&hasty(), vec![fault]);
        assert_eq!((stats.failed, stats.retried, arrived), (1, 0, 1), "{name}");
    }
}

#[test]
fn a_storm_of_rate_limits_ends_in_delivery() {
    let slack = Slack::start();
    slack.will(vec![Act::limit(1); 20]);
    let policy = hasty().max_retry_after(Duration::from_millis(20));
    let delivery = deliver(&slack, &policy);
    for channel in ["#a", "#b", "#c"] {
        delivery.try_send(message(channel, "x")).unwrap();
    }
    assert_eq!(delivery.flush(LONG).left, 0);
    let total = delivery.stats().total();
    assert_eq!((total.succeeded, total.retried, total.failed), (3, 20, 0));
}

#[test]
fn nobody_there_is_given_up_after_the_retries() {
    let slack = Slack::down();
    let delivery = deliver(&slack, &hasty().max_retries(3));
    delivery.try_send(message("#a", "x")).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let total = delivery.stats().total();
    assert_eq!((total.failed, total.retried), (1, 3));
}

#[test]
fn the_end_comes_in_time_even_if_slack_hangs() {
    let slack = Slack::start();
    slack.then(Act::Hang);
    let delivery = deliver(&slack, &hasty());
    for text in ["1", "2", "3"] {
        delivery.try_send(message("#a", text)).unwrap();
    }
    slack.wait(1);
    let started = Instant::now();
    let report = delivery.shutdown(Some(Duration::from_millis(300)));
    assert_eq!(report.left, 3);
    assert!(started.elapsed() < Duration::from_secs(3));
    let stats = delivery.stats();
    assert_eq!(stats.total().dropped, 3);
    assert_eq!(
        delivery.try_send(message("#a", "4")),
        Err(SendError::Closed)
    );
    assert!(!delivery.stats().running);
}

#[test]
fn given_up_message_is_logged_without_tokens() {
    log::keep();
    let slack = Slack::start();
    slack.will([Act::code("not_in_channel"), Act::code("is_archived")]);
    let delivery = deliver(&slack, &hasty());
    let body = json!({
        "channel": "#logged", "text": "a message with xoxb-9-secret in it", "token": "xoxb-body",
    });
    for _ in 0..2 {
        let message = fluxgate::slack::Message::new("#logged", &body).unwrap();
        delivery.try_send(message).unwrap();
    }
    assert_eq!(delivery.flush(LONG).left, 0);

    let lines = log::lines_with("#logged");
    let [failed, paused] = &lines[..] else {
        panic!("{lines:?}");
    };
    for (line, parts) in [
        (
            failed,
            [
                "ERROR",
                "code=not_in_channel",
                "advice=invite the app",
                "a message with",
            ],
        ),
        (
            paused,
            [
                "ERROR",
                "code=is_archived",
                "left alone for 900s",
                "a message with",
            ],
        ),
    ] {
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
        for secret in ["xoxb-test", "xoxb-body", "secret"] {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}

#[test]
fn errors_and_handles_show_no_secrets() {
    let slack = Slack::down();
    let url = format!("http://{}/services/T/B/hook-secret", slack.address());
    let token = Token::new("xoxb-hidden").unwrap();
    log::keep();
    let policy = hasty().max_retries(1);
    let delivery = fluxgate::slack::Delivery::start(&url, &token, &policy).unwrap();
    delivery.try_send(message("#hook", "x")).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);

    let shown = format!("{delivery:?} {:?}", log::lines_with("#hook"));
    assert!(shown.contains("code="), "{shown}");
    for secret in ["hook-secret", "hidden"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
