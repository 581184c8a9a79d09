//! tower-resilience-circuitbreaker: a rate since the last transition. Async only.

use std::future::poll_fn;

use tower::{Service, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

use super::WAIT;
use crate::{
    peer::AsyncPeer,
    service::{ApiError, fetch_async},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("tower-resilience 0.14.0 (async)", Role::Peer);

#[derive(Clone)]
struct Tower<S>(S);

impl<S> AsyncPeer for Tower<S>
where
    S: Service<u64, Response = u64, Error = CircuitBreakerError<ApiError>>,
    S: Clone + Send + Sync + 'static,
{
    type Error = CircuitBreakerError<ApiError>;

    #[inline]
    async fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        poll_fn(|context| self.0.poll_ready(context)).await?;
        self.0.call(request).await
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, CircuitBreakerError::OpenCircuit)
    }
}

fn breaker() -> impl AsyncPeer {
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .wait_duration_in_open(WAIT)
        .build()
        .expect("the settings are allowed");
    Tower(layer.layer_fn(service_fn(fetch_async)))
}

pub fn add(suite: &mut Suite) {
    suite.only_async(SUBJECT, breaker);
}
