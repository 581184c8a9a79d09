//! Every state that can be reached within small bounds, and every step from it.
//!
//! With many calls at a time; and with fewer of them, but other ways in.

use std::collections::{HashSet, VecDeque};

use fluxgate::{OnCancel, State};

use super::{
    questions::trailing,
    reference::{Ending, Reference},
    settings::{Permit, Retry, Rule, Settings, Window, nanos},
    world::{self, Step, World},
};

const TICK: u64 = 1_000_000_000;
/// Records in a time window, at most.
const RECORDS: usize = 4;

/// What is explored.
#[derive(Clone, Copy)]
struct Bounds {
    /// Calls in flight at once, at most.
    calls: usize,
    /// How many wait at once, at most.
    waiters: usize,
    /// Whether there are early probes, and guards of a choice.
    chooses: bool,
    /// Whether it is opened and half-opened by hand.
    by_hand: bool,
}

const CALLS: Bounds = Bounds {
    calls: 4,
    waiters: 0,
    chooses: false,
    by_hand: false,
};
const CHOICES: Bounds = Bounds {
    calls: 3,
    waiters: 0,
    chooses: true,
    by_hand: true,
};
const WAITERS: Bounds = Bounds {
    calls: 2,
    waiters: 2,
    chooses: true,
    by_hand: false,
};

/// What tells two situations apart: times are ages, and no number counts on
/// where it makes no difference any more, so that situations repeat themselves.
#[derive(PartialEq, Eq, Hash)]
struct Situation {
    state: State,
    remaining: Option<u64>,
    window: Vec<(bool, u64)>,
    streak: u64,
    recovered: u64,
    reopens: u64,
    /// Of each call in flight: is it a probe, an early one, of this period, how old.
    calls: Vec<(bool, bool, bool, u64)>,
    /// Whether early probes may run in this opening, and one may begin now.
    early: (bool, bool),
    /// Of each that waits whether it was woken.
    waiters: Vec<bool>,
}

impl Situation {
    fn of(model: &Reference, waiters: &[bool]) -> Self {
        let settings = &model.settings;
        let present = model.periods.len() - 1;
        let ages = matches!(settings.on_cancel, OnCancel::FailAfter(_));
        let mut calls: Vec<_> = model
            .calls
            .iter()
            .filter(|call| call.ended.is_none())
            .map(|call| {
                let age = if call.probe || ages {
                    model.now - call.began
                } else {
                    0
                };
                let is_present = call.period == present;
                (call.probe, call.early, is_present, age.min(settings.lease))
            })
            .collect();
        calls.sort_unstable();
        let timed = matches!(settings.window, Window::Time(..));
        let age = |at: u64| if timed { model.now - at } else { 0 };
        let in_a_row = match settings.tripper {
            Rule::FailureStreak(limit) => limit,
            _ => settings.reopen_after.unwrap_or(0),
        };
        let grows = u64::from(matches!(settings.retry, Retry::Backoff(..)));
        Self {
            state: model.state(),
            remaining: model.remaining(),
            window: model
                .window()
                .iter()
                .map(|record| (record.failed, age(record.at)))
                .collect(),
            streak: model.streak().min(in_a_row),
            recovered: trailing(&model.present().records, false).min(settings.close_after),
            reopens: model.reopens().min(grows),
            calls,
            early: (model.present().by_policy, model.takes_early()),
            waiters: waiters.to_vec(),
        }
    }
}

/// Left by command alone.
fn is_operators(state: State) -> bool {
    matches!(
        state,
        State::ForcedOpen | State::MetricsOnly | State::Disabled
    )
}

fn steps(model: &Reference, waiters: &[bool], bounds: Bounds) -> Vec<Step> {
    let in_flight = model
        .calls
        .iter()
        .filter(|call| call.ended.is_none())
        .count();
    let mut steps = vec![Step::Advance(TICK), Step::Command(State::Closed)];
    if !is_operators(model.state()) {
        steps.push(Step::Command(State::ForcedOpen));
        if !bounds.chooses {
            steps.push(Step::Command(State::MetricsOnly));
        }
    }
    if bounds.by_hand {
        steps.push(Step::Command(State::Open));
        steps.push(Step::Command(State::HalfOpen));
        steps.push(Step::OpenFor(2 * TICK));
    }
    let timed = matches!(model.settings.window, Window::Time(..));
    let room = !timed || model.window().len() + in_flight < RECORDS;
    // Where ages matter, one call less for as many situations.
    let most = match model.settings.on_cancel {
        OnCancel::FailAfter(_) => bounds.calls - 1,
        _ => bounds.calls,
    };
    // A waiter that is admitted is a call.
    let may_wait = in_flight < most || !model.is_permitted();
    if may_wait && waiters.len() < bounds.waiters {
        steps.push(Step::Wait);
    }
    for (waiter, is_woken) in waiters.iter().enumerate() {
        steps.push(Step::DropWaiter(waiter));
        if may_wait && *is_woken {
            steps.push(Step::PollWaiter(waiter));
        }
    }
    if in_flight < most && room {
        steps.push(Step::Admit);
        if bounds.chooses {
            steps.push(Step::Pick);
            steps.push(Step::FailOver);
        }
    }
    // An answer passes a probe as a success does.
    let endings = [
        Ending::Success,
        Ending::Failure,
        Ending::Cancelled,
        Ending::Alive,
    ];
    let endings = &endings[..if bounds.chooses { 3 } else { 4 }];
    for call in 0..in_flight {
        for ending in endings {
            steps.push(Step::Finish(call, *ending));
        }
    }
    steps
}

