//! Opening and half-opening by hand, and the state to begin in.

use std::sync::Arc;

use fluxgate::{
    CircuitBreaker, State,
    clock::ManualClock,
    keyed::CircuitBreakers,
    permit::All,
    retry::{Cooldown, Opening},
    tripper::{FailureStreak, MinRequests},
};

use super::{MINUTE, SECOND, breaker, fail, set};
use crate::kit::Heard;

#[test]
fn opening_by_hand_recovers() {
    let clock = ManualClock::new();
    let one = breaker("by hand", &clock, 1);
    one.open();
    assert_eq!(one.info().retry_after, Some(MINUTE));
    assert!(one.acquire().is_err());
    clock.advance(MINUTE);
    one.acquire().unwrap().success();
    assert_eq!(one.state(), State::Closed);
    one.open_for(1000 * MINUTE);
    assert_eq!(one.info().retry_after, Some(1000 * MINUTE), "not clamped");
    one.open_for(SECOND);
    assert_eq!(one.info().retry_after, Some(SECOND), "a new opening");
    assert_eq!(one.info().reopens, 0);
}

#[test]
fn half_opening_keeps_reopens() {
    let clock = ManualClock::new();
    let one = breaker("half", &clock, 1);
    fail(&one);
    clock.advance(MINUTE);
    fail(&one);
    assert_eq!(one.info().reopens, 1);
    one.half_open();
    assert_eq!((one.state(), one.info().reopens), (State::HalfOpen, 1));
    one.acquire().unwrap().success();
    assert_eq!(one.state(), State::Closed);
}

#[test]
fn commands_open_and_half_open() {
    let clock = ManualClock::new();
    let one = breaker("commands", &clock, 1);
    one.command("open".parse().unwrap());
    assert_eq!(
        (one.state(), one.info().retry_after),
        (State::Open, Some(MINUTE))
    );
    one.command("half_open".parse().unwrap());
    assert_eq!(one.state(), State::HalfOpen);
    let set = set(&clock);
    set.get("a");
    set.command_all(fluxgate::Command::Open);
    assert_eq!(set.get("a").state(), State::Open);
    assert_eq!(set.get("later").state(), State::Closed);
}

#[test]
fn retry_policy_is_told_why() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let one = CircuitBreaker::builder("told")
        .tripper(MinRequests::new(4) & fluxgate::tripper::FailureRate::new(0.5))
        .retry(move |opening: &Opening| {
            tell.lock().unwrap().push(*opening);
            Some(MINUTE)
        })
        .build()
        .unwrap();
    one.acquire().unwrap().success();
    for _ in 0..3 {
        one.acquire().unwrap().failure();
    }
    one.open();
    let told = told.lock().unwrap();
    assert_eq!(told[0].failure_rate(), Some(0.75));
    assert_eq!((told[0].total_count, told[0].failure_count), (4, 3));
    let reason = told[0].reason.unwrap();
    assert_eq!(reason.rule, fluxgate::RuleKind::FailureRate);
    assert!(told[1].reason.is_none(), "by hand");
}

#[test]
fn initial_state_is_entered_and_left() {
    let clock = ManualClock::new();
    for state in State::ALL {
        let one = CircuitBreaker::builder("initial")
            .initial_state(state)
            .permit(All)
            .retry(Cooldown::new(SECOND))
            .clock(clock.clone())
            .build()
            .unwrap();
        assert_eq!(one.state(), state);
    }
}

#[test]
fn initial_state_is_told_and_left_as_any_other() {
    let clock = ManualClock::new();
    let heard = Heard::default();
    let begun = |state: State| {
        CircuitBreaker::builder("initial")
            .initial_state(state)
            .tripper(FailureStreak::new(1))
            .permit(All)
            .retry(Cooldown::new(SECOND))
            .clock(clock.clone())
            .listener(heard.listener())
            .build()
            .unwrap()
    };
    let one = begun(State::Open);
    assert_eq!(heard.chain(), [State::Open]);
    assert_eq!(one.info().retry_after, Some(SECOND));
    assert_eq!((one.info().reopens, one.info().reason), (0, None));
    assert!(one.acquire().is_err());
    clock.advance(SECOND);
    one.acquire().unwrap().success();
    assert_eq!(heard.chain(), [State::Open, State::HalfOpen, State::Closed]);
    let one = begun(State::HalfOpen);
    fail(&one);
    assert_eq!((one.state(), one.info().reopens), (State::Open, 1));
    let one = begun(State::MetricsOnly);
    fail(&one);
    assert_eq!(one.state(), State::MetricsOnly);
    assert_eq!(one.info().metrics.failure_count, 1);
    one.reset();
    assert_eq!(one.state(), State::MetricsOnly, "it holds that state");
    one.close();
    fail(&one);
    assert_eq!(one.state(), State::Open);
}

#[test]
fn initial_state_is_that_of_every_key() {
    let set = CircuitBreakers::<u32>::builder("initial keys")
        .settings(|builder| builder.initial_state(State::ForcedOpen))
        .max_keys(2)
        .build()
        .unwrap();
    for key in 0..5 {
        assert_eq!(set.get(&key).state(), State::ForcedOpen, "{key}");
    }
    set.get(&9).reset();
    assert_eq!(set.get(&9).state(), State::ForcedOpen);
    set.get(&9).close();
    assert_eq!(set.get(&9).state(), State::Closed);
}

#[test]
fn opening_by_hand_makes_calls_in_flight_late() {
    let clock = ManualClock::new();
    for command in [
        CircuitBreaker::open,
        CircuitBreaker::half_open,
        |one: &CircuitBreaker| one.open_for(SECOND),
    ] {
        let one = breaker("in flight", &clock, 3);
        for before in [
            CircuitBreaker::reset,
            CircuitBreaker::half_open,
            CircuitBreaker::metrics_only,
        ] {
            before(&one);
            let calls = [(); 2].map(|()| one.acquire_owned().unwrap());
            command(&one);
            let (state, late) = (one.state(), one.info().late);
            let [passes, fails] = calls;
            passes.success();
            fails.failure();
            let info = one.info();
            assert_eq!((info.state, info.late), (state, late + 2));
            assert_eq!((info.metrics.total_count, info.probes_in_flight), (0, 0));
        }
    }
}
