//! The slack-proxy of the examples, where it goes beyond the recordings.

use std::{
    thread,
    time::{Duration, Instant},
};

use fluxgate::{
    Listener, Signal, State,
    listener::SlackListener,
    slack::{Delivery, Token},
};
use serde_json::{Value, json};

use crate::{
    fake::{Act, Slack},
    http::{self, get, post},
    rig::{Proxy, hasty},
};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn recommended_policy_forwards_with_threads() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--policy=recommended"]);
    let send = |body: Value| {
        let response = post(proxy.application, &body.to_string()).unwrap();
        assert_eq!(response.status, 200);
        parsed(&response.body)
    };
    let first = send(json!({
        "channel": "#t", "text": "open", "token": "xoxb-body", "unfurl_links": false,
        "metadata": {"event_type": "e"},
    }));
    assert_eq!(
        (&first["ok"], &first["channel"]),
        (&json!(true), &json!("#t"))
    );
    let reply = send(json!({
        "channel": "#t", "text": "closed", "thread_ts": first["ts"], "reply_broadcast": true,
    }));
    // A reply names its thread as well as the first message does.
    send(json!({"channel": "#t", "text": "after", "thread_ts": reply["ts"]}));
    send(json!({"channel": "#t", "text": "foreign", "thread_ts": "9.9"}));
    send(json!({"channel": "#t", "text": "forgotten", "thread_ts": "proxy-0-7"}));

    let bodies: Vec<_> = slack
        .wait(5)
        .into_iter()
        .map(|arrival| arrival.json)
        .collect();
    let ts = "1700000000.000001";
    let forwarded = |text: &str| json!({"token": "", "channel": "#t", "text": text});
    let mut expected = [
        forwarded("open"),
        forwarded("closed"),
        forwarded("after"),
        forwarded("foreign"),
        forwarded("forgotten"),
    ];
    expected[0]["unfurl_links"] = json!(false);
    expected[0]["metadata"] = json!({"event_type": "e"});
    expected[1]["thread_ts"] = json!(ts);
    expected[1]["reply_broadcast"] = json!(true);
    expected[2]["thread_ts"] = json!(ts);
    expected[3]["thread_ts"] = json!("9.9");
    assert_eq!(bodies, expected);
}

/// Posts a breaker's cycle through a proxy; what arrives at Slack.
fn through(slack: &Slack, proxy: &Proxy, token: &str) -> Vec<Value> {
    let url = format!("http://{}/", proxy.application);
    let token = Token::new(token).unwrap();
    let delivery = Delivery::start(&url, &token, &hasty()).unwrap();
    let listener = SlackListener::builder()
        .channel("C1")
        .delivery(delivery.clone())
        .build()
        .unwrap();
    for (old, new) in [
        (State::Closed, State::Open),
        (State::Open, State::HalfOpen),
        (State::HalfOpen, State::Closed),
    ] {
        listener.on_signal(&Signal::new("api", old, new, std::time::UNIX_EPOCH));
    }
    assert_eq!(delivery.flush(Duration::from_secs(10)).left, 0);
    assert_eq!(delivery.stats().total().succeeded, 3);
    slack
        .wait(3)
        .into_iter()
        .map(|arrival| arrival.json)
        .collect()
}

#[test]
fn a_listener_has_its_threads_through_the_proxy() {
    let slack = Slack::start();
    let flags = ["--policy=recommended", "--authToken=proxy-secret"];
    let proxy = Proxy::start(&slack, &flags);
    let bodies = through(&slack, &proxy, "proxy-secret");
    assert!(bodies[0].get("thread_ts").is_none());
    assert_eq!(bodies[1]["thread_ts"], "1700000000.000001");
    assert_eq!(bodies[2]["thread_ts"], "1700000000.000001");
    assert_eq!(bodies[2]["reply_broadcast"], true);
    let sent_as = &slack.arrivals()[0].request.headers["authorization"];
    assert_eq!(sent_as, "Bearer xoxb-t1");
}

#[test]
fn proxy_like_the_go_program_loses_nothing() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &[]);
    for body in through(&slack, &proxy, "ignored") {
        assert!(body.get("thread_ts").is_none() && body.get("reply_broadcast").is_none());
    }
}

#[test]
fn posters_must_show_the_token_if_there_is_one() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--authToken=secret"]);
    let body = r#"{"channel":"C1","text":"x"}"#;
    let send = |authorization: &[(&str, &str)]| {
        http::send(proxy.application, "POST", "/", authorization, body).unwrap()
    };
    for wrong in [
        &[][..],
        &[("Authorization", "Bearer no")],
        &[("Authorization", "secret")],
    ] {
        let response = send(wrong);
        assert_eq!(response.status, 401);
        assert_eq!(response.body, r#"{"ok":false,"error":"invalid_auth"}"#);
    }
    assert_eq!(send(&[("Authorization", "Bearer secret")]).status, 200);
    slack.wait(1);
}

