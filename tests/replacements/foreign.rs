//! A guard behind a C interface, for a service in another language.
//!
//! Needs: the other side asks first, gets a number, makes the call itself, and reports
//! later, from any thread: how it ended and how long it took. It may report twice,
//! never, or for a number that was never given. Asking whether to ask costs nothing.
//! Nothing unwinds into it. It reads how long to wait. Calls that are never reported
//! do not hold the circuit half-open for ever.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use fluxgate::{CircuitBreaker, Outcome, State, choose::OwnedGuard, clock::ManualClock};

use crate::{MINUTE, SECOND, settings};

/// What the other side sees: numbers.
struct Interface {
    breaker: CircuitBreaker,
    calls: Mutex<HashMap<u64, OwnedGuard>>,
    next: AtomicU64,
}

impl Interface {
    fn new(clock: &ManualClock) -> Self {
        let breaker = settings(CircuitBreaker::builder("foreign"), clock)
            .durations(true)
            .build()
            .unwrap();
        Self {
            breaker,
            calls: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    extern "C" fn may_call(&self) -> bool {
        self.breaker.is_call_permitted()
    }

    /// A number above zero, or minus the milliseconds to wait.
    extern "C" fn begin(&self) -> i64 {
        match self.breaker.acquire_owned() {
            Ok(guard) => {
                let call = self.next.fetch_add(1, Relaxed);
                self.calls.lock().unwrap().insert(call, guard);
                i64::try_from(call).unwrap_or(i64::MAX)
            }
            Err(rejection) => {
                let wait = rejection.retry_after().unwrap_or(Duration::MAX).as_millis();
                i64::try_from(wait).map_or(i64::MIN, |wait| -wait)
            }
        }
    }

    /// Whether the call was known.
    extern "C" fn end(&self, call: i64, ok: bool, micros: u64) -> bool {
        let call = u64::try_from(call).unwrap_or(0);
        let guard = self.calls.lock().unwrap().remove(&call);
        let outcome = if ok {
            Outcome::Success
        } else {
            Outcome::Failure
        };
        guard
            .map(|guard| {
                guard
                    .with_duration(Duration::from_micros(micros))
                    .record(outcome);
            })
            .is_some()
    }
}

#[test]
fn calls_are_reported_by_number() {
    let interface = Interface::new(&ManualClock::new());
    let call = interface.begin();
    assert!(call > 0 && interface.may_call());
    assert!(interface.end(call, true, 1500));
    assert!(!interface.end(call, false, 0), "reported twice");
    assert!(!interface.end(99, false, 0) && !interface.end(-1, false, 0));
    let metrics = interface.breaker.info().metrics;
    assert_eq!((metrics.total_count, metrics.failure_count), (1, 0));
    assert_eq!(metrics.total_duration, Some(Duration::from_micros(1500)));
}

#[test]
fn rejection_is_a_time_to_wait() {
    let clock = ManualClock::new();
    let interface = Interface::new(&clock);
    for _ in 0..2 {
        let call = interface.begin();
        interface.end(call, false, 10);
    }
    assert!(!interface.may_call());
    assert_eq!(interface.begin(), -60_000);
    clock.advance(59 * SECOND);
    assert_eq!(interface.begin(), -1000);
    interface.breaker.force_open();
    assert_eq!(interface.begin(), i64::MIN, "for ever");
    let info = interface.breaker.info();
    assert_eq!((info.rejected, info.state), (3, State::ForcedOpen));
}

#[test]
fn asking_whether_to_ask_reserves_nothing() {
    let clock = ManualClock::new();
    let interface = Interface::new(&clock);
    interface.breaker.half_open();
    for _ in 0..100 {
        assert!(interface.may_call());
    }
    let probe = interface.begin();
    assert!(!interface.may_call());
    interface.end(probe, true, 5);
    assert_eq!(interface.breaker.state(), State::Closed);
}

#[test]
fn call_that_is_never_reported_frees_its_slot() {
    let clock = ManualClock::new();
    let interface = Interface::new(&clock);
    interface.breaker.half_open();
    let lost = interface.begin();
    assert!(lost > 0 && !interface.may_call());
    clock.advance(MINUTE);
    assert!(interface.may_call(), "its lease is over");
    let probe = interface.begin();
    assert!(interface.end(probe, true, 5));
    assert_eq!(interface.breaker.state(), State::Closed);
    assert!(interface.end(lost, false, 5), "it comes too late");
    let info = interface.breaker.info();
    assert_eq!(
        (info.state, info.late, info.lost_probes),
        (State::Closed, 1, 1)
    );
}

#[test]
fn calls_end_on_any_thread() {
    let clock = ManualClock::new();
    let interface = Interface::new(&clock);
    let calls: Vec<i64> = (0..40).map(|_| interface.begin()).collect();
    thread::scope(|scope| {
        for calls in calls.chunks(10) {
            let interface = &interface;
            scope.spawn(move || calls.iter().all(|call| interface.end(*call, true, 1)));
        }
    });
    assert_eq!(interface.breaker.info().metrics.total_count, 40);
    assert!(interface.calls.lock().unwrap().is_empty());
}
