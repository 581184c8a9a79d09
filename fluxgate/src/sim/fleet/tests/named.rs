//! Named runs: what fleets are afraid of.

use std::time::Duration;

use super::{ms, secs};
use crate::{
    Builder, State,
    fleet::{Member, Quorum},
    permit::All,
    retry::Cooldown,
    sim::{Dependency, Load, Network, Run, Scenario},
    tripper::FailureStreak,
};

/// Waits for 20 s.
fn policy(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5))
        .retry(Cooldown::new(secs(20)))
        .permit(All)
        .fleet(Member::new().suspect(FailureStreak::new(2)).lease(secs(5)))
}

/// So many instances with so many calls a second each, that have all become members.
fn fleet(instances: usize, rate: f64) -> Scenario {
    Scenario::new(Load::poisson(rate * instances as f64))
        .instances(instances)
        .dependency(Dependency::latency(ms(5)))
        .phase(secs(30), Dependency::healthy)
}

fn network() -> Network {
    Network::new(Quorum::share(0.05))
}

/// Returns the instances that were open at some time, and for how long.
fn opened(run: &Run) -> Vec<(usize, Duration)> {
    let spans = run.spans();
    let open = spans.iter().map(|spans| {
        let open = spans.iter().filter(|span| span.state == State::Open);
        open.map(|span| span.end - span.start).sum()
    });
    let open = open.enumerate().filter(|(_, open)| *open > 0);
    open.map(|(instance, open)| (instance, Duration::from_nanos(open)))
        .collect()
}

/// Returns when the last circuit closed, after the start of a phase; none may be left open.
fn closed_after(run: &Run, phase: usize) -> Duration {
    assert_eq!(super::left_open(run), None);
    let last = run
        .changes
        .iter()
        .filter(|change| change.new_state == State::Closed);
    let last = last.map(|change| change.at).max().unwrap_or_default();
    last.saturating_sub(run.phases()[phase].start)
}

#[test]
fn outage_costs_a_fleet_a_twelfth() {
    let scenario = fleet(200, 1.0)
        .phase(secs(15), |dependency| dependency.fails(1.0))
        .phase(secs(60), Dependency::healthy);
    let alone = scenario.run(policy);
    let together = scenario.fleet(network()).run(policy);
    assert!(alone.reached_while_down() >= 1000);
    assert!(
        together.reached_while_down() < 100,
        "{}",
        together.reached_while_down()
    );
    assert_eq!(opened(&together).len(), 200);
    // Its wait, two probes, and the spread of the closings.
    assert!(closed_after(&together, 2) < secs(20 + 10));
    assert!(together.wrongly_refused() == 0);
}

#[test]
fn long_outage_is_probed_by_three_at_a_time() {
    let scenario = fleet(200, 1.0)
        .phase(secs(90), |dependency| dependency.fails(1.0))
        .phase(secs(120), Dependency::healthy);
    let alone = scenario.run(policy);
    let together = scenario.fleet(network()).run(policy);
    let probes = |run: &Run| run.phases()[1].figures.probes;
    // Waits of 20, 40 and 80 s begin in it, and at most three probes at the end of each.
    assert!(probes(&together) <= 9, "{}", probes(&together));
    assert!(probes(&alone) > 200, "{}", probes(&alone));
    closed_after(&together, 2);
}

#[test]
fn bad_half_without_zones_costs_the_good_half_one_wait() {
    let bad_half = fleet(40, 0.3).phase(secs(120), |dependency| {
        dependency.for_instances(0..20, |seen| seen.fails(1.0))
    });
    let mut waits = 0;
    for seed in 0..20 {
        let run = bad_half.clone().seed(seed).fleet(network()).run(policy);
        let good: Vec<_> = opened(&run)
            .into_iter()
            .filter(|(number, _)| *number >= 20)
            .collect();
        let longest = good.iter().map(|(_, open)| *open).max().unwrap_or_default();
        waits += usize::from(longest > secs(20 + 10 + 15));
    }
    // Where all three probes come from the bad half, an eighth of the times, it is more.
    assert!(waits <= 4, "{waits} of 20");
    // With zones, none.
    let run = bad_half.fleet(network().zones(2)).run(policy);
    let open = opened(&run);
    assert_eq!(open.len(), 20);
    assert!(open.iter().all(|(number, _)| *number < 20));
}

