//! What callers get in place of a response.

use std::{error::Error, fmt};

use crate::CallNotPermitted;

/// The error type of tower's own layers.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Decides how a rejection, and an error of the service, reach the caller.
pub trait Answer<V, E> {
    /// The error of the protected service.
    type Error;

    /// Returns what the caller of a rejected call gets.
    ///
    /// # Errors
    ///
    /// The rejection, unless it is answered with a response.
    fn rejected(self, rejection: CallNotPermitted) -> Result<V, Self::Error>;

    /// Returns what the caller gets when the service failed.
    fn failed(error: E) -> Self::Error;
}

/// Returns rejections and errors as a [`BoxError`]. The default.
#[derive(Clone, Copy, Debug)]
pub struct Boxed;

impl<V, E: Into<BoxError>> Answer<V, E> for Boxed {
    type Error = BoxError;

    fn rejected(self, rejection: CallNotPermitted) -> Result<V, BoxError> {
        Err(rejection.into())
    }

    fn failed(error: E) -> BoxError {
        error.into()
    }
}

/// Answers rejections by a closure, and passes errors on unchanged; made by
/// [`CircuitBreakerLayer::on_rejection`](super::CircuitBreakerLayer::on_rejection).
#[derive(Clone, Copy)]
pub struct OnRejection<F>(pub(super) F);

impl<V, E, F: FnOnce(CallNotPermitted) -> Result<V, E>> Answer<V, E> for OnRejection<F> {
    type Error = E;

    fn rejected(self, rejection: CallNotPermitted) -> Result<V, E> {
        (self.0)(rejection)
    }

    fn failed(error: E) -> E {
        error
    }
}

impl<F> fmt::Debug for OnRejection<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRejection").finish_non_exhaustive()
    }
}
