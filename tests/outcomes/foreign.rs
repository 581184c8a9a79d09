//! Functions whose error type belongs to another crate.

use std::{error::Error, io, num::ParseIntError};

use fluxgate::{
    CallError, CallNotPermitted, CircuitBreaker, Classify, Outcome, RejectionKind, State,
    circuit_breaker, clock::ManualClock,
};

#[circuit_breaker(handle = reqwest_breaker)]
async fn with_reqwest(url: &str) -> Result<String, CallError<reqwest::Error>> {
    Ok(reqwest::get(url).await?.text().await?)
}

#[circuit_breaker(handle = sqlx_breaker, tracker = !Matches(sqlx::Error::RowNotFound))]
fn with_sqlx(error: sqlx::Error) -> Result<u8, CallError<sqlx::Error>> {
    Err(error)?;
    Ok(1)
}

fn redis_error(text: &'static str) -> redis::RedisError {
    (redis::ErrorKind::Io, text).into()
}

#[circuit_breaker(handle = redis_breaker)]
fn with_redis() -> Result<u8, CallError<redis::RedisError>> {
    Err(redis_error("refused").into())
}

#[circuit_breaker(
    handle = tonic_breaker,
    map_rejection = |rejection| tonic::Status::unavailable(rejection.to_string()),
    classify = |result| match result {
        Ok(_) => Outcome::Success,
        Err(status) => fluxgate::grpc::outcome_of_code(status.code().into()),
    },
)]
async fn with_tonic(code: tonic::Code) -> Result<u8, tonic::Status> {
    std::future::ready(()).await;
    Err(tonic::Status::new(code, "no"))
}

#[circuit_breaker(handle = io_breaker)]
fn with_io() -> io::Result<u8> {
    Err(io::ErrorKind::TimedOut.into())
}

#[circuit_breaker(handle = anyhow_breaker)]
fn with_anyhow() -> anyhow::Result<u8> {
    anyhow::bail!("no")
}

#[circuit_breaker(handle = boxed_breaker)]
fn with_box() -> Result<u8, Box<dyn Error + Send + Sync>> {
    Err("no".into())
}

#[circuit_breaker(handle = plain_breaker)]
fn with_plain_box() -> Result<u8, Box<dyn Error>> {
    Err("no".into())
}

#[tokio::test]
async fn reqwest_errors_count_apart_from_rejections() {
    let _time = fluxgate::testing::freeze();
    // Bound and dropped: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    drop(listener);
    let failed = with_reqwest(&url).await.unwrap_err();
    assert!(matches!(failed, CallError::Failed(error) if error.is_connect()));
    assert_eq!(reqwest_breaker().info().failed, 1);
    reqwest_breaker().force_open();
    let rejected = with_reqwest(&url).await.unwrap_err();
    assert!(matches!(rejected, CallError::Rejected(_)));
}

#[test]
fn a_tracker_sees_the_error_in_a_call_error() {
    let _time = fluxgate::testing::freeze();
    with_sqlx(sqlx::Error::RowNotFound).unwrap_err();
    with_sqlx(sqlx::Error::PoolTimedOut).unwrap_err();
    let info = sqlx_breaker().info();
    assert_eq!((info.ignored, info.failed), (1, 1));
}

#[circuit_breaker(handle = typed_breaker, tracker = TypeOf(ParseIntError))]
fn typed(text: &str) -> Result<u8, CallError<ParseIntError>> {
    Ok(text.parse()?)
}

#[test]
fn type_of_looks_into_a_call_error() {
    let _time = fluxgate::testing::freeze();
    typed("x").unwrap_err();
    assert_eq!(typed_breaker().info().failed, 1);
}

#[circuit_breaker(
    handle = fallback_breaker,
    fallback = |error| match error {
        CallError::Rejected(_) => Ok(0),
        CallError::Failed(error) => Err(CallError::Failed(error)),
    },
)]
fn with_fallback(text: &str) -> Result<u8, CallError<ParseIntError>> {
    Ok(text.parse()?)
}

