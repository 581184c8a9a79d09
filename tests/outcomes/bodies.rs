//! Calls that are settled when the body of their response ends.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fluxgate::{
    Builder, CircuitBreaker, OnCancel, State, clock::ManualClock, permit::All, retry::Cooldown,
    tower::CircuitBreakerLayer, tripper::FailureStreak,
};
use http::{Response, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// A body of these pieces; `None` is an error.
#[derive(Default)]
struct Pieces {
    pieces: VecDeque<Option<&'static str>>,
    /// Says when it has ended, without being asked once more.
    knows_its_end: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| match piece {
            Some(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            None => Err(io::Error::other("broke off")),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.pieces.is_empty()
    }
}

fn pieces<const N: usize>(pieces: [Option<&'static str>; N]) -> Pieces {
    Pieces {
        pieces: pieces.into(),
        knows_its_end: false,
    }
}

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("bodies")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(SECOND))
        .permit(All)
        .max_half_open_calls(1)
        .probe_lease(10 * SECOND)
        .durations(true)
        .clock(clock.clone())
}

async fn answer(
    breaker: &CircuitBreaker,
    response: Response<Pieces>,
) -> Response<fluxgate::http::Body<Pieces>> {
    let layer = CircuitBreakerLayer::new(breaker.clone())
        .failure_if(|response: &Response<Pieces>| response.status().is_server_error())
        .on_rejection(|_| Ok(Response::default()))
        .until_end_of_body();
    let mut response = Some(response);
    let service = layer.layer(service_fn(move |()| {
        let response = response.take().expect("one call");
        std::future::ready(Ok::<_, Infallible>(response))
    }));
    service.oneshot(()).await.expect("it has no errors")
}

fn counts(breaker: &CircuitBreaker) -> (u64, u64, u64) {
    let info = breaker.info();
    (info.metrics.total_count, info.failed, info.cancelled)
}

#[tokio::test]
async fn a_body_that_ends_is_a_success_then() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().expect("valid");
    let response = answer(&breaker, Response::new(pieces([Some("a"), Some("b")]))).await;
    let mut body = response.into_body();
    body.frame().await.expect("a frame").expect("data");
    assert_eq!(counts(&breaker), (0, 0, 0));
    clock.advance(5 * SECOND);
    assert_eq!(body.collect().await.expect("it ends").to_bytes(), "b");
    assert_eq!(counts(&breaker), (1, 0, 0));
    let took = breaker.info().metrics.total_duration;
    assert_eq!(took, Some(Duration::ZERO), "to the head");
}

#[tokio::test]
async fn a_body_that_fails_is_a_failure() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let response = answer(&breaker, Response::new(pieces([Some("a"), None]))).await;
    response
        .into_body()
        .collect()
        .await
        .expect_err("it broke off");
    assert_eq!(counts(&breaker).1, 1);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn a_failing_head_is_a_failure_at_once() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let mut response = Response::new(pieces([Some("a")]));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let response = answer(&breaker, response).await;
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(
        response
            .into_body()
            .collect()
            .await
            .expect("it ends")
            .to_bytes(),
        "a"
    );
    assert_eq!(counts(&breaker).1, 1);
}

#[tokio::test]
async fn a_dropped_body_counts_as_on_cancel_says() {
    for (on_cancel, failed) in [(OnCancel::Ignore, 0), (OnCancel::Fail, 1)] {
        let clock = ManualClock::new();
        let breaker = builder(&clock).on_cancel(on_cancel).build().expect("valid");
        let response = answer(&breaker, Response::new(pieces([Some("a"), Some("b")]))).await;
        let mut body = response.into_body();
        body.frame().await.expect("a frame").expect("data");
        drop(body);
        assert_eq!(
            (breaker.info().cancelled, breaker.info().failed),
            (1, failed)
        );
    }
}

