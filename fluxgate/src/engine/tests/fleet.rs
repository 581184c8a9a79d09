//! What a breaker tells the agent of its fleet, and what the agent does to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    CircuitBreaker, RuleKind, State,
    clock::ManualClock,
    engine::fleet::{Notes, Outlet},
    fleet::Member,
    permit::Random,
    retry::{Cooldown, Never},
    tripper::{Custom, FailureRate, FailureStreak, MinRequests, Rule},
    window::CountWindow,
};

const SECOND: Duration = Duration::from_secs(1);

/// A breaker of a fleet, its clock, and how often its agent was woken.
struct Bench {
    breaker: CircuitBreaker,
    clock: ManualClock,
    woken: Arc<AtomicU32>,
}

impl Bench {
    fn new(tripper: impl Into<Rule>) -> Self {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("member")
            .window(CountWindow::new(10))
            .tripper(tripper)
            .retry(Cooldown::new(30 * SECOND))
            // No probe would get through.
            .permit(Random::new(0.0))
            .fleet(Member::new().suspect(FailureStreak::new(2)))
            .clock(clock.clone())
            .build()
            .expect("in range");
        let woken = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&woken);
        let outlet = Outlet {
            wake: Box::new(move || {
                count.fetch_add(1, Relaxed);
            }),
            turn: 0,
        };
        assert!(
            breaker
                .core
                .fleet()
                .is_some_and(|fleet| fleet.adopt(outlet))
        );
        Self {
            breaker,
            clock,
            woken,
        }
    }

    fn notes(&self) -> Notes {
        self.breaker.core.fleet().expect("a member").take_notes()
    }

    fn watched(&self) -> (u64, u64) {
        self.breaker.core.fleet().expect("a member").watched()
    }

    fn calls(&self, failed: bool, count: usize) {
        for _ in 0..count {
            let answer = if failed { Err("down") } else { Ok(()) };
            let _ = self.breaker.try_call(|| answer);
        }
    }

    fn wait(&self) -> Option<Duration> {
        self.breaker.info().retry_after
    }
}

