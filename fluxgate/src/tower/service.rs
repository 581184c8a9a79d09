//! The service, and the future of its responses.

use std::{
    fmt,
    task::{Context, Poll},
};

use tower_service::Service;

use super::answer::Answer;
use crate::{
    CallNotPermitted, CircuitBreaker,
    call::{Admitted, Begun, Finish, Run, classify::Judge},
    engine::opening::Refusal,
};

/// A service behind a breaker; made by
/// [`CircuitBreakerLayer`](super::CircuitBreakerLayer).
pub struct CircuitBreakerService<S, J, A> {
    inner: S,
    breaker: CircuitBreaker,
    judge: J,
    answer: A,
    /// Set while this service said it was ready though the inner one is not:
    /// the next call must be rejected, whatever the breaker says by then.
    refusal: Option<Refusal>,
}

/// The future of a response. Dropped before its end, its call counts as
/// [`on_cancel`](crate::Builder::on_cancel) says, and a probe gives its slot
/// back.
pub type ResponseFuture<F, J, A> = Run<Begun<Verdict<J, A>>, Option<F>>;

impl<S, J, A> CircuitBreakerService<S, J, A> {
    pub(super) fn new(inner: S, breaker: CircuitBreaker, judge: J, answer: A) -> Self {
        Self {
            inner,
            breaker,
            judge,
            answer,
            refusal: None,
        }
    }

    /// The breaker.
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// The protected service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The protected service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The protected service, without its breaker.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, J, A, Request> Service<Request> for CircuitBreakerService<S, J, A>
where
    S: Service<Request>,
    J: Judge<S::Response, S::Error> + Clone,
    A: Answer<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S::Future, J, A>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        let inner = self.inner.poll_ready(context);
        self.refusal = None;
        if inner.is_pending() {
            self.refusal = self.breaker.core.refusing();
            if self.refusal.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        inner.map_err(A::failed)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let verdict = Verdict {
            judge: self.judge.clone(),
            answer: self.answer.clone(),
        };
        let (breaker, refusal) = (self.breaker.clone(), self.refusal.take());
        Run::begin(breaker, refusal, verdict, || self.inner.call(request))
    }
}

/// The readiness of a clone is its own.
impl<S: Clone, J: Clone, A: Clone> Clone for CircuitBreakerService<S, J, A> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.breaker.clone(),
            self.judge.clone(),
            self.answer.clone(),
        )
    }
}

impl<S: fmt::Debug, J, A> fmt::Debug for CircuitBreakerService<S, J, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerService")
            .field("inner", &self.inner)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

/// How a response is judged, and what callers get.
pub struct Verdict<J, A> {
    judge: J,
    answer: A,
}

impl<V, E, J, A> Finish<Result<V, E>> for Verdict<J, A>
where
    J: Judge<V, E>,
    A: Answer<V, E>,
{
    type Output = Result<V, A::Error>;

    fn accept(self, output: Result<V, E>, call: Admitted<'_>) -> Self::Output {
        self.judge.settle(output, call).map_err(A::failed)
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        self.answer.rejected(rejection)
    }
}
