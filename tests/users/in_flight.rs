//! The rule that notices a hung dependency.

use std::{thread, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker, Guard, RuleKind, State,
    clock::ManualClock,
    permit::All,
    retry::Always,
    tripper::{Custom, FailureRate, FailureStreak, InFlight, MinRequests, Needs, Tripper},
    window::TimeWindow,
};

const SECOND: Duration = Duration::from_secs(1);

fn breaker(settings: impl FnOnce(Builder) -> Builder) -> (CircuitBreaker, ManualClock) {
    let clock = ManualClock::new();
    let builder = CircuitBreaker::builder("hung")
        .tripper(InFlight::new(3, 2 * SECOND) | FailureStreak::new(5))
        .permit(All)
        .clock(clock.clone());
    (settings(builder).build().expect("valid settings"), clock)
}

fn begin(breaker: &CircuitBreaker, calls: usize) -> Vec<Guard<'_>> {
    let guards = (0..calls).map(|_| breaker.acquire().expect("admitted"));
    guards.collect()
}

#[test]
fn next_call_finds_hung_ones_and_is_rejected() {
    let (breaker, clock) = breaker(|builder| builder);
    let hung = begin(&breaker, 3);
    clock.advance(Duration::from_nanos(1_999_999_999));
    breaker.acquire().expect("not long enough").success();
    clock.advance(Duration::from_nanos(1));

    let rejection = breaker.acquire().expect_err("three calls hang");
    assert_eq!(breaker.state(), State::Open);
    let reason = rejection.reason().expect("a reason");
    let older_than = 2 * SECOND;
    assert_eq!(reason.rule, RuleKind::InFlight { older_than });
    assert_eq!((reason.measured, reason.threshold), (3.0, 3.0));
    assert_eq!(
        reason.to_string(),
        "3 calls in flight for 2s or longer reached 3"
    );
    assert_eq!(rejection.retry_after(), Some(60 * SECOND));

    // They return at last, into another period.
    hung.into_iter().for_each(Guard::success);
    assert_eq!((breaker.info().late, breaker.state()), (3, State::Open));
}

