//! Policies and measurements in words.

use std::time::Duration;

use serde::Serialize;

use crate::{
    RuleKind, SettingsInfo, flight::RulePart, info::reason::Percent, tripper::Rule,
    util::duration::Words,
};

/// Says when the circuit opens, and how it comes back.
pub(super) fn policy(settings: &SettingsInfo, rule: &Rule) -> String {
    let SettingsInfo {
        window,
        retry,
        permit,
        max_half_open_calls,
        close_after,
        reopen_after,
        ..
    } = settings;
    let at_once = match max_half_open_calls {
        1 => "one at a time".to_owned(),
        most => format!("at most {most} at once"),
    };
    let closes = match close_after {
        1 => "a probe succeeds".to_owned(),
        count => format!("{count} probes in a row succeed"),
    };
    let reopens = match reopen_after {
        None => "the rule holds".to_owned(),
        Some(1) => "a probe fails".to_owned(),
        Some(count) => format!("{count} probes in a row fail"),
    };
    format!(
        "Opens when {}; {}. Open, it rejects every call, and {}. Then {} probes, {at_once}. It \
         closes when {closes} and the rule does not hold, and opens again when {reopens}.",
        rule.words(),
        counted(window),
        wait(retry),
        probes(permit),
    )
}

/// Returns the names of the metrics that a breaker has in Prometheus.
pub(super) fn metrics() -> Vec<&'static str> {
    #[cfg(feature = "prometheus")]
    return crate::listener::metric_names();
    #[cfg(not(feature = "prometheus"))]
    Vec::new()
}

/// What a part of a rule measures: its name, its value and its threshold.
#[derive(Serialize)]
pub(super) struct Measure {
    what: String,
    value: Option<String>,
    limit: Option<String>,
}

impl Measure {
    pub(super) fn new(part: &RulePart) -> Self {
        let RulePart {
            rule,
            measured,
            threshold,
            ..
        } = *part;
        let count = |count: f64| count.to_string();
        let percent = |ratio: f64| Percent(ratio).to_string();
        let seconds = |seconds: f64| format!("{seconds:.3} s");
        let (what, write): (_, fn(f64) -> String) = match rule {
            RuleKind::FailureRate => ("failure rate".to_owned(), percent),
            RuleKind::SlowRate { slow } => (format!("{} or longer", Words(slow)), percent),
            RuleKind::AvgLatency => ("average latency".to_owned(), seconds),
            RuleKind::FailureStreak => ("failures in a row".to_owned(), count),
            RuleKind::MinRequests => ("calls".to_owned(), count),
            RuleKind::InFlight { older_than } => {
                (format!("running for {}", Words(older_than)), count)
            }
            RuleKind::ReopenAfter => ("failed probes".to_owned(), count),
            RuleKind::Custom(name) => (name.to_owned(), count),
            // No part of a rule.
            RuleKind::Restored => (rule.to_string(), count),
            RuleKind::State => ("state".to_owned(), count),
            #[cfg(feature = "fleet")]
            RuleKind::Fleet { .. } => ("instances".to_owned(), count),
        };
        let has_numbers = measured.is_some() && rule != RuleKind::State;
        Self {
            what,
            value: measured.filter(|_| has_numbers).map(write),
            limit: has_numbers.then(|| write(threshold)),
        }
    }
}

/// Splits a policy, as the attribute reads it, into its name and the values of its
/// arguments.
fn split(policy: &str) -> (&str, Vec<&str>) {
    let inside = policy
        .strip_suffix(')')
        .and_then(|call| call.split_once('('));
    let (name, arguments) = inside.unwrap_or((policy, ""));
    let arguments = arguments
        .split(", ")
        .filter(|argument| !argument.is_empty());
    let values = arguments.map(|argument| argument.rsplit("= ").next().unwrap_or(argument));
    (name, values.collect())
}

/// Returns which calls a window holds.
fn counted(window: &str) -> String {
    let (name, values) = split(window);
    match (name, &values[..]) {
        ("CountWindow", ["1"]) => "the last call counts".to_owned(),
        ("CountWindow", [count]) => format!("the last {count} calls count"),
        ("TimeWindow", [duration, ..]) => format!("calls of the last {} count", span(duration)),
        _ => format!("calls in {window} count"),
    }
}

