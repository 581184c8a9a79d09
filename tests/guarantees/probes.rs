//! G1: bounded probes that always give their slots back; G7: one opening.

use std::{
    cell::Cell,
    future::{Future, pending},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use fluxgate::{CircuitBreaker, OnCancel, State, clock::ManualClock};

use crate::kit::{
    Error, Heard, LEASE, SECOND, builder, make_due, poll, succeed, tracked, unwind, unwinds,
};

type End = fn(&CircuitBreaker);

/// Every way a probe can end without closing or opening the circuit, or in spite
/// of it.
const ENDS: [(&str, End); 11] = [
    ("success", |breaker| breaker.acquire().unwrap().success()),
    ("failure", |breaker| breaker.acquire().unwrap().failure()),
    ("ignored", |breaker| breaker.acquire().unwrap().ignore()),
    ("dropped guard", |breaker| drop(breaker.acquire().unwrap())),
    ("panic with a guard", |breaker| {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _guard = breaker.acquire().unwrap();
            unwind();
        }));
        assert!(unwound.is_err());
    }),
    ("untracked error", |breaker| {
        let call = breaker
            .with_tracker(tracked)
            .call(|| Err::<(), _>(Error::Untracked));
        assert_eq!(call, Err(Error::Untracked));
    }),
    ("panic", |breaker| {
        let call = || breaker.call(|| -> Result<(), Error> { unwind() });
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    }),
    ("future never polled", |breaker| {
        drop(breaker.call_async(pending::<Result<(), Error>>()));
    }),
    ("future dropped between polls", |breaker| {
        let mut future = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
        assert!(poll(future.as_mut()).is_pending());
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(breaker.info().probes_in_flight, 1);
    }),
    ("future that panics", |breaker| {
        let mut future = pin!(breaker.call_async(unwinds()));
        assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).is_err());
    }),
    ("panic in the tracker", |breaker| {
        let call = breaker
            .with_tracker(|_: &Error| -> bool { unwind() })
            .call(|| Err::<(), _>(Error::Down));
        assert_eq!(call, Err(Error::Down));
    }),
];

#[test]
fn g1_probe_returns_slot_however_it_ends() {
    for (how, end) in ENDS {
        for on_cancel in [
            OnCancel::Ignore,
            OnCancel::Fail,
            OnCancel::FailAfter(SECOND),
        ] {
            let clock = ManualClock::new();
            let breaker = builder(&clock).on_cancel(on_cancel).build().unwrap();
            make_due(&breaker, &clock);
            end(&breaker);
            let info = breaker.info();
            assert_eq!(info.probes_in_flight, 0, "{how}, {on_cancel:?}");
            assert_eq!(info.lost_probes, 0, "{how}, {on_cancel:?}");
            // Another may run at once, or after the next wait.
            if breaker.state() == State::Open {
                clock.advance(info.retry_after.unwrap());
            }
            succeed(&breaker);
            assert_eq!(breaker.state(), State::Closed, "{how}, {on_cancel:?}");
        }
    }
}

#[test]
fn g1_hanging_probe_loses_its_slot() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    make_due(&breaker, &clock);
    let mut hung = Box::pin(breaker.call_async(pending::<Result<(), Error>>()));
    assert!(poll(hung.as_mut()).is_pending());

    clock.advance(LEASE.saturating_sub(SECOND));
    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(rejection.state(), State::HalfOpen);
    assert_eq!(breaker.info().lost_probes, 0);

    clock.advance(SECOND);
    let info = breaker.info();
    assert_eq!((info.probes_in_flight, info.lost_probes), (0, 1));
    let second = breaker.acquire().unwrap();
    assert!(breaker.acquire().is_err(), "the slot is the second's now");

    // The lost one is not interrupted, and takes nothing with it as it ends.
    drop(hung);
    assert!(breaker.acquire().is_err());
    second.success();
    let info = breaker.info();
    assert_eq!(info.state, State::Closed);
    assert_eq!((info.cancelled, info.lost_probes), (1, 1));
}

#[test]
fn g1_probes_of_earlier_half_open_hold_slots() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).max_half_open_calls(2).build().unwrap();
    make_due(&breaker, &clock);
    let hung = breaker.acquire().unwrap();
    breaker.acquire().unwrap().failure();
    clock.advance(breaker.info().retry_after.unwrap());
    let second = breaker.acquire().unwrap();
    assert!(breaker.acquire().is_err(), "two are in flight");
    drop(hung);
    let third = breaker.acquire().unwrap();
    assert_eq!(breaker.info().probes_in_flight, 2);
    drop((second, third));
    assert_eq!(breaker.info().probes_in_flight, 0);
}

#[test]
fn g1_a_thousand_slots_are_a_thousand_probes() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).max_half_open_calls(1000).build().unwrap();
    make_due(&breaker, &clock);
    let probes: Vec<_> = (0..1000).map(|_| breaker.acquire().unwrap()).collect();
    assert!(breaker.acquire().is_err());
    assert_eq!(breaker.info().probes_in_flight, 1000);
    drop(probes);
    assert_eq!(breaker.info().probes_in_flight, 0);
}

#[test]
fn g7_one_caller_half_opens_after_the_wait() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = builder(&clock)
        .max_half_open_calls(3)
        .listener(heard.listener())
        .build()
        .unwrap();
    make_due(&breaker, &clock);
    assert_eq!(breaker.state(), State::Open, "nothing moves by time alone");
    let probes: Vec<_> = (0..5).map(|_| breaker.acquire()).collect();
    assert_eq!(probes.iter().filter(|probe| probe.is_ok()).count(), 3);
    assert_eq!(heard.chain(), [State::Open, State::HalfOpen]);
}

/// A future that never ends, and looks at its breaker while it is torn down.
struct TearsDown<'a> {
    breaker: &'a CircuitBreaker,
    seen: &'a Cell<usize>,
    panics: bool,
}

impl Future for TearsDown<'_> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl Drop for TearsDown<'_> {
    fn drop(&mut self) {
        self.seen.set(self.breaker.info().probes_in_flight);
        assert!(self.breaker.acquire().is_err(), "a second probe at once");
        if self.panics {
            unwind();
        }
    }
}

#[test]
fn g1_cancelled_probe_holds_slot_until_dropped() {
    for panics in [false, true] {
        let (clock, seen) = (ManualClock::new(), Cell::new(0));
        let breaker = builder(&clock).build().unwrap();
        make_due(&breaker, &clock);
        let future = TearsDown {
            breaker: &breaker,
            seen: &seen,
            panics,
        };
        let mut call = Box::pin(breaker.call_async(future));
        assert!(poll(call.as_mut()).is_pending());
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(call)));
        assert_eq!(dropped.is_err(), panics);
        assert_eq!(seen.get(), 1);
        assert_eq!(breaker.info().probes_in_flight, 0);
    }
}