/// How many situations there were.
fn explore(
    settings: &Settings,
    bounds: Bounds,
    mut inspect: impl FnMut(&[Step], &mut World<'_>),
) -> usize {
    let start = Reference::new(settings.clone(), std::time::SystemTime::UNIX_EPOCH);
    let mut seen = HashSet::from([Situation::of(&start, &[])]);
    let mut queue = VecDeque::from([(Vec::new(), start, Vec::new())]);
    while let Some((path, model, waiters)) = queue.pop_front() {
        for step in steps(&model, &waiters, bounds) {
            let mut path = path.clone();
            path.push(step);
            world::run(settings, &path, path.len() - 1, |world| {
                let woken = world.woken();
                if seen.insert(Situation::of(&world.model, &woken)) {
                    queue.push_back((path.clone(), world.model.clone(), woken));
                    inspect(&path, world);
                }
            });
        }
    }
    seen.len()
}

fn settings() -> Vec<Settings> {
    let plain = Settings {
        window: Window::Count(2),
        tripper: Rule::MinRequests(2).and(Rule::FailureRate(8)),
        retry: Retry::Cooldown(2 * TICK, 0),
        permit: Permit::All,
        probes: 1,
        close_after: 1,
        reopen_after: Some(1),
        lease: 2 * TICK,
        on_cancel: OnCancel::Ignore,
        slow_probes_fail: false,
        throttle: None,
        durations: false,
        initial_state: State::Closed,
        reads: None,
    };
    vec![
        Settings {
            tripper: Rule::FailureStreak(1),
            probes: 2,
            close_after: 2,
            ..plain.clone()
        },
        Settings {
            window: Window::Time(2 * TICK, None),
            tripper: Rule::MinRequests(2).and(Rule::FailureRate(4)),
            retry: Retry::Backoff(TICK, 4, 2 * TICK, 0),
            on_cancel: OnCancel::Fail,
            lease: TICK,
            ..plain.clone()
        },
        Settings {
            window: Window::Count(3),
            probes: 2,
            close_after: 2,
            reopen_after: Some(2),
            lease: 3 * TICK,
            on_cancel: OnCancel::FailAfter(nanos(TICK)),
            durations: true,
            ..plain.clone()
        },
        Settings {
            probes: 2,
            reopen_after: None,
            on_cancel: OnCancel::Fail,
            ..plain.clone()
        },
        plain,
    ]
}

/// A call counts only for the period that admitted it, probes in flight never
/// exceed the limit, signals form one chain: the model is built so that it can't
/// be otherwise, and here the breaker does the same in every situation there is.
#[test]
fn g2_g3_hold_in_every_reachable_state() {
    for settings in settings() {
        let limit = settings.probes as usize;
        let situations = explore(&settings, CALLS, |path, world| {
            let model = &world.model;
            let held = model.probes_in_flight();
            assert!(held <= limit, "{held} probes after {path:?}");
            for (period, next) in model.periods.iter().zip(&model.periods[1..]) {
                let before = period
                    .records
                    .iter()
                    .all(|record| record.at <= next.entered);
                assert!(before, "a record after its period, after {path:?}");
            }
        });
        assert!(situations > 800, "only {situations} situations");
    }
}

/// Whatever happened, and though every call in flight hangs for ever: once the
/// dependency works, the circuit is closed and stays so after one wait and one
/// lease at most.
#[test]
fn g1_healed_dependency_closes_every_state() {
    for settings in settings() {
        let patience = 2 * TICK + settings.lease;
        explore(&settings, CALLS, |path, world| {
            if is_operators(world.model.state()) {
                return;
            }
            let mut waited = 0;
            loop {
                for _ in 0..4 {
                    world.step(&Step::Call(Ending::Success, 0));
                }
                world.compare();
                if world.model.state() == State::Closed && world.model.failures() == 0 {
                    break;
                }
                world.step(&Step::Advance(TICK));
                waited += TICK;
                assert!(
                    waited <= patience,
                    "still {} {patience} ns after {path:?}",
                    world.model.state()
                );
            }
        });
    }
}

/// With early probes, openings by hand, guards that travel and waiters: the slots are
/// bounded as ever, and none that waits is forgotten. While there is room, one of them
/// is on its way; and once the dependency works all are served, without a command, or
/// a call that does not wait.
#[test]
fn every_way_in_keeps_bounds_and_waiters() {
    let one_slot = Settings {
        window: Window::Count(1),
        tripper: Rule::FailureStreak(1),
        initial_state: State::Open,
        ..settings().pop().expect("there are some")
    };
    let two_passes = Settings {
        close_after: 2,
        lease: TICK,
        ..one_slot.clone()
    };
    let explored =
        [one_slot, two_passes].map(|settings| [(settings.clone(), CHOICES), (settings, WAITERS)]);
    for (settings, bounds) in explored.into_iter().flatten() {
        let limit = settings.probes as usize;
        let patience = 2 * TICK + settings.lease;
        let situations = explore(&settings, bounds, |path, world| {
            let held = world.model.probes_in_flight();
            assert!(held <= limit, "{held} probes after {path:?}");
            let woken = world.woken();
            let one_is_on_its_way = woken.is_empty() || woken.contains(&true);
            assert!(
                one_is_on_its_way || !world.model.is_permitted(),
                "{} wait and none was woken, after {path:?}",
                woken.len()
            );
            if world.model.state() == State::ForcedOpen {
                return;
            }
            let mut waited = 0;
            while let waiting @ 1.. = world.woken().len() {
                if let Some(woken) = world.woken().iter().position(|woken| *woken) {
                    world.step(&Step::PollWaiter(woken));
                } else {
                    world.step(&Step::Advance(TICK));
                    waited += TICK;
                }
                if world.woken().len() < waiting {
                    world.end_last();
                }
                assert!(waited <= patience, "{waiting} still wait after {path:?}");
            }
        });
        assert!(situations > 700, "only {situations} situations");
    }
}
