//! The main job: functions that trip and recover.

use std::{io, time::Duration};

use fluxgate::{CallError, CallNotPermitted, State, circuit_breaker, testing};

#[derive(Debug, PartialEq)]
enum ApiError {
    Status(u16),
    Timeout,
    Rejected(State),
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection.state())
    }
}

#[circuit_breaker]
fn all_defaults() -> io::Result<u8> {
    Ok(7)
}

#[test]
fn without_settings() {
    assert_eq!(all_defaults().unwrap(), 7);
}

#[circuit_breaker(
    name = "strings",
    window = "CountWindow(100)",
    tracker = "Matches(ApiError::Status(500..=599) | ApiError::Timeout)",
    tripper = "FailureStreak(3) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))",
    retry = "Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s)",
    permit = "All",
    max_half_open_calls = 10,
    listeners = [LogListener],
    handle = strings,
)]
fn with_strings(error: Option<ApiError>) -> Result<u8, ApiError> {
    error.map_or(Ok(1), Err)
}

#[circuit_breaker(
    name = "tokens",
    window = CountWindow(100),
    tracker = Matches(ApiError::Status(500..=599) | ApiError::Timeout),
    tripper = FailureStreak(3) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s)),
    retry = Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s),
    permit = All,
    max_half_open_calls = 10,
    listeners = [LogListener],
    handle = tokens,
)]
fn with_tokens(error: Option<ApiError>) -> Result<u8, ApiError> {
    error.map_or(Ok(1), Err)
}

#[test]
fn strings_and_tokens_mean_the_same() {
    let time = testing::freeze();
    for (call, breaker) in [
        (with_strings as fn(_) -> _, strings()),
        (with_tokens, tokens()),
    ] {
        assert_eq!(
            call(Some(ApiError::Status(404))),
            Err(ApiError::Status(404))
        );
        assert_eq!(breaker.info().ignored, 1);
        for _ in 0..3 {
            assert_eq!(call(Some(ApiError::Timeout)), Err(ApiError::Timeout));
        }
        assert_eq!(call(None), Err(ApiError::Rejected(State::Open)));
        time.advance(Duration::from_secs(10));
        assert_eq!(call(None), Ok(1));
        assert_eq!(breaker.state(), State::Closed);
        time.reset_all();
    }
}

fn zero(_: CallError<ApiError>) -> Result<u8, ApiError> {
    Ok(0)
}

#[circuit_breaker(tripper = FailureStreak(1), fallback = zero)]
async fn with_fallback(fail: bool) -> Result<u8, ApiError> {
    if fail { Err(ApiError::Timeout) } else { Ok(1) }
}

#[tokio::test]
async fn a_fallback_stands_in() {
    let _time = testing::freeze();
    assert_eq!(with_fallback(false).await, Ok(1));
    assert_eq!(with_fallback(true).await, Ok(0));
    assert_eq!(with_fallback(false).await, Ok(0), "rejected");
}

struct Client {
    fail: bool,
}

impl Client {
    #[circuit_breaker(tripper = FailureStreak(2), handle = breaker)]
    async fn get(&self, path: &str) -> Result<String, ApiError> {
        if self.fail {
            Err(ApiError::Status(500))
        } else {
            Ok(path.to_owned())
        }
    }
}

#[tokio::test]
async fn a_method_and_its_handle() {
    let _time = testing::freeze();
    let client = Client { fail: true };
    assert_eq!(client.get("/").await, Err(ApiError::Status(500)));
    assert_eq!(client.get("/").await, Err(ApiError::Status(500)));
    assert_eq!(client.get("/").await, Err(ApiError::Rejected(State::Open)));
    assert_eq!(Client::breaker().info().rejected, 1);
    assert!(Client::breaker().name().ends_with("Client::get"));
}

fluxgate::breaker! {
    /// What both functions talk to.
    static SHARED = {
        name = "shared",
        tripper = FailureStreak(2),
        on_cancel = FailAfter(5s),
        close_after = 2,
        reopen_after = 1,
        probe_lease = 1.5s,
        durations = true,
    };
    static PLAIN;
}

#[circuit_breaker(breaker = SHARED)]
fn reads() -> Result<u8, ApiError> {
    Err(ApiError::Timeout)
}

#[circuit_breaker(breaker = SHARED, failure_if = |value| *value > 9)]
async fn writes(value: u8) -> Result<u8, ApiError> {
    Ok(value)
}

#[tokio::test]
async fn functions_share_a_breaker() {
    let _time = testing::freeze();
    assert_eq!(reads(), Err(ApiError::Timeout));
    assert_eq!(
        writes(10).await,
        Ok(10),
        "counted as a failure, and returned"
    );
    assert_eq!(reads(), Err(ApiError::Rejected(State::Open)));
    assert_eq!(writes(1).await, Err(ApiError::Rejected(State::Open)));
    assert_eq!(SHARED.info().rejected, 2);
    assert_eq!(*PLAIN.name(), *concat!(module_path!(), "::PLAIN"));
}

#[circuit_breaker(initial_state = MetricsOnly, tripper = FailureStreak(1), handle = newcomer_breaker)]
fn newcomer() -> Result<u8, ApiError> {
    Err(ApiError::Timeout)
}

fluxgate::breaker! {
    static MAINTENANCE = { initial_state = "forced_open" };
    static SHARDS = { key_type = u32, initial_state = HalfOpen, permit = All };
}

#[circuit_breaker(breaker = MAINTENANCE)]
fn maintained() -> Result<u8, ApiError> {
    Ok(1)
}

#[test]
fn breakers_begin_in_their_initial_state() {
    let _time = testing::freeze();
    assert_eq!(newcomer(), Err(ApiError::Timeout));
    assert_eq!(newcomer(), Err(ApiError::Timeout));
    assert_eq!(newcomer_breaker().state(), State::MetricsOnly);
    assert_eq!(newcomer_breaker().info().metrics.failure_count, 2);
    assert_eq!(maintained(), Err(ApiError::Rejected(State::ForcedOpen)));
    MAINTENANCE.reset();
    assert_eq!(maintained(), Err(ApiError::Rejected(State::ForcedOpen)));
    MAINTENANCE.close();
    assert_eq!(maintained(), Ok(1));
    let shard = SHARDS.get(&7);
    assert_eq!(shard.state(), State::HalfOpen);
    shard.acquire().unwrap().success();
    assert_eq!(shard.state(), State::Closed);
}
