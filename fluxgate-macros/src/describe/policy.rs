//! The settings of a breaker in words.

use crate::describe::joined;
use crate::{
    analysis::{Branch, Openings, Size, branches, openings},
    describe::words,
    policy::{
        ParsedAdaptive, ParsedListener, ParsedPermit, ParsedRetry, ParsedRule, ParsedThrottle,
        ParsedWindow, PermitKind, RetryKind, ThrottleKind,
    },
    settings::BreakerSettings,
};

/// Says when it opens, for how long, how it recovers, how it
/// answers overload, and whom it tells.
pub(super) fn policy(settings: &BreakerSettings) -> String {
    let parts = [
        opens(settings),
        stays_open(settings.retry.as_ref()),
        recovers(settings),
        throttles(settings.throttle.as_ref()),
        begins(settings),
        tells(settings.listeners.as_deref().unwrap_or_default()),
    ];
    joined(
        parts.iter().map(|part| match part.trim_start() {
            "" => String::new(),
            part => format!("\n{part}"),
        }),
        "",
    )
}

fn begins(settings: &BreakerSettings) -> String {
    match &settings.initial_state {
        Some(state) if state.name != "closed" => format!("\nIt begins `{}`.\n", state.name),
        _ => String::new(),
    }
}

fn opens(settings: &BreakerSettings) -> String {
    let window = settings.window.as_ref();
    let among = among(window);
    let Some(tripper) = &settings.tripper else {
        return format!(
            "\nIt opens when, of at least 100 calls {among}, 50 % or more failed.\n{}",
            numbers(&default_openings(Size::of(window)))
        );
    };
    let Some(branches) = branches(tripper) else {
        return "\nIt opens by a rule too large to put in words.\n".to_owned();
    };
    let numbers =
        openings(tripper, Size::of(window)).map_or_else(String::new, |found| numbers(&found));
    match branches.as_slice() {
        [one] => format!("\nIt opens when {}.\n{numbers}", condition(one, &among)),
        several => {
            let last = several.len() - 1;
            let lines: Vec<_> = several
                .iter()
                .enumerate()
                .map(|(at, branch)| {
                    let end = if at == last { "." } else { ", or" };
                    format!("- {}{end}\n", condition(branch, &among))
                })
                .collect();
            format!("\nIt opens when\n\n{}{numbers}", lines.concat())
        }
    }
}

fn default_openings(window: Size) -> Openings {
    let healthy = match window {
        // Half of a full window, which the 100 calls must fit in.
        Size::Calls { size, .. } if size >= 100 => Some(size.div_ceil(2)),
        _ => None,
    };
    Openings {
        cold: healthy.map(|_| 100),
        healthy,
    }
}

fn numbers(openings: &Openings) -> String {
    match (openings.cold, openings.healthy) {
        (Some(cold), Some(healthy)) if cold == healthy => {
            format!("\nIt takes {} to open it.\n", failing(cold))
        }
        (Some(cold), Some(healthy)) => format!(
            "\nWhen nothing else is called it takes {} to open it from the start, and {} once the \
             window is full of successes.\n",
            failing(cold),
            failing(healthy)
        ),
        (Some(cold), None) => {
            format!("\nFrom the start it takes {} to open it.\n", failing(cold))
        }
        _ => String::new(),
    }
}

fn failing(count: u64) -> String {
    if count == 1 {
        "a single failing call".to_owned()
    } else {
        format!("{count} failing calls")
    }
}

/// Returns "among the last 100" or "in the last 60s".
fn among(window: Option<&ParsedWindow>) -> String {
    match window {
        None => "among the last 100".to_owned(),
        Some(ParsedWindow::Count { size, .. }) => format!("among the last {}", words::count(size)),
        Some(ParsedWindow::Time { duration, .. }) => {
            format!("in the last {}", words::time(duration))
        }
        Some(ParsedWindow::Custom { .. } | ParsedWindow::InCode(_)) => "in its window".to_owned(),
    }
}

fn condition(branch: &Branch<'_>, among: &str) -> String {
    let mut requests = None;
    let mut outcomes = Vec::new();
    let mut rest = Vec::new();
    let mut state = "";
    for leaf in &branch.leaves {
        match &leaf.rule {
            ParsedRule::Closed => state = " (while closed)",
            ParsedRule::HalfOpened => state = " (while half-open)",
            ParsedRule::MinRequests(count) => requests = Some(count),
            ParsedRule::FailureRate(ratio) => {
                outcomes.push(format!("{} or more failed", words::per_cent(ratio)));
            }
            ParsedRule::SlowRate { ratio, threshold } => outcomes.push(format!(
                "{} or more took {} or longer",
                words::per_cent(ratio),
                words::time(threshold)
            )),
            ParsedRule::AvgLatency(threshold) => outcomes.push(format!(
                "the mean duration was {} or longer",
                words::time(threshold)
            )),
            ParsedRule::FailureStreak(count) => rest.push(match count.known {
                Some(1) => "a call failed".to_owned(),
                _ => format!("{} calls in a row failed", words::count(count)),
            }),
            ParsedRule::InFlight { count, older_than } => rest.push(format!(
                "{} calls have been running for {} or longer",
                words::count(count),
                words::time(older_than)
            )),
            ParsedRule::Custom(_) | ParsedRule::InCode(_) => {
                rest.push("a rule of its own says so".to_owned());
            }
        }
    }
    let calls = match requests {
        Some(count) => format!("of at least {} calls {among}", words::count(count)),
        None => format!("of the calls {among}"),
    };
    if !outcomes.is_empty() {
        rest.push(format!("{calls}, {}", outcomes.join(" and ")));
    } else if requests.is_some() {
        rest.push(format!("there were {}", calls.trim_start_matches("of ")));
    }
    format!("{}{state}", rest.join(", and "))
}

