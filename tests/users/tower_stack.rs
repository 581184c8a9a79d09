//! The layer among tower's own.

use std::{future::pending, time::Duration};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, OnCancel, State,
    clock::ManualClock,
    tower::{BoxError, CircuitBreakerLayer},
    tripper::FailureStreak,
};
use tower::{
    Service, ServiceBuilder, ServiceExt,
    load_shed::error::Overloaded,
    retry::Policy,
    service_fn,
    timeout::error::Elapsed,
    util::{BoxCloneSyncService, BoxService},
};

fn breaker(failures: u64) -> CircuitBreaker {
    CircuitBreaker::builder("stacked")
        .tripper(FailureStreak::new(failures))
        .on_cancel(OnCancel::Fail)
        .clock(ManualClock::new())
        .build()
        .expect("valid settings")
}

async fn down(_: &'static str) -> Result<u16, BoxError> {
    Err("down".into())
}

#[tokio::test]
async fn between_other_layers() {
    let breaker = breaker(2);
    let service = ServiceBuilder::new()
        .buffer(8)
        .load_shed()
        .layer(CircuitBreakerLayer::new(breaker.clone()))
        .timeout(Duration::from_secs(5))
        .concurrency_limit(2)
        .service(service_fn(down));

    for _ in 0..2 {
        let error = service.clone().oneshot("/").await.expect_err("down");
        assert_eq!(error.to_string(), "down");
    }
    assert_eq!(breaker.state(), State::Open);
    let error = service.oneshot("/").await.expect_err("open");
    assert!(error.is::<CallNotPermitted>());
}

#[tokio::test]
async fn twice_in_one_stack() {
    let (outer, inner) = (breaker(3), breaker(1));
    let service = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(outer.clone()))
        .layer(CircuitBreakerLayer::new(inner.clone()))
        .service_fn(down);
    for _ in 0..3 {
        assert!(service.clone().oneshot("/").await.is_err());
    }
    // The rejections of the inner one are errors to the outer one.
    assert_eq!((inner.info().rejected, outer.state()), (2, State::Open));
}

#[tokio::test]
async fn boxed() {
    let stack = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(breaker(1)))
        .service_fn(down);
    let mut boxed: BoxService<&str, u16, BoxError> = BoxService::new(stack.clone());
    assert!(boxed.ready().await.expect("ready").call("/").await.is_err());
    let shared: BoxCloneSyncService<&str, u16, BoxError> = BoxCloneSyncService::new(stack);
    let error = shared.oneshot("/").await.expect_err("they share a breaker");
    assert!(error.is::<CallNotPermitted>());
}

#[tokio::test(start_paused = true)]
async fn timeout_inside_fails_outside_cancels() {
    let hangs = || service_fn(|(): ()| pending::<Result<(), BoxError>>());
    let inside = breaker(1);
    let service = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(inside.clone()))
        .timeout(Duration::from_secs(1))
        .service(hangs());
    assert!(
        service
            .oneshot(())
            .await
            .expect_err("too slow")
            .is::<Elapsed>()
    );
    assert_eq!((inside.info().cancelled, inside.state()), (0, State::Open));

    let outside = breaker(1);
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(CircuitBreakerLayer::new(outside.clone()))
        .service(hangs());
    assert!(
        service
            .oneshot(())
            .await
            .expect_err("too slow")
            .is::<Elapsed>()
    );
    assert_eq!(
        (outside.info().cancelled, outside.state()),
        (1, State::Open)
    );
}

/// Three attempts, but none that the breaker would reject again.
#[derive(Clone)]
struct Attempts(u32);

impl Policy<&'static str, u16, BoxError> for Attempts {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut &'static str,
        result: &mut Result<u16, BoxError>,
    ) -> Option<Self::Future> {
        let error = result.as_ref().err()?;
        self.0 = self.0.checked_sub(1)?;
        (!error.is::<CallNotPermitted>()).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &&'static str) -> Option<&'static str> {
        Some(request)
    }
}

#[tokio::test]
async fn every_retry_counts_until_a_rejection() {
    let breaker = breaker(2);
    let service = ServiceBuilder::new()
        .retry(Attempts(10))
        .layer(CircuitBreakerLayer::new(breaker.clone()))
        .service_fn(down);
    let error = service.oneshot("/").await.expect_err("down");
    assert!(error.is::<CallNotPermitted>());
    assert_eq!(
        breaker.info().rejected,
        1,
        "two attempts, and one rejection"
    );
}

#[tokio::test]
async fn overload_in_front_is_not_the_services_failure() {
    let breaker = breaker(1);
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(CircuitBreakerLayer::new(breaker.clone()))
        .concurrency_limit(1)
        .service_fn(|(): ()| pending::<Result<(), BoxError>>());
    let mut first = service.clone();
    let hung = first.ready().await.expect("ready").call(());
    let error = service.oneshot(()).await.expect_err("the limit is reached");
    assert!(error.is::<Overloaded>());
    assert_eq!(breaker.state(), State::Closed);
    drop(hung);
}
