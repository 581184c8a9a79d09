//! What a breaker counts over its life.

// Not loom's, even when the interleavings are explored: nothing is decided by
// a count.
use std::sync::atomic::{AtomicU64, Ordering};

/// Totals that only ever go up, and that survive transitions.
#[derive(Debug, Default)]
pub(crate) struct CallCounters {
    pub(crate) rejected: Count,
    pub(crate) ignored: Count,
    pub(crate) alive: Count,
    pub(crate) overloaded: Count,
    pub(crate) cancelled: Count,
    pub(crate) panicked: Count,
    pub(crate) lost_probes: Count,
    pub(crate) late: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl CallCounters {
    /// As if new, between two tests.
    pub(crate) fn clear(&self) {
        let Self {
            rejected,
            ignored,
            alive,
            overloaded,
            cancelled,
            panicked,
            lost_probes,
            late,
        } = self;
        rejected.clear();
        ignored.clear();
        alive.clear();
        overloaded.clear();
        cancelled.clear();
        panicked.clear();
        lost_probes.clear();
        late.clear();
    }
}
