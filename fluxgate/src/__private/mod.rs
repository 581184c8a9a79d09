//! What generated code calls. Not part of the public interface: any of it may
//! change in any release.

pub mod classify;
pub mod completion;
pub mod constants;
pub mod fallback;

pub mod fleet;
pub mod keyed;
pub mod link;
pub mod listener;
pub mod name;
pub mod number;
pub mod policy;
pub mod shape;
pub mod type_of;

use std::future::Future;

pub use crate::listener::into_listener::sealed::Sealed as SealedIntoListener;
#[doc(hidden)]
pub use crate::util::bounds;
pub use classify::{Wait, overloaded_for, unavailable_for};
pub use completion::completion;
pub use constants::check;
pub use fallback::{FallbackAnswer, or_await, or_else};
pub use fleet::fleet;
pub use keyed::keyed;
#[cfg(feature = "keyed")]
pub use keyed::{KeyOf, by_key};
pub use listener::{
    async_listener_fn, listener_fn, log_listener, metrics_listener, opentelemetry_listener,
    prometheus_listener, slack_listener,
};
pub use name::default_name;
pub use number::{count, ratio};
pub use policy::{rule, window};
pub use shape::{Classification, FromRejection, Plain, Protected, Returning, Settle, Shape};
pub use type_of::Probe;
#[cfg(feature = "inventory")]
pub use {
    crate::registry::linked::{Link, Linked},
    inventory,
};

use shape::{ForFallback, ForReturn};

use crate::{
    CallError, CallNotPermitted, CircuitBreaker, Outcome,
    call::{function::run, future::CallFuture},
    tracker::Tracker,
};

/// Runs the body of a function without a fallback.
#[inline]
pub fn call<R, S, J>(
    breaker: &CircuitBreaker,
    classification: Classification<S, J>,
    reject: impl FnOnce(CallNotPermitted) -> R,
    body: impl FnOnce() -> R,
) -> R
where
    S: Shape<Output = R>,
    J: Settle<S>,
{
    run(
        breaker,
        ForReturn {
            classification,
            reject,
        },
        body,
    )
}

/// Runs the body of a function with a fallback.
///
/// # Errors
///
/// What the fallback is to be told.
#[inline]
pub fn try_call<R, S, J>(
    breaker: &CircuitBreaker,
    classification: Classification<S, J>,
    body: impl FnOnce() -> R,
) -> Result<R, CallError<S::Error>>
where
    S: Shape<Output = R>,
    J: Settle<S>,
{
    run(breaker, ForFallback(classification), body)
}

/// [`call`] for async functions.
#[inline]
pub fn call_async<R, S, J, Z, F>(
    breaker: &CircuitBreaker,
    classification: Classification<S, J>,
    reject: Z,
    body: F,
) -> impl Future<Output = R> + use<'_, R, S, J, Z, F>
where
    S: Shape<Output = R>,
    Z: FnOnce(CallNotPermitted) -> R,
    J: Settle<S>,
    F: Future<Output = R>,
{
    CallFuture::new(
        breaker,
        ForReturn {
            classification,
            reject,
        },
        body,
    )
}

/// Returns what becomes of a rejection where `R` can't be named, so that its shape
/// is not looked for.
#[cold]
#[must_use]
pub fn rejected<R: Protected>(rejection: CallNotPermitted) -> R {
    R::rejected(rejection)
}

/// [`try_call`] for async functions.
#[inline]
pub fn try_call_async<R, S, J, F>(
    breaker: &CircuitBreaker,
    classification: Classification<S, J>,
    body: F,
) -> impl Future<Output = Result<R, CallError<S::Error>>> + use<'_, R, S, J, F>
where
    S: Shape<Output = R>,
    J: Settle<S>,
    F: Future<Output = R>,
{
    CallFuture::new(breaker, ForFallback(classification), body)
}

/// Runs the body of a function that returns a future, and gives the future.
#[inline]
pub fn run_now<F>(body: impl FnOnce() -> F) -> F {
    body()
}

// Generated code calls what the user gives from a closure, and its type is in no
// bound but the one here: an error about it is reported once, where it stands.

/// Asks a predicate, of a tracker or of `failure_if`.
#[inline]
pub fn ask<T: ?Sized>(asked: &T, predicate: &impl Fn(&T) -> bool) -> bool {
    predicate(asked)
}

/// Asks the tracker that `Custom` names.
#[inline]
pub fn track<E: ?Sized>(error: &E, tracker: &(impl Tracker<E> + ?Sized)) -> bool {
    tracker.tracks(error)
}

/// Asks the function of `classify`.
#[inline]
pub fn judge<R: ?Sized>(output: &R, classify: &impl Fn(&R) -> Outcome) -> Outcome {
    classify(output)
}

/// Pins what an async block returns to the type of its function.
#[inline]
#[must_use]
pub const fn nothing<R>() -> Option<R> {
    None
}
