//! What a throttle is to reach, on the engine, with a manual clock.

use std::time::Duration;

use fluxgate::{
    Builder,
    permit::All,
    retry::Cooldown,
    throttle::Adaptive,
    tripper::{FailureRate, FailureStreak, MinRequests},
};

use crate::world::{Figures, HEALTHY, Phase, run, sum};

fn breaker(builder: Builder) -> Builder {
    builder
        .tripper(FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5))
        .retry(Cooldown::new(Duration::from_secs(10)))
        .permit(All)
}

fn both(builder: Builder) -> Builder {
    breaker(builder).throttle(Adaptive::new(1.5))
}

const OVERLOADED: Phase = Phase {
    lasts: 60,
    capacity: Some(500.0),
    ..HEALTHY
};

/// Returns goodput and sent calls a second, after 15 s to settle.
fn settled(clients: usize, policy: impl Fn(Builder) -> Builder, phase: Phase) -> (f64, f64) {
    let seconds = run(clients, 1, policy, &[phase]);
    let Figures { good, sent, .. } = sum(&seconds[15..]);
    let lasted = (seconds.len() - 15) as f64;
    (good as f64 / lasted, sent as f64 / lasted)
}

#[test]
fn free_refusals_leave_the_whole_capacity() {
    let (good, sent) = settled(1, both, OVERLOADED);
    assert!(good >= 495.0 && sent <= 760.0, "{good} of {sent}");
    let (alone, _) = settled(1, breaker, OVERLOADED);
    assert!(alone < 50.0, "a breaker alone: {alone}");
}

#[test]
fn dear_refusals_leave_most_of_the_capacity() {
    let dear = Phase {
        refusal_costs: 0.3,
        ..OVERLOADED
    };
    for (clients, least) in [(1, 425.0), (20, 420.0), (200, 395.0)] {
        let (good, sent) = settled(clients, both, dear);
        assert!(good >= least, "{clients} clients: {good} of {sent}");
    }
}

#[test]
fn capacity_that_comes_back_is_used() {
    let seconds = run(1, 2, both, &[OVERLOADED, HEALTHY]);
    let back = &seconds[60..];
    let used = |second: &Figures| second.good as f64 >= 0.95 * 1000.0;
    assert!(back[8..].iter().all(used), "{back:?}");
}

/// Refuses everything for a minute, and returns the seconds until most is answered
/// again.
fn back_after_refusing_all(retry_after: Option<Duration>) -> usize {
    let refusing = Phase {
        capacity: Some(0.0),
        retry_after,
        ..OVERLOADED
    };
    let seconds = run(1, 3, both, &[HEALTHY, refusing, HEALTHY]);
    let sent = sum(&seconds[30..90]).sent;
    assert!(sent < 20_000, "{sent} calls reached it");
    let back = seconds[90..].iter();
    let lost = |second: &Figures| (second.good as f64) < 0.95 * 1000.0;
    back.enumerate()
        .filter(|(_, second)| lost(second))
        .map(|(at, _)| at + 1)
        .max()
        .unwrap_or(0)
}

#[test]
fn total_refusal_ends_within_20_s() {
    let took = back_after_refusing_all(None);
    assert!(took <= 20, "{took} s");
}

#[test]
fn total_refusal_with_a_wait_ends_within_20_s() {
    let took = back_after_refusing_all(Some(Duration::from_secs(1)));
    assert!(took <= 20, "{took} s");
}

#[test]
fn a_wait_at_each_refusal_costs_nothing() {
    let asking = Phase {
        retry_after: Some(Duration::from_secs(1)),
        ..OVERLOADED
    };
    let (good, _) = settled(1, both, asking);
    assert!(good >= 495.0, "{good}");
}

#[test]
fn healthy_calls_are_never_throttled() {
    let healthy = run(
        1,
        4,
        both,
        &[Phase {
            lasts: 100,
            ..HEALTHY
        }],
    );
    assert_eq!(sum(&healthy).rejected, 0);
    // Half of the calls are cancelled, and one in a thousand meets a stray overload.
    let noisy = Phase {
        lasts: 100,
        cancelled: 0.5,
        stray: 0.001,
        ..HEALTHY
    };
    assert_eq!(sum(&run(1, 5, both, &[noisy])).rejected, 0);
}

#[test]
fn an_outage_is_the_breakers_alone() {
    let down = Phase {
        fails: 1.0,
        lasts: 60,
        ..HEALTHY
    };
    let reached = |policy: fn(Builder) -> Builder| {
        sum(&run(1, 6, policy, &[HEALTHY, down, HEALTHY])[30..90]).sent
    };
    assert!(reached(both).abs_diff(reached(breaker)) <= 1);
}

#[test]
fn partial_failure_costs_no_good_call() {
    let partial = Phase {
        fails: 0.3,
        ..HEALTHY
    };
    let policy = |builder: Builder| {
        builder
            .tripper(MinRequests::new(20) & FailureRate::new(0.5))
            .throttle(Adaptive::new(1.5))
    };
    let Figures { rejected, sent, .. } = sum(&run(1, 7, policy, &[HEALTHY, partial]));
    assert_eq!(rejected, 0, "of {sent}");
}

/// Returns goodput, sent calls, and the most seconds that it took to come back,
/// for the table in the guide.
fn row(k: f64) -> (f64, f64, usize) {
    let policy = |builder: Builder| breaker(builder).throttle(Adaptive::new(k));
    let dear = Phase {
        refusal_costs: 0.3,
        ..OVERLOADED
    };
    let (good, sent) = settled(1, policy, dear);
    let lost = |second: &Figures| (second.good as f64) < 0.95 * 1000.0;
    let back = (20..32).step_by(3).map(|lasts| {
        let phases = [
            Phase { lasts, ..dear },
            Phase {
                lasts: 15,
                ..HEALTHY
            },
        ];
        let seconds = run(1, lasts, policy, &phases);
        let mut back = seconds[lasts as usize..].iter().enumerate();
        let latest = back.rfind(|(_, second)| lost(second));
        latest.map_or(0, |(at, _)| at + 1)
    });
    (good, sent, back.max().unwrap_or(0))
}

/// The guide's table says what this engine does.
#[test]
fn the_guides_table_of_k_is_true() {
    let guide = include_str!("../../fluxgate/src/guide/overload.md");
    let mut wrong = Vec::new();
    for k in [1.1, 1.25, 1.5, 2.0] {
        let (good, sent, back) = row(k);
        let row = format!("| {k} | {good:.0} | {sent:.0} | {back} s |");
        wrong.extend((!guide.contains(&row)).then_some(row));
    }
    assert!(wrong.is_empty(), "the guide lacks\n{}", wrong.join("\n"));
}
