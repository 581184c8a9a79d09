//! What answers in Slack's place may say anything, and say it for ever.

use std::{fmt::Write as _, time::Duration};

use fluxgate::slack::{Delivery, DeliveryPolicy, Message, Thread, Token};
use serde_json::json;

use crate::{
    fake::{Act, Slack},
    http::{get, post},
    log,
    rig::{Proxy, hasty},
};

const LONG: Duration = Duration::from_secs(20);

const TOKEN: &str = "s3cr3t/tok-en";

fn deliver(url: &str, policy: &DeliveryPolicy) -> Delivery {
    Delivery::start(url, &Token::new(TOKEN).unwrap(), policy).unwrap()
}

/// One message for the channel to what answers so; what was logged of it.
fn logged(channel: &str, act: Act) -> Vec<String> {
    log::keep();
    let slack = Slack::start();
    slack.then(act);
    let delivery = deliver(&slack.url(), &hasty().max_retries(1));
    let body = json!({"channel": channel, "text": "x"});
    let message = Message::new(channel, &body).unwrap();
    delivery.try_send(message).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let lines = log::lines_with(channel);
    assert!(!lines.is_empty(), "something is logged");
    lines
}

#[test]
fn token_repeated_in_an_answer_is_not_logged() {
    let each = |form: fn(u8) -> String| TOKEN.bytes().map(form).collect::<String>();
    let forms = [
        TOKEN.to_owned(),
        TOKEN.to_uppercase(),
        "s3cr3t%2Ftok%2Den".to_owned(),
        "s3cr3t%252ftok-en".to_owned(),
        r"s3cr3t\/tok\u002den".to_owned(),
        "s3cr3t&#x2f;tok-en".to_owned(),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("\\u{byte:04X}")),
        each(|byte| format!("{byte:02X}")),
        "czNjcjN0L3Rvay1lbg==".to_owned(),
    ];
    for (i, form) in forms.iter().enumerate() {
        let error = format!("token {form} at https://slack.com/?token={form}&x refused");
        let acts = [
            Act::code(&error),
            Act::json(403, &json!({"ok": false, "error": error})),
            Act::Answer(500, vec![("X-Error".into(), error.clone())], error.clone()),
        ];
        for (j, act) in acts.into_iter().enumerate() {
            for line in logged(&format!("#echo-{i}-{j}"), act) {
                let lower = line.to_lowercase();
                assert!(!lower.contains(&form.to_lowercase()), "{form}: {line}");
            }
        }
    }
}

#[test]
fn webhook_repeated_in_an_answer_is_not_logged() {
    log::keep();
    let slack = Slack::start();
    let path = "/services/T0001/B0000001/hook-s3cr3t";
    slack.then(Act::code(&format!("no hook {path} at http://h{path}")));
    let url = format!("http://{}{path}", slack.address());
    let delivery = deliver(&url, &hasty().max_retries(0));
    let body = json!({"channel": "#hook-echo", "text": "x"});
    let message = Message::new("#hook-echo", &body).unwrap();
    delivery.try_send(message).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let lines = format!("{:?}", log::lines_with("#hook-echo"));
    assert!(lines.contains("no hook"), "{lines}");
    assert!(!lines.contains("s3cr3t"), "{lines}");
}

#[test]
fn answers_can_not_forge_lines() {
    let forged = "x\r\nERROR forged\u{1b}[31m\u{9b}2J\u{2028}\u{202e}\u{0} code=ok channel=#other";
    for line in logged("#forged", Act::code(forged)) {
        assert!(line.contains("code=\"x"), "{line}");
        assert!(
            !line
                .chars()
                .any(|c| c.is_control() || "\u{2028}\u{202e}".contains(c)),
            "{line:?}"
        );
    }
    for line in logged("#lengthy", Act::code(&"e".repeat(60_000))) {
        assert!(line.len() < 1000, "{}", line.len());
    }
}

