//! Fleets in bad networks.

pub(super) mod judge;
mod named;

use std::time::Duration;

use judge::Judge;

use crate::{
    Builder, State,
    fleet::{Member, Quorum},
    permit::All,
    random::{Random, Seeded},
    retry::Backoff,
    sim::{Dependency, Load, Network, Run, Scenario, simulation},
    tripper::FailureStreak,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const LEASE: u64 = 5;
const LONGEST: u64 = 10;
const WITHIN: u64 = 5;

/// Waits for 3 s at first and for 10 s at most.
fn policy(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5))
        .retry(Backoff::new(secs(3)).max_duration(secs(LONGEST)))
        .permit(All)
        .fleet(
            Member::new()
                .suspect(FailureStreak::new(2))
                .lease(secs(LEASE)),
        )
}

/// Draws whole numbers.
struct Dice(Seeded);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below"
        )]
        let drawn = (self.0.next_f64() * below as f64) as u64;
        drawn
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A small fleet in a bad network, and when both are well again.
fn adversity(seed: u64) -> (Scenario, Duration) {
    let mut dice = Dice(Seeded::new(seed ^ 0x5EED));
    let instances = 2 + usize::try_from(dice.below(7)).expect("small");
    let healthy = 22 + dice.below(4);
    let outage = 3 + dice.below(20);
    let heals = secs(healthy + outage);
    let moment = |dice: &mut Dice| ms(1000 * healthy + dice.below(1000 * outage));
    let mut network = Network::new(Quorum::share(0.3).within(secs(WITHIN)))
        .delay(Duration::ZERO..ms(1 + dice.below(400)))
        .heals(heals);
    if dice.one_in(2) {
        network = network.loses(dice.below(30) as f64 / 100.0);
    }
    if dice.one_in(2) {
        network = network.doubles(dice.below(50) as f64 / 100.0);
    }
    if dice.one_in(3) {
        network = network.zones(2);
    }
    if dice.one_in(3) {
        let from = moment(&mut dice);
        let some = 1 + usize::try_from(dice.below(instances as u64)).expect("small");
        network = network.cut(0..some, from..heals.max(from));
    }
    if dice.one_in(3) {
        network = network.failover(moment(&mut dice));
    }
    if dice.one_in(4) {
        network = network.flush(moment(&mut dice));
    }
    if dice.one_in(6) {
        let hour = 3_600_000;
        let millis = if dice.one_in(2) { hour } else { -hour };
        network = network.shift_clock(moment(&mut dice), millis);
    }
    if dice.one_in(5) {
        network = network.restart(0..instances, moment(&mut dice));
    }
    let bad = 1 + usize::try_from(dice.below(instances as u64)).expect("small");
    let rate = (1 + dice.below(3)) as f64;
    let whole = dice.one_in(2);
    let scenario = Scenario::new(Load::constant(rate * instances as f64))
        .instances(instances)
        .seed(seed)
        .dependency(Dependency::latency(ms(20)))
        .phase(secs(healthy), Dependency::healthy)
        .phase(secs(outage), |dependency| {
            if whole {
                dependency.fails(1.0)
            } else {
                dependency.for_instances(0..bad, |seen| seen.fails(1.0))
            }
        })
        // One call each second, at least.
        .phase(
            secs(WITHIN + LONGEST + 2 * LEASE + 1 + 2),
            Dependency::healthy,
        )
        .fleet(network);
    (scenario, heals)
}

impl Scenario {
    /// Runs the scenario. Returns what was seen of the fleet, too.
    fn run_judged(&self, policy: fn(Builder) -> Builder) -> (Run, Judge) {
        let mut judge = None;
        let run = simulation::run_with(self, &policy, &mut |_| (), |simulation| {
            judge = simulation.net.take().map(|net| net.judge);
        });
        (run.expect("in range"), judge.expect("a fleet"))
    }
}

/// Returns what is wrong with the end of a run.
fn left_open(run: &Run) -> Option<usize> {
    let spans = run.spans();
    spans.iter().position(|spans| {
        let last = spans.last().map_or(State::Closed, |span| span.state);
        last != State::Closed
    })
}

/// Runs so many seeds; `FLEET_SEEDS` says how many, from which on `FLEET_SEED`.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let read = |name: &str| std::env::var(name).ok()?.parse().ok();
    let first = read("FLEET_SEED").unwrap_or(0);
    first..first + read("FLEET_SEEDS").unwrap_or(default)
}

#[test]
fn small_fleets_hold_in_bad_networks() {
    let all = seeds(1000);
    let next = std::sync::atomic::AtomicU64::new(all.start);
    let total = std::sync::Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= all.end {
                        return;
                    }
                    let result = std::panic::catch_unwind(|| {
                        let (scenario, _) = adversity(seed);
                        let (run, judge) = scenario.run_judged(policy);
                        if let Some(instance) = left_open(&run) {
                            panic!("instance {instance} is not closed");
                        }
                        let most = 3 * if judge.has_failed_over() { 2 } else { 1 };
                        assert!(judge.most_leases <= most, "{} leases", judge.most_leases);
                        judge.openings
                    });
                    match result {
                        Ok(openings) => {
                            let mut total = total.lock().expect("whole");
                            total.0 += 1;
                            total.1 += openings;
                        }
                        Err(panic) => {
                            eprintln!("FLEET_SEED={seed} FLEET_SEEDS=1");
                            std::panic::resume_unwind(panic);
                        }
                    }
                }
            });
        }
    });
    let (runs, openings) = *total.lock().expect("whole");
    assert_eq!(runs, all.end - all.start);
    assert!(openings * 2 > runs, "{openings} openings in {runs} runs");
}
