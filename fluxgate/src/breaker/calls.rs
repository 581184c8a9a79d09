//! A breaker together with a say in what counts.

use std::{fmt, future::Future};

use crate::{
    CallError, CallNotPermitted, CircuitBreaker,
    call::{
        Admitted, Complete,
        classify::{ByTracker, Classifier, Predicate, WithTexts},
        function::run,
        future::{Awaited, CallFuture},
    },
};

/// Calls through a breaker with a rule for what counts as a failure; made by
/// [`CircuitBreaker::with_tracker`] and [`CircuitBreaker::with_classifier`].
#[derive(Clone, Copy)]
pub struct Classified<'a, J> {
    breaker: &'a CircuitBreaker,
    classifier: J,
}

impl<'a, T> Classified<'a, ByTracker<T>> {
    /// Counts an `Ok` for which `predicate` returns `true` as a failure. A panic in it
    /// is contained and counts as `false`.
    ///
    /// ```
    /// # use fluxgate::{CircuitBreaker, tracker::All};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// let status = breaker
    ///     .with_tracker(All)
    ///     .failure_if(|status: &u16| *status >= 500)
    ///     .call(|| Ok::<u16, std::io::Error>(503));
    /// assert_eq!(status?, 503);
    /// assert_eq!(breaker.info().metrics.failure_count, 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_if<V, F: Fn(&V) -> bool>(
        self,
        predicate: F,
    ) -> Classified<'a, ByTracker<T, Predicate<F>>> {
        let classifier = ByTracker::new(self.classifier.tracker, Predicate(predicate));
        Classified::new(self.breaker, classifier)
    }
}

impl<'a, J> Classified<'a, J> {
    /// Keeps what failures say, by their `Display`, in the
    /// [flight recorder](crate::flight#failures-in-words). Only for errors that hold no
    /// secrets, or where readers of logs and listings may see them.
    ///
    /// ```
    /// # use fluxgate::{CircuitBreaker, tracker::All};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// let failing = || Err::<(), _>("connection refused");
    /// let _ = breaker.with_tracker(All).failure_texts().try_call(failing);
    /// assert_eq!(&*breaker.info().flight.failures[0].text, "connection refused");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn failure_texts(self) -> Classified<'a, WithTexts<J>> {
        Classified::new(self.breaker, WithTexts(self.classifier))
    }

    pub(crate) fn new(breaker: &'a CircuitBreaker, classifier: J) -> Self {
        Self {
            breaker,
            classifier,
        }
    }

    /// Calls as [`CircuitBreaker::call`] does.
    ///
    /// # Errors
    ///
    /// Calls as [`CircuitBreaker::call`] does.
    #[inline]
    pub fn call<V, E>(self, f: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        J: Classifier<V, E>,
        E: From<CallNotPermitted>,
    {
        run(self.breaker, IntoError(self.classifier), f)
    }

    /// Calls as [`CircuitBreaker::call_async`] does.
    ///
    /// # Errors
    ///
    /// Calls as [`CircuitBreaker::call`] does.
    ///
    /// # Cancel safety
    ///
    /// Calls as [`CircuitBreaker::call_async`] does.
    #[inline]
    pub fn call_async<V, E, F>(
        self,
        future: F,
    ) -> impl Future<Output = Result<V, E>> + use<'a, V, E, F, J>
    where
        F: Awaited<Output = Result<V, E>>,
        J: Classifier<V, E>,
        E: From<CallNotPermitted>,
    {
        CallFuture::new(self.breaker, IntoError(self.classifier), future)
    }

    /// Calls as [`CircuitBreaker::try_call`] does.
    ///
    /// # Errors
    ///
    /// Calls as [`CircuitBreaker::try_call`] does.
    #[inline]
    pub fn try_call<V, E>(self, f: impl FnOnce() -> Result<V, E>) -> Result<V, CallError<E>>
    where
        J: Classifier<V, E>,
    {
        run(self.breaker, IntoCallError(self.classifier), f)
    }

    /// Calls as [`CircuitBreaker::try_call_async`] does.
    ///
    /// # Errors
    ///
    /// Calls as [`CircuitBreaker::try_call`] does.
    ///
    /// # Cancel safety
    ///
    /// Calls as [`CircuitBreaker::call_async`] does.
    #[inline]
    pub fn try_call_async<V, E, F>(
        self,
        future: F,
    ) -> impl Future<Output = Result<V, CallError<E>>> + use<'a, V, E, F, J>
    where
        F: Awaited<Output = Result<V, E>>,
        J: Classifier<V, E>,
    {
        CallFuture::new(self.breaker, IntoCallError(self.classifier), future)
    }

    /// Calls as [`CircuitBreaker::call_with_fallback`] does.
    ///
    /// # Errors
    ///
    /// Those of the fallback.
    #[inline]
    pub fn call_with_fallback<V, E, R>(
        self,
        f: impl FnOnce() -> Result<V, E>,
        fallback: impl FnOnce(CallError<E>) -> Result<V, R>,
    ) -> Result<V, R>
    where
        J: Classifier<V, E>,
    {
        run(self.breaker, IntoCallError(self.classifier), f).or_else(fallback)
    }

    /// Calls as [`CircuitBreaker::call_with_fallback_async`] does.
    ///
    /// # Errors
    ///
    /// Those of the fallback.
    ///
    /// # Cancel safety
    ///
    /// Calls as [`CircuitBreaker::call_with_fallback_async`] does.
    pub fn call_with_fallback_async<V, E, R, F, B>(
        self,
        future: F,
        fallback: impl FnOnce(CallError<E>) -> B,
    ) -> impl Future<Output = Result<V, R>>
    where
        F: Awaited<Output = Result<V, E>>,
        B: Future<Output = Result<V, R>>,
        J: Classifier<V, E>,
    {
        let run = CallFuture::new(self.breaker, IntoCallError(self.classifier), future);
        async move {
            match run.await {
                Ok(value) => Ok(value),
                Err(error) => fallback(error).await,
            }
        }
    }
}

/// A rejection becomes an error of the function's own type.
struct IntoError<J>(J);

impl<V, E: From<CallNotPermitted>, J: Classifier<V, E>> Complete<Result<V, E>> for IntoError<J> {
    type Output = Result<V, E>;

    #[inline]
    fn accept(self, output: Result<V, E>, call: Admitted<'_>) -> Result<V, E> {
        self.0.settle(output, call)
    }

    fn reject(self, rejection: CallNotPermitted) -> Result<V, E> {
        Err(rejection.into())
    }
}

/// A rejection and an error of the function are told apart.
struct IntoCallError<J>(J);

impl<V, E, J: Classifier<V, E>> Complete<Result<V, E>> for IntoCallError<J> {
    type Output = Result<V, CallError<E>>;

    #[inline]
    fn accept(self, output: Result<V, E>, call: Admitted<'_>) -> Self::Output {
        self.0.settle(output, call).map_err(CallError::Failed)
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        Err(CallError::Rejected(rejection))
    }
}

impl<J> fmt::Debug for Classified<'_, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Classified").field(self.breaker).finish()
    }
}
