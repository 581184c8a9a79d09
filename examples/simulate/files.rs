//! Policies and scenarios in TOML.
//!
//! What is wrong is said with the file and the line, by the reader of TOML.

use std::{error::Error, fs::File, io::Read as _, path::Path, time::Duration};

use fluxgate::{
    Builder,
    retry::{Backoff, Cooldown},
    sim::{Dependency, Load, LogNormal, Scenario},
    throttle::Adaptive,
    tripper::{AvgLatency, FailureRate, FailureStreak, MinRequests, Rule, SlowRate},
    window::{CountWindow, TimeWindow},
};
use serde::{Deserialize, de::DeserializeOwned};

type Failure = Box<dyn Error>;

/// More would take minutes, and a table of gigabytes.
const MOST_CALLS: f64 = 1e9;

/// The bytes of a file of policies or of a scenario.
const LARGEST_FILE: u64 = 1 << 20;

/// Numbers within bounds; the reader of TOML says the line of one that is not.
macro_rules! numbers {
    ($($name:ident: $unit:literal, $least:literal to $most:literal;)*) => {$(
        #[derive(Clone, Copy, Deserialize)]
        #[serde(try_from = "f64")]
        struct $name(f64);

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from(number: f64) -> Result<Self, String> {
                if ($least..=$most).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(format!(
                        "{number} is out of range; expected {} from {} to {}",
                        $unit, $least, $most
                    ))
                }
            }
        }
    )*};
}

numbers! {
    Seconds: "seconds", 0.001 to 31_622_400.0;
    Millis: "milliseconds", 0.000_001 to 86_400_000.0;
    Share: "a share", 0.0 to 1.0;
    PerSecond: "calls a second", 0.0 to 1_000_000.0;
    Factor: "a factor", 0.0 to 1_000_000.0;
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
struct Instances(usize);

impl TryFrom<i64> for Instances {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match usize::try_from(number) {
            Ok(instances @ 1..=10_000) => Ok(Self(instances)),
            _ => Err(format!(
                "{number} is out of range; expected 1 to 10000 instances"
            )),
        }
    }
}

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
    tripper: Option<Vec<Conditions>>,
    throttle: Option<Throttle>,
    retry: Option<Retry>,
    max_half_open_calls: Option<u32>,
    close_after: Option<u64>,
    reopen_after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Window {
    Calls(u64),
    Seconds(Seconds),
}

/// All that are given have to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditions {
    streak: Option<u64>,
    min_requests: Option<u64>,
    failure_rate: Option<f64>,
    slow_rate: Option<SlowCalls>,
    avg_latency_ms: Option<Millis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowCalls {
    ratio: f64,
    threshold_ms: Millis,
}

/// Answers overload in proportion.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    k: f64,
    window_seconds: Option<Seconds>,
    min: Option<u64>,
    floor: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Retry {
    CooldownSeconds(Seconds),
    BackoffSeconds { first: Seconds, longest: Seconds },
}

fn seconds(Seconds(seconds): Seconds) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn millis(Millis(millis): Millis) -> Duration {
    Duration::from_secs_f64(millis / 1000.0)
}

