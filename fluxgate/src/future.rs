//! The futures of protected calls: what [`call_async`](crate::CircuitBreaker::call_async)
//! takes, and, with the feature `tower`, what it makes, for code that names it: a
//! `Service` of your own whose `Future` is the one of
//! `CircuitBreakerService`, for example.

pub use crate::call::future::Awaited;
#[cfg(feature = "tower")]
pub use crate::call::{
    Complete,
    future::{AdmittedFirst, Call, CallFuture, PollCall},
};
