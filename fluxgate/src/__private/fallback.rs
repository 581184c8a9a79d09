//! What stands in for the result of a call.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
};

use crate::CallError;

/// Returns the result of the call, or else of the fallback, which is asked after the
/// call is over and its borrows have ended.
#[inline]
pub fn or_else<R, E>(
    outcome: Result<R, CallError<E>>,
    fallback: impl FnOnce(CallError<E>) -> R,
) -> R {
    match outcome {
        Ok(result) => result,
        Err(error) => fallback(error),
    }
}

/// Tells [`answered`] what type the function returns.
pub type Returned<R> = PhantomData<fn() -> R>;

/// [`or_else`] for async functions, with a fallback of either kind.
///
/// # Errors
///
/// The future that gives the result, and what tells [`answered`] its type. The caller
/// awaits it: a future in here would name `FallbackAnswer` in its type, and the compiler
/// could no longer see that it is `Send` where `R` borrows.
#[inline]
pub fn or_await<R, E, A, M>(
    outcome: Result<R, CallError<E>>,
    fallback: impl FnOnce(CallError<E>) -> A,
) -> Result<R, (A::Future, Returned<R>)>
where
    A: FallbackAnswer<R, M>,
{
    outcome.map_err(|error| (fallback(error).answer(), PhantomData))
}

/// Returns what the future of the fallback gave. That it is an `R` is demanded here
/// alone, so that another type is reported once.
#[inline]
pub fn answered<R, A: Is<R>>(answer: A, _: Returned<R>) -> R {
    answer.itself()
}

/// The same type.
#[diagnostic::on_unimplemented(
    message = "the fallback must return `{R}`, or a future that does",
    label = "this is a future of `{Self}`"
)]
pub trait Is<R> {
    #[doc(hidden)]
    fn itself(self) -> R;
}

impl<R> Is<R> for R {
    #[inline]
    fn itself(self) -> R {
        self
    }
}

/// What the fallback of an async function may return. `M` tells the two
/// implementations apart, and is always inferred.
#[diagnostic::on_unimplemented(
    message = "the fallback must return `{R}`, or a future that does",
    label = "this is a `{Self}`"
)]
pub trait FallbackAnswer<R, M> {
    #[doc(hidden)]
    type Future: Future;

    #[doc(hidden)]
    fn answer(self) -> Self::Future;
}

/// See [`FallbackAnswer`].
pub enum AtOnce {}

/// See [`FallbackAnswer`].
pub enum Awaited {}

impl<R> FallbackAnswer<R, AtOnce> for R {
    type Future = Ready<R>;

    fn answer(self) -> Ready<R> {
        ready(self)
    }
}

impl<R, F: Future> FallbackAnswer<R, Awaited> for F {
    type Future = F;

    fn answer(self) -> F {
        self
    }
}
