//! Waiting until what was told has been delivered.

use std::{
    sync::{Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::listener::async_listener::executor;

/// Waits until every async listener of the process has dealt with the signals
/// that it was told of before this call, for `timeout` at the most. Whether it
/// came to that.
///
/// For the end of a program, whose background thread ends with it, and for
/// tests. It blocks: in async code call it from a blocking task. An async
/// listener that calls it waits for itself, and is told `false` at once; so is a
/// process forked from the one that delivers.
#[must_use = "whether all was delivered"]
pub fn flush(timeout: Duration) -> bool {
    if executor::is_current() || executor::is_orphaned() {
        return false;
    }
    let until = Instant::now().checked_add(timeout);
    let all: Vec<_> = {
        let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.iter().filter_map(Weak::upgrade).collect()
    };
    all.iter().all(|pending| pending.wait(until))
}

/// Something that delivers later than it is told.
pub(crate) trait Pending: Send + Sync {
    /// Waits until what it was told before this call is done with. Whether it
    /// was so in time; `None` is for ever.
    fn wait(&self, until: Option<Instant>) -> bool;
}

static WATCHED: Mutex<Vec<Weak<dyn Pending>>> = Mutex::new(Vec::new());

/// Makes [`flush`] wait for it, too.
pub(crate) fn watch(pending: Weak<dyn Pending>) {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    // Before the list would grow: what is dropped leaves.
    if watched.len() == watched.capacity() {
        watched.retain(|weak| weak.strong_count() > 0);
    }
    watched.push(pending);
}