#[tokio::test]
async fn a_body_dropped_after_its_end_has_ended() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    // It says so itself.
    let mut body = pieces([Some("a")]);
    body.knows_its_end = true;
    let mut body = answer(&breaker, Response::new(body)).await.into_body();
    body.frame().await.expect("a frame").expect("data");
    drop(body);
    assert_eq!(counts(&breaker), (1, 0, 0));
    // The head said how long it is.
    let mut response = Response::new(pieces([Some("ab"), Some("c")]));
    response.headers_mut().insert(CONTENT_LENGTH, 3.into());
    let mut body = answer(&breaker, response).await.into_body();
    body.frame().await.expect("a frame").expect("data");
    assert_eq!(counts(&breaker), (1, 0, 0));
    body.frame().await.expect("a frame").expect("data");
    drop(body);
    assert_eq!(counts(&breaker), (2, 0, 0));
    // There is none.
    let mut body = pieces([]);
    body.knows_its_end = true;
    drop(answer(&breaker, Response::new(body)).await);
    assert_eq!(counts(&breaker), (3, 0, 0));
}

#[tokio::test]
async fn probe_delivering_past_its_lease_passes() {
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().expect("valid");
    breaker.acquire().expect("closed").failure();
    clock.advance(SECOND);
    let watch = pieces([Some("a"), Some("b"), Some("c"), None]);
    let mut body = answer(&breaker, Response::new(watch)).await.into_body();
    body.frame().await.expect("a frame").expect("data");
    clock.advance(9 * SECOND);
    body.frame().await.expect("a frame").expect("data");
    assert_eq!(breaker.state(), State::HalfOpen);
    clock.advance(SECOND);
    body.frame().await.expect("a frame").expect("data");
    assert_eq!(breaker.state(), State::Closed);
    body.frame()
        .await
        .expect("an end")
        .expect_err("it breaks off");
    assert_eq!((breaker.state(), breaker.info().failed), (State::Closed, 1));
}

#[tokio::test]
async fn a_rejection_is_answered_and_counts_nothing() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    breaker.force_open();
    let response = answer(&breaker, Response::new(pieces([None]))).await;
    response.into_body().collect().await.expect("it is empty");
    assert_eq!(counts(&breaker), (0, 0, 0));
    assert_eq!(breaker.info().rejected, 1);
}

#[tokio::test]
async fn disabled_breakers_count_no_body() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    breaker.disable();
    let response = answer(&breaker, Response::new(pieces([None]))).await;
    response
        .into_body()
        .collect()
        .await
        .expect_err("it broke off");
    assert_eq!(counts(&breaker), (0, 0, 0));
}

/// A body that the test feeds.
struct Fed(mpsc::UnboundedReceiver<io::Result<&'static str>>);

impl Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let text = self.0.poll_recv(context);
        text.map_ok(|text| Frame::data(Bytes::from_static(text.as_bytes())))
    }
}

#[tokio::test]
async fn client_sees_server_breaking_off() {
    use axum::{Router, routing::get};
    let (feeds, mut bodies) = mpsc::unbounded_channel();
    let handler = move || {
        let (feed, body) = mpsc::unbounded_channel();
        feeds.send(feed).expect("the test waits");
        std::future::ready(axum::body::Body::new(Fed(body)))
    };
    let router = Router::new().route("/", get(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let breaker = CircuitBreaker::builder("server")
        .tripper(FailureStreak::new(1))
        .clock(ManualClock::new())
        .build()
        .expect("valid");
    let layer = CircuitBreakerLayer::new(breaker.clone()).until_end_of_body();
    // A client whose responses are `http::Response`s.
    let client = layer.layer(service_fn(|url: String| async move {
        reqwest::get(url).await.map(Response::<reqwest::Body>::from)
    }));
    for breaks_off in [false, true] {
        let response = client.clone().oneshot(url.clone()).await.expect("a head");
        assert_eq!(response.status(), StatusCode::OK);
        let feed = bodies.recv().await.expect("a body");
        let mut body = response.into_body();
        feed.send(Ok("half")).expect("it is read");
        let frame = body.frame().await.expect("a frame").expect("data");
        assert_eq!(frame.into_data().expect("data"), "half");
        assert_eq!(counts(&breaker), (u64::from(breaks_off), 0, 0));
        if breaks_off {
            feed.send(Err(io::Error::other("broke off")))
                .expect("it is read");
            body.frame()
                .await
                .expect("an end")
                .expect_err("it broke off");
            assert_eq!(breaker.state(), State::Open);
        } else {
            drop(feed);
            assert!(body.frame().await.is_none());
            assert_eq!(counts(&breaker), (1, 0, 0));
        }
    }
}
