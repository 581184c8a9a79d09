//! The layer.

use std::fmt;

use tower_layer::Layer;

#[cfg(feature = "http")]
use super::AtEndOfBody;
#[cfg(feature = "grpc")]
use super::Grpc;
use super::{
    AtHead, Boxed, CircuitBreakerService, OnRejection,
    mode::{TakesAnswer, Verdict},
};
use crate::{
    CallNotPermitted, CircuitBreaker, Outcome,
    call::classify::{ByClosure, ByTracker, NeverFails, Predicate},
    tracker::All,
};

/// Puts services behind one breaker. See the [module](super).
///
/// ```
/// use fluxgate::{CircuitBreaker, tower::CircuitBreakerLayer, tracker::Custom};
///
/// #[derive(Debug)]
/// enum Error { Timeout, NotFound }
///
/// let breaker = CircuitBreaker::builder("users").build()?;
/// let layer = CircuitBreakerLayer::new(breaker)
///     .with_tracker(Custom::new(|error: &Error| matches!(error, Error::Timeout)))
///     .failure_if(|status: &u16| *status >= 500);
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CircuitBreakerLayer<J = ByTracker<All>, A = Boxed, M = AtHead> {
    breaker: CircuitBreaker,
    classifier: J,
    answer: A,
    mode: M,
}

impl CircuitBreakerLayer {
    /// Makes a layer whose services share `breaker`, with each other and with
    /// everything else that uses it. Every error is a failure.
    pub fn new(breaker: CircuitBreaker) -> Self {
        Self {
            breaker,
            classifier: ByTracker::new(All, NeverFails),
            answer: Boxed,
            mode: AtHead,
        }
    }
}

impl<T, P, A, M> CircuitBreakerLayer<ByTracker<T, P>, A, M> {
    /// Counts the errors that `tracker` matches as failures, and ignores the
    /// others. It sees the inner service's own error.
    pub fn with_tracker<U>(self, tracker: U) -> CircuitBreakerLayer<ByTracker<U, P>, A, M> {
        self.reclassify(|by| ByTracker::new(tracker, by.failure_if))
    }

    /// Counts a response for which `predicate` returns `true` as a failure. A panic in
    /// it is contained and counts as `false`.
    pub fn failure_if<V, F>(
        self,
        predicate: F,
    ) -> CircuitBreakerLayer<ByTracker<T, Predicate<F>>, A, M>
    where
        F: Fn(&V) -> bool,
    {
        self.reclassify(|by| ByTracker::new(by.tracker, Predicate(predicate)))
    }
}

impl<J, A, M> CircuitBreakerLayer<J, A, M> {
    /// Answers rejections with what `answer` gives, a response or an error, and
    /// leaves the inner service's error type as it is.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use fluxgate::{CircuitBreaker, tower::CircuitBreakerLayer};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), fluxgate::ConfigError> {
    /// # let breaker = CircuitBreaker::builder("upstream").build()?;
    /// # breaker.force_open();
    /// let layer = CircuitBreakerLayer::new(breaker).on_rejection(|_| Ok("try again later"));
    /// let service = layer.layer(service_fn(|()| async { Ok::<_, Infallible>("hello") }));
    /// let answer: Result<&str, Infallible> = service.oneshot(()).await;
    /// assert_eq!(answer, Ok("try again later"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_rejection<V, E, F>(self, answer: F) -> CircuitBreakerLayer<J, OnRejection<F>, M>
    where
        M: TakesAnswer,
        F: Fn(CallNotPermitted) -> Result<V, E>,
    {
        CircuitBreakerLayer {
            breaker: self.breaker,
            classifier: self.classifier,
            answer: OnRejection(answer),
            mode: self.mode,
        }
    }

    /// Lets one function say what every result means, instead of a tracker and a
    /// predicate; as [`CircuitBreaker::with_classifier`].
    pub fn with_classifier<V, E, F>(self, classify: F) -> CircuitBreakerLayer<ByClosure<F>, A, M>
    where
        F: Fn(&Result<V, E>) -> Outcome,
    {
        self.reclassify(|_| ByClosure(classify))
    }

    fn reclassify<K>(self, change: impl FnOnce(J) -> K) -> CircuitBreakerLayer<K, A, M> {
        CircuitBreakerLayer {
            breaker: self.breaker,
            classifier: change(self.classifier),
            answer: self.answer,
            mode: self.mode,
        }
    }

    /// Returns the breaker.
    #[must_use]
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }
}

impl<J, A> CircuitBreakerLayer<J, A> {
    /// Settles each call when the body of its response ends, fails or is dropped,
    /// rather than when the service returns the response: for streams, and for
    /// servers that break off in the middle of an answer. What the head calls a
    /// failure is one at once.
    ///
    /// Responses carry [`http::Body`](crate::http::Body), which says how bodies
    /// count. What a call took is still the time to the head.
    #[cfg(feature = "http")]
    pub fn until_end_of_body(self) -> CircuitBreakerLayer<J, A, AtEndOfBody> {
        CircuitBreakerLayer {
            breaker: self.breaker,
            classifier: self.classifier,
            answer: self.answer,
            mode: AtEndOfBody,
        }
    }
}

#[cfg(feature = "grpc")]
impl<J> CircuitBreakerLayer<J> {
    /// Settles each call by its gRPC status, at the end of its stream, and answers
    /// a rejection with the status `UNAVAILABLE`. See [`grpc`](crate::grpc).
    pub fn grpc(self) -> CircuitBreakerLayer<J, Boxed, Grpc> {
        CircuitBreakerLayer {
            breaker: self.breaker,
            classifier: self.classifier,
            answer: Boxed,
            mode: Grpc,
        }
    }
}

impl<S, J: Clone, A: Clone, M: Clone> Layer<S> for CircuitBreakerLayer<J, A, M> {
    type Service = CircuitBreakerService<S, J, A, M>;

    fn layer(&self, inner: S) -> Self::Service {
        let breaker = self.breaker.clone();
        let verdict = Verdict {
            classifier: self.classifier.clone(),
            answer: self.answer.clone(),
            mode: self.mode.clone(),
        };
        CircuitBreakerService::new(inner, breaker, verdict)
    }
}

impl<J, A, M> fmt::Debug for CircuitBreakerLayer<J, A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
