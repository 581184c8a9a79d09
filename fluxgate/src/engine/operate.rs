//! What operators do: command and look.

use std::time::Duration;

use crate::engine::Core;
use crate::{
    Info, SettingsInfo, State,
    info::{kill_switch::Environment, metrics::Metrics},
    random::Seeded,
    sources::RandomSource,
};

impl Core {
    /// A manual command: goes to the state, also if it is the present one.
    pub(crate) fn command(&self, state: State) {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        self.enter(&mut held, state.into(), now);
        self.unlock(held);
    }

    /// Makes the breaker as new, for the next test: closed, or in the state that
    /// the environment commands, with nothing recorded, nothing counted, and
    /// random numbers by this seed. Calls in flight no longer count.
    pub(crate) fn renew(&self, random: Seeded) {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let shared = held.get();
        shared.machine.forget_failed();
        if let RandomSource::Seeded(seeded) = &mut shared.random {
            *seeded = random;
        }
        let start = self
            .commanded()
            .map_or(State::Closed, |switch| switch.state);
        if shared.machine.state() == State::Closed && start == State::Closed {
            shared.machine.renew(now);
            let word = self.word_of(&shared.machine);
            held.set_word(word);
        } else {
            self.enter(&mut held, start.into(), now);
        }
        self.unlock(held);
        self.counts.clear();
        self.listeners.clear();
        if let Some(tally) = &self.tally {
            tally.clear();
        }
    }

    /// Returns how near the rule is to firing: 1 fires.
    #[cfg(feature = "sim")]
    pub(crate) fn pressure(&self) -> f64 {
        let now = self.clock.now();
        self.shared.lock().get().machine.pressure(&self.policy, now)
    }

    pub(crate) fn info(&self) -> Info {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let shared = held.get();
        let changed_at = shared.changed_at;
        let machine = &mut shared.machine;
        let state = machine.state();
        let totals = machine.totals(now);
        let metrics = Metrics::new(totals, &self.policy.thresholds, self.policy.durations);
        let opened_with = machine
            .opened_with()
            .map(|totals| Metrics::new(totals, &self.policy.thresholds, self.policy.durations));
        let window = machine.window().to_string();
        let probe_lease = Duration::from_nanos(machine.probes().lease());
        let max_half_open_calls = machine.probes().limit();
        let opening = (state == State::Open).then(|| self.published.load().at(now));
        let since = now.saturating_sub(machine.entered());
        let mut info = Info {
            name: self.name.clone(),
            state,
            changed_at,
            reopens: machine.reopens(),
            failure_streak: machine.streak(),
            metrics,
            opened_with,
            retry_after: opening.and_then(|opening| opening.wait()),
            reason: opening
                .and_then(|opening| opening.cause())
                .and_then(|cause| self.policy.reason(cause)),
            probes_in_flight: machine.probes_in_flight(now),
            rejected: self.counts.rejected.get(),
            failed: machine.failed(),
            overloaded: self.counts.overloaded.get(),
            alive: self.counts.alive.get(),
            ignored: self.counts.ignored.get(),
            cancelled: self.counts.cancelled.get(),
            panicked: self.counts.panicked.get(),
            lost_probes: self.counts.lost_probes.get() + machine.overdue_probes(now),
            late: self.counts.late.get(),
            lifetime: self
                .tally
                .as_ref()
                .map(|tally| tally.lifetime(state, since)),
            settings: SettingsInfo {
                window,
                probe_lease,
                max_half_open_calls,
                ..SettingsInfo::default()
            },
            variable: Environment::variable(self.environment.as_deref(), &self.name),
            kill_switch: self.kill_switch().cloned(),
            listener_failures: 0,
            listeners: Vec::new(),
            missing_listeners: Vec::new(),
        };
        drop(held);
        // Policies and listeners are asked without the lock.
        self.policy.describe(&mut info.settings);
        (info.listeners, info.missing_listeners) = self.listeners.info();
        info.listener_failures = info.listeners.iter().map(|each| each.failures).sum();
        info
    }
}
