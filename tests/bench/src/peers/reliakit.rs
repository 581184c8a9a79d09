//! reliakit-circuit: the last 100 outcomes. It has neither lock nor clock; here
//! they are the standard library's.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use reliakit_circuit::RollingBreaker;

use super::WAIT;
use crate::{
    peer::Peer,
    service::{ApiError, fetch},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("reliakit-circuit 1.1.0 in a Mutex", Role::ExactPeer);

#[derive(Clone)]
struct Breaker {
    shared: Arc<Mutex<RollingBreaker<100>>>,
    origin: Instant,
}

enum Error {
    Rejected,
    /// As the other breakers' errors do, it carries the call's.
    #[allow(dead_code)]
    Failed(ApiError),
}

impl Breaker {
    fn new() -> Self {
        let wait = u64::try_from(WAIT.as_millis()).unwrap_or(u64::MAX);
        Self {
            shared: Arc::new(Mutex::new(RollingBreaker::new(50, wait))),
            origin: Instant::now(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn with<R>(&self, f: impl FnOnce(&mut RollingBreaker<100>) -> R) -> R {
        f(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Peer for Breaker {
    type Error = Error;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Error> {
        let now = self.now();
        if !self.with(|breaker| breaker.allow(now)) {
            return Err(Error::Rejected);
        }
        match fetch(request) {
            Ok(value) => {
                self.with(RollingBreaker::on_success);
                Ok(value)
            }
            Err(error) => {
                let now = self.now();
                self.with(|breaker| breaker.on_failure(now));
                Err(Error::Failed(error))
            }
        }
    }

    fn is_rejection(error: &Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

pub fn add(suite: &mut Suite) {
    suite.sync(SUBJECT, Breaker::new);
}
