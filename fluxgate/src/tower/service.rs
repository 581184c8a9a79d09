//! The service, and the future of its responses.

use std::{
    fmt,
    task::{Context, Poll},
};

use tower_service::Service;

use super::mode::{AtHead, Respond, Verdict};
use crate::{
    CircuitBreaker,
    call::future::{AdmittedFirst, CallFuture},
    engine::opening::Refusal,
};

/// A service behind a breaker; made by
/// [`CircuitBreakerLayer`](super::CircuitBreakerLayer).
pub struct CircuitBreakerService<S, J, A, M = AtHead> {
    inner: S,
    breaker: CircuitBreaker,
    verdict: Verdict<J, A, M>,
    /// Set while this service said it was ready though the inner one is not:
    /// the next call must be rejected, whatever the breaker says by then.
    refusal: Option<Refusal>,
}

/// The future of a response. If it is dropped before its end, its call counts as
/// [`on_cancel`](crate::Builder::on_cancel) says, and a probe gives its slot
/// back.
pub type ResponseFuture<F, J, A, M = AtHead> =
    CallFuture<AdmittedFirst<Verdict<J, A, M>>, Option<F>>;

impl<S, J, A, M> CircuitBreakerService<S, J, A, M> {
    pub(super) fn new(inner: S, breaker: CircuitBreaker, verdict: Verdict<J, A, M>) -> Self {
        Self {
            inner,
            breaker,
            verdict,
            refusal: None,
        }
    }

    /// Returns the breaker.
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Returns the protected service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the protected service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the protected service, without its breaker.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, J, A, M, Request> Service<Request> for CircuitBreakerService<S, J, A, M>
where
    S: Service<Request>,
    Verdict<J, A, M>: Respond<S::Response, S::Error> + Clone,
{
    type Response = <Verdict<J, A, M> as Respond<S::Response, S::Error>>::Response;
    type Error = <Verdict<J, A, M> as Respond<S::Response, S::Error>>::Error;
    type Future = ResponseFuture<S::Future, J, A, M>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let inner = self.inner.poll_ready(context);
        self.refusal = None;
        if inner.is_pending() {
            self.refusal = self.breaker.core.refusing();
            if self.refusal.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        inner.map_err(Verdict::failed)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let verdict = self.verdict.clone();
        let (breaker, refusal) = (self.breaker.clone(), self.refusal.take());
        CallFuture::begin(breaker, refusal, verdict, || self.inner.call(request))
    }
}

/// The readiness of a clone is its own.
impl<S: Clone, J: Clone, A: Clone, M: Clone> Clone for CircuitBreakerService<S, J, A, M> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.breaker.clone(),
            self.verdict.clone(),
        )
    }
}

impl<S: fmt::Debug, J, A, M> fmt::Debug for CircuitBreakerService<S, J, A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerService")
            .field("inner", &self.inner)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
