//! A real tonic server and a real tonic client on loopback.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};
use fluxgate::{
    Builder, CircuitBreaker, State, clock::ManualClock, permit::All, retry::Cooldown,
    tower::CircuitBreakerLayer, tripper::FailureStreak,
};
use http::uri::PathAndQuery;
use http_body::Frame;
use tokio::sync::mpsc;
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{BoxFuture, Service, tokio_stream::Stream},
    server::{NamedService, ServerStreamingService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tower::Layer;

const SECOND: Duration = Duration::from_secs(1);

/// Messages are texts.
#[derive(Clone, Copy, Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// What a test makes the service send; `Err` ends a stream.
type Items = mpsc::UnboundedReceiver<Result<String, Status>>;

struct Sent(Items);

impl Stream for Sent {
    type Item = Result<String, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// A service that answers with what it is sent: a code, then messages.
#[derive(Clone)]
struct Test(mpsc::UnboundedSender<mpsc::UnboundedSender<Result<String, Status>>>);

impl NamedService for Test {
    const NAME: &'static str = "test.Test";
}

/// Answers with the code that the request names.
struct Unary;

impl UnaryService<String> for Unary {
    type Response = String;
    type Future = std::future::Ready<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let code: i32 = request.get_ref().parse().unwrap_or(2);
        std::future::ready(match Code::from(code) {
            Code::Ok => Ok(Response::new("fine".to_owned())),
            code => Err(Status::new(code, "as asked")),
        })
    }
}

/// Streams what the test sends.
struct Watch(Test);

impl ServerStreamingService<String> for Watch {
    type Response = String;
    type ResponseStream = Sent;
    type Future = std::future::Ready<Result<Response<Sent>, Status>>;

    fn call(&mut self, _request: Request<String>) -> Self::Future {
        let (sender, items) = mpsc::unbounded_channel();
        self.0.0.send(sender).expect("the test waits");
        std::future::ready(Ok(Response::new(Sent(items))))
    }
}

/// Messages as bytes; an error resets the stream.
struct Broken(Items);

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let message = self.0.poll_recv(context);
        message.map_ok(|_| Frame::data(Bytes::from_static(b"\0\0\0\0\x02hi")))
    }
}

impl Service<http::Request<Body>> for Test {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let mut server = tonic::server::Grpc::new(Text);
            Ok(match request.uri().path() {
                "/test.Test/Unary" => server.unary(Unary, request).await,
                "/test.Test/Watch" => server.server_streaming(Watch(this), request).await,
                "/test.Test/Proxy" => http::Response::builder()
                    .status(503)
                    .body(Body::empty())
                    .expect("a response"),
                _ => {
                    let (sender, items) = mpsc::unbounded_channel();
                    this.0.send(sender).expect("the test waits");
                    http::Response::builder()
                        .header("content-type", "application/grpc")
                        .body(Body::new(Broken(items)))
                        .expect("a response")
                }
            })
        })
    }
}

/// The server, where it is, and the streams that are asked for.
async fn serve(
    layer: Option<&CircuitBreaker>,
) -> (
    Channel,
    mpsc::UnboundedReceiver<mpsc::UnboundedSender<Result<String, Status>>>,
) {
    let (sender, streams) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let incoming = TcpIncoming::from(listener);
    match layer {
        None => {
            let server = Server::builder().add_service(Test(sender));
            tokio::spawn(server.serve_with_incoming(incoming));
        }
        Some(breaker) => {
            let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
            let server = Server::builder().layer(layer).add_service(Test(sender));
            tokio::spawn(server.serve_with_incoming(incoming));
        }
    }
    let endpoint = Endpoint::try_from(format!("http://{address}")).expect("a URL");
    (endpoint.connect_lazy(), streams)
}

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("grpc")
        .tripper(FailureStreak::new(5))
        .retry(Cooldown::new(SECOND))
        .permit(All)
        .max_half_open_calls(1)
        .probe_lease(10 * SECOND)
        .durations(true)
        .clock(clock.clone())
}

