//! What a rejection says.

use std::time::Duration;

use fluxgate::{
    CallNotPermitted, CircuitBreaker, State,
    clock::ManualClock,
    permit::{All, Permit, RampUp, Random},
    random,
    tripper::FailureStreak,
};

/// A half-open breaker whose permit draws from `random`.
fn half_open(
    permit: impl Permit + 'static,
    random: impl random::Random + 'static,
) -> (CircuitBreaker, ManualClock) {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("api")
        .tripper(FailureStreak::new(1))
        .permit(permit)
        .max_half_open_calls(1)
        .clock(clock.clone())
        .random(random)
        .build()
        .unwrap();
    breaker.acquire().unwrap().failure();
    clock.advance(Duration::from_secs(60));
    (breaker, clock)
}

fn refused(breaker: &CircuitBreaker) -> CallNotPermitted {
    let rejection = breaker.acquire().expect_err("it is rejected");
    assert_eq!(rejection.state(), State::HalfOpen);
    rejection
}

/// Draws what no share admits.
struct Unlucky;

impl random::Random for Unlucky {
    fn next_f64(&mut self) -> f64 {
        1.0 - f64::EPSILON
    }
}

#[test]
fn rejection_names_the_permit_and_its_share() {
    let minute = Duration::from_secs(60);
    let (breaker, clock) = half_open(RampUp::default(), Unlucky);
    let early = refused(&breaker);
    assert_eq!(
        early.to_string(),
        "circuit breaker 'api' is half-open, and its permit \
         `RampUp(initial = 0.1, final = 1.0, duration = 60s)` lets 10 % of the calls \
         through as probes now, but not this one"
    );
    clock.advance(minute / 2);
    let later = refused(&breaker).to_string();
    assert!(later.contains("lets 55 % of the calls"), "{later}");
    // The first one still tells its own moment.
    assert!(early.to_string().contains("lets 10 %"));
    assert_eq!(breaker.info().probes_in_flight, 0);

    let (breaker, _) = half_open(Random::new(0.0), Unlucky);
    let never = refused(&breaker).to_string();
    assert!(
        never.contains("`Random(0.0)` lets 0 % of the calls"),
        "{never}"
    );

    let (breaker, _) = half_open(|_| false, Unlucky);
    let own = refused(&breaker).to_string();
    assert!(
        own.contains("its permit `Custom(ops::rejections::"),
        "{own}"
    );
    assert!(own.ends_with("does not let this call through"), "{own}");
}

#[test]
fn rejection_names_the_limit_when_probes_fill_it() {
    let (breaker, _) = half_open(All, Unlucky);
    let probe = breaker.acquire().unwrap();
    assert_eq!(
        refused(&breaker).to_string(),
        "circuit breaker 'api' is half-open, and as many probes as `max_half_open_calls` \
         allows are in flight"
    );
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
}
