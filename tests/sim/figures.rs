//! Figures add up, whatever the scenario and the policy.

use std::time::Duration;

use fluxgate::{
    Builder, CircuitBreaker,
    retry::{Backoff, Cooldown},
    sim::{Dependency, Figures, Load, LogNormal, Scenario},
    tripper::{AvgLatency, FailureStreak, Rule, SlowRate},
    window::{CountWindow, TimeWindow},
};
use proptest::prelude::*;

use crate::{ms, secs, usual};

fn sums_up(figures: &Figures) {
    let ends = [
        figures.answered,
        figures.failed,
        figures.overloaded,
        figures.refused,
        figures.throttled,
    ];
    assert_eq!(ends.iter().sum::<u64>(), figures.offered, "{figures:?}");
    assert!(figures.reached_while_down <= figures.failed + figures.overloaded);
    assert!(
        figures.wrongly_refused + figures.refused_after_recovery
            <= figures.refused + figures.throttled
    );
}

fn add(sum: [u64; 6], figures: &Figures) -> [u64; 6] {
    let next = [
        figures.offered,
        figures.answered,
        figures.failed,
        figures.overloaded,
        figures.refused,
        figures.openings,
    ];
    std::array::from_fn(|at| sum[at] + next[at])
}

fn consistent(scenario: &Scenario, policy: impl Fn(Builder) -> Builder) {
    let run = scenario.run(policy);
    let total = run.total();
    sums_up(&total);
    assert!(total.closings <= total.openings);
    run.per_instance().iter().for_each(sums_up);
    let by_phase = run.phases().iter().map(|phase| &phase.figures);
    by_phase.clone().for_each(sums_up);
    let all = add([0; 6], &total);
    assert_eq!(by_phase.fold([0; 6], add), all);
    assert_eq!(run.per_instance().iter().fold([0; 6], add), all);
    let opened = run.changes().iter();
    let opened = opened.filter(|change| change.new_state == fluxgate::State::Open);
    assert_eq!(opened.count() as u64, total.openings);
    for phase in run.phases() {
        assert!((0.0..=1.0).contains(&phase.open_share), "{phase:?}");
        assert!(
            phase
                .opened_after
                .is_none_or(|after| after <= phase.end.checked_sub(phase.start).unwrap())
        );
        assert!(
            phase
                .closed_after
                .is_none_or(|after| after <= phase.end.checked_sub(phase.start).unwrap())
        );
    }
}

#[test]
fn ready_scenarios_add_up() {
    for name in Scenario::READY {
        consistent(&Scenario::ready(name).expect("known"), usual);
    }
    assert!(Scenario::ready("sudden").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_scenario_adds_up(
        seed: u64,
        (per_second, even) in (1.0..80.0_f64, any::<bool>()),
        instances in 1..6_usize,
        phases in prop::collection::vec((1..15_u64, 0.0..1.2_f64, 0.0..90.0_f64), 1..5),
        policy in 0..4_usize,
    ) {
        let load = if even { Load::constant(per_second) } else { Load::poisson(per_second) };
        let dependency = Dependency::latency(LogNormal::median(ms(30)).sigma(1.0))
            .timeout(ms(200));
        let scenario = phases.into_iter().fold(
            Scenario::new(load).seed(seed).instances(instances).dependency(dependency),
            |scenario, (lasts, fails, capacity)| scenario.phase(secs(lasts), |dependency| {
                dependency.fails(fails).capacity(capacity).refusal_costs(0.3)
            }),
        );
        consistent(&scenario, move |breaker| match policy {
            0 => breaker,
            1 => usual(breaker),
            2 => breaker
                .window(TimeWindow::new(secs(5)))
                .tripper(SlowRate::new(0.3, ms(50)) | FailureStreak::new(3))
                .retry(Backoff::new(secs(1)).max_duration(secs(4)).jitter_ratio(0.5)),
            _ => breaker
                .window(CountWindow::new(10))
                .tripper(Rule::from(AvgLatency::new(ms(60))))
                .retry(Cooldown::new(secs(2))),
        });
    }
}

#[test]
fn same_seed_gives_the_same_run() {
    let outage = |seed| {
        let scenario = Scenario::ready("sudden-outage").expect("known");
        scenario.seed(seed).run(usual)
    };
    let (one, again, other) = (outage(1), outage(1), outage(2));
    assert_eq!(one.svg(), again.svg());
    assert_eq!(one.terminal(80), again.terminal(80));
    assert_eq!(one.changes(), again.changes());
    assert_ne!(one.svg(), other.svg());
}

/// Each event is a call's arrival or its end, or one of the pictures' 240 samples: the
/// bound on the calls bounds the time in a debug build.
#[test]
fn ready_scenarios_are_small() {
    for name in Scenario::READY {
        let calls = Scenario::ready(name)
            .expect("known")
            .run(usual)
            .total()
            .offered;
        assert!(calls < 250_000, "{name}: {calls} calls");
    }
    let example = Scenario::ready("sudden-outage").expect("known").run(usual);
    assert!(example.total().offered < 65_000);
}

#[test]
fn breakers_of_a_run_are_not_registered() {
    let run = Scenario::ready("error-spike").expect("known").run(usual);
    assert!(run.total().offered > 0);
    let registered = fluxgate::registry::all();
    assert!(
        registered
            .iter()
            .all(|breaker| breaker.name() != "simulated")
    );
}

#[test]
fn listeners_take_no_part() {
    let listener = |_: &fluxgate::Signal| panic!("told of a simulated transition");
    let run = Scenario::ready("sudden-outage")
        .expect("known")
        .run(|breaker: Builder| usual(breaker).listener(listener));
    assert!(run.total().openings > 0);
}

#[test]
fn loads_that_are_no_rate_send_nothing() {
    for rate in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        for load in [Load::constant(rate), Load::poisson(rate)] {
            let run = Scenario::new(load)
                .phase(secs(5), fluxgate::sim::Dependency::healthy)
                .run(usual);
            assert_eq!(run.total().offered, 0, "{rate}");
        }
    }
}

