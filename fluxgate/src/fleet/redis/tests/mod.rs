//! The store on a server, compared with the one in memory.
//!
//! `tests/redis/run` runs them; without it there is nothing to run them on, and they say so.

mod differential;
mod measured;
mod server;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A clock in place of the server's, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now(Arc<AtomicU64>);

impl Now {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }
}
