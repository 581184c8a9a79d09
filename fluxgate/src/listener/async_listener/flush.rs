//! Waiting until what was told has been delivered.

use std::time::{Duration, Instant};

use crate::{listener::async_listener::executor, util::pending};

/// Waits until every async listener of the process has handled the signals sent before
/// this call, for at most `timeout`. Returns whether they all have.
///
/// For the end of a program, whose background thread ends with it, and for tests. It
/// blocks: in async code call it from a blocking task. An async listener that calls it
/// waits for itself, and gets `false` at once; so does a process forked from the one
/// that delivers.
#[must_use = "whether all was delivered"]
pub fn flush(timeout: Duration) -> bool {
    if executor::is_current() || executor::is_orphaned() {
        return false;
    }
    let until = Instant::now().checked_add(timeout);
    pending::all().iter().all(|pending| pending.wait(until))
}
