//! What became of one listener's messages.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{listener::DeliveryCounts, slack::End};

#[derive(Debug, Default)]
pub(super) struct Tally {
    queued: AtomicU64,
    done: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
}

impl Tally {
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Relaxed);
    }

    pub(super) fn ended(&self, end: End) {
        match end {
            End::Succeeded => {}
            End::Failed | End::NotProcessed => {
                self.failures.fetch_add(1, Relaxed);
            }
            End::Dropped => {
                self.dropped.fetch_add(1, Relaxed);
            }
        }
        self.done.fetch_add(1, Relaxed);
    }

    pub(super) fn counts(&self) -> DeliveryCounts {
        // In this order no message is done that was not queued.
        let done = self.done.load(Relaxed);
        DeliveryCounts {
            waiting: self.queued.load(Relaxed).saturating_sub(done),
            dropped: self.dropped.load(Relaxed),
            failures: self.failures.load(Relaxed),
            ..DeliveryCounts::default()
        }
    }
}
