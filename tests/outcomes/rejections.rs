//! What a rejection says of itself.

use std::time::Duration;

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Classify, Outcome, RejectionKind, clock::ManualClock,
    permit::All, retry::Cooldown, tripper::FailureStreak,
};

fn rejections() -> [CallNotPermitted; 3] {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("kinds")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(Duration::from_secs(1)))
        .permit(All)
        .max_half_open_calls(1)
        .clock(clock.clone())
        .build()
        .expect("valid settings");
    breaker.acquire().expect("it is closed").failure();
    let open = breaker.acquire().expect_err("it is open");
    clock.advance(Duration::from_secs(1));
    let probe = breaker.acquire().expect("the probe");
    let half_open = breaker.acquire().expect_err("it is half-open");
    probe.alive();
    breaker.force_open();
    let forced_open = breaker.acquire().expect_err("it is forced open");
    [open, half_open, forced_open]
}

#[test]
fn each_kind_has_its_word() {
    let kinds = rejections().map(|rejection| rejection.kind());
    assert_eq!(
        kinds,
        [
            RejectionKind::Open,
            RejectionKind::HalfOpen,
            RejectionKind::ForcedOpen
        ]
    );
    assert_eq!(
        kinds.map(RejectionKind::as_str),
        ["open", "half_open", "forced_open"]
    );
    assert_eq!(kinds[1].to_string(), "half_open");
}

#[test]
fn a_rejection_is_ignored_and_not_transient() {
    for rejection in rejections() {
        assert_eq!(rejection.outcome(), Outcome::Ignored);
        assert!(!rejection.is_transient());
    }
}

/// The error of an axum handler.
enum AppError {
    Rejected(CallNotPermitted),
}

impl axum::response::IntoResponse for AppError {
    fn into_response(self) -> axum::response::Response {
        let Self::Rejected(rejection) = self;
        let mut response = axum::response::Response::from(&rejection);
        let kind = http::HeaderValue::from_static(rejection.kind().as_str());
        response.headers_mut().insert("x-circuit-breaker", kind);
        response
    }
}

#[tokio::test]
async fn an_axum_handler_answers_a_rejection() {
    let [open, ..] = rejections();
    let handler = move || std::future::ready(Err::<(), _>(AppError::Rejected(open)));
    let router = axum::Router::new().route("/", axum::routing::get(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let response = reqwest::get(url).await.expect("a response");
    assert_eq!(response.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["x-circuit-breaker"], "open");
}
