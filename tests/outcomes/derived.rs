//! `#[derive(Classify)]`, and the attribute that finds it.

use std::{convert::Infallible, fmt, io, sync::Arc, time::Duration};

use fluxgate::{
    CallError, CallNotPermitted, CircuitBreaker, Classify, Outcome, circuit_breaker,
    clock::ManualClock,
};
use http::StatusCode;

const WAIT: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error, Classify)]
enum Upstream {
    #[error("gone")]
    #[outcome(alive)]
    Gone,
    #[error("down")]
    #[outcome(failure)]
    Down,
}

fn of_io(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::NotFound => Outcome::Alive,
        _ => Outcome::Failure,
    }
}

#[derive(Debug, thiserror::Error, Classify)]
#[non_exhaustive]
enum ApiError {
    #[error("timed out")]
    #[outcome(failure)]
    Timeout,
    #[error("status {0}")]
    #[outcome(with = fluxgate::http::outcome_of_status)]
    Status(StatusCode),
    #[error("busy")]
    #[outcome(overloaded, retry_after = wait)]
    Busy { wait: Duration },
    #[error("maybe busy")]
    #[outcome(retry_after = 1, overloaded)]
    MaybeBusy(u8, Option<Duration>),
    #[error("down for a while")]
    #[outcome(failure, retry_after = r#for)]
    Maintenance { r#for: Option<Duration> },
    #[error("no such item")]
    #[outcome(alive)]
    NotFound,
    #[error("bad input")]
    #[outcome(ignored)]
    Invalid(String),
    #[error("old")]
    #[outcome(success)]
    Stale,
    #[error("database")]
    #[outcome(with = of_io)]
    Db(#[from] io::Error),
    #[error("upstream")]
    #[outcome(transparent)]
    Upstream(#[from] Upstream),
    #[error("not permitted")]
    #[outcome(transparent)]
    Rejected(#[from] CallNotPermitted),
    #[error("pair")]
    #[outcome(with = |code, _text| if *code > 4 { Outcome::Failure } else { Outcome::Alive })]
    Pair(u8, &'static str),
    #[cfg(any())]
    #[outcome(failure)]
    Elsewhere(NoSuchType),
}

#[test]
fn each_variant_means_what_it_says() {
    let io = |kind| ApiError::from(io::Error::from(kind));
    let expected = [
        (ApiError::Timeout, Outcome::Failure),
        (
            ApiError::Status(StatusCode::TOO_MANY_REQUESTS),
            Outcome::Overloaded,
        ),
        (ApiError::Status(StatusCode::NOT_FOUND), Outcome::Success),
        (ApiError::Busy { wait: WAIT }, Outcome::OverloadedFor(WAIT)),
        (ApiError::MaybeBusy(1, None), Outcome::Overloaded),
        (
            ApiError::MaybeBusy(1, Some(WAIT)),
            Outcome::OverloadedFor(WAIT),
        ),
        (ApiError::Maintenance { r#for: None }, Outcome::Failure),
        (
            ApiError::Maintenance { r#for: Some(WAIT) },
            Outcome::UnavailableFor(WAIT),
        ),
        (ApiError::NotFound, Outcome::Alive),
        (ApiError::Invalid(String::new()), Outcome::Ignored),
        (ApiError::Stale, Outcome::Success),
        (io(io::ErrorKind::NotFound), Outcome::Alive),
        (io(io::ErrorKind::TimedOut), Outcome::Failure),
        (Upstream::Gone.into(), Outcome::Alive),
        (Upstream::Down.into(), Outcome::Failure),
        (ApiError::Pair(5, ""), Outcome::Failure),
        (ApiError::Pair(1, ""), Outcome::Alive),
    ];
    for (error, outcome) in expected {
        assert_eq!(error.outcome(), outcome, "{error:?}");
        assert_eq!(error.is_transient(), outcome.is_transient(), "{error:?}");
    }
}

mod without_imports {
    #[derive(fluxgate::Classify)]
    #[outcome(failure)]
    pub(super) struct Unit;

    #[derive(fluxgate::Classify)]
    #[outcome(overloaded, retry_after = 0)]
    pub(super) struct Tuple(pub(super) std::time::Duration);

    #[derive(fluxgate::Classify)]
    #[outcome(transparent)]
    pub(super) struct Generic<E: std::fmt::Debug>(pub(super) E)
    where
        E: Sized;

    #[derive(fluxgate::Classify)]
    #[outcome(crate = ::fluxgate, alive)]
    pub(super) struct Renamed<'a, const N: usize> {
        pub(super) _bytes: &'a [u8; N],
    }

    // Names that an expansion could trip over.
    #[allow(dead_code)]
    pub(super) enum Option {}
    #[allow(dead_code)]
    pub(super) enum Result {}
    #[allow(dead_code)]
    pub(super) enum Outcome {}
}

#[test]
fn structs_and_generics_have_outcomes() {
    use without_imports::{Generic, Renamed, Tuple, Unit};
    assert_eq!(Unit.outcome(), Outcome::Failure);
    assert_eq!(Tuple(WAIT).outcome(), Outcome::OverloadedFor(WAIT));
    assert_eq!(Generic(Upstream::Gone).outcome(), Outcome::Alive);
    assert_eq!(Renamed { _bytes: b"ab" }.outcome(), Outcome::Alive);
}

#[derive(Debug, snafu::Snafu, Classify)]
enum Stored {
    #[snafu(display("can't read {path}"))]
    #[outcome(with = of_io)]
    Read { path: String, source: io::Error },
    #[snafu(display("it says: {source}"))]
    #[outcome(transparent)]
    Told { reason: u8, source: Upstream },
}

#[test]
fn the_source_is_looked_at_among_several_fields() {
    use snafu::ResultExt;
    let read: Result<(), _> = Err(io::Error::from(io::ErrorKind::NotFound));
    let read = read.context(ReadSnafu { path: "x" }).unwrap_err();
    assert_eq!(read.outcome(), Outcome::Alive);
    let told: Result<(), _> = Err(Upstream::Down);
    let told = told.context(ToldSnafu { reason: 1_u8 }).unwrap_err();
    assert_eq!(told.outcome(), Outcome::Failure);
}

#[derive(Debug, serde::Serialize, serde::Deserialize, Classify)]
#[serde(tag = "kind")]
enum Wire {
    #[serde(rename = "late")]
    #[outcome(failure)]
    Late { after: u64 },
}

#[test]
fn serde_stands_beside_it() {
    let late: Wire = serde_json::from_str(r#"{"kind":"late","after":3}"#).expect("it is one");
    assert_eq!(late.outcome(), Outcome::Failure);
}

#[test]
fn containers_mean_what_they_hold() {
    assert_eq!(Box::new(Upstream::Gone).outcome(), Outcome::Alive);
    assert_eq!(Arc::new(Upstream::Down).outcome(), Outcome::Failure);
    assert_eq!(Classify::outcome(&&Upstream::Gone), Outcome::Alive);
    let ok: Result<u8, Upstream> = Ok(1);
    assert_eq!(ok.outcome(), Outcome::Success);
    let failed: CallError<Upstream> = Upstream::Down.into();
    assert_eq!(failed.outcome(), Outcome::Failure);
    assert_eq!(Ok::<u8, Infallible>(1).outcome(), Outcome::Success);
    let object: Box<dyn Classify> = Box::new(Upstream::Gone);
    assert_eq!(object.outcome(), Outcome::Alive);
}

#[circuit_breaker(handle = found_breaker)]
fn found(error: ApiError) -> Result<u8, ApiError> {
    Err(error)
}

#[circuit_breaker(handle = found_async_breaker)]
async fn found_async(error: ApiError) -> Result<u8, ApiError> {
    std::future::ready(()).await;
    Err(error)
}

#[circuit_breaker(handle = tracked_breaker, tracker = Matches(ApiError::NotFound))]
fn tracked(error: ApiError) -> Result<u8, ApiError> {
    Err(error)
}

#[circuit_breaker(handle = all_breaker, tracker = All)]
fn all(error: ApiError) -> Result<u8, ApiError> {
    Err(error)
}

#[circuit_breaker(handle = both_breaker, failure_if = |value| *value > 4)]
fn both(result: Result<u8, ApiError>) -> Result<u8, ApiError> {
    result
}

#[circuit_breaker(handle = replaced_breaker, classify = |_| Outcome::Success)]
fn replaced(error: ApiError) -> Result<u8, ApiError> {
    Err(error)
}

#[test]
fn attribute_uses_the_derive_by_itself() {
    let _time = fluxgate::testing::freeze();
    found(ApiError::NotFound).unwrap_err();
    found(ApiError::Invalid(String::new())).unwrap_err();
    found(ApiError::Timeout).unwrap_err();
    found(ApiError::Busy { wait: WAIT }).unwrap_err();
    let info = found_breaker().info();
    assert_eq!((info.alive, info.ignored), (1, 1));
    assert_eq!((info.failed, info.overloaded), (2, 1));
}

#[tokio::test]
async fn async_functions_use_it_too() {
    let _time = fluxgate::testing::freeze();
    found_async(ApiError::NotFound).await.unwrap_err();
    assert_eq!(found_async_breaker().info().alive, 1);
}

#[test]
fn a_tracker_overrides_the_derive() {
    let _time = fluxgate::testing::freeze();
    tracked(ApiError::NotFound).unwrap_err();
    tracked(ApiError::Timeout).unwrap_err();
    let info = tracked_breaker().info();
    assert_eq!((info.failed, info.ignored, info.alive), (1, 1, 0));
    all(ApiError::NotFound).unwrap_err();
    assert_eq!(all_breaker().info().failed, 1);
}

#[test]
fn failure_if_goes_with_the_derive() {
    let _time = fluxgate::testing::freeze();
    both(Ok(5)).unwrap();
    both(Ok(1)).unwrap();
    both(Err(ApiError::NotFound)).unwrap_err();
    let info = both_breaker().info();
    assert_eq!(
        (info.failed, info.metrics.total_count, info.alive),
        (1, 2, 1)
    );
}

#[test]
fn classify_replaces_the_derive() {
    let _time = fluxgate::testing::freeze();
    replaced(ApiError::Timeout).unwrap_err();
    let info = replaced_breaker().info();
    assert_eq!((info.failed, info.metrics.total_count), (0, 1));
}

#[circuit_breaker(handle = generic_breaker)]
fn unbounded<E: From<CallNotPermitted>>(error: E) -> Result<u8, E> {
    Err(error)
}

#[circuit_breaker(handle = bounded_breaker)]
fn bounded<E: From<CallNotPermitted> + Classify>(error: E) -> Result<u8, E> {
    Err(error)
}

#[test]
fn generics_need_the_bound() {
    let _time = fluxgate::testing::freeze();
    unbounded(ApiError::NotFound).unwrap_err();
    assert_eq!(generic_breaker().info().failed, 1);
    bounded(ApiError::NotFound).unwrap_err();
    assert_eq!(bounded_breaker().info().alive, 1);
}

type Alias<T> = Result<T, ApiError>;

#[circuit_breaker(handle = alias_breaker)]
fn behind_an_alias(fail: bool) -> Alias<impl fmt::Debug> {
    if fail { Err(ApiError::NotFound) } else { Ok(1) }
}

#[test]
fn aliases_with_impl_trait_are_seen_through() {
    let _time = fluxgate::testing::freeze();
    assert!(behind_an_alias(true).is_err());
    assert!(behind_an_alias(false).is_ok());
    assert_eq!(alias_breaker().info().alive, 1);
}

struct Panics;

impl Classify for Panics {
    fn outcome(&self) -> Outcome {
        std::panic::resume_unwind(Box::new("unwound"))
    }
}

#[circuit_breaker(handle = panics_breaker, fallback = |_| Ok(1))]
fn panics() -> Result<u8, Panics> {
    Err(Panics)
}

#[test]
fn a_panic_in_classify_is_a_failure() {
    let _time = fluxgate::testing::freeze();
    assert!(panics().is_ok());
    assert_eq!(panics_breaker().info().failed, 1);
}

#[test]
fn calls_by_hand_ask_when_they_are_told_to() -> Result<(), fluxgate::ConfigError> {
    let breaker = CircuitBreaker::builder("hand")
        .clock(ManualClock::new())
        .build()?;
    let not_found = || Err::<u8, _>(ApiError::NotFound);
    breaker.call(not_found).unwrap_err();
    breaker
        .with_classifier(Classify::outcome)
        .call(not_found)
        .unwrap_err();
    let info = breaker.info();
    assert_eq!((info.failed, info.alive), (1, 1));
    Ok(())
}

#[tokio::test]
async fn retries_need_no_second_list() {
    use backon::{ConstantBuilder, Retryable};
    let tries = std::sync::atomic::AtomicU32::new(0);
    let call = || async {
        match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Err(ApiError::Timeout),
            _ => Err::<(), _>(ApiError::NotFound),
        }
    };
    let retried = call
        .retry(ConstantBuilder::default().with_delay(Duration::ZERO))
        .sleep(|_| std::future::ready(()))
        .when(Classify::is_transient)
        .await;
    assert!(matches!(retried, Err(ApiError::NotFound)));
    assert_eq!(tries.into_inner(), 2);
}
