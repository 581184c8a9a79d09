//! One breaker as a row of the page.

use std::{fmt, time::SystemTime};

use serde::Serialize;

use crate::{
    CircuitBreaker, State,
    engine::glance::Glance,
    flight::{RulePart, Trigger},
};

/// What a look sees of one breaker.
pub(super) struct Shown {
    /// What never changes, as JSON, if that was asked for.
    pub(super) fixed: Option<String>,
    /// What does, as JSON.
    pub(super) live: String,
    pub(super) counters: Counters,
}

impl Shown {
    pub(super) fn new(breaker: &CircuitBreaker, set: Option<&str>, fixed: bool) -> Self {
        let name = breaker.name().as_str();
        let rule = || breaker.core.config().tripper.to_string();
        let fixed = fixed.then(|| {
            text(&Fixed {
                name,
                set,
                rule: rule(),
            })
        });
        let glance = breaker.core.glance();
        let counters = Counters {
            calls: glance.calls,
            failed: glance.failed,
            rejected: glance.rejected,
        };
        Self {
            fixed,
            live: text(&Live::new(&glance)),
            counters,
        }
    }
}

/// Writes what holds strings and finite numbers alone.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

#[derive(Serialize)]
struct Fixed<'a> {
    name: &'a str,
    set: Option<&'a str>,
    rule: String,
}

#[derive(Serialize)]
struct Live<'a> {
    state: State,
    since: f64,
    /// Why it is open, or what it measures.
    says: Option<String>,
    /// How near the rule is to firing, up to 1.
    near: Option<f64>,
    /// When an open circuit takes its next probe.
    next: Option<f64>,
    /// Whether it is open for good.
    never: bool,
    probes: usize,
    slots: u32,
    /// Who commanded the present state, if anyone did.
    commanded: bool,
    by: Option<&'a str>,
    variable: Option<&'a str>,
    throttled: Option<f64>,
    window: u64,
    failed: u64,
    rejected: u64,
}

impl<'a> Live<'a> {
    fn new(glance: &'a Glance) -> Self {
        let last = glance.last.as_deref();
        let last = last.filter(|last| last.new_state == glance.state);
        let command = last.filter(|last| last.trigger == Trigger::Command);
        let is_open = glance.state == State::Open;
        let opening = last.filter(|last| is_open && !last.rule.is_empty());
        let parts = opening.map_or(&*glance.parts, |opening| &opening.rule);
        let reads = matches!(
            glance.state,
            State::Closed | State::HalfOpen | State::MetricsOnly
        );
        let main = main(parts).filter(|_| reads || opening.is_some());
        let reason = glance.reason.as_ref().map(ToString::to_string);
        Self {
            state: glance.state,
            since: epoch(glance.changed_at),
            says: reason.or_else(|| main.map(ToString::to_string)),
            near: main
                .and_then(nearness)
                .map(|near| (near * 1000.0).round() / 1000.0),
            next: glance.next_attempt.map(epoch),
            never: is_open && glance.next_attempt.is_none(),
            probes: glance.probes_in_flight,
            slots: glance.slots,
            commanded: command.is_some(),
            by: command.and_then(|command| command.by.as_deref()),
            variable: glance.variable.as_deref(),
            throttled: glance.throttled,
            window: glance.window,
            failed: glance.failed,
            rejected: glance.rejected,
        }
    }
}

/// Returns the part of a rule that is shown: of those that look at outcomes the one
/// that is nearest to its threshold.
fn main(parts: &[RulePart]) -> Option<&RulePart> {
    use crate::RuleKind::{MinRequests, State};

    let outcomes = parts
        .iter()
        .filter(|part| !matches!(part.rule, MinRequests | State));
    let key = |part: &&RulePart| nearness(part).unwrap_or(f64::from(u8::from(part.holds)));
    outcomes
        .max_by(|a, b| key(a).total_cmp(&key(b)))
        .or_else(|| parts.first())
}

/// Returns how near a part is to its threshold, up to 1.
fn nearness(part: &RulePart) -> Option<f64> {
    let near = part.measured? / part.threshold;
    near.is_finite().then(|| near.clamp(0.0, 1.0))
}

pub(super) fn epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0.0, |since| since.as_secs_f64());
    (seconds * 1000.0).round() / 1000.0
}

/// What is counted over the life of a breaker.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    /// Calls that ran, if they are counted.
    calls: Option<u64>,
    failed: u64,
    rejected: u64,
}

impl Counters {
    pub(super) fn since(&self, before: &Self) -> Bucket {
        let calls = |counters: &Self| counters.calls;
        Bucket {
            number: 0,
            calls: calls(self).map(|now| now.saturating_sub(calls(before).unwrap_or(now))),
            failed: self.failed.saturating_sub(before.failed),
            rejected: self.rejected.saturating_sub(before.rejected),
        }
    }
}

/// What was counted in one bucket of the history; written as a JSON array.
#[derive(Clone, Copy)]
pub(super) struct Bucket {
    pub(super) number: u64,
    calls: Option<u64>,
    failed: u64,
    rejected: u64,
}

impl Bucket {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.unwrap_or(0) == 0 && self.failed == 0 && self.rejected == 0
    }

    pub(super) fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.calls = self.calls.zip(more.calls).map(|(a, b)| a + b);
        self.failed += more.failed;
        self.rejected += more.rejected;
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{},", self.number)?;
        match self.calls {
            Some(calls) => write!(f, "{calls}")?,
            None => f.write_str("null")?,
        }
        write!(f, ",{},{}]", self.failed, self.rejected)
    }
}
