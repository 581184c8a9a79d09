//! seatbelt: a failure rate over the last 30 seconds. Async only.

use std::future::Future;

use layered::{Execute, Service, Stack};
use seatbelt::{RecoveryInfo, ResilienceContext, breaker::Breaker};
use tick::Clock;

use super::WAIT;
use crate::{
    peer::{self, AsyncPeer},
    runtime::RUNTIME,
    service::{ApiError, Traffic, fetch_async},
    suite::{Case, Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("seatbelt 0.11.0 (async)", Role::Peer);

#[derive(Clone)]
struct Layered<S>(S);

impl<S> AsyncPeer for Layered<S>
where
    S: Service<u64, Out = Result<u64, ApiError>> + Clone + 'static,
{
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, ApiError>> {
        self.0.execute(request)
    }

    fn is_rejection(error: &ApiError) -> bool {
        matches!(error, ApiError::Unavailable { .. })
    }
}

fn breaker() -> impl AsyncPeer {
    // The clock starts a task for its timers.
    let _entered = RUNTIME.enter();
    let context = ResilienceContext::new(Clock::new_tokio());
    let layer = Breaker::layer("bench", &context)
        .recovery_with(|result: &Result<u64, ApiError>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| ApiError::Unavailable { retry_after: None })
        .failure_threshold(0.5)
        .min_throughput(100)
        .break_duration(WAIT);
    Layered((layer, Execute::new(fetch_async)).into_service())
}

pub fn add(suite: &mut Suite) {
    suite.only_async(SUBJECT, breaker);
    suite.add(Case::Timed, SUBJECT, || {
        peer::closed_async(breaker(), Traffic::Healthy)
    });
}