#[test]
fn suspicion_is_told_once_until_asked_again() {
    let bench = Bench::new(FailureStreak::new(9));
    bench.calls(true, 1);
    assert_eq!(
        (bench.notes(), bench.woken.load(Relaxed)),
        (Notes::default(), 0)
    );
    bench.calls(true, 3);
    assert_eq!(
        (bench.notes(), bench.woken.load(Relaxed)),
        (Notes::SUSPECTS, 1)
    );
    bench.calls(true, 1);
    assert_eq!(bench.notes(), Notes::default());
    bench.breaker.core.suspect_again();
    bench.calls(true, 1);
    assert_eq!(bench.notes(), Notes::SUSPECTS);
    bench.calls(false, 20);
    bench.calls(true, 2);
    assert_eq!(
        bench.notes(),
        Notes::SUSPECTS,
        "in a full window, after it was clean"
    );
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn custom_rule_is_asked_before_the_suspicion() {
    let never = Custom::new(|_: &crate::tripper::Context<'_>| false);
    let bench = Bench::new(never);
    bench.calls(true, 1);
    assert_eq!(bench.notes(), Notes::default());
    bench.calls(true, 1);
    assert_eq!(
        (bench.notes(), bench.woken.load(Relaxed)),
        (Notes::SUSPECTS, 1)
    );
}

#[test]
fn own_opening_is_told_and_the_fleets_is_not() {
    let bench = Bench::new(FailureStreak::new(2));
    bench.calls(true, 2);
    assert_eq!(
        (bench.notes(), bench.woken.load(Relaxed)),
        (Notes::OPENED, 1)
    );
    bench.breaker.reset();
    assert!(bench.breaker.core.open_with_fleet(5 * SECOND, 52, 50));
    assert_eq!(bench.notes(), Notes::default());
    let info = bench.breaker.info();
    let (votes, quorum) = (52, 50);
    let reason = info.reason.expect("open");
    assert_eq!(reason.rule, RuleKind::Fleet { votes, quorum });
    assert_eq!((reason.measured, reason.threshold), (52.0, 50.0));
    assert_eq!(
        reason.to_string(),
        "52 instances of the fleet suspected the dependency, 50 were needed"
    );
    assert_eq!(info.retry_after, Some(5 * SECOND));
}

#[test]
fn fleet_opens_what_is_closed_alone() {
    let bench = Bench::new(FailureStreak::new(2));
    for command in [
        CircuitBreaker::force_open,
        CircuitBreaker::disable,
        CircuitBreaker::metrics_only,
        CircuitBreaker::open,
    ] {
        command(&bench.breaker);
        let state = bench.breaker.state();
        assert!(!bench.breaker.core.open_with_fleet(SECOND, 2, 2));
        assert_eq!(bench.breaker.state(), state);
    }
}

#[test]
fn wait_of_an_open_circuit_is_moved() {
    let bench = Bench::new(FailureStreak::new(2));
    bench.calls(true, 2);
    bench.clock.advance(10 * SECOND);
    bench.breaker.core.set_due(50 * SECOND);
    assert_eq!(bench.wait(), Some(50 * SECOND));
    let Err(rejection) = bench.breaker.acquire() else {
        panic!("open")
    };
    assert_eq!(rejection.retry_after(), Some(50 * SECOND));
    bench.clock.advance(49 * SECOND);
    assert!(bench.breaker.acquire().is_err());
    bench.breaker.core.set_due(Duration::ZERO);
    assert_eq!(bench.wait(), Some(Duration::ZERO));
    let _ = bench.breaker.acquire();
    assert_eq!(bench.breaker.state(), State::HalfOpen);
}

#[test]
fn circuit_that_waits_for_ever_is_not_moved() {
    let clock = ManualClock::new();
    let never = CircuitBreaker::builder("never").retry(Never).clock(clock);
    let never = never.build().expect("in range");
    never.open();
    never.core.set_due(SECOND);
    assert_eq!(never.info().retry_after, None);
}

#[test]
fn lease_admits_one_probe_without_the_permit() {
    let bench = Bench::new(MinRequests::new(10) & FailureRate::new(0.5));
    bench.breaker.open();
    bench.breaker.core.lease(true);
    bench.breaker.core.set_due(Duration::ZERO);
    for _ in 0..2 {
        let probe = bench.breaker.acquire().expect("the permit is not asked");
        assert!(bench.breaker.acquire().is_err(), "one at a time");
        drop(probe);
        assert_eq!(bench.notes(), Notes::SILENT, "cancelled");
    }
    bench.breaker.acquire().expect("free again").success();
    assert_eq!(bench.notes(), Notes::PASSED);
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn one_failed_probe_ends_a_lease() {
    let bench = Bench::new(MinRequests::new(10) & FailureRate::new(0.5));
    bench.breaker.open();
    bench.breaker.core.lease(true);
    bench.breaker.core.set_due(Duration::ZERO);
    bench.breaker.acquire().expect("leased").failure();
    let notes = bench.notes();
    assert!(notes.has(Notes::FAILED), "{notes:?}");
    let info = bench.breaker.info();
    assert_eq!((info.state, info.reopens), (State::Open, 1));
    assert_eq!(
        info.reason.map(|reason| reason.rule),
        Some(RuleKind::ReopenAfter)
    );
    // And without a lease it takes the rule, and the permit.
    bench.clock.advance(30 * SECOND);
    assert!(bench.breaker.acquire().is_err());
    assert_eq!(bench.breaker.state(), State::HalfOpen);
}

#[test]
fn lease_that_ends_is_no_reopening() {
    let bench = Bench::new(FailureStreak::new(2));
    bench.breaker.core.open_with_fleet(30 * SECOND, 2, 2);
    bench.breaker.core.lease(true);
    bench.breaker.core.set_due(Duration::ZERO);
    let probe = bench.breaker.acquire().expect("leased");
    bench.breaker.core.end_lease(7 * SECOND, 2, 2);
    let info = bench.breaker.info();
    assert_eq!((info.state, info.reopens), (State::Open, 0));
    assert_eq!(info.retry_after, Some(7 * SECOND));
    probe.success();
    assert_eq!(bench.notes(), Notes::default(), "late");
    // One that nobody used is due again later.
    bench.breaker.core.lease(true);
    bench.breaker.core.set_due(Duration::ZERO);
    bench.breaker.core.end_lease(9 * SECOND, 2, 2);
    assert_eq!(bench.wait(), Some(9 * SECOND));
}

#[test]
fn calls_are_counted_on_demand() {
    let bench = Bench::new(FailureStreak::new(9));
    bench.calls(false, 20);
    let early = bench.breaker.acquire().expect("closed");
    bench.breaker.core.watch(true);
    early.success();
    bench.calls(false, 10);
    bench.calls(true, 3);
    assert_eq!(bench.watched(), (14, 3));
    bench.breaker.core.watch(false);
    bench.calls(false, 20);
    assert_eq!(bench.watched(), (14, 3));
    bench.breaker.core.watch(true);
    assert_eq!(bench.watched(), (0, 0));
    bench.breaker.core.watch(false);
    assert!(
        bench.breaker.core.admit_fast().is_some(),
        "on the fast path again"
    );
}
