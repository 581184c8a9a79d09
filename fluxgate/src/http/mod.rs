//! What HTTP responses mean for a breaker, and rejections as responses.
//!
//! Needs the feature `http`.
//!
//! Everything here is about the types of the [`http`] crate. Responses of axum,
//! hyper, tonic and tower clients are [`http::Response`]s; that of reqwest is a
//! type of its own, with the same status and headers: see
//! [below](#with-reqwest). A server answers rejections by
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
//! In axum, an error type of your own turns a rejection into a response, here with a
//! header that tells the kind of the rejection:
//!
//! ```
//! # use fluxgate::CallNotPermitted;
//! # use http::{HeaderValue, Response};
//! # trait IntoResponse { fn into_response(self) -> Response<String>; } // Stands for axum's.
//! enum Error { Rejected(CallNotPermitted) }
//!
//! impl IntoResponse for Error {
//!     fn into_response(self) -> Response<String> {
//!         match self {
//!             Error::Rejected(rejection) => {
//!                 let mut response = Response::from(&rejection);
//!                 let kind = HeaderValue::from_static(rejection.kind().as_str());
//!                 response.headers_mut().insert("x-circuit-breaker", kind);
//!                 response
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! A client gives [`classify`] to
//! [`CircuitBreaker::with_classifier`](crate::CircuitBreaker::with_classifier), or to the
//! tower layer; with a response type of its own, such as
//! reqwest's, [`outcome`]:
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
//!
//! # With reqwest
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "slack-core"))] {
//! use fluxgate::{CallError, Outcome, circuit_breaker, http};
//! use reqwest::Response;
//!
//! fn outcome(result: &Result<Response, CallError<reqwest::Error>>) -> Outcome {
//!     match result {
//!         Ok(response) => http::outcome(response.status(), response.headers()),
//!         Err(_) => Outcome::Failure,
//!     }
//! }
//!
//! #[circuit_breaker(classify = outcome)]
//! async fn get(url: &str) -> Result<Response, CallError<reqwest::Error>> {
//!     Ok(reqwest::get(url).await?)
//! }
//! # }
//! ```

#[cfg(feature = "tower")]
mod body;

#[cfg(feature = "tower")]
pub use body::Body;
#[cfg(feature = "tower")]
pub(crate) use body::Reads;

use std::{
    borrow::Borrow,
    time::{Duration, SystemTime},
};

use ::http::{
    HeaderMap, Response, StatusCode,
    header::{HeaderValue, RETRY_AFTER},
};

use crate::{CallNotPermitted, Outcome};

/// Returns what a status means.
///
/// | status | outcome |
/// |---|---|
/// | 429, 529 | overloaded |
/// | other 5xx, 408, 425 | failure |
/// | every other | success |
///
/// Other 4xx are the caller's mistakes, and successes as far as the breaker is
/// concerned: the service works. A 503 is a failure, since that is what a load
/// balancer says of a dead service.
///
/// It takes the status itself or a reference, so that it serves a derive, too:
/// `#[outcome(with = fluxgate::http::outcome_of_status)] Status(StatusCode)`.
#[must_use]
pub fn outcome_of_status(status: impl Borrow<StatusCode>) -> Outcome {
    match status.borrow().as_u16() {
        429 | 529 => Outcome::Overloaded,
        408 | 425 | 500..=599 => Outcome::Failure,
        _ => Outcome::Success,
    }
}

/// Returns whether a status tells that the service is in trouble: broken or
/// overloaded, by [`outcome_of_status`].
#[must_use]
pub fn is_failure(status: StatusCode) -> bool {
    outcome_of_status(status).is_transient()
}

/// Returns what a response means: [what its status does](outcome_of_status), with
/// the wait that its `Retry-After` asks for if that is a failure or overload.
#[must_use]
pub fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let outcome = outcome_of_status(status);
    match (outcome, retry_after(headers)) {
        (Outcome::Overloaded, Some(wait)) => Outcome::OverloadedFor(wait),
        (Outcome::Failure, Some(wait)) => Outcome::UnavailableFor(wait),
        _ => outcome,
    }
}

/// [`outcome`] of a response; every error is a failure.
pub fn classify<B, E>(result: &Result<Response<B>, E>) -> Outcome {
    match result {
        Ok(response) => outcome(response.status(), response.headers()),
        Err(_) => Outcome::Failure,
    }
}

/// Reads the wait that `Retry-After` asks for, as seconds or as a date. `None` without
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