#[test]
fn nothing_at_all_is_drawn() {
    let run = Scenario::new(Load::constant(10.0)).run(usual);
    assert_eq!(run.goodput(), 0.0);
    assert_eq!(run.open_share(), 0.0);
    assert!(run.svg().ends_with("</svg>\n"));
    assert_eq!(run.terminal(0).lines().count(), 12);
}

#[test]
fn no_capacity_answers_nothing() {
    let run = Scenario::new(Load::constant(50.0))
        .phase(secs(5), |dependency| dependency.capacity(20.0))
        .phase(secs(5), |dependency| dependency.capacity(0.0))
        .run(|breaker: Builder| breaker.tripper(FailureStreak::new(1_000)));
    let down = &run.phases()[1];
    assert!(down.down);
    assert_eq!(down.figures.answered, 0);
    // The budget that is left from a phase without load is gone, too.
    let run = Scenario::new(Load::constant(1.0))
        .phase(secs(5), |dependency| dependency.capacity(500.0))
        .phase(secs(5), |dependency| dependency.capacity(0.0))
        .run(|breaker: Builder| breaker);
    assert_eq!(run.phases()[1].figures.answered, 0);
}

#[test]
fn bad_setting_is_an_error() {
    let scenario = Scenario::ready("error-spike").expect("known");
    let error = scenario.try_run(|breaker: Builder| breaker.max_half_open_calls(0));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("max_half_open_calls")
    );
    let by_hand = CircuitBreaker::builder("by hand").build().expect("valid");
    let error = scenario.try_run(&by_hand).unwrap_err();
    assert!(error.to_string().contains("built by hand"), "{error}");
}

#[test]
fn instances_are_bounded() {
    let run = Scenario::new(Load::constant(10.0))
        .instances(usize::MAX)
        .phase(secs(1), fluxgate::sim::Dependency::healthy)
        .run(usual);
    assert_eq!(run.per_instance().len(), 10_000);
    assert!(run.svg().len() < 100_000);
}

#[test]
fn longest_times_are_drawn() {
    use fluxgate::sim::{Ended, Entry, Trace};
    let never = Scenario::new(Load::constant(0.0))
        .phase(Duration::ZERO, fluxgate::sim::Dependency::healthy)
        .phase(Duration::MAX, |dependency| dependency.fails(1.0))
        .phase(Duration::MAX, fluxgate::sim::Dependency::healthy)
        .run(usual);
    let trace = Trace::new([
        Entry::refused(Duration::ZERO),
        Entry::ran(Duration::MAX, Duration::MAX, Ended::Failure),
    ]);
    let replay = trace.run(usual);
    let instant = Trace::new([Entry::ran(Duration::ZERO, Duration::ZERO, Ended::Success)]);
    let instant = instant.run(usual);
    for run in [&never, replay.run(), instant.run()] {
        let drawn = run.svg();
        assert!(drawn.len() < 50_000 && !drawn.contains("NaN") && !drawn.contains("inf"));
        assert_eq!(run.terminal(80).lines().count(), 12, "{}", run.terminal(80));
        assert!(!run.to_string().is_empty());
    }
}