async fn unary<S>(service: S, code: Code) -> Result<String, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut client = Grpc::new(service);
    let ready = client
        .ready()
        .await
        .map_err(|error| Status::from_error(error.into()));
    ready?;
    let path = PathAndQuery::from_static("/test.Test/Unary");
    let request = Request::new(i32::from(code).to_string());
    let response = client.unary(request, path, Text).await?;
    Ok(response.into_inner())
}

async fn stream(
    channel: &Channel,
    breaker: &CircuitBreaker,
    path: &'static str,
) -> Result<Streaming<String>, Status> {
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    let mut client = Grpc::new(layer.layer(channel.clone()));
    client.ready().await.expect("it is ready");
    let path = PathAndQuery::from_static(path);
    let request = Request::new(String::new());
    let response = client.server_streaming(request, path, Text).await?;
    Ok(response.into_inner())
}

#[tokio::test]
async fn outage_opens_and_rejects_as_unavailable() {
    let (channel, _) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    let service = layer.layer(channel);
    for _ in 0..5 {
        let status = unary(service.clone(), Code::Unavailable).await.unwrap_err();
        assert_eq!(status.message(), "as asked");
    }
    assert_eq!(breaker.state(), State::Open);
    let status = unary(service, Code::Ok).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status
            .message()
            .starts_with("circuit breaker 'grpc' is open"),
        "{status}"
    );
    assert_eq!(breaker.info().rejected, 1);
}

#[tokio::test]
async fn each_code_counts_as_its_class() {
    let (channel, _) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    let service = layer.layer(channel);
    assert_eq!(
        unary(service.clone(), Code::Ok).await.expect("fine"),
        "fine"
    );
    for code in [Code::NotFound, Code::ResourceExhausted, Code::Cancelled] {
        assert_eq!(unary(service.clone(), code).await.unwrap_err().code(), code);
    }
    let info = breaker.info();
    assert_eq!(info.metrics.total_count, 2);
    assert_eq!((info.alive, info.overloaded, info.ignored), (1, 1, 1));
}

#[tokio::test]
async fn a_stream_is_a_success_at_its_end() {
    let (channel, mut streams) = serve(None).await;
    let clock = ManualClock::new();
    let breaker = builder(&clock).build().expect("valid");
    let mut messages = stream(&channel, &breaker, "/test.Test/Watch")
        .await
        .expect("a head");
    let sender = streams.recv().await.expect("a stream");
    clock.advance(SECOND);
    sender.send(Ok("one".to_owned())).expect("it is read");
    assert_eq!(
        messages.message().await.expect("sound"),
        Some("one".to_owned())
    );
    assert_eq!(breaker.info().metrics.total_count, 0);
    clock.advance(3600 * SECOND);
    drop(sender);
    assert_eq!(messages.message().await.expect("sound"), None);
    let metrics = breaker.info().metrics;
    assert_eq!((metrics.total_count, metrics.failure_count), (1, 0));
    assert_eq!(metrics.total_duration, Some(SECOND), "to the first message");
}

