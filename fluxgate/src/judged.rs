//! A breaker together with a say in what counts.

use std::{fmt, future::Future};

use crate::{
    CallError, CallNotPermitted, CircuitBreaker,
    judge::{self, FailureIf, Nothing, Predicate},
    run::{Run, run},
    tracker::Tracker,
};

/// A breaker with a tracker and, perhaps, a predicate on results: made by
/// [`CircuitBreaker::tracking`].
#[derive(Clone, Copy)]
pub struct Judged<'a, T, P = Nothing> {
    breaker: &'a CircuitBreaker,
    tracker: T,
    failure_if: P,
}

impl<'a, T> Judged<'a, T> {
    pub(crate) fn new(breaker: &'a CircuitBreaker, tracker: T, failure_if: Nothing) -> Self {
        Self {
            breaker,
            tracker,
            failure_if,
        }
    }

    /// Counts an `Ok` for which `predicate` says so as a failure. A panic in it
    /// is contained and says no.
    ///
    /// ```
    /// # use fluxgate::{CircuitBreaker, tracker::All};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// let status = breaker
    ///     .tracking(All)
    ///     .failure_if(|status: &u16| *status >= 500)
    ///     .call(|| Ok::<u16, std::io::Error>(503));
    /// assert_eq!(status?, 503);
    /// assert_eq!(breaker.info().metrics.failure_count, 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_if<V, F: Fn(&V) -> bool>(self, predicate: F) -> Judged<'a, T, Predicate<F>> {
        Judged {
            breaker: self.breaker,
            tracker: self.tracker,
            failure_if: Predicate(predicate),
        }
    }
}

impl<'a, T, P> Judged<'a, T, P> {
    /// As [`CircuitBreaker::call`].
    ///
    /// # Errors
    ///
    /// As [`CircuitBreaker::call`].
    #[inline]
    pub fn call<V, E>(self, f: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        T: Tracker<E>,
        P: FailureIf<V>,
        E: From<CallNotPermitted>,
    {
        let (tracker, failure_if) = (self.tracker, self.failure_if);
        let judge = |result: &_| judge::result(result, &tracker, &failure_if);
        run(self.breaker, judge, |rejection| Err(rejection.into()), f)
    }

    /// As [`CircuitBreaker::call_async`].
    ///
    /// # Errors
    ///
    /// As [`CircuitBreaker::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`CircuitBreaker::call_async`].
    #[inline]
    pub fn call_async<V, E, F>(
        self,
        future: F,
    ) -> impl Future<Output = Result<V, E>> + use<'a, V, E, F, T, P>
    where
        F: Future<Output = Result<V, E>>,
        T: Tracker<E>,
        P: FailureIf<V>,
        E: From<CallNotPermitted>,
    {
        let (tracker, failure_if) = (self.tracker, self.failure_if);
        let judge = move |result: &_| judge::result(result, &tracker, &failure_if);
        let map = |ran: Result<_, CallNotPermitted>| {
            ran.unwrap_or_else(|rejection| Err(rejection.into()))
        };
        Run::new(self.breaker, judge, map, future)
    }

    /// As [`CircuitBreaker::call_with_fallback`].
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
        T: Tracker<E>,
        P: FailureIf<V>,
    {
        let (tracker, failure_if) = (self.tracker, self.failure_if);
        let tracker = |error: &CallError<E>| match error {
            CallError::Failed(error) => tracker.tracks(error),
            CallError::Rejected(_) => true,
        };
        let judge = |result: &_| judge::result(result, &tracker, &failure_if);
        let reject = |rejection| Err(CallError::Rejected(rejection));
        let failed = || f().map_err(CallError::Failed);
        run(self.breaker, judge, reject, failed).or_else(fallback)
    }

    /// As [`CircuitBreaker::call_with_fallback_async`].
    ///
    /// # Errors
    ///
    /// Those of the fallback.
    ///
    /// # Cancel safety
    ///
    /// As [`CircuitBreaker::call_with_fallback_async`].
    pub fn call_with_fallback_async<V, E, R, F, B>(
        self,
        future: F,
        fallback: impl FnOnce(CallError<E>) -> B,
    ) -> impl Future<Output = Result<V, R>>
    where
        F: Future<Output = Result<V, E>>,
        B: Future<Output = Result<V, R>>,
        T: Tracker<E>,
        P: FailureIf<V>,
    {
        let (tracker, failure_if) = (self.tracker, self.failure_if);
        let judge = move |result: &_| judge::result(result, &tracker, &failure_if);
        let run = Run::new(self.breaker, judge, flatten, future);
        async move {
            match run.await {
                Ok(value) => Ok(value),
                Err(error) => fallback(error).await,
            }
        }
    }
}

/// One error for a call that was rejected and one that failed.
pub(crate) fn flatten<V, E>(
    ran: Result<Result<V, E>, CallNotPermitted>,
) -> Result<V, CallError<E>> {
    match ran {
        Ok(result) => result.map_err(CallError::Failed),
        Err(rejection) => Err(CallError::Rejected(rejection)),
    }
}

impl<T, P> fmt::Debug for Judged<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judged").field(self.breaker).finish()
    }
}
