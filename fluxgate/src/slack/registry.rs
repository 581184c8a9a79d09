//! The deliveries of this process.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use super::{Delivery, DeliveryPolicy, Error, Token, queue::QueueShared};
use crate::util::pending::{Pending, watch};

struct Engines {
    /// Every delivery there is.
    all: Vec<Weak<QueueShared>>,
    /// Those that are shared, for as long as the process lives.
    shared: Vec<(String, Token, Delivery)>,
}

impl Engines {
    fn find(&mut self, url: &str, token: &Token) -> Option<Delivery> {
        self.shared.retain(|(.., delivery)| delivery.is_open());
        let mut known = self
            .shared
            .iter()
            .filter(|(u, t, _)| u == url && t == token);
        known.next().map(|(.., delivery)| delivery.clone())
    }
}

static ENGINES: Mutex<Engines> = Mutex::new(Engines {
    all: Vec::new(),
    shared: Vec::new(),
});

fn with<R>(f: impl FnOnce(&mut Engines) -> R) -> R {
    f(&mut ENGINES.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn enter(shared: &Arc<QueueShared>) {
    let weak: Weak<QueueShared> = Arc::downgrade(shared);
    watch(weak);
    with(|engines| {
        // Before the list would grow: what is dropped leaves.
        if engines.all.len() == engines.all.capacity() {
            engines.all.retain(|weak| weak.strong_count() > 0);
        }
        engines.all.push(Arc::downgrade(shared));
    });
}

pub(super) fn shared(url: &str, token: &Token, policy: &DeliveryPolicy) -> Result<Delivery, Error> {
    let mut found = with(|engines| engines.find(url, token));
    if found.is_none() {
        // Built outside the lock: it reads certificates from the disk.
        let built = Delivery::start(url, token, policy)?;
        found = with(|engines| {
            let known = engines.find(url, token);
            if known.is_none() {
                let entry = (url.to_owned(), token.clone(), built.clone());
                engines.shared.push(entry);
            }
            known.or(Some(built))
        });
    }
    found
        .filter(|found| found.policy() == policy)
        .ok_or(Error::PolicyConflict)
}

/// The result of a flush or a shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushReport {
    /// Messages that were neither delivered nor given up in time.
    pub left: usize,
}

/// Returns every delivery of this process.
pub(super) fn all() -> Vec<Arc<QueueShared>> {
    with(|engines| engines.all.iter().filter_map(Weak::upgrade).collect())
}

/// Shuts down every delivery of this process as [`Delivery::shutdown`] does.
/// Blocks the thread.
#[expect(clippy::must_use_candidate, reason = "the report may well be ignored")]
pub fn shutdown_all(within: Duration) -> FlushReport {
    let started = Instant::now();
    let all = all();
    for shared in &all {
        shared.close(Some(within));
    }
    let join = |shared: &Arc<QueueShared>| {
        let time_left = within.saturating_sub(started.elapsed());
        shared.join(Some(time_left)).left
    };
    FlushReport {
        left: all.iter().map(join).sum(),
    }
}

/// Shuts every delivery of this process down when it is dropped, waiting for
/// `within` at the most: breakers in statics are never dropped, so that `main`
/// has to hold this for the last messages to get through.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::slack::FlushGuard;
///
/// fn main() {
///     let _flush = FlushGuard::new(Duration::from_secs(5));
///     // … the program …
/// }
/// ```
#[derive(Debug)]
#[must_use = "it shuts down when dropped, which is at once unless it is bound to a name"]
pub struct FlushGuard {
    within: Duration,
}

impl FlushGuard {
    /// Creates a guard that waits at most this long.
    pub const fn new(within: Duration) -> Self {
        Self { within }
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        shutdown_all(self.within);
    }
}

/// So that `listener::flush` waits for it.
impl Pending for QueueShared {
    fn wait(&self, until: Option<Instant>) -> bool {
        self.flush(until).left == 0
    }
}
