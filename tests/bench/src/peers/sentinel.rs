//! sentinel-core: the error ratio of the last ten seconds, by resource name.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sentinel_core::{
    EntryBuilder,
    circuitbreaker::{BreakerStrategy, Rule, append_rule},
};

use super::WAIT;
use crate::{
    peer::Peer,
    service::{ApiError, fetch},
    suite::{Role, Subject, Suite},
};

const SUBJECT: Subject = Subject::new("sentinel-core 0.1.3", Role::Peer);

#[derive(Clone)]
struct Resource(Arc<str>);

enum Error {
    Rejected,
    /// As the other breakers' errors do, it carries the call's.
    #[allow(dead_code)]
    Failed(ApiError),
}

impl Resource {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("bench {}", NEXT.fetch_add(1, Ordering::Relaxed));
        append_rule(Arc::new(Rule {
            resource: name.clone(),
            strategy: BreakerStrategy::ErrorRatio,
            threshold: 0.5,
            min_request_amount: 100,
            stat_interval_ms: 10_000,
            stat_sliding_window_bucket_count: 10,
            retry_timeout_ms: u32::try_from(WAIT.as_millis()).unwrap_or(u32::MAX),
            ..Rule::default()
        }));
        Self(name.into())
    }
}

impl Peer for Resource {
    type Error = Error;

    fn get(&mut self, request: u64) -> Result<u64, Error> {
        let Ok(entry) = EntryBuilder::new(self.0.to_string()).build() else {
            return Err(Error::Rejected);
        };
        let result = fetch(request).map_err(|error| {
            entry.set_err(sentinel_core::Error::msg("failed"));
            Error::Failed(error)
        });
        entry.exit();
        result
    }

    fn is_rejection(error: &Error) -> bool {
        matches!(error, Error::Rejected)
    }
}

pub fn add(suite: &mut Suite) {
    suite.sync(SUBJECT, Resource::new);
}