#[test]
fn posts_can_not_forge_lines() {
    log::keep();
    let slack = Slack::start();
    slack.then(Act::code("no_text"));
    let delivery = deliver(&slack.url(), &hasty());
    let body = json!({
        "channel": "#posted", "text": "a\u{9b}31m\u{2028}ERROR forged", "Token": "other-t0ken",
        "blocks": format!("by {TOKEN}"),
    });
    delivery
        .try_send(Message::new("#posted", &body).unwrap())
        .unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let lines = log::lines_with("#posted");
    assert_eq!(lines.len(), 1);
    for secret in [TOKEN, "t0ken", "\u{9b}", "\u{2028}"] {
        assert!(!lines[0].contains(secret), "{lines:?}");
    }
}

#[test]
fn token_as_a_name_is_in_no_metric() {
    let slack = Slack::start();
    slack.then(Act::json(200, &json!({"ok": true, "ts": TOKEN})));
    let delivery = deliver(&slack.url(), &hasty());
    let channel = format!("#{TOKEN}");
    let body = json!({"channel": channel, "text": "x"});
    let thread = Thread::new();
    let message = Message::new(&*channel, &body).unwrap().starting(&thread);
    delivery.try_send(message).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let shown = format!("{:?} {thread:?} {delivery:?}", delivery.stats());
    assert!(shown.contains("#***"), "{shown}");
    assert!(!shown.contains("tok-en"), "{shown}");

    let proxy = Proxy::start(&slack, &[]);
    let mut posted = String::new();
    for body in [
        json!({"channel": "#xoxb-t1", "text": "x"}),
        json!({"channel": "#ok", "text": "x", "link_names": "xoxb-t1"}),
    ] {
        let answer = post(proxy.application, &body.to_string()).unwrap();
        let _ = write!(posted, "{} {}", answer.status, answer.body);
    }
    posted.push_str(&get(proxy.metrics, "/metrics").body);
    assert!(posted.contains("400"), "{posted}");
    assert!(!posted.contains("xoxb-t1"), "{posted}");
}

#[test]
fn names_of_messages_are_short() {
    let slack = Slack::start();
    slack.then(Act::json(
        200,
        &json!({"ok": true, "ts": "1".repeat(60_000)}),
    ));
    let delivery = deliver(&slack.url(), &hasty());
    let thread = Thread::new();
    let message = Message::new("#ts", &json!({"channel": "#ts", "text": "x"})).unwrap();
    delivery.try_send(message.starting(&thread)).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    assert_eq!(delivery.stats().total().succeeded, 1);
    assert_eq!(thread.ts(), None);
}

#[test]
fn huge_heads_are_failed_attempts() {
    let slack = Slack::start();
    let headers = |count: usize, size: usize| {
        (0..count)
            .map(|i| (format!("X-{i}"), "h".repeat(size)))
            .collect()
    };
    slack.will([
        Act::Answer(200, headers(1, 2_000_000), String::new()),
        Act::Answer(200, headers(5000, 100), String::new()),
    ]);
    let delivery = deliver(&slack.url(), &hasty());
    let message = Message::new("#heads", &json!({"channel": "#heads", "text": "x"})).unwrap();
    delivery.try_send(message).unwrap();
    assert_eq!(delivery.flush(LONG).left, 0);
    let total = delivery.stats().total();
    assert_eq!((total.succeeded, total.retried), (1, 2));
}

#[test]
fn tokens_in_the_wrong_place_are_not_shown() {
    let builder = fluxgate::listener::SlackListener::builder;
    for wrong in [
        builder().channel("xoxb-1-wrong").token("t"),
        builder().channel("C1").token("t").url("xoxb-1-wrong:x"),
        builder().channel("C1").token_from_env("xoxb-1-wrong"),
        builder().channel_from_env("xoxb-1-wrong").token("t"),
        builder().channel("C1").token("xoxb-1-wrong\n"),
    ] {
        let error = wrong.build().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("wrong"), "{shown}");
    }
}
