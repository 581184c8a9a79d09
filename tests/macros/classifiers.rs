//! `classify = …`: what every result counts as.

use std::{future::Future, io, pin::Pin, time::Duration};

use fluxgate::{CallError, Outcome, State, circuit_breaker};

#[derive(Debug)]
enum Answer {
    Found,
    Missing,
    Broken,
    Busy(u64),
    Confusing,
}

fn outcome(result: &io::Result<Answer>) -> Outcome {
    match result {
        Ok(Answer::Found) => Outcome::Success,
        Ok(Answer::Missing) => Outcome::Ignored,
        Ok(Answer::Broken) | Err(_) => Outcome::Failure,
        Ok(Answer::Busy(secs)) => Outcome::UnavailableFor(Duration::from_secs(*secs)),
        Ok(Answer::Confusing) => panic!("never seen before"),
    }
}

#[circuit_breaker(classify = outcome, tripper = FailureStreak(2), handle = breaker)]
fn ask(answer: Answer) -> io::Result<Answer> {
    Ok(answer)
}

#[test]
fn each_outcome_counts_as_such() {
    let _time = fluxgate::testing::freeze();
    for answer in [Answer::Found, Answer::Missing, Answer::Broken] {
        assert!(ask(answer).is_ok());
    }
    // A classifier that panics leaves the result what it is: a success.
    assert!(ask(Answer::Confusing).is_ok());
    let info = breaker().info();
    assert_eq!(info.metrics.total_count, 3);
    assert_eq!(info.metrics.failure_count, 1);
    assert_eq!(info.ignored, 1);
}

#[circuit_breaker(
    classify = |result| match result {
        Ok(Answer::Busy(secs)) => Outcome::UnavailableFor(Duration::from_secs(*secs)),
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    },
    tripper = FailureStreak(1),
    retry = Cooldown(1s),
    fallback = |error| match error {
        CallError::Rejected(_) => Ok(Answer::Found),
        CallError::Failed(error) => Err(error),
    },
    handle = async_breaker,
)]
async fn ask_async(answer: Answer) -> io::Result<Answer> {
    tokio::task::yield_now().await;
    Ok(answer)
}

#[tokio::test]
async fn the_dependency_says_for_how_long() {
    let _time = fluxgate::testing::freeze();
    assert!(matches!(
        ask_async(Answer::Busy(90)).await,
        Ok(Answer::Busy(90))
    ));
    assert_eq!(async_breaker().state(), State::Open);
    let wait = async_breaker().info().retry_after.expect("it is open");
    assert!(wait > Duration::from_secs(89), "{wait:?}");
    assert!(matches!(ask_async(Answer::Broken).await, Ok(Answer::Found)));
    assert_eq!(async_breaker().info().rejected, 1);
}

/// Without a `Result` it is shown what is returned; it may use what the body
/// only borrows.
#[circuit_breaker(
    classify = |length: &usize| if *length > text.len() { Outcome::Failure } else { Outcome::Success },
    fallback = |_| 0,
    handle = plain_breaker,
)]
fn plain(text: &str, more: usize) -> usize {
    text.len() + more
}

#[circuit_breaker(classify = |_| Outcome::Ignored, handle = boxed_breaker)]
fn boxed() -> Pin<Box<dyn Future<Output = io::Result<u8>> + Send>> {
    Box::pin(async { Err(io::Error::other("down")) })
}

#[tokio::test]
async fn functions_of_every_shape() {
    let _time = fluxgate::testing::freeze();
    assert_eq!(plain("a", 0) + plain("a", 1), 3);
    assert_eq!(plain_breaker().info().metrics.failure_count, 1);
    assert_eq!(plain_breaker().info().metrics.total_count, 2);
    assert!(boxed().await.is_err());
    assert_eq!(boxed_breaker().info().ignored, 1);
}

#[circuit_breaker(
    classify = fluxgate::http::classify,
    tripper = FailureStreak(1),
    key = host,
    handle = hosts,
)]
async fn get(host: &str, status: u16) -> io::Result<http::Response<String>> {
    let response = http::Response::builder()
        .status(status)
        .header("Retry-After", "100");
    Ok(response.body(host.to_owned()).unwrap())
}

#[tokio::test]
async fn of_http_responses_by_key() {
    let _time = fluxgate::testing::freeze();
    for host in ["a", "b"] {
        let status = if host == "a" { 503 } else { 404 };
        assert_eq!(get(host, status).await.unwrap().body(), host);
    }
    assert_eq!(hosts().get("b").state(), State::Closed);
    let wait = hosts().get("a").info().retry_after.expect("it is open");
    assert!(wait > Duration::from_secs(99), "{wait:?}");
}

/// As the table of keys in the documentation shows it.
#[circuit_breaker(
    tripper = FailureStreak(1),
    failure_if = |response| response.status().is_server_error(),
    handle = table_breaker,
)]
fn table() -> std::io::Result<http::Response<()>> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    Ok(response)
}

#[test]
fn failure_if_of_the_table_counts_statuses() {
    let _time = fluxgate::testing::freeze();
    table().unwrap();
    assert_eq!(table_breaker().state(), fluxgate::State::Open);
}

#[circuit_breaker(
    name = "taken along",
    classify = move |result: &io::Result<u32>| match result {
        Ok(n) if limits.contains(n) => Outcome::Success,
        _ => Outcome::Failure,
    },
    handle = limited,
)]
async fn ask_within(limits: Vec<u32>, answer: u32) -> io::Result<u32> {
    Ok(answer)
}

#[circuit_breaker(name = "given", failure_if = is_stale, handle = given)]
fn ask_with<F: Fn(&u32) -> bool>(is_stale: F, answer: u32) -> io::Result<u32> {
    Ok(answer)
}

#[tokio::test]
async fn arguments_decide_what_counts() {
    let _own = fluxgate::testing::isolate();
    for answer in [1, 2, 3] {
        assert!(ask_within(vec![1, 3], answer).await.is_ok());
        let least = String::from("3");
        assert!(ask_with(move |n| n.to_string() < least, answer).is_ok());
    }
    assert_eq!(limited().info().metrics.failure_count, 1);
    assert_eq!(given().info().metrics.failure_count, 2);
}
