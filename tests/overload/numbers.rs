//! What a throttle is to reach, on the engine, by the simulator.

use std::time::Duration;

use fluxgate::{
    Builder, CircuitBreaker, Outcome,
    clock::ManualClock,
    permit::All,
    random::{Random, Seeded},
    retry::Cooldown,
    sim::{Dependency, Figures, Load, LogNormal, Run, Scenario},
    throttle::Adaptive,
    tripper::{FailureRate, FailureStreak, MinRequests},
};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn breaker(builder: Builder) -> Builder {
    builder
        .tripper(FailureStreak::new(5) | MinRequests::new(20) & FailureRate::new(0.5))
        .retry(Cooldown::new(secs(10)))
        .permit(All)
}

fn both(builder: Builder) -> Builder {
    breaker(builder).throttle(Adaptive::new(1.5))
}

/// A thousand calls a second, from so many clients.
fn clients(clients: usize) -> Scenario {
    let dependency = Dependency::latency(LogNormal::median(Duration::from_millis(20)));
    Scenario::new(Load::poisson(1000.0))
        .dependency(dependency)
        .instances(clients)
        .seed(1)
}

/// Adds seconds, each a phase of its own.
fn each_second(
    scenario: Scenario,
    seconds: u64,
    change: impl Fn(Dependency) -> Dependency,
) -> Scenario {
    (0..seconds).fold(scenario, |scenario, _| scenario.phase(secs(1), &change))
}

fn overloaded(dependency: Dependency) -> Dependency {
    dependency.capacity(500.0)
}

fn overloaded_dearly(dependency: Dependency) -> Dependency {
    overloaded(dependency).refusal_costs(0.3)
}

/// Returns goodput and sent calls a second in a minute of overload, after 15 s of it.
fn settled(
    scenario: Scenario,
    policy: impl Fn(Builder) -> Builder,
    change: impl Fn(Dependency) -> Dependency,
) -> (f64, f64) {
    let scenario = scenario.phase(secs(15), &change);
    let run = scenario.phase(secs(60), change).run(policy);
    let figures = &run.phases()[1].figures;
    let sent = figures.answered + figures.overloaded + figures.failed;
    (figures.answered as f64 / 60.0, sent as f64 / 60.0)
}

/// Returns the second, among phases of a second each, after which 95 % of the calls
/// are answered for good.
fn seconds_to_95_percent(run: &Run, from: usize) -> usize {
    let is_lost = |Figures {
                       answered, offered, ..
                   }: &Figures| { (*answered as f64) < 0.95 * *offered as f64 };
    let mut seconds = run.phases()[from..].iter();
    seconds
        .rposition(|second| is_lost(&second.figures))
        .map_or(0, |at| at + 1)
}

#[test]
fn free_refusals_leave_the_whole_capacity() {
    let (good, sent) = settled(clients(1), both, overloaded);
    assert!(good >= 495.0 && sent <= 760.0, "{good} of {sent}");
    let (alone, _) = settled(clients(1), breaker, overloaded);
    assert!(alone < 50.0, "a breaker alone: {alone}");
}

#[test]
fn dear_refusals_leave_most_of_the_capacity() {
    for (of, least) in [(1, 425.0), (20, 420.0), (200, 395.0)] {
        let (good, sent) = settled(clients(of), both, overloaded_dearly);
        assert!(good >= least, "{of} clients: {good} of {sent}");
    }
}

#[test]
fn capacity_that_comes_back_is_used() {
    for change in [overloaded, overloaded_dearly] {
        let scenario = clients(1).phase(secs(60), change);
        let run = each_second(scenario, 30, Dependency::healthy).run(both);
        let took = seconds_to_95_percent(&run, 1);
        assert!(took <= 8, "{took} s");
    }
}

/// Refuses everything for a minute, and returns the seconds until most is answered
/// again.
fn back_after_refusing_all(change: impl Fn(Dependency) -> Dependency) -> usize {
    let scenario = clients(1)
        .phase(secs(30), Dependency::healthy)
        .phase(secs(60), change);
    let run = each_second(scenario, 40, Dependency::healthy).run(both);
    let sent = run.phases()[1].figures.reached_while_down;
    assert!(sent < 20_000, "{sent} calls reached it");
    assert!(run.phases()[1].figures.openings > 0, "the breaker's doing");
    seconds_to_95_percent(&run, 2)
}

