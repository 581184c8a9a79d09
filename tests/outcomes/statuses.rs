//! HTTP statuses, with and without `Retry-After`.

use std::time::Duration;

use fluxgate::{
    Outcome,
    http::{is_failure, outcome, outcome_of_status},
};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

#[test]
fn every_status_has_its_outcome() {
    for code in 100..1000 {
        let expected = match code {
            429 | 529 => Outcome::Overloaded,
            408 | 425 | 500..600 => Outcome::Failure,
            _ => Outcome::Success,
        };
        assert_eq!(outcome_of_status(status(code)), expected, "{code}");
        assert_eq!(is_failure(status(code)), expected != Outcome::Success);
    }
}

/// As `#[outcome(with = …)]` calls it.
#[test]
fn a_status_may_be_borrowed() {
    let borrowed = &StatusCode::BAD_GATEWAY;
    assert_eq!(outcome_of_status(borrowed), Outcome::Failure);
}

#[test]
fn retry_after_goes_with_the_class() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().expect("a header"))]);
    let wait = Duration::from_secs(7);
    let with = |code| outcome(status(code), &headers);
    assert_eq!(with(429), Outcome::OverloadedFor(wait));
    assert_eq!(with(529), Outcome::OverloadedFor(wait));
    assert_eq!(with(503), Outcome::UnavailableFor(wait));
    assert_eq!(with(301), Outcome::Success);
    assert_eq!(with(404), Outcome::Success);
    assert_eq!(outcome(status(503), &HeaderMap::new()), Outcome::Failure);
    assert_eq!(outcome(status(429), &HeaderMap::new()), Outcome::Overloaded);
}