fn stays_open(retry: Option<&ParsedRetry>) -> String {
    let jitter = |ratio: &Option<crate::policy::Ratio>| {
        ratio
            .as_ref()
            .filter(|ratio| ratio.known != Some(0.0))
            .map_or_else(String::new, |ratio| {
                format!(", give or take {}", words::per_cent(ratio))
            })
    };
    let text = match retry.map(|retry| &retry.kind) {
        None => "It stays open for 1min.".to_owned(),
        Some(RetryKind::Never) => "It stays open until it is reset by hand.".to_owned(),
        Some(RetryKind::Always) => "The next call after that probes it.".to_owned(),
        Some(RetryKind::Cooldown {
            duration,
            jitter_ratio,
        }) => format!(
            "It stays open for {}{}.",
            words::time(duration),
            jitter(jitter_ratio)
        ),
        Some(RetryKind::Backoff(backoff)) => {
            let factor = backoff
                .multiplier
                .as_ref()
                .map_or_else(|| "2".to_owned(), words::ratio);
            let most = backoff
                .max_duration
                .as_ref()
                .map_or_else(|| "5min".to_owned(), words::time);
            format!(
                "It stays open for {}, and {factor} times as long after each failed recovery, up \
                 to {most}{}.",
                words::time(&backoff.initial),
                jitter(&backoff.jitter_ratio)
            )
        }
        Some(RetryKind::Custom(_) | RetryKind::InCode(_)) => {
            "It stays open for as long as a policy of its own says.".to_owned()
        }
    };
    format!("{text}\n")
}

fn recovers(settings: &BreakerSettings) -> String {
    let most = settings
        .max_half_open_calls
        .as_ref()
        .map_or_else(|| "10".to_owned(), words::count);
    let share = match settings.permit.as_ref() {
        None => "10 % of the calls at first, 100 % after 1min".to_owned(),
        Some(ParsedPermit {
            kind: PermitKind::All,
            ..
        }) => "every call".to_owned(),
        Some(ParsedPermit {
            kind: PermitKind::Random(ratio),
            ..
        }) => format!("{} of the calls", words::per_cent(ratio)),
        Some(ParsedPermit {
            kind: PermitKind::RampUp(ramp),
            ..
        }) => format!(
            "{} of the calls at first, {} after {}",
            words::per_cent(&ramp.initial),
            words::per_cent(&ramp.r#final),
            words::time(&ramp.duration)
        ),
        Some(ParsedPermit {
            kind: PermitKind::Custom(_) | PermitKind::InCode(_),
            ..
        }) => "the calls that a permit of its own picks".to_owned(),
    };
    let closes = match settings.close_after.as_ref() {
        Some(count) if count.known != Some(1) => {
            format!("{} successes in a row close it", words::count(count))
        }
        _ => "the first success closes it".to_owned(),
    };
    let reopens = match settings.reopen_after.as_ref() {
        None => String::new(),
        Some(count) if count.known == Some(1) => ", a failure reopens it".to_owned(),
        Some(count) => format!(", {} failures in a row reopen it", words::count(count)),
    };
    format!("Then it is probed by {share}, at most {most} at a time: {closes}{reopens}.\n")
}

fn throttles(throttle: Option<&ParsedThrottle>) -> String {
    match throttle.map(|throttle| &throttle.kind) {
        None => String::new(),
        Some(ThrottleKind::InCode(_)) => "While the dependency is overloaded, a throttle refuses \
                                          a share of the calls, and overload is no failure.\n"
            .to_owned(),
        Some(ThrottleKind::Adaptive(ParsedAdaptive { k, window, .. })) => {
            let window = window
                .as_ref()
                .map_or_else(|| "10s".to_owned(), words::time);
            format!(
                "While the dependency is overloaded, {} times the calls that it accepted in the \
                 last {window} are let through, and overload is no failure.\n",
                words::ratio(k)
            )
        }
    }
}

fn tells(listeners: &[ParsedListener]) -> String {
    if listeners.is_empty() {
        return String::new();
    }
    let names: Vec<_> = listeners
        .iter()
        .map(|listener| match listener {
            ParsedListener::Log(_) => "the log".to_owned(),
            ParsedListener::Exporter(exporter) => exporter.kind.shown.to_owned(),
            ParsedListener::Slack(_) => "Slack".to_owned(),
            ParsedListener::Closure(_) => "a closure".to_owned(),
            ParsedListener::Any(expr) => format!("`{}`", words::source(Some(expr))),
        })
        .collect();
    let text = match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    };
    format!("Transitions are told to {text}.\n")
}