#[test]
fn a_fallback_gets_one_call_error_not_two() {
    let _time = fluxgate::testing::freeze();
    assert!(matches!(with_fallback("x"), Err(CallError::Failed(_))));
    fallback_breaker().force_open();
    assert_eq!(with_fallback("1"), Ok(0));
}

#[test]
fn redis_errors_count() {
    let _time = fluxgate::testing::freeze();
    assert!(matches!(with_redis(), Err(CallError::Failed(_))));
    assert_eq!(redis_breaker().info().failed, 1);
}

#[tokio::test]
async fn a_mapped_rejection_is_an_error_of_that_type() {
    let _time = fluxgate::testing::freeze();
    with_tonic(tonic::Code::NotFound).await.unwrap_err();
    with_tonic(tonic::Code::Unavailable).await.unwrap_err();
    let info = tonic_breaker().info();
    assert_eq!((info.alive, info.failed), (1, 1));
    tonic_breaker().force_open();
    let status = with_tonic(tonic::Code::Ok).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().ends_with("is forced open"), "{status}");
}

/// Has no `From<CallNotPermitted>`, and is made with an argument.
#[derive(Debug, PartialEq)]
struct Named(String, RejectionKind);

#[circuit_breaker(
    handle = mapped_breaker,
    map_rejection = |rejection| Named(symbol.to_owned(), rejection.kind()),
)]
fn mapped(symbol: &str) -> Result<usize, Named> {
    Ok(symbol.len())
}

fn boxed_error(rejection: CallNotPermitted) -> Box<dyn Error> {
    rejection.into()
}

#[circuit_breaker(handle = by_path_breaker, map_rejection = boxed_error)]
fn mapped_by_path() -> Result<impl Iterator<Item = u8>, Box<dyn Error>> {
    Ok(std::iter::once(1))
}

#[test]
fn rejections_are_mapped_by_closure_and_by_path() {
    let _time = fluxgate::testing::freeze();
    assert_eq!(mapped("abc"), Ok(3));
    mapped_breaker().force_open();
    let expected = Named("abc".to_owned(), RejectionKind::ForcedOpen);
    assert_eq!(mapped("abc"), Err(expected));
    assert!(mapped_by_path().is_ok());
    by_path_breaker().force_open();
    let error = mapped_by_path().err().expect("it is rejected");
    assert!(fluxgate::rejection(error.as_ref()).is_some());
}

#[test]
fn rejections_are_found_in_what_holds_them() {
    let _time = fluxgate::testing::freeze();
    for breaker in [
        io_breaker(),
        anyhow_breaker(),
        boxed_breaker(),
        plain_breaker(),
    ] {
        breaker.force_open();
    }
    assert!(fluxgate::rejection(&with_io().unwrap_err()).is_some());
    let context = anyhow::Context::context(with_anyhow(), "far out").unwrap_err();
    assert!(fluxgate::rejection(context.as_ref()).is_some());
    assert!(fluxgate::rejection(with_box().unwrap_err().as_ref()).is_some());
    assert!(fluxgate::rejection(with_plain_box().unwrap_err().as_ref()).is_some());

    let rejection = CallError::<io::Error>::Rejected(rejected());
    assert!(fluxgate::rejection(&rejection).is_some());
    assert!(fluxgate::rejection(&Box::new(rejected())).is_some());
    assert!(fluxgate::rejection(&std::sync::Arc::new(rejected())).is_some());
    let nested = io::Error::other(io::Error::other(rejection));
    assert_eq!(
        fluxgate::rejection(&nested).map(CallNotPermitted::kind),
        Some(RejectionKind::ForcedOpen)
    );
    assert!(fluxgate::rejection(&io::Error::other("no")).is_none());
}

/// A breaker that no other test resets.
fn by_hand(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::builder(name)
        .clock(ManualClock::new())
        .build()
        .expect("valid")
}

fn rejected() -> CallNotPermitted {
    let breaker = by_hand("closed");
    breaker.force_open();
    breaker.acquire().expect_err("it is forced open")
}

