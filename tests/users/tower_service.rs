//! The service's contract, against a mocked inner service.

use std::{
    future::{Future, Ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, OnCancel, State,
    clock::ManualClock,
    permit::All,
    tower::{BoxError, CircuitBreakerLayer},
    tracker,
    tripper::FailureStreak,
};
use tower::{Layer, Service, limit::ConcurrencyLimit, service_fn};
use tower_test::{assert_request_eq, mock};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

/// Opens at the first failure, and may be probed after a minute.
fn breaker() -> (CircuitBreaker, ManualClock) {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("mocked")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .max_half_open_calls(1)
        .on_cancel(OnCancel::Fail)
        .clock(clock.clone())
        .build()
        .expect("valid settings");
    (breaker, clock)
}

/// Polled by hand: nothing here wakes by itself.
fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

type Handle = mock::Handle<&'static str, u16>;

fn mocked(breaker: &CircuitBreaker) -> (impl Layered, Handle) {
    let (inner, handle) = mock::pair();
    let layer = CircuitBreakerLayer::new(breaker.clone()).failure_if(|status: &u16| *status >= 500);
    (layer.layer(inner), handle)
}

trait Layered: Service<&'static str, Response = u16, Error = BoxError> + Clone {}

impl<S: Service<&'static str, Response = u16, Error = BoxError> + Clone> Layered for S {}

fn is_ready(service: &mut impl Layered) -> bool {
    service.poll_ready(&mut context()).is_ready()
}

fn is_rejection<T>(result: &Result<T, BoxError>) -> bool {
    matches!(result, Err(error) if error.is::<CallNotPermitted>())
}

#[tokio::test]
async fn a_rejected_call_does_not_reach_the_service() {
    let (breaker, clock) = breaker();
    let (mut service, mut handle) = mocked(&breaker);

    assert!(is_ready(&mut service));
    let response = service.call("first");
    assert_request_eq!(handle, "first").send_response(503);
    assert_eq!(response.await.expect("a response"), 503);
    assert_eq!(breaker.state(), State::Open);

    assert!(is_ready(&mut service));
    assert!(is_rejection(&service.call("second").await));
    assert_eq!(breaker.info().rejected, 1);

    // Still ready: the rejected call used nothing up. And the mock saw nothing.
    clock.advance(MINUTE);
    let response = service.call("third");
    assert_request_eq!(handle, "third").send_response(200);
    assert_eq!(response.await.expect("the probe"), 200);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn unused_ready_service_holds_no_slot() {
    let (breaker, clock) = breaker();
    let (service, mut handle) = mocked(&breaker);
    breaker.acquire().expect("closed").failure();
    clock.advance(MINUTE);

    let mut ready: Vec<_> = (0..10).map(|_| service.clone()).collect();
    assert!(ready.iter_mut().all(is_ready));
    assert_eq!(breaker.state(), State::Open, "no probe was asked for yet");

    let mut last = ready.pop().expect("ten of them");
    let probe = last.call("probe");
    assert_eq!(breaker.info().probes_in_flight, 1);
    // The others were ready before; there is one slot.
    for other in &mut ready {
        assert!(is_rejection(&other.call("beside it").await));
    }
    assert_request_eq!(handle, "probe").send_response(200);
    assert_eq!(probe.await.expect("a response"), 200);
}

#[tokio::test]
async fn back_pressure_is_passed_on_while_closed() {
    let (breaker, _) = breaker();
    let (mut service, mut handle) = mocked(&breaker);
    handle.allow(0);
    assert!(!is_ready(&mut service));
    handle.allow(1);
    assert!(is_ready(&mut service));
    let _pending = service.call("only one");
    assert!(!is_ready(&mut service));
    assert_request_eq!(handle, "only one");
}

#[tokio::test]
async fn open_circuit_answers_if_service_is_not_ready() {
    let (breaker, _) = breaker();
    let (mut service, mut handle) = mocked(&breaker);
    handle.allow(0);
    breaker.force_open();
    assert!(is_ready(&mut service));
    // The circuit may close in between: the inner service is not ready all the
    // same, and the mock panics when it is called then.
    breaker.reset();
    assert!(is_rejection(&service.call("too early").await));
    assert_eq!(breaker.info().rejected, 1);
    assert!(!is_ready(&mut service), "closed again: back-pressure again");
}

#[tokio::test]
async fn the_readiness_of_a_clone_is_its_own() {
    let (breaker, _) = breaker();
    // Readiness is the one permit of this service.
    let limited = ConcurrencyLimit::new(service_fn(async |name| Ok::<_, BoxError>(name)), 1);
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(limited);
    assert!(service.poll_ready(&mut context()).is_ready());
    let mut clone = service.clone();
    assert!(clone.poll_ready(&mut context()).is_pending());
    assert_eq!(service.call("ready").await.expect("its name"), "ready");

    // The same of readiness that stands for a rejection.
    let (mut service, mut handle) = mocked(&breaker);
    handle.allow(0);
    breaker.force_open();
    assert!(is_ready(&mut service));
    let mut clone = service.clone();
    breaker.reset();
    assert!(!is_ready(&mut clone));
    handle.allow(1);
    assert!(is_ready(&mut clone));
    let response = clone.call("not rejected");
    assert_request_eq!(handle, "not rejected").send_response(200);
    assert!(response.await.is_ok());
}

#[tokio::test]
async fn a_response_nobody_waits_for_is_a_cancellation() {
    let (breaker, clock) = breaker();
    let (mut service, mut handle) = mocked(&breaker);
    assert!(is_ready(&mut service));
    drop(service.call("never polled"));
    assert_request_eq!(handle, "never polled");
    assert_eq!(
        (breaker.info().cancelled, breaker.state()),
        (1, State::Open)
    );

    // A probe gives its slot back.
    clock.advance(MINUTE);
    assert!(is_ready(&mut service));
    let probe = service.call("dropped probe");
    assert_eq!(breaker.info().probes_in_flight, 1);
    drop(probe);
    assert_eq!(breaker.info().probes_in_flight, 0);
}

#[tokio::test]
async fn a_panic_of_the_service_is_a_failure() {
    let (breaker, _) = breaker();
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(service_fn(
        |()| -> Ready<Result<(), BoxError>> { panic!("on purpose") },
    ));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(service.call(()));
    }));
    assert!(panicked.is_err());
    assert_eq!((breaker.info().panicked, breaker.state()), (1, State::Open));
}

