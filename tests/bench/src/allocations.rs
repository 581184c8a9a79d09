//! No path of a call allocates, the rare ones included, but for an opening by the rule,
//! which keeps the sums that it opened with, and the flight recorder.

use std::{
    future::{Future, pending},
    panic::{self, AssertUnwindSafe},
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use fluxgate::{
    Builder, CallError, CircuitBreaker, OnCancel, State, choose, clock::ManualClock, permit::All,
    retry::Cooldown, tracker, tripper::FailureStreak,
};

use crate::{
    peers::ours,
    service::{ApiError, Traffic, fetch, fetch_async},
};

const COOLDOWN: Duration = Duration::from_secs(10);

/// # Panics
///
/// Panics if one does, and names it.
pub fn assert_none() {
    transitions();
    outcomes();
    policies();
    asynchronous();
    choosing();
}

fn none(path: &str, f: impl FnOnce()) {
    let info = allocation_counter::measure(f);
    assert_eq!(info.count_total, 0, "{path} must not allocate");
}

fn opening(path: &str, f: impl FnOnce()) {
    let info = allocation_counter::measure(f);
    assert!(info.count_total <= 1, "{path} must allocate once at most");
}

fn build(builder: Builder) -> CircuitBreaker {
    builder.build().expect("the settings are allowed")
}

fn call(breaker: &CircuitBreaker, traffic: Traffic, calls: u64) {
    for n in 0..calls {
        let _ = breaker.call(|| fetch(traffic.request(n)));
    }
}

/// Trips after three failures, half-opens when the clock is moved.
fn tripping(clock: &ManualClock) -> CircuitBreaker {
    build(
        CircuitBreaker::builder("allocations")
            .tripper(FailureStreak::new(3))
            .retry(Cooldown::new(COOLDOWN))
            .permit(All)
            .reopen_after(1)
            // It keeps what it records.
            .flight_recorder(0)
            .clock(clock.clone()),
    )
}

fn transitions() {
    let clock = ManualClock::new();
    let breaker = tripping(&clock);
    none("the first window", || call(&breaker, Traffic::Healthy, 200));
    opening("opening", || call(&breaker, Traffic::Failing, 3));
    assert_eq!(breaker.state(), State::Open);
    none("a rejection", || call(&breaker, Traffic::Healthy, 10));
    clock.advance(COOLDOWN);
    opening("a probe that fails", || call(&breaker, Traffic::Failing, 1));
    assert_eq!(breaker.state(), State::Open);
    clock.advance(COOLDOWN);
    none("a probe that succeeds", || {
        call(&breaker, Traffic::Healthy, 1);
    });
    assert_eq!(breaker.state(), State::Closed);
    none("a manual command", || breaker.force_open());
    none("a rejection when forced open", || {
        call(&breaker, Traffic::Healthy, 10);
    });
    none("a disabled breaker", || {
        breaker.disable();
        call(&breaker, Traffic::OneInFourFails, 10);
    });
    none("a breaker that only counts", || {
        breaker.metrics_only();
        call(&breaker, Traffic::OneInFourFails, 200);
    });
}

fn outcomes() {
    let breaker = build(ours::plain());
    none("failures", || call(&breaker, Traffic::OneInFourFails, 400));
    none("an ignored error", || {
        let none_counts = tracker::Custom::new(|_: &ApiError| false);
        let _ = breaker.with_tracker(none_counts).call(|| fetch(3));
    });
    none("a fallback", || {
        let _ = breaker.call_with_fallback(
            || fetch(3),
            |error| match error {
                CallError::Rejected(_) => Ok(0),
                CallError::Failed(error) => Err(error),
            },
        );
    });
    none("a guard", || {
        if let Ok(guard) = breaker.acquire() {
            guard.success();
        }
    });
    panics(&breaker);
}

/// Unwinding itself allocates: a panic through the breaker as much as without.
fn panics(breaker: &CircuitBreaker) {
    let unwind = |f: &dyn Fn() -> Result<u64, ApiError>| {
        allocation_counter::measure(|| {
            let caught = panic::catch_unwind(AssertUnwindSafe(f));
            assert!(caught.is_err());
        })
        .count_total
    };
    let bare = unwind(&|| panic::resume_unwind(Box::new(())));
    let through = unwind(&|| breaker.call(|| panic::resume_unwind(Box::new(()))));
    assert_eq!(through, bare, "a panic must not allocate");
}

fn policies() {
    for (path, builder) in [
        ("with SlowRate", ours::slow_rate()),
        ("with AvgLatency", ours::avg_latency()),
        ("with a TimeWindow", ours::time_window()),
    ] {
        let clock = ManualClock::new();
        let breaker = build(builder.clock(clock.clone()));
        none(path, || {
            for _ in 0..200 {
                call(&breaker, Traffic::OneInFourFails, 4);
                clock.advance(Duration::from_millis(700));
            }
        });
        assert_eq!(breaker.state(), State::Closed);
    }
}

fn asynchronous() {
    let breaker = build(ours::plain().on_cancel(OnCancel::Fail));
    let mut context = Context::from_waker(Waker::noop());
    none("an async call", || {
        for n in 0..400 {
            let call = pin!(breaker.call_async(fetch_async(n)));
            assert!(call.poll(&mut context).is_ready());
        }
    });
    none("an async call that is cancelled", || {
        let call = pin!(breaker.call_async(pending::<Result<u64, ApiError>>()));
        assert!(call.poll(&mut context).is_pending());
    });
    assert_eq!(breaker.info().cancelled, 1);
    none("an async call that is never polled", || {
        drop(breaker.call_async(fetch_async(0)));
    });
}

fn choosing() {
    let build = || build(ours::plain());
    let targets = [(); 8].map(|()| build());
    let pick = |path: &str| {
        none(path, || {
            if let Ok(chosen) = choose::pick(&targets) {
                chosen.guard.success();
            }
        });
    };
    pick("picking the first of several");
    targets[..7].iter().for_each(CircuitBreaker::force_open);
    // What choosing keeps of a target is made when it is first passed over.
    assert!(choose::pick(&targets).is_ok());
    pick("picking the last of 8");
    none("asking whether a call is permitted", || {
        assert_eq!(choose::callable(&targets).count(), 1);
    });
    none("a guard that travels", || {
        if let Ok(guard) = targets[7].acquire_owned() {
            guard.with_duration(Duration::from_secs(1)).success();
        }
    });
}
