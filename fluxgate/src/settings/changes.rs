//! What is set by hand.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use super::key::Key;
use crate::{
    OnCancel, SlowProbes, engine::policies::Policies, permit::Permit, retry::Retry,
    throttle::Adaptive, tripper::Rule, window::AnyWindow,
};

/// What [`CircuitBreaker::reconfigure`](crate::CircuitBreaker::reconfigure) sets. Its methods
/// are those of [`Builder`](crate::Builder), with the same ranges.
#[must_use = "what was set is given back to `reconfigure`"]
pub struct Changes {
    pub(super) policies: Policies,
    pub(super) keys: BTreeSet<Key>,
}

impl Changes {
    pub(super) fn new(code: Policies) -> Self {
        Self {
            policies: code,
            keys: BTreeSet::new(),
        }
    }

    fn set(mut self, key: Key, set: impl FnOnce(&mut Policies)) -> Self {
        set(&mut self.policies);
        self.keys.insert(key);
        self
    }

    /// Sets which recorded calls still count.
    pub fn window(self, window: impl Into<AnyWindow>) -> Self {
        self.set(Key::Window, |policies| policies.window = window.into())
    }

    /// Sets when the circuit opens.
    pub fn tripper(self, tripper: impl Into<Rule>) -> Self {
        self.set(Key::Tripper, |policies| policies.tripper = tripper.into())
    }

    /// Sets when an open circuit may be probed. One that is open waits as long as the policy
    /// says of its opening, but no longer than before, and no shorter than the dependency
    /// or a command asked for.
    pub fn retry(self, retry: impl Retry + 'static) -> Self {
        self.set(Key::Retry, |policies| policies.retry = Arc::new(retry))
    }

    /// Sets which calls become probes.
    pub fn permit(self, permit: impl Permit + 'static) -> Self {
        self.set(Key::Permit, |policies| policies.permit = Arc::new(permit))
    }

    /// Sets how many probes may be in flight at once, at least 1.
    pub fn max_half_open_calls(self, calls: u32) -> Self {
        self.set(Key::MaxHalfOpenCalls, |policies| {
            policies.max_half_open_calls = calls;
        })
    }

    /// Sets how many probes in a row must succeed to close, at least 1.
    pub fn close_after(self, successes: u64) -> Self {
        self.set(Key::CloseAfter, |policies| policies.close_after = successes)
    }

    /// Sets how many failed probes in a row reopen at once, at least 1.
    pub fn reopen_after(self, failures: u64) -> Self {
        self.set(Key::ReopenAfter, |policies| {
            policies.reopen_after = Some(failures);
        })
    }

    /// Sets how long a probe holds its slot at most, above zero.
    pub fn probe_lease(self, lease: Duration) -> Self {
        self.set(Key::ProbeLease, |policies| policies.probe_lease = lease)
    }

    /// Sets what a call dropped before its end counts as.
    pub fn on_cancel(self, on_cancel: OnCancel) -> Self {
        self.set(Key::OnCancel, |policies| policies.on_cancel = on_cancel)
    }

    /// Sets what a slow probe counts as that succeeded.
    pub fn slow_probes(self, slow_probes: SlowProbes) -> Self {
        self.set(Key::SlowProbes, |policies| {
            policies.slow_probes = slow_probes;
        })
    }

    /// Sets how overload is answered.
    pub fn throttle(self, throttle: Adaptive) -> Self {
        self.set(Key::Throttle, |policies| policies.throttle = Some(throttle))
    }

    /// Sets whether durations are measured and kept even when no rule reads them.
    pub fn durations(self, durations: bool) -> Self {
        self.set(Key::Durations, |policies| policies.durations = durations)
    }

    /// Sets how many transitions the [flight recorder](crate::flight) keeps, at most 1024.
    pub fn flight_recorder(self, transitions: usize) -> Self {
        self.set(Key::FlightRecorder, |policies| {
            policies.flight = transitions;
        })
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter().map(|key| key.name());
        f.debug_set().entries(keys).finish()
    }
}
