//! A recording of the Go program: what was done, and what came of it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::fake::{Act, Slack};

#[derive(Deserialize)]
pub(crate) struct Recording {
    pub(crate) scenario: Scenario,
    pub(crate) observed: Observed,
}

#[derive(Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) flags: Vec<String>,
    pub(crate) env: HashMap<String, String>,
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    slack: Vec<Scripted>,
    #[serde(default)]
    slack_by_channel: HashMap<String, Vec<Scripted>>,
    #[serde(default)]
    pub(crate) slack_down: bool,
    pub(crate) slack_path: Option<String>,
    #[serde(default)]
    pub(crate) expect_start_failure: bool,
    #[serde(default)]
    pub(crate) loose_error_text: bool,
    #[serde(default)]
    pub(crate) ignore_metrics: Vec<String>,
    #[serde(default = "tolerance")]
    pub(crate) tolerance_ms: u64,
}

fn tolerance() -> u64 {
    150
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Step {
    Post(Post),
    Posts {
        bodies: Vec<Value>,
    },
    Sleep {
        ms: u64,
    },
    WaitUpstream {
        n: usize,
        #[serde(default = "patience")]
        timeout: u64,
        #[serde(default = "settling")]
        settle_ms: u64,
    },
    WaitMetric {
        names: Vec<String>,
        value: f64,
        #[serde(default = "patience")]
        timeout: u64,
    },
    Metrics,
    MetricsText {
        accept: Option<String>,
    },
    HoldConnection {
        send: String,
    },
    Signal {
        after_ms: Option<u64>,
    },
    WaitExit,
}

/// In seconds.
fn patience() -> u64 {
    20
}

/// The answer has to arrive, too.
fn settling() -> u64 {
    60
}

#[derive(Deserialize)]
pub(crate) struct Post {
    /// The answer may be any.
    #[serde(default)]
    pub(crate) any: bool,
    #[serde(default = "method")]
    pub(crate) method: String,
    #[serde(default = "path")]
    pub(crate) path: String,
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    body: Value,
}

fn method() -> String {
    "POST".into()
}

fn path() -> String {
    "/".into()
}

impl Post {
    pub(crate) fn body(&self) -> String {
        body(&self.body)
    }
}

/// Text stands for itself.
pub(crate) fn body(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One answer of the scripted Slack.
#[derive(Deserialize)]
struct Scripted {
    body: Option<String>,
    error: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(rename = "ct")]
    content_type: Option<String>,
    delay_ms: Option<u64>,
    #[serde(default)]
    hang: bool,
    #[serde(default)]
    drop: bool,
    #[serde(default)]
    forever: bool,
}

impl Scripted {
    fn act(&self) -> Act {
        match self.delay_ms {
            Some(ms) => Act::Delay(Duration::from_millis(ms), Box::new(self.answer())),
            None => self.answer(),
        }
    }

    fn answer(&self) -> Act {
        if self.hang {
            return Act::Hang;
        }
        if self.drop {
            return Act::Drop;
        }
        let body = match (&self.body, &self.error) {
            (Some(body), _) => body.clone(),
            (None, Some(error)) => json!({"ok": false, "error": error}).to_string(),
            (None, None) if self.status.is_none() && self.headers.is_empty() => return Act::Ok,
            (None, None) => json!({"ok": true, "ts": "1700000000.000000"}).to_string(),
        };
        let json = "application/json; charset=utf-8";
        let content_type = self.content_type.as_deref().unwrap_or(json);
        let content_type = ("Content-Type".to_owned(), content_type.to_owned());
        let headers = self.headers.clone().into_iter().chain([content_type]);
        Act::Answer(self.status.unwrap_or(200), headers.collect(), body)
    }
}

impl Scenario {
    pub(crate) fn script(&self, slack: &Slack) {
        for scripted in &self.slack {
            if scripted.forever {
                slack.then(scripted.act());
            } else {
                slack.will([scripted.act()]);
            }
        }
        for (channel, script) in &self.slack_by_channel {
            for scripted in script {
                if scripted.forever {
                    slack.then_for(channel, scripted.act());
                } else {
                    slack.will_for(channel, [scripted.act()]);
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Observed {
    pub(crate) steps: Vec<Value>,
    pub(crate) upstream: Vec<Upstream>,
    pub(crate) upstream_t_ms: Vec<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) raw: String,
}
