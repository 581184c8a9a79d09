//! G4: no lock is held while user code runs; G3: and the order stays.

use std::sync::{Arc, OnceLock};

use fluxgate::{CallError, CircuitBreaker, Signal, State, clock::ManualClock};

use crate::kit::{Error, Heard, WAIT, builder, fail, make_due, succeed};

/// A breaker whose listener is handed the breaker.
fn listening(
    clock: &ManualClock,
    heard: &Heard,
    listener: impl Fn(&CircuitBreaker, &Signal) + Send + Sync + 'static,
) -> CircuitBreaker {
    let own: Arc<OnceLock<fluxgate::WeakBreaker>> = Arc::default();
    let handle = Arc::clone(&own);
    let breaker = builder(clock)
        .listener(move |signal: &Signal| {
            if let Some(breaker) = handle.get().and_then(fluxgate::WeakBreaker::upgrade) {
                listener(&breaker, signal);
            }
        })
        .listener(heard.listener())
        .build()
        .unwrap();
    own.set(breaker.downgrade()).unwrap();
    breaker
}

#[test]
fn g4_listener_may_call_every_method() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = listening(&clock, &heard, |breaker, signal| {
        if signal.sequence > 1 {
            return;
        }
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(breaker.info().state, State::Open);
        assert_eq!(*breaker.name(), "guarantees");
        assert!(breaker.acquire().is_err());
        assert!(breaker.call(|| Ok::<_, Error>(())).is_err());
        let fallback = |_: CallError<Error>| Ok::<_, Error>(7);
        assert_eq!(breaker.call_with_fallback(|| Ok(1), fallback), Ok(7));
        breaker.reset();
        succeed(breaker);
        breaker.metrics_only();
        fail(breaker);
        breaker.disable();
        succeed(breaker);
        breaker.force_open();
        assert!(!format!("{breaker:?}").is_empty());
    });
    fail(&breaker);
    assert_eq!(breaker.info().listener_failures, 0, "no assertion failed");
    assert_eq!(
        heard.chain(),
        [
            State::Open,
            State::Closed,
            State::MetricsOnly,
            State::Disabled,
            State::ForcedOpen
        ]
    );
}

#[test]
fn g3_reentrant_listener_keeps_the_order() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = listening(&clock, &heard, |breaker, signal| match signal.new_state {
        State::Open if signal.sequence < 20 => breaker.reset(),
        State::Closed if signal.sequence < 20 => fail(breaker),
        _ => {}
    });
    fail(&breaker);
    let chain = heard.chain();
    assert_eq!(chain.len(), 20);
    assert_eq!(chain.last(), Some(&breaker.state()));
}

#[test]
fn g4_protected_function_may_recurse() {
    fn countdown(breaker: &CircuitBreaker, n: u64) -> Result<u64, Error> {
        breaker.call(|| match n {
            0 => Err(Error::Down),
            n => countdown(breaker, n - 1).or(Ok(n)),
        })
    }
    let breaker = builder(&ManualClock::new()).build().unwrap();
    assert_eq!(countdown(&breaker, 50), Ok(1));
    let info = breaker.info();
    // The innermost failure opened; all the calls around it are late.
    assert_eq!((info.state, info.late), (State::Open, 50));
    assert_eq!(info.metrics.total_count, 0);
}

#[test]
fn g4_a_probe_may_ask_and_command_its_breaker() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    make_due(&breaker, &clock);
    let result = breaker.call(|| {
        assert_eq!(breaker.info().probes_in_flight, 1);
        assert!(breaker.acquire().is_err());
        breaker.force_open();
        Ok::<_, Error>(())
    });
    assert_eq!(result, Ok(()));
    let info = breaker.info();
    assert_eq!((info.state, info.late), (State::ForcedOpen, 1));
    assert_eq!(info.probes_in_flight, 0);
}

#[test]
fn g4_tracker_and_fallback_may_use_the_breaker() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().unwrap();
    let answer = breaker
        .with_tracker(|_: &Error| {
            breaker.reset();
            breaker.info().metrics.total_count == 0
        })
        .failure_if(|_: &u8| breaker.state() == State::Closed)
        .call_with_fallback(
            || Err::<u8, _>(Error::Down),
            |_| {
                breaker.reset();
                breaker.call(|| Ok::<_, Error>(1))
            },
        );
    assert_eq!(answer, Ok(1));
    assert_eq!(
        breaker.info().late,
        1,
        "the tracker reset the breaker meanwhile"
    );
    clock.advance(WAIT);
    let answer = breaker
        .with_tracker(|_: &Error| true)
        .failure_if(|_: &u8| breaker.state() == State::Closed)
        .call(|| Ok::<_, Error>(2_u8));
    assert_eq!((answer, breaker.state()), (Ok(2), State::Open));
}

#[test]
fn g3_blocked_listener_bounds_what_waits() {
    let (entered, enters) = std::sync::mpsc::channel();
    let (leave, leaves) = std::sync::mpsc::channel::<()>();
    let leaves = std::sync::Mutex::new(Some(leaves));
    let entered = std::sync::Mutex::new(entered);
    let last = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&last);
    let breaker = builder(&ManualClock::new())
        .listener(move |signal: &Signal| {
            let first = leaves.lock().unwrap().take();
            if let Some(leaves) = first {
                entered.lock().unwrap().send(()).unwrap();
                let _ = leaves.recv();
            }
            let seen = (signal.old_state, signal.new_state, signal.sequence);
            heard.lock().unwrap().push(seen);
        })
        .build()
        .unwrap();
    let blocked = {
        let breaker = breaker.clone();
        std::thread::spawn(move || breaker.force_open())
    };
    enters.recv().unwrap();
    for _ in 0..1500 {
        breaker.reset();
        breaker.force_open();
    }
    let info = &breaker.info().listeners[0];
    assert_eq!((info.waiting, info.dropped), (1024, 3000 - 1024));
    leave.send(()).unwrap();
    blocked.join().unwrap();
    // The rest is delivered by a thread of its own.
    while breaker.info().listeners[0].waiting > 0 || last.lock().unwrap().len() < 1025 {
        std::thread::yield_now();
    }
    let heard = last.lock().unwrap();
    let mut state = State::Closed;
    for (old, new, _) in &*heard {
        assert_eq!(*old, state);
        state = *new;
    }
    assert_eq!(heard.last().unwrap().2, 3001);
    assert_eq!(state, breaker.state());
}
