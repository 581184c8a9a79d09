//! What the Slack listener of the Python original did, done again by ours, but
//! for four repairs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluxgate::{
    Listener, Signal, State,
    listener::SlackListener,
    slack::{Delivery, Policy, Token},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    fake::{Act, Slack},
    vectors,
};

#[derive(Deserialize)]
struct Scenario {
    id: String,
    name: String,
    channel: String,
    token: String,
    http: Http,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Http {
    method: String,
    authorization: String,
}

#[derive(Deserialize)]
struct Step {
    signal: (String, String, f64),
    request: Value,
    response: Response,
    thread_after: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<u16>,
    json: Option<Value>,
    text: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    transport_error: Option<String>,
}

#[test]
fn conformance_of_the_listener_with_its_recordings() {
    let (mut scenarios, mut steps) = (0, 0);
    for (file, text) in vectors::read("fluxgate", "jsonl") {
        if !file.starts_with("slack") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let scenario: Scenario = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{file}:{}: {error}", number + 1));
            replay(&scenario);
            scenarios += 1;
            steps += scenario.steps.len();
        }
    }
    println!("slack listener: {scenarios} scenarios, {steps} steps");
}

/// One attempt for each message, and nothing held or left alone, as in Python.
fn like_python() -> Policy {
    Policy::recommended()
        .channel_rate(None)
        .token_rate(None)
        .max_retries(0)
        .max_rate_limited(0)
        .max_retry_after(Duration::ZERO)
        .pause(Duration::ZERO)
        .request_timeout(Duration::from_millis(300))
}

fn replay(scenario: &Scenario) {
    let id = &scenario.id;
    let slack = Slack::start();
    let token = Token::new(&*scenario.token).unwrap();
    let delivery = Delivery::start(&slack.url(), &token, &like_python()).unwrap();
    let listener = |channel: &str| {
        SlackListener::builder()
            .channel(channel)
            .delivery(delivery.clone())
            .build()
    };
    let listener = if scenario.channel.is_empty() {
        // Slack has no such channel.
        assert!(listener("").is_err(), "{id}");
        listener("C1").unwrap()
    } else {
        listener(&scenario.channel).unwrap()
    };
    // The thread that the original would have, and whether ours has let go of
    // it: at the end of an incident, whatever became of that message.
    let (mut thread, mut repaired) = (None::<String>, false);
    for (i, step) in scenario.steps.iter().enumerate() {
        slack.will([step.response.act()]);
        listener.on_signal(&step.signal(&scenario.name));
        assert_eq!(delivery.flush(Duration::from_secs(10)).left, 0, "{id}");

        let arrivals = slack.arrivals();
        assert_eq!(arrivals.len(), i + 1, "{id}: one request for each signal");
        let arrival = &arrivals[i];
        assert_eq!(arrival.request.method, scenario.http.method);
        assert_eq!(
            arrival.request.headers["authorization"],
            scenario.http.authorization
        );
        let mut got = arrival.json.clone();
        let text = got.as_object_mut().unwrap().remove("text");
        assert!(text.is_some_and(|text| !text.as_str().unwrap().is_empty()));
        assert_eq!(
            got,
            step.expected(scenario, thread.as_deref(), repaired),
            "{id}, step {i}"
        );

        let ends = matches!(&*step.signal.1, "closed" | "disabled" | "metrics_only");
        repaired = ends && step.thread_after.is_some();
        thread = if ends {
            None
        } else {
            step.thread_after.clone()
        };
    }
}

impl Step {
    fn signal(&self, name: &str) -> Signal {
        let (old, new, timestamp) = &self.signal;
        let state = |name: &String| name.parse::<State>().unwrap();
        Signal::new(name.to_owned(), state(old), state(new), at(*timestamp))
    }

    /// The recorded request with the repairs: no thread of an incident that is
    /// over, no broadcast outside a thread, names escaped, times that each
    /// reader sees as their own.
    fn expected(&self, scenario: &Scenario, thread: Option<&str>, repaired: bool) -> Value {
        let mut body = self.request.clone();
        if scenario.channel.is_empty() {
            body["channel"] = "C1".into();
        }
        let members = body.as_object_mut().unwrap();
        if repaired {
            members.remove("thread_ts").expect("the original kept it");
        }
        assert_eq!(members.get("thread_ts").and_then(Value::as_str), thread);
        if thread.is_none() {
            members.remove("reply_broadcast");
        }
        let fields = &mut body["attachments"][0]["blocks"][1]["fields"];
        let name = fields[0]["text"].as_str().unwrap();
        let escaped = name
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        fields[0]["text"] = escaped.into();
        let time = fields[2]["text"].as_str().unwrap();
        let (label, utc) = time.split_once('\n').unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are shown")]
        let seconds = self.signal.2.floor() as i64;
        fields[2]["text"] =
            format!("{label}\n<!date^{seconds}^{{date_num}} {{time_secs}}|{utc} UTC>").into();
        body
    }
}

impl Response {
    fn act(&self) -> Act {
        match self.transport_error.as_deref() {
            Some("ReadTimeout") => return Act::Hang,
            Some(_) => return Act::Drop,
            None => {}
        }
        let body = match (&self.json, &self.text) {
            (Some(json), _) => json.to_string(),
            (None, text) => text.clone().unwrap_or_default(),
        };
        let headers = self.headers.clone().into_iter().collect();
        Act::Answer(self.status.unwrap_or(200), headers, body)
    }
}

fn at(timestamp: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(timestamp)
}
