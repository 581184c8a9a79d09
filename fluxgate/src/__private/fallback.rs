//! What stands in for the result of a call.

use std::future::Future;

use crate::CallError;

/// The result of the call, or else of the fallback, which is asked after the
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

/// [`or_else`] for async functions, with a fallback of either kind.
#[inline]
pub async fn or_else_async<R, E, A, M>(
    outcome: Result<R, CallError<E>>,
    fallback: impl FnOnce(CallError<E>) -> A,
) -> R
where
    A: Answer<R, M>,
{
    match outcome {
        Ok(result) => result,
        Err(error) => fallback(error).answer().await,
    }
}

/// What the fallback of an async function may return. `M` tells the two
/// implementations apart, and is always inferred.
#[diagnostic::on_unimplemented(
    message = "the fallback must return `{R}`, or a future that does",
    label = "this is a `{Self}`"
)]
pub trait Answer<R, M> {
    #[doc(hidden)]
    fn answer(self) -> impl Future<Output = R>;
}

/// See [`Answer`].
pub enum Ready {}

/// See [`Answer`].
pub enum Awaited {}

impl<R> Answer<R, Ready> for R {
    fn answer(self) -> impl Future<Output = R> {
        std::future::ready(self)
    }
}

impl<R, F: Future<Output = R>> Answer<R, Awaited> for F {
    fn answer(self) -> impl Future<Output = R> {
        self
    }
}
