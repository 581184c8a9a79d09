//! Fleets in bad networks.

use std::time::Duration;

use crate::{
    Builder,
    fleet::{Member, Quorum},
    permit::All,
    retry::Cooldown,
    sim::{Load, Network, Scenario},
    tripper::FailureStreak,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn policy(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5))
        .retry(Cooldown::new(secs(30)))
        .permit(All)
        .fleet(Member::new().suspect(FailureStreak::new(2)))
}

#[test]
fn trial() {
    let scenario = Scenario::new(Load::poisson(1000.0))
        .instances(1000)
        .dependency(crate::sim::Dependency::latency(Duration::from_millis(5)))
        .phase(secs(60), |dependency| dependency.healthy())
        .phase(secs(25), |dependency| dependency.fails(1.0))
        .phase(secs(120), |dependency| dependency.healthy());
    let alone = scenario.clone().run(policy);
    let together = scenario
        .fleet(Network::new(Quorum::share(0.05)))
        .run(policy);
    for run in [alone, together] {
        println!("{:?}", run.total());
        for phase in run.phases() {
            println!("{phase:?}");
        }
        let last = run
            .changes
            .iter()
            .filter(|change| change.new_state == crate::State::Open)
            .map(|change| change.at)
            .max();
        println!("{last:?}");
        let last = run
            .changes
            .iter()
            .filter(|change| change.new_state == crate::State::Closed)
            .map(|change| change.at)
            .max();
        println!("{last:?}");
    }
}