#[test]
fn busy_good_half_knows_better() {
    let run = fleet(40, 20.0)
        .phase(secs(60), |dependency| {
            dependency.for_instances(0..20, |seen| seen.fails(0.3))
        })
        // Votes come in slowly enough for five calls.
        .fleet(Network::new(Quorum::share(0.4)))
        .run(policy);
    let good = opened(&run).into_iter().filter(|(number, _)| *number >= 20);
    let good = good.count();
    assert!(good <= 4, "{good} of 20");
}

#[test]
fn one_call_in_ninety_seconds_closes() {
    let run = fleet(10, 2.0)
        .phase(secs(10), |dependency| dependency.fails(1.0))
        .phase(secs(500), Dependency::healthy)
        .with_load(Load::constant(10.0 / 90.0))
        .fleet(network())
        .run(policy);
    // Its wait, its grace, and the next call.
    assert!(closed_after(&run, 2) <= secs(20 + 10 + 90));
}

#[test]
fn no_call_for_an_hour_closes_with_the_first() {
    let run = fleet(10, 2.0)
        .phase(secs(10), |dependency| dependency.fails(1.0))
        .phase(secs(3600), Dependency::healthy)
        .with_load(Load::constant(0.0))
        .phase(secs(10), Dependency::healthy)
        .with_load(Load::constant(20.0))
        .fleet(network())
        .run(policy);
    assert!(closed_after(&run, 3) < secs(2));
}

/// Two instances fail all the time, which the others are not to hear of.
fn two_bad(network: Network) -> Run {
    fleet(100, 0.5)
        .phase(secs(60), |dependency| {
            dependency.for_instances(0..2, |seen| seen.fails(1.0))
        })
        .fleet(network)
        .run(policy)
}

#[test]
fn store_that_lost_everything_opens_by_no_two_votes() {
    let run = two_bad(network().flush(secs(40)).flush(secs(60)));
    assert!(opened(&run).iter().all(|(number, _)| *number < 2));
}

#[test]
fn mass_restart_opens_by_no_two_votes() {
    let run = two_bad(network().restart(0..100, secs(40)));
    assert!(opened(&run).iter().all(|(number, _)| *number < 2));
}

#[test]
fn quorum_is_of_the_users() {
    // Twenty of 220 use it: 30 % of all would be more than there are.
    let quorum = Quorum::share(0.3);
    let scenario = fleet(20, 2.0).phase(secs(10), |dependency| dependency.fails(1.0));
    let run = scenario
        .clone()
        .fleet(Network::new(quorum).bystanders(200))
        .run(policy);
    // The others hear of it, too.
    assert_eq!(opened(&run).len(), 220);
    assert!(
        run.reached_while_down() < 70,
        "{}",
        run.reached_while_down()
    );
    // And two of them are no quorum.
    let run = fleet(20, 2.0)
        .phase(secs(30), |dependency| {
            dependency.for_instances(0..2, |seen| seen.fails(1.0))
        })
        .fleet(Network::new(quorum).bystanders(200))
        .run(policy);
    assert!(opened(&run).iter().all(|(number, _)| *number < 2));
}

#[test]
fn fleet_that_is_cut_off_goes_on_by_local_rules() {
    let alone = fleet(20, 2.0)
        .phase(secs(10), |dependency| dependency.fails(1.0))
        .phase(secs(60), Dependency::healthy);
    let cut = alone
        .clone()
        .fleet(network().cut(0..20, secs(0)..secs(1000)));
    let (alone, cut) = (alone.run(policy), cut.run(policy));
    assert_eq!(alone.total(), cut.total());
    assert_eq!(alone.changes, cut.changes);
}

#[test]
fn store_that_fails_in_an_outage_keeps_nothing_open() {
    let run = fleet(20, 2.0)
        .phase(secs(10), |dependency| dependency.fails(1.0))
        .phase(secs(90), Dependency::healthy)
        // The circuit opens, and then nothing is heard any more.
        .fleet(network().cut(0..20, secs(35)..secs(1000)))
        .run(policy);
    // Its wait, the spread, and the next call.
    assert!(closed_after(&run, 1) <= secs(20 + 10 + 5));
}
