//! Public types by name: in a signature, in a struct, as an associated type.

use std::{
    future::{Ready, ready},
    io,
};

use fluxgate::{
    CircuitBreaker, Classified, State,
    classify::{ByTracker, Classifier},
    clock::ManualClock,
    permit::All,
    tower::{Boxed, CircuitBreakerLayer, CircuitBreakerService, ResponseFuture},
    tracker::Custom,
    tripper::FailureStreak,
};
use tower::{Layer, Service, ServiceExt};

type TimedOut = fn(&io::Error) -> bool;

fn timed_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

fn breaker(name: &'static str) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(name)
        .tripper(FailureStreak::new(1))
        .permit(All)
        .clock(ManualClock::new());
    builder.build().unwrap()
}

/// Takes what `with_tracker` and `with_classifier` return.
fn fails<C: Classifier<(), io::Error>>(calls: Classified<'_, C>, kind: io::ErrorKind) -> bool {
    calls.try_call(|| Err(io::Error::from(kind))).is_err()
}

#[test]
fn helper_is_generic_over_classified_calls() {
    let breaker = breaker("naming-helper");
    let tracked = || breaker.with_tracker(Custom::new(timed_out as TimedOut));
    assert!(fails(tracked(), io::ErrorKind::NotFound));
    assert_eq!(breaker.state(), State::Closed);
    assert!(fails(tracked(), io::ErrorKind::TimedOut));
    assert_eq!(breaker.state(), State::Open);
}

/// A layer with a tracker, in a struct of the user's.
struct Client {
    layer: CircuitBreakerLayer<ByTracker<Custom<TimedOut>>>,
}

#[derive(Clone)]
struct Inner;

impl Service<()> for Inner {
    type Response = ();
    type Error = io::Error;
    type Future = Ready<io::Result<()>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), io::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

type Tracked = ByTracker<Custom<TimedOut>>;
type Protected = CircuitBreakerService<Inner, Tracked, Boxed>;

/// Names the future of the service.
fn call(service: &mut Protected) -> ResponseFuture<Ready<io::Result<()>>, Tracked, Boxed> {
    service.call(())
}

#[tokio::test]
async fn layer_and_future_are_named() {
    let breaker = breaker("naming-layer");
    let client = Client {
        layer: CircuitBreakerLayer::new(breaker.clone())
            .with_tracker(Custom::new(timed_out as TimedOut)),
    };
    let mut service: Protected = client.layer.layer(Inner);
    assert!(call(service.ready().await.unwrap()).await.is_err());
    assert_eq!(breaker.state(), State::Open);
}