#[test]
fn ending_call_finds_hung_ones_however_it_ends() {
    let ends: [fn(Guard<'_>); 4] = [
        |call| call.success(),
        |call| call.failure(),
        |call| call.ignore(),
        |call| drop(call),
    ];
    for end in ends {
        let (breaker, clock) = breaker(|builder| builder);
        let hung = begin(&breaker, 3);
        let last = breaker.acquire().expect("admitted");
        clock.advance(2 * SECOND);
        end(last);
        assert_eq!(breaker.state(), State::Open);
        drop(hung);
    }
}

#[test]
fn what_ended_does_not_count() {
    let (breaker, clock) = breaker(|builder| builder);
    let mut calls = begin(&breaker, 3);
    clock.advance(SECOND);
    calls.pop().expect("three of them").ignore();
    let late = breaker.acquire().expect("admitted");
    clock.advance(SECOND);
    calls.push(breaker.acquire().expect("two are old"));
    clock.advance(SECOND);
    assert!(breaker.acquire().is_err(), "the third one came of age");
    drop((calls, late));

    let (breaker, clock) = self::breaker(|builder| builder);
    let calls = begin(&breaker, 3);
    clock.advance(10 * SECOND);
    // The call that ends is not in flight any more: two are left.
    calls.into_iter().for_each(Guard::success);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn calls_of_an_earlier_period_do_not_count() {
    let (breaker, clock) = breaker(|builder| builder);
    let hung = begin(&breaker, 3);
    clock.advance(2 * SECOND);
    assert!(breaker.acquire().is_err());
    clock.advance(60 * SECOND);
    breaker.acquire().expect("the probe").success();
    assert_eq!(breaker.state(), State::Closed);

    let again = begin(&breaker, 2);
    clock.advance(2 * SECOND);
    assert!(breaker.acquire().is_ok(), "two of this period");
    drop((hung, again));
}

#[test]
fn only_the_closed_circuit_is_watched() {
    let (breaker, clock) = breaker(|builder| builder);
    breaker.metrics_only();
    let measured = begin(&breaker, 5);
    clock.advance(5 * SECOND);
    assert!(breaker.acquire().is_ok(), "only measured");
    drop(measured);

    breaker.force_open();
    let (breaker, clock) = self::breaker(|builder| builder.retry(Always).close_after(9));
    begin(&breaker, 5).into_iter().for_each(Guard::failure);
    let probes = begin(&breaker, 5);
    assert_eq!(breaker.state(), State::HalfOpen);
    clock.advance(5 * SECOND);
    breaker
        .acquire()
        .expect("its lease is another matter")
        .success();
    assert_eq!(breaker.state(), State::HalfOpen);
    drop(probes);
}

#[test]
fn in_flight_combines_with_rules_and_ages() {
    let (breaker, clock) = breaker(|builder| {
        builder.tripper(
            InFlight::new(1, 10 * SECOND)
                | InFlight::new(2, SECOND) & MinRequests::new(2) & FailureRate::new(0.5),
        )
    });
    let first = begin(&breaker, 2);
    clock.advance(SECOND);
    breaker.acquire().expect("no failures").success();
    breaker.acquire().expect("no failures").failure();
    let rejection = breaker.acquire().expect_err("half of them fail, two hang");
    let older_than = SECOND;
    let reason = rejection.reason().expect("a reason");
    assert_eq!(reason.rule, RuleKind::InFlight { older_than });
    drop(first);

    breaker.reset();
    let one = breaker.acquire().expect("closed");
    clock.advance(10 * SECOND);
    assert!(breaker.acquire().is_err(), "one for ten seconds");
    drop(one);
}

#[test]
fn ageing_calls_show_a_window_of_that_time() {
    let (breaker, clock) = breaker(|builder| {
        builder
            .window(TimeWindow::new(10 * SECOND))
            .tripper(InFlight::new(1, 20 * SECOND) & FailureRate::new(0.1))
    });
    breaker.acquire().expect("closed").failure();
    let hung = breaker.acquire().expect("closed");
    clock.advance(20 * SECOND);
    assert!(breaker.acquire().is_ok(), "the failure left the window");
    drop(hung);
}

/// Reads what [`InFlight`] reads.
struct TwoHung;

impl Tripper for TwoHung {
    fn should_trip(&self, seen: &fluxgate::tripper::Context<'_>) -> bool {
        assert_eq!(seen.in_flight(2 * SECOND), None, "no rule needs that age");
        seen.in_flight(SECOND).is_some_and(|calls| calls >= 2)
    }

    fn needs(&self) -> Needs {
        Needs::counts().in_flight(SECOND)
    }
}

#[test]
fn custom_rule_may_read_calls_in_flight() {
    let (breaker, clock) = breaker(|builder| builder.tripper(Custom::new(TwoHung)));
    let hung = begin(&breaker, 2);
    clock.advance(SECOND);
    assert!(breaker.acquire().is_err());
    drop(hung);
}

#[test]
fn settings_out_of_range_are_refused() {
    let error = CircuitBreaker::builder("wrong")
        .tripper(InFlight::new(0, Duration::ZERO))
        .build()
        .expect_err("both are out of range");
    assert_eq!(
        error.to_string(),
        "circuit breaker 'wrong' can't be built: \
         the count of `InFlight` must be at least 1, but is 0; \
         older_than of `InFlight` must be greater than zero, but is 0ns"
    );
}

#[test]
fn many_threads_leave_nobody_behind() {
    let (breaker, clock) = breaker(|builder| builder.tripper(InFlight::new(1, SECOND)));
    thread::scope(|scope| {
        for seed in 0..4_u32 {
            let breaker = &breaker;
            scope.spawn(move || {
                let mut held = Vec::new();
                for step in 0..20_000_u32 {
                    let draw = (step ^ seed).wrapping_mul(0x9E37_79B9) >> 28;
                    held.push(breaker.acquire().expect("the time stands still"));
                    if draw > 3 || held.len() > 50 {
                        let call = held.swap_remove(draw as usize % held.len());
                        if draw % 2 == 0 {
                            call.success();
                        } else {
                            call.ignore();
                        }
                        held.drain(..held.len() / 2);
                    }
                }
            });
        }
    });
    clock.advance(10 * SECOND);
    assert!(breaker.acquire().is_ok(), "all of them ended");
}
