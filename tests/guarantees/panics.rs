//! G10: panics of the protected function; G5: panics of everything beside it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use fluxgate::{
    CallError, CircuitBreaker, Listener, Signal, State,
    clock::ManualClock,
    permit, retry,
    tripper::{self, Context},
    window::{self, Record, Totals, Window},
};

use crate::kit::{Error, Heard, WAIT, builder, fail, make_due, poll, succeed, unwind, unwinds};

#[test]
fn g10_panic_fails_and_unwinds_unchanged() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let call = || breaker.call(|| -> Result<(), Error> { resume_unwind(Box::new(42_u8)) });
    let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&42_u8));
    let info = breaker.info();
    assert_eq!((info.state, info.panicked), (State::Open, 1));
}

#[test]
fn g10_panic_in_future_fails_and_unwinds() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let mut future = Box::pin(breaker.call_async(unwinds()));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).is_err());
    drop(future);
    let info = breaker.info();
    assert_eq!(
        (info.state, info.panicked, info.cancelled),
        (State::Open, 1, 0)
    );
}

/// Makes calls while it is dropped.
struct Calls<'a>(&'a CircuitBreaker);

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        assert!(std::thread::panicking());
        succeed(self.0);
        self.0.acquire().unwrap().success();
        drop(self.0.acquire().unwrap());
        let mut future = Box::pin(self.0.call_async(async { Ok::<_, Error>(()) }));
        assert!(poll(future.as_mut()).is_ready());
    }
}

#[test]
fn g10_calls_during_unwinding_are_classified() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _calls = Calls(&breaker);
        unwind();
    }));
    assert!(unwound.is_err());
    let info = breaker.info();
    assert_eq!(info.state, State::Closed);
    assert_eq!(
        (info.metrics.total_count, info.metrics.failure_count),
        (3, 0)
    );
    // The guard dropped without a word was cancelled, and did not panic.
    assert_eq!((info.panicked, info.cancelled), (0, 1));
}

#[test]
fn g5_panic_in_fallback_reaches_the_caller() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    make_due(&breaker, &clock);
    let call = || {
        let down = || Err::<(), _>(Error::Down);
        breaker.call_with_fallback(down, |_: CallError<Error>| -> Result<(), Error> {
            unwind()
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    let info = breaker.info();
    assert_eq!((info.state, info.reopens), (State::Open, 1));
    assert_eq!((info.probes_in_flight, info.panicked), (0, 0));
}

#[test]
fn g5_panic_in_tracker_changes_no_result() {
    let breaker = builder(&ManualClock::new()).build().unwrap();
    let answer = breaker
        .with_tracker(tripping_tracker)
        .failure_if(|_: &u8| -> bool { unwind() })
        .call(|| Ok(7));
    assert_eq!(answer, Ok(7));
    assert_eq!(breaker.state(), State::Closed, "a panic in it says no");
    let answer = breaker
        .with_tracker(tripping_tracker)
        .call(|| Err::<(), _>(Error::Down));
    assert_eq!(answer, Err(Error::Down));
    assert_eq!(breaker.state(), State::Open, "an error is a failure");
}

fn tripping_tracker(_: &Error) -> bool {
    unwind()
}

/// Panics, and panics again as what it threw is dropped.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            unwind();
        }
    }
}

struct Panics;

impl Listener for Panics {
    fn on_signal(&self, _signal: &Signal) {
        resume_unwind(Box::new(Sore));
    }

    fn name(&self) -> &str {
        unwind()
    }
}

#[test]
fn g5_panicking_listener_silences_no_other() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = builder(&clock)
        .listener(|_: &Signal| unwind())
        .listener(heard.listener())
        .build()
        .unwrap();
    fail(&breaker);
    clock.advance(WAIT);
    succeed(&breaker);
    assert_eq!(heard.chain(), [State::Open, State::HalfOpen, State::Closed]);
    let info = breaker.info();
    assert_eq!(info.listener_failures, 3);
    assert_eq!(info.listeners[1].failures, 0);
}

#[test]
fn g5_panic_in_name_and_payload_is_contained() {
    let heard = Heard::default();
    let breaker = builder(&ManualClock::new())
        .listener(Panics)
        .listener(heard.listener())
        .build()
        .unwrap();
    fail(&breaker);
    assert_eq!(heard.chain(), [State::Open]);
}

/// A window, every method of which panics.
struct Broken;

impl Window for Broken {
    fn record(&mut self, record: Record, _now: Duration, totals: &mut Totals) {
        totals.add(&record);
        unwind();
    }

    fn expire(&mut self, _now: Duration, _totals: &mut Totals) {
        unwind();
    }

    fn clear(&mut self) {
        unwind();
    }

    fn prepare(&mut self, _thresholds: usize, _durations: bool) {
        unwind();
    }
}

#[test]
fn g5_panicking_window_loses_no_result() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .window(window::Custom::new(Broken))
        .build()
        .unwrap();
    succeed(&breaker);
    assert_eq!(breaker.info().metrics.total_count, 1);
    make_due(&breaker, &clock);
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn g5_a_custom_tripper_that_panics_does_not_fire() {
    let breaker = builder(&ManualClock::new())
        .tripper(tripper::Custom::from_fn(|_: &Context<'_>| unwind()))
        .build()
        .unwrap();
    fail(&breaker);
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.info().metrics.failure_count, 1);
}

#[test]
fn g5_a_custom_retry_that_panics_waits_a_minute() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .retry(retry::Custom::from_fn(|_| unwind()))
        .build()
        .unwrap();
    fail(&breaker);
    assert_eq!(breaker.info().retry_after, Some(Duration::from_secs(60)));
    clock.advance(Duration::from_secs(60));
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn g5_panicking_permit_admits_within_slots() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .permit(permit::Custom::from_fn(|_| unwind()))
        .build()
        .unwrap();
    make_due(&breaker, &clock);
    let probe = breaker.acquire().unwrap();
    assert!(breaker.acquire().is_err());
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
}
