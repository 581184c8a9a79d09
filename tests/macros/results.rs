//! What functions return, and which of it counts.

use std::{error::Error, fmt, io, num::ParseIntError, sync::Arc};

use fluxgate::{CallError, CallNotPermitted, State, circuit_breaker, testing};

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("status {0}")]
    Status(u16),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Rejected(#[from] CallNotPermitted),
}

type AppResult<T, E = AppError> = Result<T, E>;

#[circuit_breaker(tripper = FailureStreak(1))]
fn aliased(fail: bool) -> AppResult<u8> {
    if fail {
        Err(AppError::Status(500))
    } else {
        Ok(1)
    }
}

#[circuit_breaker(tripper = FailureStreak(1))]
async fn with_anyhow(fail: bool) -> anyhow::Result<u8> {
    anyhow::ensure!(!fail, "down");
    Ok(1)
}

#[circuit_breaker(tripper = FailureStreak(1))]
fn boxed(fail: bool) -> Result<u8, Box<dyn Error + Send + Sync>> {
    if fail { Err("down".into()) } else { Ok(1) }
}

#[circuit_breaker(tripper = FailureStreak(1))]
fn with_io(fail: bool) -> io::Result<u8> {
    if fail {
        Err(io::Error::other("down"))
    } else {
        Ok(1)
    }
}

#[tokio::test]
async fn rejections_become_the_functions_own_error() {
    let _time = testing::freeze();
    assert_eq!(aliased(false).unwrap(), 1);
    aliased(true).unwrap_err();
    assert!(matches!(aliased(false), Err(AppError::Rejected(_))));

    with_anyhow(true).await.unwrap_err();
    let rejected = with_anyhow(false).await.unwrap_err();
    assert!(rejected.is::<CallNotPermitted>());

    boxed(true).unwrap_err();
    assert!(boxed(false).unwrap_err().is::<CallNotPermitted>());

    with_io(true).unwrap_err();
    let rejected = with_io(false).unwrap_err();
    let inner = rejected.get_ref().unwrap();
    assert_eq!(
        inner.downcast_ref::<CallNotPermitted>().unwrap().state(),
        State::Open
    );
}

/// No `Error`, no `Debug`, no `From`.
enum Bare {
    Down,
}

#[circuit_breaker(tripper = FailureStreak(1), tracker = Matches(Bare::Down), fallback = |_| Ok(9))]
fn matches_what_is_no_error(fail: bool) -> Result<u8, Bare> {
    if fail { Err(Bare::Down) } else { Ok(1) }
}

#[circuit_breaker(tracker = TypeOf(ParseIntError, fmt::Error), handle = type_of_boxed_breaker)]
fn type_of_boxed(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    if text == "nested" {
        return Err(Box::new(AppError::Io(io::Error::other(
            "x".parse::<u8>().unwrap_err(),
        ))));
    }
    if text == "status" {
        return Err(Box::new(AppError::Status(404)));
    }
    if text == "fmt" {
        return Err(fmt::Error.into());
    }
    Ok(text.parse()?)
}

#[circuit_breaker(tracker = TypeOf(ParseIntError), handle = type_of_anyhow_breaker)]
fn type_of_anyhow(text: &str) -> anyhow::Result<u8> {
    use anyhow::Context;
    anyhow::ensure!(!text.is_empty(), "empty");
    text.parse()
        .context("while parsing")
        .context("while calling")
}

#[circuit_breaker(
    tracker = "TypeOf(ParseIntError)",
    handle = type_of_arc_breaker,
    fallback = |error| match error {
        CallError::Failed(error) => Err(error),
        CallError::Rejected(rejection) => Err(Arc::new(rejection)),
    },
)]
fn type_of_arc(text: &str) -> Result<u8, Arc<dyn Error>> {
    text.parse()
        .map_err(|error: ParseIntError| Arc::new(error) as _)
}

#[circuit_breaker(tracker = !TypeOf(AppError) | Custom(is_server_error), handle = combined_breaker)]
fn combined(status: u16) -> Result<u8, AppError> {
    if status == 0 {
        Ok(0)
    } else {
        Err(AppError::Status(status))
    }
}

fn is_server_error(error: &AppError) -> bool {
    matches!(error, AppError::Status(500..))
}

