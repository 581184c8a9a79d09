//! Does what a recording says, and notes what comes of it in the same form.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fake::Slack,
    http,
    recording::{Observed, Scenario, Step, Upstream, body},
    rig::Proxy,
};

/// The Go program's default, which its README and ours have as 3.
const MEASURED_DEFAULT: &str = "--maxRetries=2";

pub(crate) fn replay(scenario: &Scenario) -> Observed {
    let slack = if scenario.slack_down {
        Slack::down()
    } else {
        Slack::start()
    };
    scenario.script(&slack);
    let flags = scenario.flags.iter().map(String::as_str);
    let flags: Vec<_> = [MEASURED_DEFAULT].into_iter().chain(flags).collect();
    let token = scenario.env.get("SLACK_TOKEN").map(String::as_str);
    let path = scenario.slack_path.as_deref();
    let path = path.unwrap_or("/api/chat.postMessage");
    let url = format!("http://{}{path}", slack.address());
    let proxy = match Proxy::start_as(&url, &flags, token) {
        Ok(proxy) => proxy,
        Err(code) => return observed(vec![exit(code, 0)], &slack),
    };
    assert!(!scenario.expect_start_failure, "{} starts", scenario.name);
    let mut run = Run {
        proxy,
        slack: &slack,
        held: Vec::new(),
        notes: Vec::new(),
    };
    for step in &scenario.steps {
        run.step(step);
    }
    let notes = run.notes;
    observed(notes, &slack)
}

struct Run<'a> {
    proxy: Proxy,
    slack: &'a Slack,
    held: Vec<TcpStream>,
    notes: Vec<Value>,
}

impl Run<'_> {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Post(post) => {
                let json = BTreeMap::from([("Content-Type".into(), "application/json".into())]);
                let headers = post.headers.as_ref().unwrap_or(&json);
                let headers: Vec<_> = (headers.iter())
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                let got = self.post(&post.method, &post.path, &headers, &post.body());
                let got = if post.any { json!({"any": true}) } else { got };
                self.notes.push(json!({"op": "post", "got": got}));
            }
            Step::Posts { bodies } => {
                let got: Vec<_> = bodies
                    .iter()
                    .map(|value| self.post("POST", "/", &[], &body(value)))
                    .collect();
                self.notes.push(json!({"op": "posts", "got": got}));
            }
            Step::Sleep { ms } => thread::sleep(Duration::from_millis(*ms)),
            Step::WaitUpstream {
                n,
                timeout,
                settle_ms,
            } => {
                self.slack.wait_for(*n, Duration::from_secs(*timeout));
                thread::sleep(Duration::from_millis(*settle_ms));
            }
            Step::WaitMetric {
                names,
                value,
                timeout,
            } => self.wait_metric(names, *value, Duration::from_secs(*timeout)),
            Step::Metrics => {
                let got = metrics(self.proxy.metrics);
                self.notes.push(json!({"op": "metrics", "got": got}));
            }
            Step::MetricsText { accept } => {
                let headers = accept.as_deref().map(|accept| ("Accept", accept));
                let headers = headers.as_slice();
                let response = http::send(self.proxy.metrics, "GET", "/metrics", headers, "");
                let response = response.unwrap();
                self.notes.push(json!({
                    "op": "metrics_text",
                    "content_type": response.content_type,
                    "got": response.body.trim_end(),
                }));
            }
            Step::HoldConnection { send } => {
                let mut stream = TcpStream::connect(self.proxy.application).unwrap();
                stream.write_all(send.as_bytes()).unwrap();
                self.held.push(stream);
                thread::sleep(Duration::from_millis(100));
            }
            Step::Signal { after_ms } => {
                self.proxy.stop();
                thread::sleep(Duration::from_millis(after_ms.unwrap_or(100)));
            }
            Step::WaitExit => {
                let left = self.proxy.join();
                let code = i32::from(left > 0);
                self.notes.push(exit(code, self.slack.arrivals().len()));
            }
        }
    }

    fn post(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        match http::send(self.proxy.application, method, path, headers, body) {
            Ok(response) => json!({
                "status": response.status,
                "content_type": response.content_type,
                "body": response.body,
            }),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                    json!({"error": "connection_refused"})
                }
                _ => json!({"error": error.to_string()}),
            },
        }
    }

    fn wait_metric(&self, names: &[String], value: f64, within: Duration) {
        let started = Instant::now();
        while started.elapsed() < within {
            let metrics = metrics(self.proxy.metrics);
            let asked_for = metrics.iter().filter(|(sample, _)| {
                let family = sample.split('{').next().unwrap_or_default();
                names.iter().any(|name| name == family)
            });
            if asked_for.map(|(_, value)| value).sum::<f64>() >= value {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn metrics(from: SocketAddr) -> BTreeMap<String, f64> {
    let text = http::get(from, "/metrics").body;
    let samples = text.lines().filter(|line| line.starts_with("slackproxy_"));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.into(), value.parse().unwrap())
        })
        .collect()
}

fn exit(code: i32, arrived: usize) -> Value {
    json!({"op": "wait_exit", "rc": code, "upstream_at_exit": arrived})
}

fn observed(steps: Vec<Value>, slack: &Slack) -> Observed {
    let arrivals = slack.arrivals();
    let first = arrivals.first().map(|arrival| arrival.at);
    let since = |at: Instant| first.map_or(Duration::ZERO, |first| at - first);
    Observed {
        steps,
        upstream_t_ms: (arrivals.iter())
            .map(|arrival| since(arrival.at).as_millis().try_into().unwrap())
            .collect(),
        upstream: (arrivals.into_iter())
            .map(|arrival| {
                let header = |name| arrival.request.headers.get(name).cloned();
                Upstream {
                    content_type: header("content-type"),
                    authorization: header("authorization"),
                    method: arrival.request.method,
                    path: arrival.request.path,
                    raw: arrival.request.body,
                }
            })
            .collect(),
    }
}
