//! failsafe: failures in a row, or a moving average of the success rate.

use std::{future::Future, time::Duration};

use failsafe::{
    CircuitBreaker, Config, Error, FailurePolicy, StateMachine,
    backoff::{self, Constant},
    failure_policy::{self, ConsecutiveFailures, SuccessRateOverTimeWindow},
    futures,
};

use super::{STREAK, WAIT};
use crate::{
    peer::{self, AsyncPeer, Peer},
    service::{ApiError, Traffic, fetch, fetch_async},
    suite::{Case, Role, Subject, Suite},
};

const CONSECUTIVE: Subject = Subject::new("failsafe 1.3.0, consecutive", Role::Peer);
const RATE: Subject = Subject::new("failsafe 1.3.0, rate", Role::Peer);

struct Breaker<P>(StateMachine<P, ()>);

impl<P> Clone for Breaker<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: FailurePolicy + Send + Sync + 'static> Peer for Breaker<P> {
    type Error = Error<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Self::Error> {
        CircuitBreaker::call(&self.0, || fetch(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

#[derive(Clone)]
struct Async(Breaker<ConsecutiveFailures<Constant>>);

impl AsyncPeer for Async {
    type Error = Error<ApiError>;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, Self::Error>> {
        futures::CircuitBreaker::call(&self.0.0, fetch_async(request))
    }

    fn is_rejection(error: &Self::Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

fn consecutive() -> Breaker<ConsecutiveFailures<Constant>> {
    let policy = failure_policy::consecutive_failures(STREAK, backoff::constant(WAIT));
    Breaker(Config::new().failure_policy(policy).build())
}

fn rate() -> Breaker<SuccessRateOverTimeWindow<Constant>> {
    let window = Duration::from_mins(1);
    let backoff = backoff::constant(WAIT);
    let policy = failure_policy::success_rate_over_time_window(0.5, 100, window, backoff);
    Breaker(Config::new().failure_policy(policy).build())
}

pub fn add(suite: &mut Suite) {
    suite
        .sync(CONSECUTIVE, consecutive)
        .asynchronous(CONSECUTIVE, || Async(consecutive()));
    // Its first failures trip it or none does: only healthy traffic compares.
    suite
        .healthy(RATE, rate)
        .add(Case::Timed, RATE, || peer::closed(rate(), Traffic::Healthy));
}