#[test]
fn types_are_found_in_boxes_reports_and_chains() {
    let _time = testing::freeze();
    assert_eq!(matches_what_is_no_error(false).ok(), Some(1));
    assert_eq!(matches_what_is_no_error(true).ok(), Some(9));
    assert_eq!(matches_what_is_no_error(false).ok(), Some(9), "rejected");

    for text in ["x", "nested", "fmt"] {
        type_of_boxed(text).unwrap_err();
    }
    assert_eq!(type_of_boxed_breaker().info().metrics.failure_count, 3);
    type_of_boxed("status").unwrap_err();
    assert_eq!(type_of_boxed_breaker().info().ignored, 1);

    type_of_anyhow("x").unwrap_err();
    type_of_anyhow("").unwrap_err();
    let info = type_of_anyhow_breaker().info();
    assert_eq!((info.metrics.failure_count, info.ignored), (1, 1));

    type_of_arc("x").unwrap_err();
    assert_eq!(type_of_arc_breaker().info().metrics.failure_count, 1);

    combined(404).unwrap_err();
    combined(503).unwrap_err();
    let info = combined_breaker().info();
    assert_eq!((info.metrics.failure_count, info.ignored), (1, 1));
}

const TEAPOT: u16 = 418;

#[circuit_breaker(
    tracker = Matches(AppError::Status(code @ (500..=599 | TEAPOT)) if *code != 501) | Matches(AppError::Io(_)),
    handle = patterns_breaker,
)]
fn patterns(status: u16) -> Result<(), AppError> {
    match status {
        0 => Err(io::Error::other("io").into()),
        status => Err(AppError::Status(status)),
    }
}

#[circuit_breaker(tracker = Matches(500.. | 408), fallback = |e| match e { CallError::Failed(e) => Err(e), CallError::Rejected(_) => Err(0) }, handle = number_breaker)]
fn numbers(status: u16) -> Result<(), u16> {
    Err(status)
}

#[circuit_breaker(tracker = Custom(|error| error.kind() == io::ErrorKind::TimedOut), handle = custom_breaker)]
fn custom(kind: io::ErrorKind) -> io::Result<()> {
    Err(kind.into())
}

#[test]
fn patterns_guards_and_closures() {
    let _time = testing::freeze();
    for status in [500, 501, 599, 418, 404, 0] {
        patterns(status).unwrap_err();
    }
    let info = patterns_breaker().info();
    assert_eq!((info.metrics.failure_count, info.ignored), (4, 2));
    for status in [408, 500, 404] {
        numbers(status).unwrap_err();
    }
    assert_eq!(number_breaker().info().metrics.failure_count, 2);
    custom(io::ErrorKind::TimedOut).unwrap_err();
    custom(io::ErrorKind::NotFound).unwrap_err();
    let info = custom_breaker().info();
    assert_eq!((info.metrics.failure_count, info.ignored), (1, 1));
}

#[derive(Clone, Debug, PartialEq)]
struct Response {
    status: u16,
}

#[circuit_breaker(
    tripper = FailureStreak(2),
    failure_if = |response: &Response| response.status >= 500,
    fallback = |_| Response { status: 503 },
    handle = no_result_breaker,
)]
fn no_result(status: u16) -> Response {
    Response { status }
}

#[circuit_breaker(tripper = FailureStreak(1), failure_if = Option::is_none, fallback = |_| None)]
async fn no_result_async(value: Option<u8>) -> Option<u8> {
    value
}

#[circuit_breaker(tripper = FailureStreak(1), failure_if = |response| response.status >= 500)]
fn ok_that_fails(status: u16) -> io::Result<Response> {
    Ok(Response { status })
}

#[circuit_breaker(failure_if = |()| true, fallback = |_| {}, tripper = FailureStreak(1))]
fn nothing(calls: &mut u8) {
    *calls += 1;
}

#[tokio::test]
async fn results_without_errors() {
    let _time = testing::freeze();
    assert_eq!(no_result(200).status, 200);
    assert_eq!(no_result(500).status, 500, "counted, and returned");
    assert_eq!(no_result(500).status, 500);
    assert_eq!(no_result(200).status, 503, "rejected");
    assert_eq!(no_result_breaker().info().rejected, 1);
    assert_eq!(no_result_async(Some(1)).await, Some(1));
    assert_eq!(no_result_async(None).await, None);
    assert_eq!(no_result_async(Some(1)).await, None, "rejected");
    assert_eq!(ok_that_fails(500).unwrap().status, 500);
    assert!(ok_that_fails(200).is_err(), "rejected");
    let mut calls = 0;
    nothing(&mut calls);
    nothing(&mut calls);
    assert_eq!(calls, 1);
}
