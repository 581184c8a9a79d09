//! Throttles that the attribute and `breaker!` set.

use std::time::Duration;

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Classify, RejectionKind, State, breaker, circuit_breaker,
    testing, throttle::Adaptive,
};

#[derive(Debug, Classify)]
enum ApiError {
    #[outcome(overloaded, retry_after = after)]
    Busy { after: Option<Duration> },
    #[outcome(failure)]
    Down,
    #[outcome(ignored)]
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

/// Calls a service that refuses nine calls in ten, until the throttle refuses one.
fn refused(mut call: impl FnMut(Result<(), ApiError>) -> Result<(), ApiError>) -> CallNotPermitted {
    for n in 0..200 {
        let answer = if n % 10 == 0 {
            Ok(())
        } else {
            Err(ApiError::Busy { after: None })
        };
        if let Err(ApiError::Rejected(rejection)) = call(answer) {
            return rejection;
        }
    }
    panic!("no call was throttled");
}

fn shown(breaker: &CircuitBreaker) -> Option<String> {
    breaker.info().settings.throttle
}

#[circuit_breaker(
    throttle = "Adaptive(k = 1.5, window = 10s)",
    tripper = "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)",
    handle = quotes,
)]
fn quote(answer: Result<(), ApiError>) -> Result<(), ApiError> {
    answer
}

#[test]
fn annotated_function_throttles() {
    let _frozen = testing::freeze();
    let rejection = refused(quote);
    assert_eq!(rejection.kind(), RejectionKind::Throttled);
    assert_eq!(rejection.state(), State::Closed);
    assert!(rejection.share().is_some());
    assert_eq!(
        shown(quotes()).as_deref(),
        Some("Adaptive(k = 1.5, window = 10s, min = 20, floor = 0.01)")
    );
    assert!(quote(Err(ApiError::Down)).is_err());
}

const K: f32 = 1.25;
const WINDOW: Duration = Duration::from_secs(5);
const MIN: u8 = 10;

breaker! {
    static CONSTANTS = {
        throttle = Adaptive(K, window = WINDOW, min = MIN, floor = 0),
        tripper = FailureStreak(5),
    };
    static IN_CODE = { throttle = generous() };
    static BY_KEY = { key_type = String, throttle = Adaptive(1.5, min = 5) };
}

fn generous() -> Adaptive {
    Adaptive::new(3.0)
}

#[circuit_breaker(breaker = CONSTANTS)]
async fn shared(answer: Result<(), ApiError>) -> Result<(), ApiError> {
    answer
}

#[tokio::test]
async fn shared_breaker_throttles_futures() {
    let _frozen = testing::freeze();
    assert_eq!(
        shown(&CONSTANTS).as_deref(),
        Some("Adaptive(k = 1.25, window = 5s, min = 10, floor = 0.0)")
    );
    let mut rejected = None;
    for _ in 0..100 {
        let busy = Err(ApiError::Busy {
            after: Some(Duration::from_secs(7)),
        });
        if let Err(ApiError::Rejected(rejection)) = shared(busy).await {
            rejected = Some(rejection);
            break;
        }
    }
    let rejection = rejected.expect("everything is refused");
    assert_eq!(rejection.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(CONSTANTS.state(), State::Closed);
}

#[test]
fn throttle_made_in_code_is_taken() {
    assert_eq!(
        shown(&IN_CODE).as_deref(),
        Some("Adaptive(k = 3.0, window = 10s, min = 20, floor = 0.01)")
    );
}

#[circuit_breaker(breaker = BY_KEY, key = tenant)]
fn of_tenant(tenant: &str, answer: Result<(), ApiError>) -> Result<(), ApiError> {
    let _ = tenant;
    answer
}

/// One busy shard does not throttle the others.
#[test]
fn each_key_has_a_throttle_of_its_own() {
    let _frozen = testing::freeze();
    refused(|answer| of_tenant("busy", answer));
    assert!((0..100).all(|_| of_tenant("idle", Ok(())).is_ok()));
    assert_eq!(BY_KEY.get("idle").info().throttled, 0);
    assert!(BY_KEY.get("busy").info().throttled > 0);
}
