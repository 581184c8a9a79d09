//! Numbers that are written elsewhere: in the guide, and in what is known of overload.

use std::time::Duration;

use fluxgate::{
    Builder,
    retry::Cooldown,
    sim::{Dependency, Load, Run, Scenario},
    throttle::Adaptive,
    tripper::{FailureRate, FailureStreak, MinRequests},
    window::{CountWindow, TimeWindow},
};

use crate::{ms, secs};

/// Returns the time until the first opening when everything begins to fail, at once and
/// without delay, after the window has filled.
fn opens_after(per_second: f64, policy: impl Fn(Builder) -> Builder) -> Option<Duration> {
    // As many calls and as much time as the largest window holds.
    let fill = Duration::from_secs_f64(1000.0 / per_second).max(secs(120));
    Scenario::new(Load::constant(per_second))
        .dependency(Dependency::latency(Duration::from_nanos(1)))
        .phase(fill, fluxgate::sim::Dependency::healthy)
        .phase(fill, |dependency| dependency.fails(1.0))
        .run(policy)
        .opened_after()
}

#[test]
fn opening_times_match_the_guide() {
    const GUIDE: &str = include_str!("../../fluxgate/src/guide/choosing_a_policy.md");
    type Policy = fn(Builder) -> Builder;
    let rows: [(&str, Policy); 4] = [
        ("`FailureStreak(5)`", |breaker| {
            breaker.tripper(FailureStreak::new(5))
        }),
        ("`CountWindow(100)`", |breaker| breaker),
        ("`CountWindow(20)`", |breaker| {
            breaker
                .window(CountWindow::new(20))
                .tripper(MinRequests::new(10) & FailureRate::new(0.5))
        }),
        ("`TimeWindow(60s)`", |breaker| {
            breaker
                .window(TimeWindow::new(secs(60)))
                .tripper(MinRequests::new(20) & FailureRate::new(0.5))
        }),
    ];
    for (start, policy) in rows {
        let row = GUIDE
            .lines()
            .find(|line| line.starts_with(&format!("| {start}")) && line.ends_with("s |"))
            .expect("the row stands in the guide");
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for (rate, cell) in [0.1, 1.0, 10.0, 100.0].into_iter().zip(&cells[1..]) {
            let found = opens_after(rate, policy);
            if *cell == "never" {
                assert_eq!(found, None, "{row} at {rate}/s");
                continue;
            }
            let written: f64 = cell.trim_end_matches(" s").parse().expect("seconds");
            let found = found.expect("it opens").as_secs_f64();
            // A time window is cut into slices, and a call may fall on either side.
            let slack = written * 0.05 + 1.0 / rate;
            assert!(
                (found - written).abs() <= slack,
                "{row} at {rate}/s: {found}"
            );
        }
    }
}

/// A dependency that serves 500 calls a second and refuses the rest is offered 1000.
fn overload(lasts: Duration, refusal_costs: f64, policy: impl Fn(Builder) -> Builder) -> Run {
    Scenario::new(Load::poisson(1000.0))
        .dependency(
            Dependency::latency(ms(1))
                .capacity(500.0)
                .refusal_costs(refusal_costs),
        )
        .phase(lasts, fluxgate::sim::Dependency::healthy)
        .run(policy)
}

fn goodput_in_overload(refusal_costs: f64, policy: impl Fn(Builder) -> Builder) -> f64 {
    overload(secs(300), refusal_costs, policy).goodput()
}

/// What a model says of calls without a breaker, and of a throttle with K = 1.5.
#[test]
fn throttle_sheds_load_in_proportion() {
    let never = |breaker: Builder| breaker.tripper(FailureStreak::new(u64::MAX));
    let throttle = |breaker: Builder| never(breaker).throttle(Adaptive::new(1.5));
    for (refusal_costs, unguarded, throttled) in [(0.0, 500.0, 500.0), (0.3, 285.0, 434.0)] {
        let near = |run: &Run, known: f64| {
            let found = run.goodput();
            assert!(
                (found / known - 1.0).abs() <= 0.03,
                "{found}, but {known} is known"
            );
            let total = run.total();
            let parts = [
                total.answered,
                total.failed,
                total.overloaded,
                total.refused,
                total.throttled,
            ];
            assert_eq!(parts.iter().sum::<u64>(), total.offered);
            assert_eq!((total.refused, total.openings), (0, 0));
        };
        let alone = overload(secs(60), refusal_costs, never);
        near(&alone, unguarded);
        assert_eq!(alone.total().throttled, 0);
        let run = overload(secs(120), refusal_costs, throttle);
        near(&run, throttled);
        assert!(run.total().throttled > 120 * 200, "{run}");
    }
}

#[test]
fn overload_starves_what_a_breaker_alone_guards() {
    let rate = |breaker: Builder| {
        breaker
            .tripper(MinRequests::new(20) & FailureRate::new(0.5))
            .retry(Cooldown::new(secs(10)))
            .permit(fluxgate::permit::All)
            .close_after(3)
            .reopen_after(1)
    };
    let streak = |breaker: Builder| {
        breaker
            .tripper(FailureStreak::new(5))
            .retry(Cooldown::new(secs(10)))
    };
    let near = |found: f64, known: f64| {
        assert!(
            (found / known - 1.0).abs() <= 0.25,
            "{found}, but {known} is known"
        );
    };
    let default = |breaker: Builder| breaker;
    near(goodput_in_overload(0.0, default), 2.7);
    near(goodput_in_overload(0.3, default), 2.2);
    near(goodput_in_overload(0.0, rate), 18.0);
    near(goodput_in_overload(0.3, rate), 14.0);
    near(goodput_in_overload(0.0, streak), 18.0);
    near(goodput_in_overload(0.3, streak), 11.0);
}
