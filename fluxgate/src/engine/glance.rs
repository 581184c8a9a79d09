//! What the operators' page looks at every second: less than [`Info`](crate::Info), and
//! without a question to policies and listeners.

use std::{sync::Arc, time::SystemTime};

use super::Core;
use crate::{
    Reason, State,
    flight::{RulePart, TransitionRecord},
    util::duration::nanos,
};

/// A breaker at one moment.
pub(crate) struct Glance {
    pub(crate) state: State,
    pub(crate) changed_at: SystemTime,
    /// When open: why.
    pub(crate) reason: Option<Reason>,
    /// What each part of the rule reads.
    pub(crate) parts: Vec<RulePart>,
    /// How near the rule is to firing: 1 and above fires.
    pub(crate) pressure: f64,
    /// Which of the parts says most about that.
    pub(crate) leading: usize,
    /// When open: when the first probe may run, by the wall clock.
    pub(crate) next_attempt: Option<SystemTime>,
    pub(crate) probes_in_flight: usize,
    /// How many probes may be in flight.
    pub(crate) slots: u32,
    /// Calls that ran, if they are counted.
    pub(crate) calls: Option<u64>,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    /// How many calls the window holds.
    pub(crate) window: u64,
    /// The share of calls that the throttle rejects, if it rejects any.
    pub(crate) throttled: Option<f64>,
    /// The environment variable that commanded the state it began in.
    pub(crate) variable: Option<String>,
    pub(crate) last: Option<Arc<TransitionRecord>>,
}

impl Core {
    /// Looks at the breaker. No rule of the user's is asked.
    pub(crate) fn glance(&self) -> Glance {
        let now = self.clock.now();
        let mut held = self.expire_own(self.shared.lock(), now);
        let has_attention = held.word().has_attention();
        let shared = held.get();
        let changed_at = shared.changed_at;
        let last = shared.flight.last();
        let state = shared.machine.state();
        let opening = (state == State::Open).then(|| self.opening.load().at(now));
        let reason = opening.and_then(|opening| shared.reason(opening.cause()?, opening.rule()));
        let (machine, config) = (&mut shared.machine, &shared.config);
        let window = machine.totals(now).calls;
        let seen = machine.context(config, state);
        let parts = config.tripper.parts(&seen, None);
        let pressure = config.tripper.pressure(&seen);
        let leading = config.tripper.leading(&seen);
        let slots = machine.probes().limit();
        let probes_in_flight = machine.probes_in_flight(now);
        let failed = machine.failed();
        let wait = machine.wait().filter(|_| state == State::Open);
        let since = now.saturating_sub(machine.entered());
        let counted = self.listener_counters.as_ref();
        let calls = counted.and_then(|counters| {
            let lifetime = counters.lifetime(state, since);
            Some(lifetime.successes? + lifetime.failures)
        });
        self.unlock(held);
        let throttle = self.present_throttle();
        let share = throttle.map(|throttle| throttle.info(nanos(now), has_attention).share);
        let starts = last.as_ref().is_none_or(|last| last.sequence == 1);
        Glance {
            state,
            changed_at,
            reason,
            parts,
            pressure,
            leading,
            next_attempt: wait.and_then(|wait| changed_at.checked_add(wait)),
            probes_in_flight,
            slots,
            calls,
            failed,
            rejected: self.counts.rejected.get(),
            window,
            throttled: share.filter(|share| *share > 0.0),
            variable: self
                .kill_switch()
                .filter(|switch| starts && switch.state == state)
                .map(|switch| switch.variable.clone()),
            last,
        }
    }
}