#[test]
fn open_errors_of_every_kind_still_count() {
    let breaker = by_hand("by hand");
    assert!(matches!(
        breaker.try_call(|| "x".parse::<u8>()),
        Err(CallError::Failed(_))
    ));
    breaker.force_open();
    assert!(matches!(
        breaker.try_call(|| "1".parse::<u8>()),
        Err(CallError::Rejected(_))
    ));
    assert_eq!(breaker.info().failed, 1);
}

#[tokio::test]
async fn async_calls_keep_rejections_apart_by_hand() {
    let breaker = by_hand("async by hand");
    let parse = || async { "1".parse::<u8>() };
    assert_eq!(breaker.try_call_async(parse()).await, Ok(1));
    breaker.force_open();
    let tracked = breaker.with_tracker(fluxgate::tracker::All);
    let rejected = tracked.try_call_async(parse()).await;
    assert!(matches!(rejected, Err(CallError::Rejected(_))));
}

#[circuit_breaker(handle = outer_breaker, tripper = FailureStreak(1))]
fn outer() -> Result<u8, CallError<ParseIntError>> {
    inner()
}

#[circuit_breaker(handle = inner_breaker)]
fn inner() -> Result<u8, CallError<ParseIntError>> {
    Ok("1".parse()?)
}

#[test]
fn an_inner_rejection_is_no_failure_of_the_outer() {
    let _time = fluxgate::testing::freeze();
    inner_breaker().force_open();
    assert!(matches!(outer(), Err(CallError::Rejected(_))));
    assert_eq!(outer_breaker().state(), State::Closed);
    assert_eq!(outer_breaker().info().ignored, 1);
}

#[circuit_breaker(handle = outer_io_breaker, tripper = FailureStreak(1))]
fn outer_io() -> io::Result<u8> {
    inner_io()
}

#[circuit_breaker(
    handle = outer_tracked_breaker,
    tripper = FailureStreak(1),
    tracker = "!TypeOf(CallNotPermitted)",
)]
fn outer_tracked() -> io::Result<u8> {
    inner_io()
}

#[circuit_breaker(handle = inner_io_breaker)]
fn inner_io() -> io::Result<u8> {
    Ok(1)
}

#[test]
fn opaque_error_counts_unless_tracker_denies() {
    let _time = fluxgate::testing::freeze();
    inner_io_breaker().force_open();
    outer_tracked().unwrap_err();
    assert_eq!(outer_tracked_breaker().state(), State::Closed);
    outer_io().unwrap_err();
    assert_eq!(outer_io_breaker().state(), State::Open);
}

#[derive(Debug, thiserror::Error, Classify)]
enum Own {
    #[error("not a number")]
    #[outcome(alive)]
    NotANumber(#[from] ParseIntError),
    #[error("not permitted")]
    #[outcome(transparent)]
    Rejected(#[from] CallNotPermitted),
}

#[circuit_breaker(handle = own_breaker)]
fn own(text: &str) -> Result<u8, Own> {
    Ok(text.parse()?)
}

#[test]
fn an_enum_of_ones_own_holds_both() {
    let _time = fluxgate::testing::freeze();
    own("x").unwrap_err();
    own_breaker().force_open();
    let rejected = own("1").unwrap_err();
    assert!(fluxgate::rejection(&rejected).is_some());
    assert_eq!(own_breaker().info().alive, 1);
}

#[circuit_breaker(handle = doubled_breaker)]
fn doubled() -> Result<u8, CallError<CallNotPermitted>> {
    Ok(1)
}

#[test]
fn even_a_rejection_can_be_the_foreign_error() {
    let _time = fluxgate::testing::freeze();
    doubled_breaker().force_open();
    assert!(matches!(doubled(), Err(CallError::Rejected(_))));
}

struct Client(u8);

impl Client {
    #[circuit_breaker(handle = Self::breaker)]
    fn generic<E>(&self, error: E) -> Result<u8, CallError<E>> {
        Err(error)?;
        Ok(self.0)
    }
}

#[test]
fn methods_and_generic_errors_need_no_bound() {
    let _time = fluxgate::testing::freeze();
    assert!(matches!(
        Client(1).generic("no"),
        Err(CallError::Failed("no"))
    ));
    assert_eq!(Client::breaker().info().failed, 1);
}