impl Conditions {
    fn is_empty(&self) -> bool {
        self.rule().is_none()
    }

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

impl Throttle {
    fn adaptive(self) -> Adaptive {
        let mut adaptive = Adaptive::new(self.k);
        if let Some(window) = self.window_seconds {
            adaptive = adaptive.window(seconds(window));
        }
        if let Some(calls) = self.min {
            adaptive = adaptive.min(calls);
        }
        if let Some(share) = self.floor {
            adaptive = adaptive.floor(share);
        }
        adaptive
    }
}

impl NamedPolicy {
    /// Returns the policy of a breaker that is not set in any way.
    pub(crate) fn usual() -> Self {
        Self {
            name: "the default policy".to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn apply(&self, mut breaker: Builder) -> Builder {
        breaker = match self.window {
            Some(Window::Calls(size)) => breaker.window(CountWindow::new(size)),
            Some(Window::Seconds(span)) => breaker.window(TimeWindow::new(seconds(span))),
            None => breaker,
        };
        let rules = self.tripper.iter().flatten().filter_map(Conditions::rule);
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
        if let Some(throttle) = self.throttle {
            breaker = breaker.throttle(throttle.adaptive());
        }
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
    calls_per_second: PerSecond,
    #[serde(default = "one")]
    instances: Instances,
    #[serde(default)]
    seed: u64,
    #[serde(default = "usual_latency")]
    latency_ms: Millis,
    capacity: Option<PerSecond>,
    refusal_costs: Option<Share>,
    timeout_ms: Option<Millis>,
    phase: Vec<Phase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    #[serde(default)]
    name: String,
    seconds: Seconds,
    #[serde(default = "none")]
    fails: Share,
    #[serde(default = "unchanged")]
    slower: Factor,
    calls_per_second: Option<PerSecond>,
}

fn one() -> Instances {
    Instances(1)
}

fn none() -> Share {
    Share(0.0)
}

fn usual_latency() -> Millis {
    Millis(20.0)
}

fn unchanged() -> Factor {
    Factor(1.0)
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
        if policy.name.chars().any(char::is_control) {
            return Err(format!(
                "{}: the name {:?} has control characters; expected a line of text",
                path.display(),
                policy.name
            )
            .into());
        }
        let tables = policy.tripper.as_deref();
        if tables.is_some_and(|tables| tables.is_empty() || tables.iter().any(Conditions::is_empty))
        {
            return Err(format!(
                "{}: the `tripper` of policy `{}` has no condition; expected tables such as \
                 `{{ streak = 5 }}`, or no `tripper` for the default",
                path.display(),
                policy.name
            )
            .into());
        }
    }
    Ok(policy)
}

/// Reads the scenario of a file.
pub(crate) fn scenario(path: &Path) -> Result<Scenario, Failure> {
    let told: Told = read(path)?;
    let calls: f64 = told
        .phase
        .iter()
        .map(|phase| phase.seconds.0 * phase.calls_per_second.unwrap_or(told.calls_per_second).0)
        .sum();
    if told.phase.is_empty() || calls > MOST_CALLS {
        return Err(format!(
            "{}: {} phases of {calls} calls together; expected at least one `[[phase]]`, and at \
             most {MOST_CALLS} calls",
            path.display(),
            told.phase.len()
        )
        .into());
    }
    let mut dependency = Dependency::latency(LogNormal::median(millis(told.latency_ms)));
    if let Some(capacity) = told.capacity {
        dependency = dependency.capacity(capacity.0);
    }
    if let Some(share) = told.refusal_costs {
        dependency = dependency.refusal_costs(share.0);
    }
    if let Some(timeout) = told.timeout_ms {
        dependency = dependency.timeout(millis(timeout));
    }
    let start = Scenario::new(Load::poisson(told.calls_per_second.0))
        .instances(told.instances.0)
        .seed(told.seed)
        .dependency(dependency);
    Ok(told.phase.into_iter().fold(start, |scenario, phase| {
        let scenario = scenario
            .phase(seconds(phase.seconds), |it| {
                it.fails(phase.fails.0).slower(phase.slower.0)
            })
            .named(phase.name);
        match phase.calls_per_second {
            Some(rate) => scenario.with_load(Load::poisson(rate.0)),
            None => scenario,
        }
    }))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let failed = |error: &dyn Error| format!("{}: {error}", path.display());
    let mut text = String::new();
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let read = file
        .by_ref()
        .take(LARGEST_FILE + 1)
        .read_to_string(&mut text);
    if read.map_err(|error| failed(&error))? as u64 > LARGEST_FILE {
        return Err(format!(
            "{}: more than {LARGEST_FILE} bytes; expected a file of policies or of a scenario",
            path.display()
        )
        .into());
    }
    // As some editors begin a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    toml::from_str(text).map_err(|error| failed(&error).into())
}