#[test]
fn an_override_sends_everything_to_one_channel() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &["--channelOverride=#all"]);
    post(proxy.application, r##"{"channel":"#a","text":"x"}"##).unwrap();
    assert_eq!(slack.wait(1)[0].json["channel"], "#all");
    thread::sleep(Duration::from_millis(50));
    let metrics = get(proxy.metrics, "/metrics").body;
    for sample in [
        r##"slackproxy_requests_received_total{channel="#a"} 1"##,
        r##"slackproxy_requests_succeeded_total{channel="#all"} 1"##,
    ] {
        assert!(metrics.contains(sample), "{metrics}");
    }
}

#[test]
fn metrics_port_serves_metrics_and_health() {
    let slack = Slack::start();
    let mut proxy = Proxy::start(&slack, &["--burst=1"]);
    let health = |proxy: &Proxy| {
        let response = get(proxy.metrics, "/health");
        (response.status, parsed(&response.body)["status"].clone())
    };
    assert_eq!(health(&proxy), (200, json!("ok")));
    assert_eq!(get(proxy.metrics, "/").status, 404);

    for _ in 0..2 {
        post(proxy.application, r#"{"channel":"C1","text":"x"}"#).unwrap();
    }
    proxy.stop();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(health(&proxy), (503, json!("draining")));
    assert!(post(proxy.application, "{}").is_err());
    assert_eq!(proxy.join(), 0);
    assert_eq!(slack.arrivals().len(), 2);
}

/// The text of the Go program, as `32_metrics_text.json` has it, but for the line
/// break in a channel's name and the HELP text of `succeeded`.
#[test]
fn metrics_are_written_as_by_the_go_program() {
    let slack = Slack::start();
    slack.will([Act::Ok, Act::code("invalid_auth")]);
    let proxy = Proxy::start(&slack, &[]);
    for channel in ["#m", "we\"ird\\ch an"] {
        let body = json!({"channel": channel, "text": "x"}).to_string();
        assert_eq!(post(proxy.application, &body).unwrap().status, 200);
    }
    slack.wait(2);
    let wanted = r##"# HELP slackproxy_queue_size The current size of the queue
# TYPE slackproxy_queue_size gauge
slackproxy_queue_size 0
# HELP slackproxy_requests_failed_total The total number of requests failed
# TYPE slackproxy_requests_failed_total counter
slackproxy_requests_failed_total{channel="we\"ird\\ch an"} 1
# HELP slackproxy_requests_received_total The total number of requests received
# TYPE slackproxy_requests_received_total counter
slackproxy_requests_received_total{channel="#m"} 1
slackproxy_requests_received_total{channel="we\"ird\\ch an"} 1
# HELP slackproxy_requests_succeeded_total The total number of requests that succeeded
# TYPE slackproxy_requests_succeeded_total counter
slackproxy_requests_succeeded_total{channel="#m"} 1
"##;
    let page = || get(proxy.metrics, "/metrics").body;
    until(|| page().contains("failed_total"));
    assert_eq!(page(), wanted);
}

/// Waits until it is so.
fn until(it_is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !it_is_so() && started.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_end_may_have_a_limit() {
    let slack = Slack::start();
    slack.then(Act::Hang);
    let mut proxy = Proxy::start(&slack, &["--shutdownTimeout=200ms"]);
    for _ in 0..3 {
        post(proxy.application, r#"{"channel":"C1","text":"x"}"#).unwrap();
    }
    proxy.stop();
    assert_eq!(proxy.join(), 3);
}

#[test]
fn bodies_have_a_limit() {
    let slack = Slack::start();
    let proxy = Proxy::start(&slack, &[]);
    let text = "x".repeat(1024 * 1024);
    let response = post(
        proxy.application,
        &format!(r#"{{"channel":"C1","text":"{text}"}}"#),
    );
    // The rest of the body may find the connection closed.
    if let Ok(response) = response {
        assert_eq!(response.status, 413);
    }
    assert_eq!(get(proxy.metrics, "/metrics").body, "");
}

#[test]
fn proxy_has_metrics_of_refusals_and_times() {
    let slack = Slack::start();
    slack.will([Act::Delay(Duration::from_millis(60), Box::new(Act::Ok))]);
    let proxy = Proxy::start(&slack, &["--policy=recommended", "--queueSize=1"]);
    let send = || {
        post(proxy.application, r#"{"channel":"C1","text":"x"}"#)
            .unwrap()
            .status
    };
    assert_eq!((send(), send()), (200, 503));
    slack.wait(1);
    thread::sleep(Duration::from_millis(200));
    let metrics = get(proxy.metrics, "/metrics").body;
    for line in [
        "# TYPE slackproxy_requests_refused_total counter",
        "# TYPE slackproxy_send_duration_seconds histogram",
        r#"slackproxy_send_duration_seconds_bucket{le="0.05"} 0"#,
        r#"slackproxy_send_duration_seconds_bucket{le="+Inf"} 1"#,
        "slackproxy_send_duration_seconds_count 1",
    ] {
        assert!(
            metrics.lines().any(|have| have == line),
            "{line}:\n{metrics}"
        );
    }
}
