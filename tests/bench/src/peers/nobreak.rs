//! nobreak: failures in a row, behind a mutex.

use std::{future::Future, sync::Arc};

use nobreak::{CircuitBreaker, CircuitError};

use super::{STREAK, WAIT};
use crate::{
    peer::{AsyncPeer, Peer},
    service::{ApiError, fetch, fetch_async},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("nobreak 0.1.0", Role::Peer);

#[derive(Clone)]
struct Breaker(Arc<CircuitBreaker>);

impl Peer for Breaker {
    type Error = CircuitError<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        self.0.call(|| fetch(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, CircuitError::Open)
    }
}

impl AsyncPeer for Breaker {
    type Error = CircuitError<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, Self::Error>> {
        self.0.call_async(move || fetch_async(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        <Self as Peer>::is_rejection(error)
    }
}

fn breaker() -> Breaker {
    Breaker(Arc::new(
        nobreak::builder()
            .with_failure_threshold(STREAK as usize)
            .with_open_duration(WAIT)
            .build(),
    ))
}

pub fn add(suite: &mut Suite) {
    suite.sync(SUBJECT, breaker).asynchronous(SUBJECT, breaker);
}
