//! Fleets: the pictures of the guide, and the smaller rows of its table.

use fluxgate::{
    Builder,
    fleet::{Member, Quorum, plan},
    permit::All,
    retry::Backoff,
    sim::{Dependency, Load, Network, Run, Scenario},
    tripper::FailureStreak,
};

use crate::{
    ms, secs,
    snapshots::{inlined, same},
};

fn member(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5))
        .retry(Backoff::new(secs(15)).max_duration(secs(30)))
        .permit(All)
        .fleet(Member::new().suspect(FailureStreak::new(2)).lease(secs(5)))
}

fn outage(instances: usize, rate: f64, lasts: u64) -> Scenario {
    Scenario::new(Load::poisson(rate * instances as f64))
        .instances(instances)
        .dependency(Dependency::latency(ms(5)))
        .phase(secs(30), Dependency::healthy)
        .phase(secs(lasts), |dependency| dependency.fails(1.0))
        .named("outage")
}

fn network() -> Network {
    Network::new(Quorum::share(0.05))
}

#[test]
fn guide_pictures_of_fleets_are_drawn_alike() {
    let scenario = outage(64, 1.0, 75).phase(secs(75), Dependency::healthy);
    let alone = scenario.run(member);
    let together = scenario.fleet(network()).run(member);
    assert!(alone.reached_while_down() > 6 * together.reached_while_down());
    let pictures: [(&str, &str, Run); 2] = [
        (
            "fleet-alone",
            "64 instances in an outage, each alone",
            alone,
        ),
        ("fleet", "64 instances in an outage, as a fleet", together),
    ];
    for (name, alt, run) in pictures {
        same(
            &format!("../../../fluxgate/src/guide/pictures/{name}.html"),
            &inlined(&run.svg(), alt),
        );
    }
}

/// The whole table takes longer: `cargo run --example simulate -- --fleet`.
#[test]
fn guide_says_what_a_fleet_saves() {
    let guide = include_str!("../../fluxgate/src/guide/fleet.md");
    for (instances, rate) in [(100, 10.0), (3, 300.0)] {
        let alone = outage(instances, rate, 10).run(member).total().failed;
        let together = outage(instances, rate, 10).fleet(network()).run(member);
        let together = together.total().failed;
        let row = guide
            .lines()
            .find(|line| line.starts_with(&format!("| {instances} | {rate} |")));
        let row = row.expect("a row of the table");
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let number = |cell: &str| -> f64 {
            let number = cell.split(',').next().unwrap_or_default();
            number.parse().expect("a number")
        };
        for (said, found) in [(cells[3], alone), (cells[4], together)] {
            let (said, found) = (number(said), found as f64);
            assert!((said - found).abs() <= 0.2 * said + 1.0, "{row}: {found}");
        }
    }
}

#[test]
fn guide_says_how_often_chance_is_a_quorum() {
    let guide = include_str!("../../fluxgate/src/guide/fleet.md");
    for errors in [0.01, 0.1] {
        for line in plan(1000, 1.0, errors).to_string().lines() {
            assert!(guide.contains(line), "{line}");
        }
    }
}
