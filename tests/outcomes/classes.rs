//! Each class in closed and half-open, by hand and with the attribute.

use std::time::Duration;

use fluxgate::{
    Builder, CallNotPermitted, CircuitBreaker, Outcome, State,
    clock::ManualClock,
    permit::All,
    retry::Cooldown,
    tripper::{FailureStreak, MinRequests},
    window::CountWindow,
};

const SECOND: Duration = Duration::from_secs(1);

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("classes")
        .tripper(FailureStreak::new(2))
        .retry(Cooldown::new(10 * SECOND))
        .permit(All)
        .max_half_open_calls(1)
        .clock(clock.clone())
}

fn record(breaker: &CircuitBreaker, outcome: Outcome) -> Result<(), CallNotPermitted> {
    breaker.acquire()?.record(outcome);
    Ok(())
}

#[test]
fn alive_ends_a_streak_and_is_not_recorded() -> Result<(), Box<dyn std::error::Error>> {
    let breaker = builder(&ManualClock::new()).build()?;
    for _ in 0..10 {
        record(&breaker, Outcome::Failure)?;
        record(&breaker, Outcome::Alive)?;
    }
    let info = breaker.info();
    assert_eq!(info.state, State::Closed);
    assert_eq!(info.metrics.total_count, 10);
    assert_eq!((info.alive, info.failed, info.failure_streak), (10, 10, 0));
    Ok(())
}

#[test]
fn ignored_ends_no_streak() -> Result<(), Box<dyn std::error::Error>> {
    let breaker = builder(&ManualClock::new()).build()?;
    record(&breaker, Outcome::Failure)?;
    record(&breaker, Outcome::Ignored)?;
    record(&breaker, Outcome::Failure)?;
    assert_eq!(breaker.state(), State::Open);
    Ok(())
}

#[test]
fn alive_does_not_dilute_the_failure_rate() -> Result<(), Box<dyn std::error::Error>> {
    let breaker = CircuitBreaker::builder("rate")
        .window(CountWindow::new(4))
        .tripper(MinRequests::new(2) & fluxgate::tripper::FailureRate::new(1.0))
        .clock(ManualClock::new())
        .build()?;
    record(&breaker, Outcome::Failure)?;
    record(&breaker, Outcome::Alive)?;
    record(&breaker, Outcome::Failure)?;
    assert_eq!(breaker.state(), State::Open);
    Ok(())
}

#[test]
fn alive_passes_a_probe() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::new();
    let breaker = builder(&clock).close_after(2).build()?;
    record(&breaker, Outcome::Failure)?;
    record(&breaker, Outcome::Failure)?;
    clock.advance(10 * SECOND);
    record(&breaker, Outcome::Alive)?;
    assert_eq!(breaker.state(), State::HalfOpen);
    record(&breaker, Outcome::Alive)?;
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.info().alive, 2);
    Ok(())
}

#[test]
fn overload_is_a_failure_counted_apart() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build()?;
    record(&breaker, Outcome::Overloaded)?;
    record(&breaker, Outcome::OverloadedFor(30 * SECOND))?;
    let info = breaker.info();
    assert_eq!(info.state, State::Open);
    assert_eq!((info.overloaded, info.failed), (2, 2));
    assert_eq!(info.retry_after, Some(30 * SECOND));

    clock.advance(30 * SECOND);
    record(&breaker, Outcome::Overloaded)?;
    record(&breaker, Outcome::Overloaded)?;
    assert_eq!(breaker.state(), State::Open, "the probes failed");
    Ok(())
}

#[test]
fn overload_lengthens_the_wait_within_the_policy() -> Result<(), Box<dyn std::error::Error>> {
    let breaker = CircuitBreaker::builder("waits")
        .tripper(FailureStreak::new(1))
        .retry(fluxgate::retry::Backoff::new(SECOND).max_duration(60 * SECOND))
        .clock(ManualClock::new())
        .build()?;
    record(&breaker, Outcome::OverloadedFor(30 * SECOND))?;
    assert_eq!(breaker.info().retry_after, Some(30 * SECOND));
    Ok(())
}

#[test]
fn late_answers_count_nowhere() -> Result<(), Box<dyn std::error::Error>> {
    let breaker = builder(&ManualClock::new()).build()?;
    let late = breaker.acquire()?;
    record(&breaker, Outcome::Failure)?;
    breaker.reset();
    record(&breaker, Outcome::Failure)?;
    late.alive();
    assert_eq!(breaker.info().failure_streak, 1);
    assert_eq!(breaker.info().late, 1);
    Ok(())
}

#[test]
fn only_failures_and_overload_are_transient() {
    let transient = [
        Outcome::Failure,
        Outcome::UnavailableFor(SECOND),
        Outcome::Overloaded,
        Outcome::OverloadedFor(SECOND),
    ];
    assert!(transient.into_iter().all(Outcome::is_transient));
    let lasting = [Outcome::Success, Outcome::Ignored, Outcome::Alive];
    assert!(!lasting.into_iter().any(Outcome::is_transient));
}