#[tokio::test]
async fn an_error_in_the_trailers_is_a_failure() {
    let (channel, mut streams) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let mut messages = stream(&channel, &breaker, "/test.Test/Watch")
        .await
        .expect("a head");
    let sender = streams.recv().await.expect("a stream");
    sender.send(Ok("one".to_owned())).expect("it is read");
    assert!(messages.message().await.expect("sound").is_some());
    sender
        .send(Err(Status::data_loss("lost")))
        .expect("it is read");
    assert_eq!(messages.message().await.unwrap_err().code(), Code::DataLoss);
    assert_eq!(breaker.info().failed, 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_failure() {
    let (channel, mut streams) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let mut messages = stream(&channel, &breaker, "/test.Test/Break")
        .await
        .expect("a head");
    let sender = streams.recv().await.expect("a stream");
    sender.send(Ok(String::new())).expect("it is read");
    assert_eq!(
        messages.message().await.expect("sound"),
        Some("hi".to_owned())
    );
    sender
        .send(Err(Status::internal("reset")))
        .expect("it is read");
    messages.message().await.unwrap_err();
    let info = breaker.info();
    assert_eq!((info.failed, info.cancelled), (1, 0));
}

#[tokio::test]
async fn proxy_answer_counts_by_http_status() {
    let (channel, _streams) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let answer = stream(&channel, &breaker, "/test.Test/Proxy").await;
    assert!(answer.expect("a head").message().await.is_err());
    assert_eq!(breaker.info().failed, 1);
}

#[tokio::test]
async fn a_cancelled_stream_is_a_cancelled_call() {
    let (channel, mut streams) = serve(None).await;
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let mut messages = stream(&channel, &breaker, "/test.Test/Watch")
        .await
        .expect("a head");
    let sender = streams.recv().await.expect("a stream");
    sender.send(Ok("one".to_owned())).expect("it is read");
    assert!(messages.message().await.expect("sound").is_some());
    drop(messages);
    let info = breaker.info();
    assert_eq!((info.cancelled, info.metrics.total_count), (1, 0));
}

#[tokio::test]
async fn a_watch_past_its_lease_has_passed() {
    let (channel, mut streams) = serve(None).await;
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .tripper(FailureStreak::new(1))
        .build()
        .expect("valid");
    breaker.acquire().expect("it is closed").failure();
    clock.advance(SECOND);
    let mut messages = stream(&channel, &breaker, "/test.Test/Watch")
        .await
        .expect("a head");
    let sender = streams.recv().await.expect("a stream");
    for (passed, state) in [
        (0, State::HalfOpen),
        (9, State::HalfOpen),
        (1, State::Closed),
        (100, State::Closed),
    ] {
        clock.advance(passed * SECOND);
        sender.send(Ok("event".to_owned())).expect("it is read");
        assert!(messages.message().await.expect("sound").is_some());
        assert_eq!(breaker.state(), state);
    }
    sender
        .send(Err(Status::unavailable("gone")))
        .expect("it is read");
    messages.message().await.unwrap_err();
    assert_eq!((breaker.state(), breaker.info().failed), (State::Closed, 1));
}

#[tokio::test]
async fn a_server_behind_a_breaker() {
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let (channel, _streams) = serve(Some(&breaker)).await;
    assert_eq!(
        unary(channel.clone(), Code::Ok).await.expect("fine"),
        "fine"
    );
    unary(channel.clone(), Code::NotFound).await.unwrap_err();
    for _ in 0..5 {
        unary(channel.clone(), Code::Internal).await.unwrap_err();
    }
    let info = breaker.info();
    assert_eq!((info.state, info.alive, info.failed), (State::Open, 1, 5));
    let status = unary(channel, Code::Ok).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("'grpc' is open"), "{status}");
}

#[tokio::test]
async fn a_connection_that_fails_is_a_failure() {
    // Bound and dropped: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let channel = Endpoint::try_from(url).expect("a URL").connect_lazy();
    let breaker = builder(&ManualClock::new()).build().expect("valid");
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    unary(layer.layer(channel), Code::Ok).await.unwrap_err();
    assert_eq!(breaker.info().failed, 1);
}

#[tokio::test]
async fn exhausted_server_is_throttled() {
    let (channel, _) = serve(None).await;
    let breaker = builder(&ManualClock::new())
        .throttle(fluxgate::throttle::Adaptive::new(1.5))
        .build()
        .expect("valid");
    let layer = CircuitBreakerLayer::new(breaker.clone()).grpc();
    let service = layer.layer(channel);
    let mut throttled = 0;
    for _ in 0..100 {
        let status = unary(service.clone(), Code::ResourceExhausted)
            .await
            .unwrap_err();
        if status.code() == Code::Unavailable {
            throttled += 1;
            let said = status.message();
            assert!(said.contains("is closed, and throttles "), "{status}");
        } else {
            assert_eq!(status.message(), "as asked");
        }
    }
    let info = breaker.info();
    assert_eq!(
        (info.throttled, info.overloaded),
        (throttled, 100 - throttled)
    );
    assert!(throttled > 50 && info.state == State::Closed);
}
