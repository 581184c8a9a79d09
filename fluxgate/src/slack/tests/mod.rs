//! The worker under a paused clock, with a scripted Slack.

mod ending;
mod faults;
mod overflow;
mod pacing;
mod pausing;
mod retrying;
mod simulation;
mod threads;

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};

use super::{
    DeliveryPolicy, DeliveryStats, Message,
    api::{
        response::HttpAnswer,
        transport::{Posting, Transport},
    },
    queue::{QueueShared, worker},
};

/// What Slack does with one request.
#[derive(Clone, Debug)]
enum Act {
    Ok,
    Code(&'static str),
    Status(u16),
    /// HTTP 429 with `Retry-After`.
    Limit(u64),
    /// HTTP 503 with `Retry-After`.
    Busy(u64),
    /// Answers after so long.
    Slow(Duration),
    Hang,
    Refuse,
    Panic,
}

struct Arrival {
    at: Duration,
    body: Value,
}

struct Slack {
    started: Instant,
    /// What to do, by channel; after that, `Ok`.
    script: Mutex<HashMap<String, VecDeque<Act>>>,
    arrivals: Mutex<Vec<Arrival>>,
}

impl Slack {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            script: Mutex::default(),
            arrivals: Mutex::default(),
        })
    }

    fn will(&self, channel: &str, acts: impl IntoIterator<Item = Act>) {
        let mut script = self.script.lock().unwrap();
        script.entry(channel.into()).or_default().extend(acts);
    }

    /// Channel and text of what arrived, and when, in milliseconds.
    fn arrivals(&self) -> Vec<(u128, String)> {
        let arrivals = self.arrivals.lock().unwrap();
        let shown = |arrival: &Arrival| {
            let text = format!("{} {}", arrival.body["channel"], arrival.body["text"]);
            (arrival.at.as_millis(), text.replace('"', ""))
        };
        arrivals.iter().map(shown).collect()
    }

    fn times(&self) -> Vec<u128> {
        self.arrivals().into_iter().map(|(at, _)| at).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let arrivals = self.arrivals.lock().unwrap();
        arrivals
            .iter()
            .map(|arrival| arrival.body.clone())
            .collect()
    }
}

impl Transport for Arc<Slack> {
    fn post(&self, body: String) -> Posting {
        let body: Value = serde_json::from_str(&body).unwrap();
        let channel = body["channel"].as_str().unwrap().to_owned();
        let number = {
            let mut arrivals = self.arrivals.lock().unwrap();
            let at = self.started.elapsed();
            arrivals.push(Arrival { at, body });
            arrivals.len()
        };
        let act = {
            let mut script = self.script.lock().unwrap();
            let acts = script.get_mut(&channel);
            acts.and_then(VecDeque::pop_front).unwrap_or(Act::Ok)
        };
        Box::pin(async move {
            let ok = json!({"ok": true, "ts": format!("1.{number}")});
            let (status, retry_after, body) = match act {
                Act::Ok => (200, None, ok),
                Act::Code(code) => (200, None, json!({"ok": false, "error": code})),
                Act::Status(status) => (status, None, json!(null)),
                Act::Limit(seconds) => (429, Some(Duration::from_secs(seconds)), json!(null)),
                Act::Busy(seconds) => (503, Some(Duration::from_secs(seconds)), json!(null)),
                Act::Slow(delay) => {
                    tokio::time::sleep(delay).await;
                    (200, None, ok)
                }
                Act::Hang => pending().await,
                Act::Refuse => return Err("connection refused".into()),
                Act::Panic => panic!("as the script says"),
            };
            Ok(HttpAnswer {
                status,
                retry_after,
                body: body.to_string().into(),
            })
        })
    }
}

/// A delivery whose worker runs in the test's runtime.
struct Rig {
    slack: Arc<Slack>,
    shared: Arc<QueueShared>,
    worker: JoinHandle<()>,
}

impl Rig {
    fn new(policy: DeliveryPolicy) -> Self {
        policy.check().unwrap();
        let slack = Slack::new();
        let shared = Arc::new(QueueShared::manual(policy, Box::new(slack.clone())));
        let running = shared.clone();
        let worker = tokio::spawn(async move {
            worker::run(&running).await;
            running.ended();
        });
        Self {
            slack,
            shared,
            worker,
        }
    }

    fn send(&self, channel: &str, text: impl Into<Value>) {
        self.shared.offer(message(channel, text)).unwrap();
    }

    /// Sends all there is, and says what it came to.
    async fn drained(self) -> (Arc<Slack>, DeliveryStats) {
        self.shared.close(None);
        self.worker.await.unwrap();
        (self.slack.clone(), self.shared.stats())
    }
}

fn message(channel: &str, text: impl Into<Value>) -> Message {
    let body = json!({"channel": channel, "text": text.into()});
    Message::new(channel, &body).unwrap()
}

/// The recommended policy without chance.
fn steady() -> DeliveryPolicy {
    DeliveryPolicy::recommended().jitter_ratio(0.0)
}

/// As [`steady`], without rates.
fn unlimited() -> DeliveryPolicy {
    steady().channel_rate(None).token_rate(None)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets the worker do what it can do now.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
