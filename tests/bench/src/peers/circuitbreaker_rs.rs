//! circuitbreaker-rs: the failure rate of all calls there were, timed.

use std::future::Future;

use circuitbreaker_rs::{BreakerError, CircuitBreaker, DefaultPolicy};

use super::{STREAK, WAIT};
use crate::{
    peer::{AsyncPeer, Peer},
    service::{ApiError, fetch, fetch_async},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("circuitbreaker-rs 0.1.1", Role::Peer);

struct Breaker(CircuitBreaker<DefaultPolicy, ApiError>);

impl Clone for Breaker {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Peer for Breaker {
    type Error = BreakerError<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        self.0.call(|| fetch(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, BreakerError::Open)
    }
}

impl AsyncPeer for Breaker {
    type Error = BreakerError<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, Self::Error>> {
        self.0.call_async(move || fetch_async(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        <Self as Peer>::is_rejection(error)
    }
}

fn breaker() -> Breaker {
    Breaker(
        CircuitBreaker::<DefaultPolicy, ApiError>::builder()
            .failure_threshold(0.5)
            .min_throughput(100)
            .consecutive_failures(u64::from(STREAK))
            .cooldown(WAIT)
            .build(),
    )
}

pub fn add(suite: &mut Suite) {
    suite.sync(SUBJECT, breaker).asynchronous(SUBJECT, breaker);
}
