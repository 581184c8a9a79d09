//! The first test of recovery that a newcomer writes, on the rules that the README,
//! the front page and the tutorial show.

use std::{io, time::Duration};

use fluxgate::{CallNotPermitted, CircuitBreaker, State, circuit_breaker, testing};

#[derive(Debug)]
enum ApiError {
    Status(u16),
    #[expect(dead_code, reason = "the README's tracker matches it")]
    Timeout,
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        ApiError::Rejected(rejection)
    }
}

/// Fails until `down` is over, waits, and expects the next call to close.
fn recovers(breaker: &CircuitBreaker, wait: Duration, call: impl Fn(bool) -> bool) {
    let time = testing::freeze();
    for _ in 0..5 {
        assert!(!call(false));
    }
    assert_eq!(breaker.state(), State::Open);
    assert!(!call(true), "rejected");
    time.advance(wait);
    assert!(call(true), "the probe");
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn readme_rule_recovers_after_its_wait() {
    #[circuit_breaker(
        tracker = "Matches(ApiError::Status(500..=599) | ApiError::Timeout)",
        tripper = "FailureStreak(5) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))",
        retry = "Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s)",
        permit = "All",
        max_half_open_calls = 3,
        listeners = [LogListener],
        handle = quotes,
    )]
    fn quote(up: bool) -> Result<String, ApiError> {
        if up {
            Ok("42.17".to_owned())
        } else {
            Err(ApiError::Status(503))
        }
    }
    recovers(quotes(), Duration::from_secs(10), |up| match quote(up) {
        Ok(_) => true,
        Err(ApiError::Status(_) | ApiError::Timeout) => false,
        Err(ApiError::Rejected(rejection)) => {
            assert_eq!(rejection.name(), quotes().name());
            false
        }
    });
}

#[test]
fn front_page_rule_recovers_after_its_wait() {
    #[circuit_breaker(
        tripper = "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)",
        retry = "Cooldown(30s)",
        permit = "All",
        handle = prices
    )]
    fn price(up: bool) -> io::Result<f64> {
        if up {
            Ok(42.0)
        } else {
            Err(io::Error::other("down"))
        }
    }
    recovers(prices(), Duration::from_secs(30), |up| price(up).is_ok());
}

#[test]
fn jittered_rule_recovers_after_what_it_says() {
    #[circuit_breaker(
        tripper = "FailureStreak(5)",
        retry = "Backoff(initial = 5s, jitter_ratio = 0.2)",
        permit = "All",
        handle = stocks
    )]
    fn stock(up: bool) -> io::Result<u32> {
        if up {
            Ok(7)
        } else {
            Err(io::Error::other("down"))
        }
    }
    let time = testing::freeze();
    for _ in 0..5 {
        assert!(stock(false).is_err());
    }
    let wait = stocks().info().retry_after.expect("it is open");
    time.advance(wait);
    assert!(stock(true).is_ok());
}

fn is_rejection(error: &io::Error) -> bool {
    fluxgate::rejection(error).is_some()
}

/// Under the default permit the rejection says what keeps the call out.
#[test]
fn default_permit_is_named_where_it_refuses() {
    #[circuit_breaker(tripper = "FailureStreak(5)", handle = stocks)]
    fn stock(up: bool) -> io::Result<u32> {
        if up {
            Ok(7)
        } else {
            Err(io::Error::other("down"))
        }
    }
    let time = testing::freeze();
    for _ in 0..5 {
        assert!(stock(false).is_err());
    }
    time.advance(Duration::from_secs(60));
    // The first that is let through fails too, so the circuit stays half-open.
    let refused = (0..100).find_map(|_| stock(false).err().filter(is_rejection));
    let text = refused.expect("nine in ten are").to_string();
    let permit = "its permit `RampUp(initial = 0.1, final = 1.0, duration = 60s)` lets 10 %";
    assert!(text.contains(permit), "{text}");
}
