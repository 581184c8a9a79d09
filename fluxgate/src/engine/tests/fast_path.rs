//! What can be seen of the shortcuts from inside alone.

use std::time::Duration;

use crate::engine::*;
use crate::{
    Builder, CircuitBreaker,
    random::Seeded,
    tripper::{AvgLatency, FailureStreak},
    window::{CountWindow, TimeWindow, Totals},
};

fn builder() -> Builder {
    CircuitBreaker::builder("core")
        .window(CountWindow::new(3))
        .tripper(FailureStreak::new(2))
}

fn run(breaker: &CircuitBreaker, failed: bool) {
    let Ok(guard) = breaker.acquire() else {
        return;
    };
    if failed {
        guard.failure();
    } else {
        guard.success();
    }
}

/// Whether the window is clean after each of these calls.
fn clean(breaker: &CircuitBreaker, calls: [bool; 7]) -> [bool; 7] {
    calls.map(|failed| {
        run(breaker, failed);
        breaker.core.word().is_clean()
    })
}

#[test]
fn a_full_window_without_failures_is_clean() {
    let breaker = builder().build().expect("in range");
    let calls = [false, false, false, true, false, false, false];
    let expected = [false, false, true, false, false, false, true];
    assert_eq!(clean(&breaker, calls), expected);
    breaker.metrics_only();
    assert_eq!(clean(&breaker, calls), expected);
    assert!(breaker.core.word().is_free());
    breaker.disable();
    assert!(!breaker.core.word().is_free() && !breaker.core.word().is_clean());
}

#[test]
fn window_changed_by_successes_is_never_clean() {
    let calls = [false; 7];
    let window = TimeWindow::new(Duration::from_secs(9));
    for builder in [
        builder().window(window),
        builder().durations(true),
        builder().tripper(AvgLatency::new(Duration::from_secs(9))),
    ] {
        let breaker = builder.build().expect("in range");
        assert_eq!(clean(&breaker, calls), calls);
    }
}

#[test]
fn a_healthy_call_does_not_wait_for_the_lock() {
    let breaker = builder().build().expect("in range");
    assert!(clean(&breaker, [false; 7])[6]);
    let held = breaker.core.shared.lock();
    run(&breaker, false);
    drop(held);
    assert_eq!(breaker.info().metrics.total_count, 3);
}

#[test]
fn a_rejection_does_not_wait_for_the_lock() {
    let breaker = builder().build().expect("in range");
    clean(&breaker, [true, true, false, false, false, false, false]);
    assert_eq!(breaker.state(), State::Open);
    let held = breaker.core.shared.lock();
    assert!(breaker.acquire().is_err());
    drop(held);
    assert_eq!(breaker.info().rejected, 6);
}

#[test]
fn rule_is_not_asked_below_its_bounds() {
    let breaker = builder().build().expect("in range");
    let totals = |failures| Totals {
        calls: 3,
        failures,
        ..Totals::default()
    };
    let bounds = |breaker: &CircuitBreaker| {
        let mut held = breaker.core.shared.lock();
        held.get().machine.recording().min_to_trip
    };
    let min_to_trip = bounds(&breaker);
    assert!(min_to_trip.is_below(&totals(1)) && !min_to_trip.is_below(&totals(2)));
    let time = TimeWindow::new(Duration::from_secs(9));
    let breaker = builder().window(time).build().expect("in range");
    assert!(!bounds(&breaker).is_below(&totals(0)));
}

#[test]
fn a_breaker_that_is_renewed_is_as_new() {
    let breaker = builder().build().expect("in range");
    for open in [false, true] {
        let late = breaker.acquire().expect("it is closed");
        run(&breaker, true);
        if open {
            run(&breaker, true);
            assert!(breaker.acquire().is_err());
        }
        breaker.core.renew(Seeded::new(0));
        late.failure();
        let info = breaker.info();
        assert_eq!((info.state, info.reopens), (State::Closed, 0));
        assert_eq!((info.failure_streak, info.metrics.total_count), (0, 0));
        assert_eq!((info.rejected, info.late), (0, 1));
    }
}
