//! Policies and scenarios in TOML.
//!
//! What is wrong is said with the file and the line, by the reader of TOML.

use std::{error::Error, fs, path::Path, time::Duration};

use fluxgate::{
    Builder,
    retry::{Backoff, Cooldown},
    sim::{Dependency, Load, LogNormal, Scenario},
    tripper::{AvgLatency, FailureRate, FailureStreak, MinRequests, Rule, SlowRate},
    window::{CountWindow, TimeWindow},
};
use serde::{Deserialize, de::DeserializeOwned};

type Failure = Box<dyn Error>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    policy: Vec<NamedPolicy>,
}

/// The settings of a breaker; what is left out has the default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedPolicy {
    #[serde(default)]
    pub(crate) name: String,
    window: Option<Window>,
    /// The circuit opens if any of these holds.
    #[serde(default)]
    tripper: Vec<Conditions>,
    retry: Option<Retry>,
    max_half_open_calls: Option<u32>,
    close_after: Option<u64>,
    reopen_after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Window {
    Calls(u64),
    Seconds(f64),
}

/// All that are given have to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    streak: Option<u64>,
    min_requests: Option<u64>,
    failure_rate: Option<f64>,
    slow_rate: Option<SlowCalls>,
    avg_latency_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowCalls {
    ratio: f64,
    threshold_ms: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Retry {
    CooldownSeconds(f64),
    BackoffSeconds { first: f64, longest: f64 },
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn millis(millis: f64) -> Duration {
    seconds(millis / 1000.0)
}

impl Conditions {
    fn rule(&self) -> Option<Rule> {
        let rules = [
            self.streak.map(|count| FailureStreak::new(count).into()),
            self.min_requests
                .map(|count| MinRequests::new(count).into()),
            self.failure_rate
                .map(|ratio| FailureRate::new(ratio).into()),
            self.slow_rate
                .as_ref()
                .map(|slow| SlowRate::new(slow.ratio, millis(slow.threshold_ms)).into()),
            self.avg_latency_ms
                .map(|threshold| AvgLatency::new(millis(threshold)).into()),
        ];
        rules
            .into_iter()
            .flatten()
            .reduce(|all: Rule, next: Rule| all & next)
    }
}

impl NamedPolicy {
    pub(crate) fn apply(&self, mut breaker: Builder) -> Builder {
        breaker = match self.window {
            Some(Window::Calls(size)) => breaker.window(CountWindow::new(size)),
            Some(Window::Seconds(span)) => breaker.window(TimeWindow::new(seconds(span))),
            None => breaker,
        };
        let rules = self.tripper.iter().filter_map(Conditions::rule);
        if let Some(rule) = rules.reduce(|any, next| any | next) {
            breaker = breaker.tripper(rule);
        }
        breaker = match self.retry {
            Some(Retry::CooldownSeconds(wait)) => breaker.retry(Cooldown::new(seconds(wait))),
            Some(Retry::BackoffSeconds { first, longest }) => {
                breaker.retry(Backoff::new(seconds(first)).max_duration(seconds(longest)))
            }
            None => breaker,
        };
        if let Some(calls) = self.max_half_open_calls {
            breaker = breaker.max_half_open_calls(calls);
        }
        if let Some(successes) = self.close_after {
            breaker = breaker.close_after(successes);
        }
        if let Some(failures) = self.reopen_after {
            breaker = breaker.reopen_after(failures);
        }
        breaker
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    calls_per_second: f64,
    #[serde(default = "one")]
    instances: usize,
    #[serde(default)]
    seed: u64,
    #[serde(default = "usual_latency")]
    latency_ms: f64,
    capacity: Option<f64>,
    refusal_costs: Option<f64>,
    timeout_ms: Option<f64>,
    phase: Vec<Phase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    #[serde(default)]
    name: String,
    seconds: f64,
    #[serde(default)]
    fails: f64,
    #[serde(default = "unchanged")]
    slower: f64,
    calls_per_second: Option<f64>,
}

fn one() -> usize {
    1
}

fn usual_latency() -> f64 {
    20.0
}

fn unchanged() -> f64 {
    1.0
}

/// Reads the policies of a file.
pub(crate) fn policies(path: &Path) -> Result<Vec<NamedPolicy>, Failure> {
    let Policies { mut policy } = read(path)?;
    if policy.is_empty() {
        return Err(format!("{}: expected at least one `[[policy]]`", path.display()).into());
    }
    for (number, policy) in policy.iter_mut().enumerate() {
        if policy.name.is_empty() {
            policy.name = format!("policy {}", number + 1);
        }
    }
    Ok(policy)
}

/// Reads the scenario of a file.
pub(crate) fn scenario(path: &Path) -> Result<Scenario, Failure> {
    let told: Told = read(path)?;
    let mut dependency = Dependency::latency(LogNormal::median(millis(told.latency_ms)));
    if let Some(capacity) = told.capacity {
        dependency = dependency.capacity(capacity);
    }
    if let Some(share) = told.refusal_costs {
        dependency = dependency.refusal_costs(share);
    }
    if let Some(timeout) = told.timeout_ms {
        dependency = dependency.timeout(millis(timeout));
    }
    let start = Scenario::new(Load::poisson(told.calls_per_second))
        .instances(told.instances)
        .seed(told.seed)
        .dependency(dependency);
    Ok(told.phase.into_iter().fold(start, |scenario, phase| {
        let scenario = scenario
            .phase(seconds(phase.seconds), |it| {
                it.fails(phase.fails).slower(phase.slower)
            })
            .named(phase.name);
        match phase.calls_per_second {
            Some(rate) => scenario.with_load(Load::poisson(rate)),
            None => scenario,
        }
    }))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}
