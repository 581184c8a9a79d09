//! What a simulated call costs: `cargo run --release --features sim --bin simulator` measures
//! it and writes `results/simulator.md`.
//!
//! A program of its own, since the feature must not be in what the others measure.

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    io,
    path::Path,
    time::{Duration, Instant},
};

use fluxgate::{
    Builder,
    retry::Cooldown,
    sim::{Dependency, Load, Scenario},
    tripper::{FailureRate, FailureStreak, MinRequests},
};

const ROUNDS: usize = 5;

/// The policy of the README's first example.
fn usual(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5) | (MinRequests::new(20) & FailureRate::new(0.5)))
        .retry(Cooldown::new(Duration::from_secs(10)))
}

fn ready(name: &str) -> Scenario {
    Scenario::ready(name).expect("a known name")
}

/// Returns the calls of one run and the shortest time of some.
fn measured(scenario: &Scenario) -> (u64, Duration) {
    let mut calls = 0;
    let times = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        calls = black_box(scenario.run(usual)).total().offered;
        begin.elapsed()
    });
    let least = times.min().unwrap_or_default();
    (calls, least)
}

fn main() -> io::Result<()> {
    let mut table = "| | measured | aim | |\n|---|--:|--:|:-:|\n".to_owned();
    let mut row = |what: &str, measured: f64, aim: f64, is_met: bool| {
        let met = if is_met { "✓" } else { "–" };
        let _ = writeln!(table, "| {what} | {measured:.2} | {aim} | {met} |");
    };
    let healthy = Scenario::new(Load::poisson(1000.0))
        .dependency(Dependency::latency(Duration::from_millis(20)))
        .phase(Duration::from_secs(1000), Dependency::healthy);
    let (calls, time) = measured(&healthy);
    let millions = calls as f64 / time.as_secs_f64() / 1e6;
    row(
        "one breaker, healthy: million calls/s, at least",
        millions,
        5.0,
        millions >= 5.0,
    );
    let millis = measured(&ready("sudden-outage")).1.as_secs_f64() * 1e3;
    row("`sudden-outage`: ms", millis, 50.0, millis <= 50.0);
    let nine = Scenario::READY.map(|name| measured(&ready(name)).1);
    let seconds = nine.iter().sum::<Duration>().as_secs_f64();
    row("the nine ready scenarios: s", seconds, 1.0, seconds <= 1.0);
    let day = Scenario::new(Load::poisson(1000.0))
        .phase(Duration::from_secs(43_200), Dependency::healthy)
        .phase(Duration::from_secs(600), |dependency| dependency.fails(1.0))
        .phase(Duration::from_secs(42_600), Dependency::healthy);
    let begin = Instant::now();
    black_box(day.run(usual));
    let seconds = begin.elapsed().as_secs_f64();
    row("a day at 1000/s: s", seconds, 20.0, seconds <= 20.0);
    print!("{table}");
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::write(results.join("simulator.md"), table)
}
