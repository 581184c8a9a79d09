//! What choosing keeps of one breaker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{gate::Gate, waiters::Waiters};

/// Made when a breaker is first passed over, probed early or waited for: others
/// hold an empty pointer.
#[derive(Default)]
pub(crate) struct Choice {
    passed_over: AtomicU64,
    early_probes: AtomicU64,
    pub(crate) gate: Gate,
    pub(crate) waiters: Waiters,
}

impl Choice {
    pub(crate) fn pass_over(&self) {
        self.passed_over.fetch_add(1, Relaxed);
    }

    pub(crate) fn probe_early(&self) {
        self.early_probes.fetch_add(1, Relaxed);
    }

    /// Returns how often another breaker was asked since this one did not admit.
    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over.load(Relaxed)
    }

    pub(crate) fn early_probes(&self) -> u64 {
        self.early_probes.load(Relaxed)
    }

    /// Forgets what was counted, and when the last early probe began.
    pub(crate) fn clear(&self) {
        self.passed_over.store(0, Relaxed);
        self.early_probes.store(0, Relaxed);
        self.gate.forget();
    }
}
