//! The failing service says for how long.

use std::time::{Duration, SystemTime};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Outcome, State,
    clock::ManualClock,
    http::{classify, is_failure, outcome, retry_after},
    permit::All,
    retry::{Always, Backoff, Cooldown, Never, Retry},
    tripper::FailureStreak,
};
use http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn breaker(retry: impl Retry + 'static) -> (CircuitBreaker, ManualClock) {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("busy")
        .tripper(FailureStreak::new(2))
        .retry(retry)
        .permit(All)
        .clock(clock.clone())
        .build()
        .expect("valid settings");
    (breaker, clock)
}

fn record(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker.acquire().expect("admitted").record(outcome);
}

fn wait(breaker: &CircuitBreaker) -> Option<Duration> {
    assert_eq!(breaker.state(), State::Open);
    let rejection = breaker.acquire().expect_err("open");
    assert_eq!(rejection.retry_after(), breaker.info().retry_after);
    rejection.retry_after()
}

/// The wait after two failures, the second of which asks for `asked`.
fn opened(retry: impl Retry + 'static, asked: Duration) -> Option<Duration> {
    let (breaker, _) = breaker(retry);
    record(&breaker, Outcome::Failure);
    record(&breaker, Outcome::UnavailableFor(asked));
    wait(&breaker)
}

#[test]
fn retry_after_lengthens_wait_within_policy() {
    let backoff = Backoff::new(secs(10)).max_duration(secs(200));
    assert_eq!(opened(backoff, secs(5)), Some(secs(10)));
    assert_eq!(opened(backoff, secs(90)), Some(secs(90)));
    assert_eq!(opened(backoff, Duration::MAX), Some(secs(200)));

    let cooldown = Cooldown::new(secs(60));
    assert_eq!(opened(cooldown, secs(30)), Some(secs(60)));
    assert_eq!(opened(cooldown, secs(90)), Some(secs(90)));
    assert_eq!(opened(cooldown, secs(3600)), Some(secs(300)));
    let long = Cooldown::new(secs(600));
    assert_eq!(opened(long, secs(3600)), Some(secs(600)));

    assert_eq!(opened(Never, secs(5)), None);
    // `Always` never waits: the next call is a probe.
    let (breaker, _) = breaker(Always);
    record(&breaker, Outcome::Failure);
    record(&breaker, Outcome::UnavailableFor(secs(5)));
    assert!(breaker.acquire().is_ok());
}

#[test]
fn the_last_word_counts_and_time_passes() {
    let (breaker, clock) = breaker(Backoff::new(secs(10)));
    record(&breaker, Outcome::UnavailableFor(secs(200)));
    record(&breaker, Outcome::Success);
    record(&breaker, Outcome::UnavailableFor(secs(100)));
    clock.advance(secs(30));
    // This one says nothing; what was said before still holds.
    record(&breaker, Outcome::Failure);
    assert_eq!(wait(&breaker), Some(secs(70)));
}

#[test]
fn it_holds_for_one_period() {
    let (breaker, clock) = breaker(Cooldown::new(secs(10)));
    let late = breaker.acquire().expect("closed");
    record(&breaker, Outcome::Failure);
    record(&breaker, Outcome::UnavailableFor(secs(90)));
    assert_eq!(wait(&breaker), Some(secs(90)));

    // A probe's word counts for the next opening.
    clock.advance(secs(90));
    let (one, two) = (
        breaker.acquire().expect("a probe"),
        breaker.acquire().expect("a probe"),
    );
    one.record(Outcome::UnavailableFor(secs(20)));
    two.record(Outcome::UnavailableFor(secs(40)));
    assert_eq!(wait(&breaker), Some(secs(40)));

    // That of a call of another period does not.
    clock.advance(secs(40));
    record(&breaker, Outcome::Failure);
    late.record(Outcome::UnavailableFor(secs(80)));
    record(&breaker, Outcome::Failure);
    assert_eq!(wait(&breaker), Some(secs(10)));
}

#[test]
fn classifier_sees_all_results_and_may_panic() {
    let (breaker, _) = breaker(Cooldown::new(secs(10)));
    let broken = |_: &Result<(), CallNotPermitted>| -> Outcome { panic!("on purpose") };
    assert_eq!(breaker.with_classifier(broken).call(|| Ok(())), Ok(()));
    assert_eq!(breaker.info().metrics.failure_count, 0);

    let ignoring = |result: &Result<(), &str>| match result {
        Ok(()) => Outcome::Failure,
        Err(_) => Outcome::Ignored,
    };
    let fallback = |_| Ok::<_, ()>(());
    let judged = breaker.with_classifier(ignoring);
    assert_eq!(judged.call_with_fallback(|| Err("no"), fallback), Ok(()));
    assert_eq!(
        (breaker.info().ignored, breaker.state()),
        (1, State::Closed)
    );
    for _ in 0..2 {
        assert_eq!(judged.call_with_fallback(|| Ok(()), fallback), Ok(()));
    }
    assert_eq!(breaker.state(), State::Open);
}

fn headers(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(RETRY_AFTER, value.parse().expect("a header value"))])
}

#[test]
fn statuses_and_headers() {
    for (status, fails) in [(200, false), (304, false), (404, false), (400, false)]
        .into_iter()
        .chain([
            (408, true),
            (429, true),
            (500, true),
            (503, true),
            (599, true),
        ])
    {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(is_failure(status), fails, "{status}");
    }
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(outcome(unavailable, &HeaderMap::new()), Outcome::Failure);
    assert_eq!(
        outcome(unavailable, &headers("7")),
        Outcome::UnavailableFor(secs(7))
    );
    // Redirects and 201 may carry the header, too.
    assert_eq!(outcome(StatusCode::OK, &headers("7")), Outcome::Success);

    assert_eq!(retry_after(&headers("0")), Some(secs(0)));
    assert_eq!(retry_after(&headers(" 120 ")), Some(secs(120)));
    let many = "9".repeat(40);
    assert_eq!(retry_after(&headers(&many)), Some(secs(u64::MAX)));
    for wrong in ["", "-5", "1.5", "soon", "12 s"] {
        assert_eq!(retry_after(&headers(wrong)), None, "{wrong:?}");
    }
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(retry_after(&headers(past)), Some(Duration::ZERO));
    let soon = httpdate::fmt_http_date(SystemTime::now() + secs(1000));
    let wait = retry_after(&headers(&soon)).expect("a date");
    assert!(wait > secs(900) && wait <= secs(1000), "{wait:?}");
}

#[test]
fn rejections_become_responses() {
    let (breaker, clock) = breaker(Cooldown::new(secs(60)));
    let seconds = |breaker: &CircuitBreaker| {
        let response = Response::<String>::from(breaker.acquire().expect_err("open"));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.body(), "");
        let value = response.headers().get(RETRY_AFTER)?;
        Some(value.to_str().expect("digits").to_owned())
    };
    for _ in 0..2 {
        let judged = breaker.with_classifier(classify::<(), CallNotPermitted>);
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        assert!(judged.call(|| Ok(response)).is_ok());
    }
    assert_eq!(seconds(&breaker).as_deref(), Some("60"));
    clock.advance(Duration::from_millis(500));
    assert_eq!(seconds(&breaker).as_deref(), Some("60"), "rounded up");
    clock.advance(Duration::from_millis(59_400));
    assert_eq!(seconds(&breaker).as_deref(), Some("1"));
    breaker.force_open();
    assert_eq!(seconds(&breaker), None, "it is unknown");
}
