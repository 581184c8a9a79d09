//! A breaker as a [`tower`](https://docs.rs/tower) layer.
//!
//! Needs the feature `tower`.
//!
//! [`CircuitBreakerLayer`] puts any `Service` behind a [`CircuitBreaker`]: an
//! axum router, a tonic channel, a `reqwest::Client`. It needs no runtime, and
//! boxes no future.
//!
//! ```
//! use std::convert::Infallible;
//! use fluxgate::{CallNotPermitted, CircuitBreaker, tower::CircuitBreakerLayer, tripper::FailureStreak};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), fluxgate::ConfigError> {
//! let breaker = CircuitBreaker::builder("upstream")
//!     .tripper(FailureStreak::new(2))
//!     .build()?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(CircuitBreakerLayer::new(breaker).failure_if(|status: &u16| *status >= 500))
//!     .service(service_fn(|_: &str| async { Ok::<u16, Infallible>(503) }));
//!
//! for _ in 0..2 {
//!     assert_eq!(service.clone().oneshot("/").await.ok(), Some(503));
//! }
//! let error = service.oneshot("/").await.expect_err("the circuit is open");
//! assert!(error.is::<CallNotPermitted>());
//! # Ok(())
//! # }
//! ```
//!
//! # What counts
//!
//! As everywhere: `Ok` is a success unless
//! [`failure_if`](CircuitBreakerLayer::failure_if) says otherwise, and an `Err`
//! is a failure if the [tracker](CircuitBreakerLayer::with_tracker) matches it. The
//! response is judged when the service returns it; with
//! `until_end_of_body` (feature `http`) and `grpc` (feature `grpc`) the call is
//! settled when its body ends. A response future that is dropped early counts as
//! [`on_cancel`](crate::Builder::on_cancel) says: a timeout layer *around* this
//! one is such a drop, one *inside* it is an error like any other.
//!
//! # Readiness
//!
//! A call is admitted in `call`, never in `poll_ready`: a handle that is ready
//! and not used holds no probe's slot. `poll_ready` passes on the readiness of
//! the inner service, and with it back-pressure, with one exception: when the
//! inner service is not ready and the circuit is open, the service is ready, and
//! its next call is a rejection. So an open circuit answers at once even if the
//! service behind it is stuck. An error of the inner `poll_ready` is passed on
//! and not counted: no call was made.
//!
//! A rejected call leaves the inner service ready for the next. A clone shares
//! the breaker; its readiness is its own, as the inner service's is.
//!
//! # Errors
//!
//! The error of the service is a [`BoxError`], as with tower's own layers, so it
//! works with every inner error that turns into one: `downcast_ref` finds the
//! [`CallNotPermitted`]. With
//! [`on_rejection`](CircuitBreakerLayer::on_rejection) the inner service's own
//! error type stays, and rejections become what you make of them: a response, or
//! an error of yours. That is the way for axum, whose routers take no errors.
//!
//! [`CallNotPermitted`]: crate::CallNotPermitted
//! [`CircuitBreaker`]: crate::CircuitBreaker

mod answer;
mod layer;
mod mode;
mod service;

pub use answer::{Answer, BoxError, Boxed, OnRejection};
pub use layer::CircuitBreakerLayer;
#[cfg(feature = "http")]
pub use mode::AtEndOfBody;
#[cfg(feature = "grpc")]
pub use mode::Grpc;
pub use mode::{AtHead, Respond, TakesAnswer, Verdict};
pub use service::{CircuitBreakerService, ResponseFuture};
