//! The futures of protected calls, for code that names them: a `Service` of your own
//! whose `Future` is the one of
//! [`CircuitBreakerService`](crate::tower::CircuitBreakerService), for example.
//!
//! Needs the feature `tower`.

pub use crate::call::{
    Complete,
    future::{AdmittedFirst, Call, CallFuture, PollCall},
};