#[test]
fn total_refusal_ends_within_20_s() {
    let took = back_after_refusing_all(|it| it.capacity(0.0));
    assert!(took <= 20, "{took} s");
    let took = back_after_refusing_all(|it| it.capacity(0.0).retry_after(secs(1)));
    assert!(took <= 20, "{took} s, with a wait at each refusal");
}

#[test]
fn wait_at_each_refusal_costs_nothing() {
    let asking = |it: Dependency| overloaded(it).retry_after(secs(1));
    let (good, sent) = settled(clients(1), both, asking);
    assert!(good >= 495.0 && sent <= 760.0, "{good} of {sent}");
}

#[test]
fn ten_million_healthy_calls_are_never_throttled() {
    let breaker = both(CircuitBreaker::builder("healthy"))
        .clock(ManualClock::new())
        .build()
        .expect("sound settings");
    for _ in 0..10_000_000 {
        let guard = breaker.acquire().expect("never throttled");
        guard.success();
    }
    assert_eq!((breaker.info().throttled, breaker.info().rejected), (0, 0));
}

/// Half of the calls are cancelled, and one in a thousand meets a stray overload.
#[test]
fn stray_overloads_throttle_no_healthy_call() {
    let clock = ManualClock::new();
    let breaker = both(CircuitBreaker::builder("stray"))
        .clock(clock.clone())
        .build()
        .expect("sound settings");
    let mut random = Seeded::new(5);
    for _ in 0..300_000 {
        clock.advance(Duration::from_millis(1));
        let guard = breaker.acquire().expect("never throttled");
        if random.next_f64() < 0.5 {
            drop(guard);
        } else if random.next_f64() < 0.001 {
            guard.record(Outcome::Overloaded);
        } else {
            guard.success();
        }
    }
    let info = breaker.info();
    assert!(info.overloaded > 100 && info.cancelled > 100_000);
    assert_eq!((info.throttled, info.rejected), (0, 0));
}

#[test]
fn outage_is_the_breakers_alone() {
    let reached = |policy: fn(Builder) -> Builder| {
        let scenario = clients(1)
            .phase(secs(30), Dependency::healthy)
            .phase(secs(60), |it| it.fails(1.0))
            .phase(secs(30), Dependency::healthy);
        scenario.run(policy).reached_while_down()
    };
    let (with, without) = (reached(both), reached(breaker));
    assert!(with.abs_diff(without) <= 1, "{with}, not {without}");
}

#[test]
fn partial_failure_costs_no_good_call() {
    let policy = |builder: Builder| {
        builder
            .tripper(MinRequests::new(20) & FailureRate::new(0.5))
            .throttle(Adaptive::new(1.5))
    };
    let scenario = clients(1)
        .phase(secs(30), Dependency::healthy)
        .phase(secs(60), |it| it.fails(0.3));
    let run = scenario.run(policy);
    assert_eq!(run.wrongly_refused(), 0, "{run}");
    assert_eq!(run.total().refused, 0, "{run}");
}

/// Returns goodput, sent calls, and the most seconds that it took to come back, for
/// the table in the guide.
fn row(k: f64) -> (f64, f64, usize) {
    let policy = |builder: Builder| breaker(builder).throttle(Adaptive::new(k));
    let (good, sent) = settled(clients(1), policy, overloaded_dearly);
    let back = (20..32).step_by(3).map(|lasts| {
        let scenario = clients(1).seed(lasts).phase(secs(lasts), overloaded_dearly);
        let run = each_second(scenario, 15, Dependency::healthy).run(policy);
        seconds_to_95_percent(&run, 1)
    });
    (good, sent, back.max().unwrap_or(0))
}

/// The guide's table says what this engine does.
#[test]
fn guides_table_of_k_is_true() {
    let guide = include_str!("../../fluxgate/src/guide/overload.md");
    let mut wrong = Vec::new();
    for k in [1.1, 1.25, 1.5, 2.0] {
        let (good, sent, back) = row(k);
        let row = format!("| {k} | {good:.0} | {sent:.0} | {back} s |");
        wrong.extend((!guide.contains(&row)).then_some(row));
    }
    assert!(wrong.is_empty(), "the guide lacks\n{}", wrong.join("\n"));
}
