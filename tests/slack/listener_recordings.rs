//! What the Slack listener of the Python original did, done again by ours, but
//! for four repairs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluxgate::{
    Listener, Signal, State,
    listener::SlackListener,
    slack::{Class, Delivery, DeliveryPolicy, Token},
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
    /// What Python raised.
    raised: Value,
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
fn listener_conforms_to_its_recordings() {
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
fn like_python() -> DeliveryPolicy {
    DeliveryPolicy::recommended()
        .channel_rate(None)
        .token_rate(None)
        .max_retries(0)
        .max_rate_limited(0)
        .max_retry_after(Duration::ZERO)
        .pause(Duration::ZERO)
        .request_timeout(Duration::from_secs(1))
        .classify(|_| Some(Class::Permanent))
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
    let mut threads = Threads::default();
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
        let thread = threads.of(step);
        let expected = step.expected(scenario, thread.as_deref(), threads.leaked);
        assert_eq!(got, expected, "{id}, step {i}");
        threads.after(step);
    }
}

/// Ours, which differ from the recorded ones while the original keeps the thread
/// of an incident that is over: it does if the last message was lost.
#[derive(Default)]
struct Threads {
    in_incident: bool,
    thread: Option<String>,
    leaked: bool,
}

impl Threads {
    fn of(&mut self, step: &Step) -> Option<String> {
        self.in_incident |= step.signal.1 == "open";
        self.thread.clone()
    }

    fn after(&mut self, step: &Step) {
        match &*step.signal.1 {
            "closed" | "disabled" | "metrics_only" => {
                self.in_incident = false;
                self.thread = None;
            }
            "open" if step.raised.is_null() && self.thread.is_none() => {
                let json = step.response.json.as_ref();
                let ts = json.and_then(|json| json["ts"].as_str());
                self.thread = ts.map(str::to_owned);
            }
            _ => {}
        }
        // Both agree again where there is no incident and nothing kept.
        self.leaked = step.thread_after.is_some() && (self.leaked || !self.in_incident);
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
    fn expected(&self, scenario: &Scenario, thread: Option<&str>, leaked: bool) -> Value {
        let mut body = self.request.clone();
        if scenario.channel.is_empty() {
            body["channel"] = "C1".into();
        }
        let members = body.as_object_mut().unwrap();
        if !leaked {
            let recorded = members.get("thread_ts").and_then(Value::as_str);
            assert_eq!(recorded, thread, "{}", scenario.id);
        }
        members.remove("thread_ts");
        match thread {
            Some(ts) => members.insert("thread_ts".into(), ts.into()),
            None => members.remove("reply_broadcast"),
        };
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
