//! An axum server whose handler calls a dependency through a breaker: rejections
//! become 503 with `Retry-After`. It plays its own client, and ends.
//!
//! ```sh
//! cargo run --example axum_service
//! ```

use std::error::Error;

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use fluxgate::{CallNotPermitted, circuit_breaker};
use fluxgate_examples::{Mood, Service};

enum ApiError {
    Upstream(reqwest::Error),
    Rejected(CallNotPermitted),
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        Self::Upstream(error)
    }
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Upstream(error) => {
                println!("upstream: {error}");
                StatusCode::BAD_GATEWAY.into_response()
            }
            // 503 and `Retry-After`, by the feature `http`.
            Self::Rejected(rejection) => Response::<Body>::from(rejection),
        }
    }
}

#[circuit_breaker(tripper = "FailureStreak(3)", retry = "Cooldown(30s)")]
async fn price(url: &str) -> Result<String, ApiError> {
    let response = reqwest::get(url).await?.error_for_status()?;
    Ok(response.text().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = Service::start().await?;
    let url = upstream.url().to_owned();
    let handler = move || {
        let url = url.clone();
        async move { price(&url).await }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let own = format!("http://{}/price", listener.local_addr()?);
    let router = Router::new().route("/price", get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut last = None;
    for mood in [
        Mood::Works,
        Mood::Fails,
        Mood::Fails,
        Mood::Fails,
        Mood::Fails,
    ] {
        upstream.set(mood);
        let response = reqwest::get(&own).await?;
        let after = response.headers().get("retry-after").cloned();
        println!("{} {after:?}", response.status());
        last = Some((response.status().as_u16(), after.is_some()));
    }
    assert_eq!(last, Some((503, true)));
    Ok(())
}