#[tokio::test]
async fn readiness_error_is_passed_on_uncounted() {
    let (breaker, _) = breaker();
    let (mut service, mut handle) = mocked(&breaker);
    handle.send_error("worn out");
    let Poll::Ready(Err(error)) = service.poll_ready(&mut context()) else {
        panic!("an error");
    };
    assert_eq!(error.to_string(), "worn out");
    assert_eq!(breaker.info().metrics.total_count, 0);
}

#[derive(Debug, PartialEq)]
enum Fault {
    NotFound,
    Down,
    Rejected,
}

impl From<CallNotPermitted> for Fault {
    fn from(_: CallNotPermitted) -> Self {
        Self::Rejected
    }
}

#[tokio::test]
async fn trackers_see_the_services_own_error() {
    let (breaker, _) = breaker();
    let down = tracker::Custom::new(|fault: &Fault| *fault == Fault::Down);
    let mut service = CircuitBreakerLayer::new(breaker.clone())
        .with_tracker(down)
        .on_rejection(|rejection| Err(rejection.into()))
        .layer(service_fn(|up: bool| async move {
            Err::<(), _>(if up { Fault::NotFound } else { Fault::Down })
        }));

    assert_eq!(service.call(true).await, Err(Fault::NotFound));
    assert_eq!(
        (breaker.info().ignored, breaker.state()),
        (1, State::Closed)
    );
    assert_eq!(service.call(false).await, Err(Fault::Down));
    assert_eq!(service.call(true).await, Err(Fault::Rejected));
}

#[tokio::test]
async fn a_panicking_predicate_is_contained() {
    let (breaker, _) = breaker();
    let mut service = CircuitBreakerLayer::new(breaker.clone())
        .failure_if(|_: &u16| panic!("on purpose"))
        .layer(service_fn(|()| async { Ok::<_, BoxError>(500_u16) }));
    assert_eq!(service.call(()).await.expect("the response"), 500);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn layers_services_and_futures_go_everywhere() {
    fn goes_everywhere<T: Send + Sync + Unpin + 'static>(_: &T) {}

    let (breaker, _) = breaker();
    let layer = CircuitBreakerLayer::new(breaker.clone()).failure_if(|_: &u16| false);
    let mut service = layer.layer(service_fn(|()| std::future::ready(Ok::<u16, BoxError>(1))));
    goes_everywhere(&layer);
    goes_everywhere(&service);
    goes_everywhere(&service.call(()));

    // Its own and the inner future, a handle, a ticket, and a refusal.
    let (own, inner) = (
        size_of_val(&service.call(())),
        size_of::<Ready<Result<u16, BoxError>>>(),
    );
    assert!(own <= inner + 88, "{own} bytes around {inner}");
}

/// A response that never comes, and notes the probes in flight as it is dropped.
struct TearsDown(CircuitBreaker, Arc<AtomicUsize>);

impl Future for TearsDown {
    type Output = Result<u16, BoxError>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl Drop for TearsDown {
    fn drop(&mut self) {
        self.1.store(self.0.info().probes_in_flight, SeqCst);
    }
}

#[test]
fn cancelled_response_holds_slot_until_drop() {
    let (breaker, clock) = breaker();
    breaker.acquire().expect("closed").failure();
    clock.advance(MINUTE);
    let seen = Arc::new(AtomicUsize::new(0));
    let inner = {
        let (breaker, seen) = (breaker.clone(), Arc::clone(&seen));
        service_fn(move |_: &'static str| TearsDown(breaker.clone(), Arc::clone(&seen)))
    };
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(inner);
    let mut response = Box::pin(service.call("probe"));
    assert!(response.as_mut().poll(&mut context()).is_pending());
    drop(response);
    assert_eq!(seen.load(SeqCst), 1);
    assert_eq!(breaker.info().probes_in_flight, 0);
}
