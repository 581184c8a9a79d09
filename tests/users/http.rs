//! A real server and a real client on loopback.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
};

use axum::{Router, body::Body, response::Response, routing::get};
use fluxgate::{
    CallNotPermitted, CircuitBreaker, Outcome, State, clock::ManualClock, permit::All,
    tower::CircuitBreakerLayer, tripper::FailureStreak,
};
use http::{StatusCode, header::RETRY_AFTER};
use tower::{Service, ServiceBuilder, ServiceExt};

/// A service whose answers the test chooses, and how often it was asked.
#[derive(Clone)]
struct Upstream {
    status: Arc<AtomicU16>,
    /// In seconds; 0 is no header.
    retry_after: Arc<AtomicU32>,
    calls: Arc<AtomicU32>,
}

impl Upstream {
    fn new() -> Self {
        Self {
            status: Arc::new(AtomicU16::new(200)),
            retry_after: Arc::default(),
            calls: Arc::default(),
        }
    }

    fn answer(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    fn router(&self) -> Router {
        let this = self.clone();
        Router::new().route(
            "/",
            get(move || async move {
                this.calls.fetch_add(1, Ordering::Relaxed);
                let mut answer = Response::new(Body::empty());
                *answer.status_mut() =
                    StatusCode::from_u16(this.status.load(Ordering::Relaxed)).expect("a status");
                let seconds = this.retry_after.load(Ordering::Relaxed);
                if seconds > 0 {
                    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                answer
            }),
        )
    }
}

/// Serves until the test's runtime ends; gives the address.
async fn serve(router: Router) -> reqwest::Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/").parse().expect("a URL")
}

fn breaker(clock: &ManualClock) -> CircuitBreaker {
    CircuitBreaker::builder("upstream")
        .tripper(FailureStreak::new(3))
        .permit(All)
        .clock(clock.clone())
        .build()
        .expect("valid settings")
}

fn request(url: &reqwest::Url) -> reqwest::Request {
    reqwest::Request::new(reqwest::Method::GET, url.clone())
}

#[tokio::test]
async fn a_client_behind_a_breaker() {
    let (upstream, clock) = (Upstream::new(), ManualClock::new());
    let url = serve(upstream.router()).await;
    let breaker = breaker(&clock);
    let mut client = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(breaker.clone()).with_classifier(
            |result: &reqwest::Result<reqwest::Response>| match result {
                Ok(response) => fluxgate::http::outcome(response.status(), response.headers()),
                Err(_) => Outcome::Failure,
            },
        ))
        .service(reqwest::Client::new());

    upstream.answer(StatusCode::BAD_GATEWAY);
    for _ in 0..3 {
        let response = client.call(request(&url)).await.expect("a response");
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    }
    let error = client.call(request(&url)).await.expect_err("open");
    let rejection = error
        .downcast_ref::<CallNotPermitted>()
        .expect("a rejection");
    assert_eq!(rejection.name(), "upstream");
    assert_eq!(upstream.calls(), 3);

    upstream.answer(StatusCode::OK);
    clock.advance(std::time::Duration::from_secs(60));
    let response = client.call(request(&url)).await.expect("the probe");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_connection_that_fails_is_a_failure() {
    let breaker = breaker(&ManualClock::new());
    let client = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(breaker.clone()))
        .service(reqwest::Client::new());
    // Bound and dropped: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    drop(listener);
    let url = url.parse().expect("a URL");
    for _ in 0..3 {
        let error = client
            .clone()
            .oneshot(request(&url))
            .await
            .expect_err("nothing listens");
        assert!(error.is::<reqwest::Error>());
    }
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn a_router_behind_a_breaker() {
    let upstream = Upstream::new();
    let breaker = breaker(&ManualClock::new());
    let layer = CircuitBreakerLayer::new(breaker.clone())
        .with_classifier(fluxgate::http::classify::<Body, Infallible>)
        .on_rejection(|rejection| Ok(Response::from(rejection)));
    let url = serve(upstream.router().layer(layer)).await;

    upstream.answer(StatusCode::INTERNAL_SERVER_ERROR);
    upstream.retry_after.store(120, Ordering::Relaxed);
    for _ in 0..3 {
        let response = reqwest::get(url.clone()).await.expect("a response");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    let response = reqwest::get(url).await.expect("a response");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    // What the inner service asked for reaches the callers it no longer sees.
    assert_eq!(response.headers()[RETRY_AFTER], "120");
    assert_eq!(response.text().await.expect("a body"), "");
    assert_eq!(upstream.calls(), 3);
}
