//! One breaker as a row of the page.

use std::{fmt, time::SystemTime};

use serde::Serialize;

use super::words::Measure;
use crate::{
    CircuitBreaker, Reason, RuleKind, State,
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
        let fixed = fixed.then(|| text(&Fixed { name, set }));
        let rule = breaker.core.config().tripper.to_string();
        let glance = breaker.core.glance();
        let counters = Counters {
            calls: glance.calls,
            failed: glance.failed,
            rejected: glance.rejected,
        };
        Self {
            fixed,
            live: text(&Live::new(&glance, rule)),
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
}

#[derive(Serialize)]
struct Live<'a> {
    state: State,
    /// The rule as the attribute reads it.
    rule: String,
    since: f64,
    /// Why it is open.
    says: Option<String>,
    /// What its rule measures, and while it is open what it measured then.
    measure: Option<Measure>,
    /// How much of its threshold that is, up to 1.
    level: Option<f64>,
    /// How near the rule as a whole is to firing, up to 1.
    near: f64,
    /// How many calls the rule waits for before it looks at anything else.
    few: Option<f64>,
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
    fn new(glance: &'a Glance, rule: String) -> Self {
        let last = glance.last.as_deref();
        let last = last.filter(|last| last.new_state == glance.state);
        let command = last.filter(|last| last.trigger == Trigger::Command);
        let is_open = glance.state == State::Open;
        let opening = last.filter(|last| is_open && !last.rule.is_empty());
        let reads = matches!(
            glance.state,
            State::Closed | State::HalfOpen | State::MetricsOnly
        );
        let main = match (opening, glance.reason.as_ref()) {
            (Some(opening), Some(reason)) => reached(&opening.rule, reason),
            _ if reads => glance.parts.get(glance.leading),
            _ => None,
        };
        let near = if is_open { 1.0 } else { glance.pressure };
        let near = if near.is_finite() {
            near.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let level = main.and_then(level);
        let few = glance.parts.iter().find(|part| is_few(part));
        let few = few.filter(|_| reads && level.is_some_and(|level| level > near));
        Self {
            state: glance.state,
            rule,
            since: epoch(glance.changed_at),
            says: glance.reason.as_ref().map(ToString::to_string),
            measure: main.map(Measure::new),
            level: level.map(thousandths),
            near: thousandths(near),
            few: few.map(|part| part.threshold),
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

/// Returns the part of a rule that was the reason of an opening.
fn reached<'p>(parts: &'p [RulePart], reason: &Reason) -> Option<&'p RulePart> {
    let is_it = |part: &&RulePart| part.holds && part.rule == reason.rule;
    parts.iter().find(is_it)
}

/// Returns whether a part asks for more calls than there are.
fn is_few(part: &RulePart) -> bool {
    part.rule == RuleKind::MinRequests && !part.holds
}

fn thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Returns how much of its threshold a part has reached, up to 1.
fn level(part: &RulePart) -> Option<f64> {
    let near = part.measured? / part.threshold;
    near.is_finite().then(|| near.clamp(0.0, 1.0))
}

pub(super) fn epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0.0, |since| since.as_secs_f64());
    (seconds * 1000.0).round() / 1000.0
}

/// What is counted over the life of a breaker.
#[derive(Clone, Copy, Default)]
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
            calls: calls(self).map(|now| now.saturating_sub(calls(before).unwrap_or(0))),
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
