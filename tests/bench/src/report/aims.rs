//! What we aim at, and whether it is met.

use std::fmt::Write;

use super::{Results, number::figures};
use crate::{
    peers::{attribute, ours, throttle},
    suite::{Case, Role, Subject},
};

/// As Markdown, one line an aim.
pub fn render(results: &Results<'_>) -> String {
    let mut out = "| | measured | aim | |\n|---|--:|--:|:-:|\n".to_owned();
    for Aim {
        what,
        measured,
        at_most,
    } in aims(results)
    {
        let met = if measured.is_nan() {
            "?"
        } else if measured <= at_most {
            "✓"
        } else {
            "–"
        };
        let _ = writeln!(
            out,
            "| {what} | {} | {} | {met} |",
            figures(measured),
            figures(at_most)
        );
    }
    out
}

struct Aim {
    what: String,
    measured: f64,
    at_most: f64,
}

// A list, and no longer than what is aimed at.
#[allow(clippy::too_many_lines)]
fn aims(results: &Results<'_>) -> Vec<Aim> {
    let median = |case, subject| {
        let times = results.find(case, subject);
        times.map_or(f64::NAN, |times| times.median)
    };
    let mine = |case| median(case, ours::SUBJECT);
    let named = |case, name| median(case, Subject::new(name, Role::Ours));
    let floor = |case| {
        let found = results
            .of(case)
            .find(|(subject, _)| subject.role == Role::Floor);
        found.map_or(f64::NAN, |(_, times)| times.median)
    };
    let machine = |name| median(Case::Floor, Subject::new(name, Role::Floor));
    // The fastest of them, and its name.
    let fastest = |case, roles: &[Role]| {
        let peers = results
            .of(case)
            .filter(|(subject, _)| roles.contains(&subject.role));
        let fastest = peers
            .map(|(subject, times)| (times.median, subject.name))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        fastest.unwrap_or((f64::NAN, "a peer"))
    };
    let recloser = |case| {
        let found = results
            .of(case)
            .find(|(subject, _)| subject.name.starts_with("recloser"));
        found.map_or(f64::NAN, |(_, times)| times.median)
    };
    let instructions = |case, subject| results.instructions(case, subject).unwrap_or(f64::NAN);
    let twice = machine("Instant::now twice");

    let mut aims = Vec::new();
    let mut aim = |what: String, measured: f64, at_most: f64| {
        aims.push(Aim {
            what,
            measured,
            at_most,
        });
    };
    let healthy = mine(Case::Healthy);
    aim(
        "closed, healthy: ns more than without a breaker".into(),
        healthy - floor(Case::Healthy),
        1.0,
    );
    aim(
        "closed, healthy: ns more than without a breaker, a 15th of recloser's".into(),
        healthy - floor(Case::Healthy),
        (recloser(Case::Healthy) - floor(Case::Healthy)) / 15.0,
    );
    let pair = mine(Case::HealthyPair);
    aim(
        "closed, healthy, 2 threads: ns a call, as with one".into(),
        pair,
        // Within what two runs of the same thing differ by.
        healthy * 1.1,
    );
    aim(
        "closed, healthy, 2 threads: ns more than without a breaker, a 200th of recloser's".into(),
        pair - floor(Case::HealthyPair),
        (recloser(Case::HealthyPair) - floor(Case::HealthyPair)) / 200.0,
    );
    for case in [Case::Mixed, Case::MixedPair] {
        let (least, name) = fastest(case, &[Role::ExactPeer]);
        let what = format!(
            "{}: ns a call, as {name}, the fastest exact peer",
            case.title()
        );
        aim(what, mine(case), least);
    }
    let (least, name) = fastest(Case::Open, &[Role::ExactPeer, Role::Peer]);
    aim(
        format!("open, rejected: ns a call, as {name}, the fastest peer"),
        mine(Case::Open),
        least,
    );
    aim(
        "async, healthy: ns more than awaiting the bare future".into(),
        mine(Case::Async) - floor(Case::Async),
        3.0,
    );
    for policy in ["fluxgate, SlowRate", "fluxgate, AvgLatency"] {
        aim(
            format!("{policy}: ns more than two clock reads"),
            named(Case::Timed, policy) - twice,
            10.0,
        );
    }
    aim(
        "fluxgate, TimeWindow: ns more than two clock reads".into(),
        named(Case::Timed, "fluxgate, TimeWindow") - twice,
        15.0,
    );
    for (subject, at_most) in [
        (ours::PICK, 60.0),
        (ours::ASK_CLOSED, 2.0),
        (ours::ASK_OPEN, 35.0),
    ] {
        let what = format!("{}: ns", subject.name);
        aim(what, median(Case::Choosing, subject), at_most);
    }
    let throttled = |subject| median(Case::Throttle, subject);
    aim(
        "in attention, answered: ns more than a healthy call and two clock reads".into(),
        throttled(throttle::ANSWERED) - healthy - twice,
        // To decide, and to count.
        20.0 + 15.0,
    );
    aim(
        "in attention, throttled: ns more than a rejection of an open circuit".into(),
        throttled(throttle::THROTTLED) - mine(Case::Open),
        20.0,
    );
    aim(
        "healthy, with a throttle: instructions more than without".into(),
        instructions(Case::Throttle, throttle::CALM) - instructions(Case::Healthy, ours::SUBJECT),
        0.0,
    );
    aim(
        "closed, healthy: instructions".into(),
        instructions(Case::Healthy, ours::SUBJECT),
        20.0,
    );
    aim(
        "open, rejected: instructions".into(),
        instructions(Case::Open, ours::SUBJECT),
        80.0,
    );
    aim(
        "the attribute: instructions more than by hand".into(),
        instructions(Case::Healthy, attribute::SUBJECT)
            - instructions(Case::Healthy, ours::SUBJECT),
        3.0,
    );
    let memory = results
        .suite
        .memory
        .iter()
        .find(|(name, _)| *name == ours::NAME);
    aim(
        "one breaker: bytes, heap included".into(),
        memory.map_or(f64::NAN, |(_, bytes)| bytes() as f64),
        512.0,
    );
    aims
}
