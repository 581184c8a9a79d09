//! How the result of a call is classified: the types behind
//! [`with_tracker`](crate::CircuitBreaker::with_tracker) and
//! [`with_classifier`](crate::CircuitBreaker::with_classifier), for code that names
//! them.
//!
//! ```
//! use std::io;
//! use fluxgate::{CircuitBreaker, Classified, classify::Classifier, tracker::Custom};
//!
//! /// Takes whatever `with_tracker` or `with_classifier` returns.
//! fn fetch<C: Classifier<u32, io::Error>>(calls: Classified<'_, C>) -> bool {
//!     calls.try_call(|| Ok(7)).is_ok()
//! }
//!
//! let breaker = CircuitBreaker::builder("api").build()?;
//! let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
//! assert!(fetch(breaker.with_tracker(Custom::new(timed_out))));
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```
//!
//! [`Classifier`] is implemented by [`ByTracker`], [`ByClosure`], and [`WithTexts`] of
//! either. To say by a
//! closure of your own what every result means, use
//! [`with_classifier`](crate::CircuitBreaker::with_classifier).

pub use crate::call::{
    Admitted,
    classify::{
        ByClassify, ByClosure, ByTracker, Classifier, FailureIf, NeverFails, Predicate, WithTexts,
    },
};
