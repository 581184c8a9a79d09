//! What a hard outage costs a fleet, by size and traffic: the table of the guide.

use std::{fmt::Write as _, time::Duration};

use fluxgate::{
    Builder, State,
    fleet::{Member, Quorum},
    retry::Cooldown,
    sim::{Dependency, Load, Network, Run, Scenario},
    tripper::FailureStreak,
};

/// A fleet, and for how long it is watched.
struct Row {
    instances: usize,
    rate: f64,
    /// In seconds: until nearly all instances are members, and until all are open.
    healthy: u64,
    outage: u64,
    within: u64,
}

const ROWS: [Row; 5] = [
    row(1000, 1.0, 60, 60, 5),
    row(1000, 0.1, 120, 400, 5),
    row(100, 10.0, 30, 10, 5),
    row(1000, 0.01, 900, 2500, 60),
    row(3, 300.0, 30, 2, 5),
];

const fn row(instances: usize, rate: f64, healthy: u64, outage: u64, within: u64) -> Row {
    Row {
        instances,
        rate,
        healthy,
        outage,
        within,
    }
}

/// Opens for an hour, so that the outage is over before any probe.
fn policy(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5))
        .retry(Cooldown::new(Duration::from_secs(3600)))
        .fleet(Member::new().suspect(FailureStreak::new(2)))
}

/// Returns the table in Markdown.
pub(crate) fn table() -> String {
    let mut table = String::from(
        "| instances | calls/s each | alone | together | together, last one open after |\n\
         |--:|--:|--:|--:|--:|\n",
    );
    for row in &ROWS {
        let (alone, together) = runs(row);
        let (count, rate) = (row.instances, row.rate);
        let (alone, after_alone) = cost(&alone, row);
        let (together, after) = cost(&together, row);
        let _ = writeln!(
            table,
            "| {count} | {rate} | {alone}, {after_alone:.1} s | {together} | {after:.2} s |"
        );
    }
    table
}

fn runs(row: &Row) -> (Run, Run) {
    let secs = Duration::from_secs;
    let scenario = Scenario::new(Load::poisson(row.rate * row.instances as f64))
        .instances(row.instances)
        .dependency(Dependency::latency(Duration::from_millis(5)))
        .phase(secs(row.healthy), Dependency::healthy)
        .phase(secs(row.outage), |dependency| dependency.fails(1.0));
    let quorum = Quorum::share(0.05).within(secs(row.within));
    let alone = scenario.run(policy);
    (alone, scenario.fleet(Network::new(quorum)).run(policy))
}

/// Returns how many calls failed, and after how many seconds the last instance was open.
fn cost(run: &Run, row: &Row) -> (u64, f64) {
    let opened = run
        .changes()
        .iter()
        .filter(|change| change.new_state == State::Open);
    let last = opened.map(|change| change.at).max().unwrap_or_default();
    let start = Duration::from_secs(row.healthy);
    (run.total().failed, last.saturating_sub(start).as_secs_f64())
}
