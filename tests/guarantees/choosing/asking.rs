//! Questions without consequence, and guards that travel.

use std::time::Duration;

use fluxgate::{
    CircuitBreaker, Outcome, State,
    choose::{AcquireReady, OwnedGuard},
    clock::ManualClock,
    retry::Opening,
    throttle::Adaptive,
    tripper::{FailureStreak, MinRequests, SlowRate},
};

use super::{MINUTE, SECOND, breaker, fail};

#[test]
fn question_counts_and_reserves_nothing() {
    let clock = ManualClock::new();
    let breaker = breaker("question", &clock, 1);
    assert!(breaker.is_call_permitted());
    fail(&breaker);
    assert!(!breaker.is_call_permitted());
    clock.advance(MINUTE);
    assert!(breaker.is_call_permitted(), "due");
    assert_eq!(breaker.state(), State::Open, "asking does not half-open");
    let probe = breaker.acquire().unwrap();
    assert!(!breaker.is_call_permitted(), "the slot is taken");
    drop(probe);
    assert!(breaker.is_call_permitted());
    breaker.force_open();
    assert!(!breaker.is_call_permitted());
    breaker.disable();
    assert!(breaker.is_call_permitted());
    let info = breaker.info();
    assert_eq!((info.rejected, info.passed_over), (0, 0));
}

#[test]
fn lost_slot_is_free_to_the_question() {
    let clock = ManualClock::new();
    let breaker = breaker("lease", &clock, 1);
    breaker.half_open();
    let hangs = breaker.acquire_owned().unwrap();
    assert!(!breaker.is_call_permitted());
    clock.advance(MINUTE);
    assert!(breaker.is_call_permitted());
    drop(hangs);
}

#[test]
fn question_asks_the_retry_policy_when_due() {
    struct Unready;
    impl fluxgate::retry::Retry for Unready {
        fn wait(&self, _: &Opening, _: &mut dyn fluxgate::random::Random) -> Option<Duration> {
            Some(Duration::ZERO)
        }
        fn ready(&self, opening: &Opening, _: Duration) -> bool {
            assert_eq!(opening.failure_rate(), Some(1.0));
            assert!(opening.reason.is_some());
            false
        }
    }
    let breaker = CircuitBreaker::builder("unready")
        .tripper(FailureStreak::new(1))
        .retry(Unready)
        .build()
        .unwrap();
    fail(&breaker);
    assert!(!breaker.is_call_permitted());
    assert!(breaker.acquire().is_err());
}

#[test]
fn owned_guard_is_static_and_send() {
    fn is<T: Send + Sync + 'static>() {}
    is::<OwnedGuard>();
    is::<AcquireReady>();
}

#[test]
fn owned_guard_dropped_by_panic_is_cancelled() {
    let clock = ManualClock::new();
    let breaker = breaker("unwinding", &clock, 1);
    let guard = breaker.acquire_owned().unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    let info = breaker.info();
    assert_eq!((info.cancelled, info.panicked), (1, 0));
    assert_eq!(info.state, State::Closed);
}

#[test]
fn measured_duration_replaces_the_own_one() {
    // The clock has just begun: the call took longer than the clock has run.
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("measured")
        .tripper(MinRequests::new(2) & SlowRate::new(0.5, SECOND))
        .durations(true)
        .clock(clock.clone())
        .build()
        .unwrap();
    let guard = breaker.acquire_owned().unwrap();
    clock.advance(10 * SECOND);
    guard.with_duration(Duration::from_millis(5)).success();
    let total = breaker.info().metrics.total_duration;
    assert_eq!(total, Some(Duration::from_millis(5)));
    let guard = breaker.acquire_owned().unwrap();
    guard.with_duration(MINUTE).failure();
    assert_eq!(breaker.state(), State::Open, "half of the calls were slow");
    let opened_with = breaker.info().opened_with.unwrap();
    let total = MINUTE + Duration::from_millis(5);
    assert_eq!(opened_with.total_duration, Some(total));
}

#[test]
fn measured_duration_of_a_borrowed_guard_counts() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("borrowed")
        .tripper(MinRequests::new(2) & SlowRate::new(0.5, SECOND))
        .durations(true)
        .clock(clock.clone())
        .build()
        .unwrap();
    let guard = breaker.acquire().unwrap();
    clock.advance(10 * SECOND);
    let millis = Duration::from_millis;
    guard
        .with_duration(millis(9))
        .with_duration(millis(5))
        .success();
    assert_eq!(breaker.info().metrics.total_duration, Some(millis(5)));
    drop(breaker.acquire().unwrap().with_duration(MINUTE));
    assert_eq!(breaker.info().cancelled, 1);
    let guard = breaker.acquire().unwrap();
    guard.with_duration(MINUTE).record(Outcome::Failure);
    assert_eq!(breaker.state(), State::Open, "half of the calls were slow");
}

#[test]
fn measured_and_unmeasured_outcomes_agree() {
    let told = |outcome: Outcome, is_measured: bool, has_throttle: bool| {
        let clock = ManualClock::new();
        let mut builder = CircuitBreaker::builder("told")
            .tripper(FailureStreak::new(2))
            .durations(true)
            .clock(clock.clone());
        if has_throttle {
            builder = builder.throttle(Adaptive::new(1.5));
        }
        let breaker = builder.build().unwrap();
        for _ in 0..3 {
            let Ok(guard) = breaker.acquire_owned() else {
                break;
            };
            if is_measured {
                guard.with_duration(SECOND).record(outcome);
            } else {
                clock.advance(SECOND);
                guard.record(outcome);
            }
        }
        breaker.acquire().map(fluxgate::Guard::failure).ok();
        let info = breaker.info();
        let wait = info.retry_after.map(|wait| wait.as_secs() / 10);
        (info.state, wait, info.failed, info.overloaded, info.ignored)
    };
    let long = 200 * SECOND;
    for outcome in [
        Outcome::Success,
        Outcome::Failure,
        Outcome::UnavailableFor(long),
        Outcome::Ignored,
        Outcome::Alive,
        Outcome::Overloaded,
        Outcome::OverloadedFor(long),
    ] {
        for has_throttle in [false, true] {
            assert_eq!(
                told(outcome, true, has_throttle),
                told(outcome, false, has_throttle),
                "{outcome:?}, {has_throttle}"
            );
        }
    }
}

#[test]
fn owned_guards_are_settled_on_other_threads() {
    let clock = ManualClock::new();
    let breaker = breaker("threads", &clock, 8);
    breaker.half_open();
    let guards: Vec<_> = (0..8).map(|_| breaker.acquire_owned().unwrap()).collect();
    assert!(breaker.acquire().is_err());
    let threads: Vec<_> = guards
        .into_iter()
        .enumerate()
        .map(|(i, guard)| {
            std::thread::spawn(move || match i % 3 {
                0 => drop(guard),
                1 => guard.ignore(),
                _ => guard.record(Outcome::Ignored),
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let info = breaker.info();
    assert_eq!((info.probes_in_flight, info.state), (0, State::HalfOpen));
    assert_eq!((info.cancelled, info.ignored), (3, 5));
}
