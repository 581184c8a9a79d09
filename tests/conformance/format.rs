//! Breaker scenarios as they are written.

use serde::Deserialize;

use crate::errors::Kind;

/// One line of a file: a breaker, and what was done to it.
#[derive(Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) config: Config,
    pub(crate) steps: Vec<Step>,
}

/// An absent member means the library's default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) window: Option<Window>,
    pub(crate) tripper: Option<Tripper>,
    pub(crate) retry: Option<Retry>,
    pub(crate) permit: Option<Permit>,
    pub(crate) tracker: Option<Tracker>,
}

/// Times are in seconds, here and below.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Window {
    Count(u64),
    Time(u64),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Tripper {
    Closed,
    HalfOpened,
    MinRequests(u64),
    FailureRate(f64),
    SlowRate { ratio: f64, threshold: f64 },
    AvgLatency(f64),
    FailureStreak(u64),
    And(Box<(Tripper, Tripper)>),
    Or(Box<(Tripper, Tripper)>),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Retry {
    Never,
    Always,
    Cooldown {
        duration: f64,
        jitter_ratio: Option<f64>,
    },
    Backoff {
        initial: f64,
        multiplier: Option<f64>,
        max_duration: Option<f64>,
        jitter_ratio: Option<f64>,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Permit {
    All,
    Random(f64),
    RampUp {
        initial: f64,
        r#final: f64,
        duration: f64,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tracker {
    All,
    TypeOf(Vec<Kind>),
    Not(Box<Tracker>),
    And(Box<(Tracker, Tracker)>),
    Or(Box<(Tracker, Tracker)>),
}

/// What was done, and what was seen after it.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(flatten)]
    pub(crate) op: Op,
    #[serde(flatten)]
    pub(crate) seen: Seen,
    /// The random numbers the breaker drew.
    #[serde(default)]
    pub(crate) rand: Vec<f64>,
    /// What the original would do without the quirk.
    pub(crate) corrected: Option<Seen>,
    /// What the original's async breaker does, where the sync one differs.
    #[serde(rename = "async")]
    pub(crate) asynchronous: Option<Seen>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Op {
    Advance {
        seconds: f64,
    },
    /// The wall clock alone jumps.
    WallStep {
        seconds: f64,
    },
    Call(Call),
    #[serde(untagged)]
    Control {
        op: Control,
    },
}

/// A protected function that first uses the controls `inside`, then lets
/// `duration` pass, then ends with `outcome`.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) outcome: String,
    #[serde(default)]
    pub(crate) duration: f64,
    #[serde(default)]
    pub(crate) inside: Vec<Control>,
}

impl Call {
    /// The error the function fails with; `None` for a success.
    pub(crate) fn error(&self) -> Option<Kind> {
        match self.outcome.as_str() {
            "ok" => None,
            "err:A" => Some(Kind::A),
            "err:B" => Some(Kind::B),
            "err:C" => Some(Kind::C),
            other => panic!("unknown outcome `{other}`"),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Control {
    Reset,
    Disable,
    MetricsOnly,
    ForceOpen,
}

/// One observation. What is absent has not changed since the step before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Seen {
    pub(crate) result: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) reopens: Option<u64>,
    pub(crate) changed_at: Option<f64>,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) signals: Vec<(String, String, f64)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metrics {
    pub(crate) total_count: u64,
    pub(crate) failure_count: u64,
    pub(crate) total_duration: f64,
    pub(crate) slow_counts: Vec<(f64, u64)>,
}
