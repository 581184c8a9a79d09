//! G2: an outcome counts only in the period that admitted its call.

use std::future::pending;

use fluxgate::{CircuitBreaker, OnCancel, State, clock::ManualClock, window::CountWindow};

use crate::kit::{Error, Heard, WAIT, builder, fail, make_due, poll, succeed};

fn nothing_recorded(breaker: &CircuitBreaker, late: u64) {
    let info = breaker.info();
    assert_eq!(info.metrics.total_count, 0);
    assert_eq!(info.failure_streak, 0);
    assert_eq!(info.late, late);
}

#[test]
fn g2_late_result_lands_in_no_later_window() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = builder(&clock).listener(heard.listener()).build().unwrap();
    let [good, bad] = [(); 2].map(|()| breaker.acquire().unwrap());
    make_due(&breaker, &clock);
    succeed(&breaker);
    assert_eq!(heard.chain(), [State::Open, State::HalfOpen, State::Closed]);

    good.success();
    bad.failure();
    assert_eq!(breaker.state(), State::Closed);
    nothing_recorded(&breaker, 2);
}

#[test]
fn g2_late_outcomes_change_no_state() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).max_half_open_calls(5).build().unwrap();
    let before = [(); 2].map(|()| breaker.acquire().unwrap());
    make_due(&breaker, &clock);
    let probes = [(); 2].map(|()| breaker.acquire().unwrap());
    assert_eq!(breaker.state(), State::HalfOpen);

    // From before the circuit opened.
    let [good, bad] = before;
    good.success();
    bad.failure();
    assert_eq!(breaker.state(), State::HalfOpen);
    nothing_recorded(&breaker, 2);

    // From an earlier half-open.
    breaker.acquire().unwrap().failure();
    clock.advance(WAIT);
    let present = breaker.acquire().unwrap();
    let [good, bad] = probes;
    good.success();
    bad.failure();
    assert_eq!(breaker.state(), State::HalfOpen);
    nothing_recorded(&breaker, 4);
    present.success();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn g2_a_late_result_never_overrides_an_operator() {
    type Command = fn(&CircuitBreaker);
    let commands: [(Command, State); 4] = [
        (CircuitBreaker::force_open, State::ForcedOpen),
        (CircuitBreaker::disable, State::Disabled),
        (CircuitBreaker::metrics_only, State::MetricsOnly),
        (CircuitBreaker::reset, State::Closed),
    ];
    for (command, state) in commands {
        let clock = ManualClock::new();
        let breaker = builder(&clock).on_cancel(OnCancel::Fail).build().unwrap();
        let guards = [(); 3].map(|()| breaker.acquire().unwrap());
        let mut future = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
        assert!(poll(future.as_mut()).is_pending());
        command(&breaker);
        let [success, failure, dropped] = guards;
        success.success();
        failure.failure();
        drop((dropped, future));
        assert_eq!(breaker.state(), state);
        nothing_recorded(&breaker, 4);
    }
}

#[test]
fn g2_call_admitted_disabled_never_counts() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).on_cancel(OnCancel::Fail).build().unwrap();
    breaker.disable();
    let guards = [(); 3].map(|()| breaker.acquire().unwrap());
    breaker.reset();
    let [success, failure, dropped] = guards;
    success.success();
    failure.failure();
    drop(dropped);
    let info = breaker.info();
    assert_eq!((info.late, info.cancelled), (0, 0));
    assert_eq!(info.metrics.total_count, 0);
}

#[test]
fn g2_clean_success_is_late_after_a_reset() {
    let breaker = builder(&ManualClock::new())
        .window(CountWindow::new(2))
        .build()
        .unwrap();
    succeed(&breaker);
    succeed(&breaker);
    let late = breaker.acquire().unwrap();
    breaker.reset();
    succeed(&breaker);
    late.success();
    let info = breaker.info();
    assert_eq!((info.metrics.total_count, info.late), (1, 1));
    fail(&breaker);
}