/// Returns what ends the time in which every call is rejected.
fn wait(retry: &str) -> String {
    let (name, values) = split(retry);
    let spread = |jitter: &[&str]| match jitter {
        [ratio] => format!(", give or take {}", percent(ratio)),
        _ => String::new(),
    };
    match (name, &values[..]) {
        ("Always", []) => "the next call may be a probe at once".to_owned(),
        ("Never", []) => "only a command ends that".to_owned(),
        ("Cooldown", [duration, jitter @ ..]) => {
            format!("that for {}{}", span(duration), spread(jitter))
        }
        ("Backoff", [initial, multiplier, longest, jitter @ ..]) => format!(
            "that for {}, after each failed attempt {} times as long, up to {}{}",
            span(initial),
            multiplier.trim_end_matches(".0"),
            span(longest),
            spread(jitter)
        ),
        _ => format!("that for as long as {retry} says"),
    }
}

/// Returns which calls become probes.
fn probes(permit: &str) -> String {
    let (name, values) = split(permit);
    match (name, &values[..]) {
        ("All", []) => "the next calls are".to_owned(),
        ("Random", [ratio]) => format!("a random {} of the calls are", percent(ratio)),
        ("RampUp", [from, to, duration]) => format!(
            "a share of the calls that goes from {} to {} within {} are",
            percent(from),
            percent(to),
            span(duration)
        ),
        _ => format!("the calls that {permit} chooses are"),
    }
}

fn percent(ratio: &str) -> String {
    let number = ratio.parse().map(|ratio| Percent(ratio).to_string());
    number.unwrap_or_else(|_| ratio.to_owned())
}

/// Returns a duration of the attribute as part of a sentence: `1.5 s`.
fn span(literal: &str) -> String {
    let unit = literal.find(char::is_alphabetic).unwrap_or(literal.len());
    let (number, unit) = literal.split_at(unit);
    let seconds = number.parse::<u64>().ok().filter(|_| unit == "s");
    match seconds {
        Some(seconds) => Words(Duration::from_secs(seconds)).to_string(),
        None => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CircuitBreaker,
        permit::{All, Custom, RampUp},
        retry::{Backoff, Never},
        tripper::FailureStreak,
        window::TimeWindow,
    };

    fn said(breaker: crate::Builder) -> String {
        let breaker = breaker.build().unwrap();
        policy(&breaker.info().settings, &breaker.core.config().tripper)
    }

    #[test]
    fn default_policy_in_words() {
        let breaker = CircuitBreaker::builder("words_default");
        assert_eq!(
            said(breaker),
            "Opens when there are at least 100 calls in the window and 50 % or more of the calls \
             failed; the last 100 calls count. Open, it rejects every call, and that for 60 s. \
             Then a share of the calls that goes from 10 % to 100 % within 60 s are probes, at \
             most 10 at once. It closes when a probe succeeds and the rule does not hold, and \
             opens again when the rule holds."
        );
    }

    #[test]
    fn policies_in_words() {
        let streak = |name: &'static str| {
            CircuitBreaker::builder(name)
                .tripper(FailureStreak::new(5))
                .permit(All)
        };
        let minute = Duration::from_secs(60);
        let backoff = Backoff::new(Duration::from_millis(500)).jitter_ratio(0.2);
        let breaker = streak("words_backoff")
            .retry(backoff)
            .window(TimeWindow::new(minute));
        assert_eq!(
            said(
                breaker
                    .max_half_open_calls(1)
                    .close_after(2)
                    .reopen_after(1)
            ),
            "Opens when 5 calls in a row failed; calls of the last 60 s count. Open, it rejects \
             every call, and that for 500 ms, after each failed attempt 2 times as long, up to \
             5 min, give or take 20 %. Then the next calls are probes, one at a time. It closes \
             when 2 probes in a row succeed and the rule does not hold, and opens again when a \
             probe fails."
        );
        let ramp = RampUp::new(0.05, 0.5, 5 * minute);
        let said_never = said(streak("words_never").retry(Never).permit(ramp));
        assert!(said_never.contains("rejects every call, and only a command ends that."));
        assert!(said_never.contains("goes from 5 % to 50 % within 5 min are probes"));
        let own = move |_: &crate::retry::Opening| Some(minute);
        let said_own = said(
            streak("words_own")
                .retry(own)
                .permit(Custom::from_fn(|_| true)),
        );
        assert!(
            said_own.contains("and that for as long as Custom("),
            "{said_own}"
        );
        assert!(
            said_own.contains("Then the calls that Custom("),
            "{said_own}"
        );
    }
}
