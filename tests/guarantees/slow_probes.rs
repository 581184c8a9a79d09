//! Probes that succeed, but slowly.

use fluxgate::{
    CircuitBreaker, SlowProbes, State,
    clock::ManualClock,
    tripper::{FailureRate, MinRequests, SlowRate},
};

use crate::kit::{Error, SECOND, WAIT, builder, succeed};

/// A breaker that slowness has opened, and whose next call is a probe.
fn slow(clock: &ManualClock, slow_probes: SlowProbes, reopen_after: u64) -> CircuitBreaker {
    let rule = MinRequests::new(4) & (SlowRate::new(0.5, 4 * SECOND) | FailureRate::new(0.9));
    let breaker = builder(clock)
        .tripper(rule)
        .slow_probes(slow_probes)
        .reopen_after(reopen_after)
        .build()
        .unwrap();
    for _ in 0..4 {
        call(&breaker, clock, 4);
    }
    assert_eq!(breaker.state(), State::Open);
    clock.advance(WAIT);
    breaker
}

/// Succeeds after so many seconds.
fn call(breaker: &CircuitBreaker, clock: &ManualClock, seconds: u32) {
    let call = || {
        clock.advance(seconds * SECOND);
        Ok::<_, Error>(())
    };
    assert_eq!(breaker.call(call), Ok(()), "its result is the caller's");
}

#[test]
fn slow_probe_closes_by_default() {
    let clock = ManualClock::new();
    let breaker = slow(&clock, SlowProbes::Pass, 1);
    call(&breaker, &clock, 4);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn slow_probe_that_fails_reopens() {
    let clock = ManualClock::new();
    let breaker = slow(&clock, SlowProbes::Fail, 1);
    call(&breaker, &clock, 4);
    assert_eq!((breaker.state(), breaker.info().reopens), (State::Open, 1));
}

#[test]
fn slow_probe_that_fails_is_recorded_as_failed() {
    let clock = ManualClock::new();
    let breaker = slow(&clock, SlowProbes::Fail, 3);
    call(&breaker, &clock, 4);
    call(&breaker, &clock, 60);
    let info = breaker.info();
    assert_eq!((info.state, info.failure_streak), (State::HalfOpen, 2));
    assert_eq!(info.metrics.failure_count, 2);
    clock.advance(SECOND);
    // Not slow by a nanosecond.
    let quick = || {
        clock.advance(
            (4 * SECOND)
                .checked_sub(std::time::Duration::from_nanos(1))
                .unwrap(),
        );
        Ok::<_, Error>(())
    };
    assert_eq!(breaker.call(quick), Ok(()));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn slow_calls_in_closed_are_no_failures() {
    let clock = ManualClock::new();
    let breaker = slow(&clock, SlowProbes::Fail, 1);
    breaker.reset();
    call(&breaker, &clock, 10);
    let info = breaker.info();
    assert_eq!((info.state, info.metrics.failure_count), (State::Closed, 0));
    succeed(&breaker);
}

#[test]
fn slow_probes_need_a_threshold() {
    let error = builder(&ManualClock::new())
        .slow_probes(SlowProbes::Fail)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("add a `SlowRate`"), "{error}");
}
