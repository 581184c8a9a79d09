//! What HTTP responses mean for a breaker, and rejections as responses.
//!
//! Everything here is about the types of the [`http`] crate, which axum,
//! hyper, tonic and reqwest share. A server answers rejections by
//! `Response::from(rejection)`: 503, with `Retry-After` if the breaker knows when
//! the next attempt may succeed, and an empty body.
//!
//! ```
//! use fluxgate::{CallNotPermitted, CircuitBreaker};
//! # use http::{Response, StatusCode};
//!
//! async fn handler(breaker: &CircuitBreaker) -> Response<String> {
//!     let quote = breaker.call_async(async {
//! #       if true { return Ok::<_, CallNotPermitted>("42".to_owned()) }
//!         // … ask the dependency …
//! #       Ok("".to_owned())
//!     });
//!     match quote.await {
//!         Ok(quote) => Response::new(quote),
//!         Err(rejection) => Response::from(rejection),
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), fluxgate::ConfigError> {
//! # let breaker = CircuitBreaker::builder("api").build()?;
//! # assert_eq!(handler(&breaker).await.body(), "42");
//! # breaker.force_open();
//! # assert_eq!(handler(&breaker).await.status(), StatusCode::SERVICE_UNAVAILABLE);
//! # Ok(())
//! # }
//! ```
//!
//! A client gives [`classify`] to
//! [`CircuitBreaker::with_classifier`](crate::CircuitBreaker::with_classifier), or to the
//! tower layer; with a response type of its own, [`outcome`]:
//!
//! ```
//! # use fluxgate::{CallNotPermitted, CircuitBreaker, Outcome};
//! # use http::{HeaderMap, StatusCode};
//! # struct Response(StatusCode, HeaderMap);
//! # impl Response {
//! #     fn status(&self) -> StatusCode { self.0 }
//! #     fn headers(&self) -> &HeaderMap { &self.1 }
//! # }
//! # fn send() -> Result<Response, CallNotPermitted> {
//! #     Ok(Response(StatusCode::BAD_GATEWAY, HeaderMap::new()))
//! # }
//! # let breaker = CircuitBreaker::builder("api").build()?;
//! let response = breaker
//!     .with_classifier(|result: &Result<Response, _>| match result {
//!         Ok(response) => fluxgate::http::outcome(response.status(), response.headers()),
//!         Err(_) => Outcome::Failure,
//!     })
//!     .call(send)?;
//! # assert_eq!(breaker.info().metrics.failure_count, 1);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::time::{Duration, SystemTime};

use ::http::{
    HeaderMap, Response, StatusCode,
    header::{HeaderValue, RETRY_AFTER},
};

use crate::{CallNotPermitted, Outcome};

/// Whether a status tells that the service is in trouble: 429 and every 5xx.
///
/// Other 4xx are the caller's mistakes, and successes as far as the breaker is
/// concerned: the service works.
#[must_use]
pub fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// What a response means: a failure [by its status](is_failure), with the wait
/// that its `Retry-After` asks for, or a success.
#[must_use]
pub fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    if !is_failure(status) {
        return Outcome::Success;
    }
    retry_after(headers).map_or(Outcome::Failure, Outcome::UnavailableFor)
}

/// [`outcome`] of a response; every error is a failure.
pub fn classify<B, E>(result: &Result<Response<B>, E>) -> Outcome {
    match result {
        Ok(response) => outcome(response.status(), response.headers()),
        Err(_) => Outcome::Failure,
    }
}

/// The wait that `Retry-After` asks for, as seconds or as a date. `None` without
/// the header, or if it is neither; a date that is past is no wait.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a long wait.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let wait = date.duration_since(SystemTime::now());
    Some(wait.unwrap_or_default())
}

/// 503, with the rejection's wait in whole seconds, rounded up, as `Retry-After`.
/// It says nothing else: neither name nor reason is for strangers.
impl<B: Default> From<&CallNotPermitted> for Response<B> {
    fn from(rejection: &CallNotPermitted) -> Self {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        if let Some(wait) = rejection.retry_after() {
            let part = u64::from(wait.subsec_nanos() > 0);
            let seconds = wait.as_secs().saturating_add(part).max(1);
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl<B: Default> From<CallNotPermitted> for Response<B> {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::from(&rejection)
    }
}
