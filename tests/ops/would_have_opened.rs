//! What a breaker tells that only measures.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    Builder, CircuitBreaker, RuleKind, Signal, State,
    clock::ManualClock,
    tripper::{Closed, Context, Custom, FailureRate, FailureStreak, MinRequests, SlowRate},
    window::{CountWindow, TimeWindow},
};

struct Watched {
    breaker: CircuitBreaker,
    clock: ManualClock,
    told: Arc<Mutex<Vec<Signal>>>,
}

fn watched(build: impl FnOnce(Builder) -> Builder) -> Watched {
    let told: Arc<Mutex<Vec<Signal>>> = Arc::default();
    let heard = Arc::clone(&told);
    let clock = ManualClock::new();
    let builder = CircuitBreaker::builder("measured")
        .clock(clock.clone())
        .initial_state(State::MetricsOnly)
        .listener(move |signal: &Signal| heard.lock().unwrap().push(signal.clone()));
    let breaker = build(builder).build().unwrap();
    told.lock().unwrap().clear();
    Watched {
        breaker,
        clock,
        told,
    }
}

impl Watched {
    fn fail(&self, n: usize) {
        for _ in 0..n {
            let failed = self.breaker.call(|| Err::<(), _>(io::Error::other("down")));
            failed.unwrap_err();
        }
    }

    fn succeed(&self, n: usize) {
        for _ in 0..n {
            self.breaker.call(|| Ok::<_, io::Error>(())).unwrap();
        }
    }

    fn told(&self) -> usize {
        assert_eq!(self.breaker.state(), State::MetricsOnly);
        let told = self.told.lock().unwrap();
        for signal in told.iter() {
            assert!(signal.would_have_opened);
            let states = (signal.old_state, signal.new_state);
            assert_eq!(states, (State::MetricsOnly, State::MetricsOnly));
        }
        assert_eq!(told.len() as u64, self.breaker.info().would_have_opened);
        told.len()
    }

    fn pass(&self) {
        self.clock.advance(Duration::from_secs(60));
    }
}

#[test]
fn outage_is_told_once_with_its_reason() {
    let watched = watched(|builder| {
        let builder = builder.window(CountWindow::new(10));
        builder.tripper(Closed & MinRequests::new(4) & FailureRate::new(0.5))
    });
    watched.fail(3);
    assert_eq!(watched.told(), 0);
    watched.fail(1);
    assert_eq!(watched.told(), 1);
    let reason = watched.told.lock().unwrap()[0].reason.unwrap();
    assert_eq!((reason.rule, reason.calls), (RuleKind::FailureRate, 4));
    watched.pass();
    watched.fail(50);
    assert_eq!(watched.told(), 1, "it would have opened once");
    watched.succeed(10);
    watched.fail(5);
    assert_eq!(watched.told(), 2);
}

#[test]
fn rate_around_threshold_is_told_once_a_minute() {
    let watched = watched(|builder| builder.tripper(FailureStreak::new(1)));
    for round in 1..=3 {
        for _ in 0..20 {
            watched.fail(1);
            watched.succeed(1);
        }
        assert_eq!(watched.told(), round);
        watched.pass();
    }
}

#[test]
fn rule_of_the_users_own_is_asked_as_if_closed() {
    let rule = |seen: &Context<'_>| seen.state() == State::Closed && seen.failure_streak() >= 2;
    let watched = watched(|builder| builder.tripper(Custom::new(rule)));
    watched.fail(5);
    assert_eq!(watched.told(), 1);
    watched.pass();
    watched.fail(5);
    assert_eq!(watched.told(), 1);
    watched.succeed(1);
    watched.fail(2);
    assert_eq!(watched.told(), 2);
}

#[test]
fn slow_calls_and_a_time_window_are_judged_too() {
    let slow = Duration::from_secs(1);
    let watched = watched(|builder| {
        let builder = builder.window(TimeWindow::new(Duration::from_secs(30)));
        builder.tripper(MinRequests::new(2) & SlowRate::new(0.5, slow))
    });
    for _ in 0..3 {
        let call = || {
            watched.clock.advance(slow);
            Ok::<_, io::Error>(())
        };
        watched.breaker.call(call).unwrap();
    }
    assert_eq!(watched.told(), 1);
}

#[test]
fn window_and_chain_of_signals_stay_as_they_are() {
    let watched = watched(|builder| builder.tripper(FailureStreak::new(3)));
    watched.fail(4);
    let info = watched.breaker.info();
    assert_eq!((info.metrics.total_count, info.failure_streak), (4, 4));
    let told = watched.told.lock().unwrap().last().unwrap().sequence;
    watched.breaker.reset();
    let signals = watched.told.lock().unwrap().clone();
    let last = signals.last().unwrap();
    assert_eq!(
        (last.old_state, last.sequence),
        (State::MetricsOnly, told + 1)
    );
    assert!(!last.would_have_opened);
    // It is told anew in a new period.
    watched.breaker.metrics_only();
    watched.fail(3);
    assert_eq!(watched.breaker.info().would_have_opened, 2);
}

#[test]
fn other_states_tell_nothing_of_it() {
    let watched = watched(|builder| builder.tripper(FailureStreak::new(2)));
    watched.breaker.disable();
    watched.fail(5);
    watched.breaker.close();
    watched.fail(2);
    assert_eq!(watched.breaker.state(), State::Open);
    let told = watched.told.lock().unwrap();
    assert!(told.iter().all(|signal| !signal.would_have_opened));
    assert_eq!(watched.breaker.info().would_have_opened, 0);
}
