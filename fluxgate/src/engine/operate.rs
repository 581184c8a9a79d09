//! What operators do: command and look.

use std::{sync::Arc, time::Duration};

use crate::engine::{Core, choice::Choice, config::ConfigRef, transition::word_of};
use crate::{
    Command, Info, SettingsInfo, State,
    flight::{FlightRecord, Trigger},
    info::{kill_switch::Environment, metrics::Metrics},
    random::Seeded,
    throttle::Throttle,
    util::duration::nanos,
};

impl Core {
    /// Obeys a manual command: goes to the state, also if it is the present one.
    pub(crate) fn command(&self, command: Command, by: Option<&Arc<str>>) {
        match command {
            Command::Open => self.open(None, by),
            _ => self.obey(command, by),
        }
    }

    /// Opens the circuit by hand, for `wait`, or as long as the retry policy says.
    pub(crate) fn open(&self, wait: Option<Duration>, by: Option<&Arc<str>>) {
        let now = self.clock.now();
        let mut held = self.expire_own(self.shared.lock(), now);
        let machine = &mut held.get().machine;
        machine.totals(now);
        let opening = machine.opening();
        self.unlock(held);
        let entry = self.entry_to_open(wait, opening, Trigger::Command);
        let entry = entry.by(by);
        let mut held = self.shared.lock();
        held.get().holders.obey(Command::Open);
        self.enter(&mut held, entry);
        self.unlock(held);
    }

    /// Makes the breaker as new, for the next test: in the state that it began in or
    /// that the environment commands, with nothing recorded, nothing counted, and
    /// random numbers by this seed. Calls in flight no longer count.
    pub(crate) fn renew(&self, random: Seeded) {
        let now = self.clock.now();
        self.shared.lock().get().holders.local = None;
        let entry = self.entry_to_start();
        self.random.renew(random);
        let mut held = self.shared.lock();
        if let Some(throttle) = self.throttle.get() {
            throttle.clear();
            // What is entered below would take it over.
            let word = held.word().calm();
            held.set_word(word);
        }
        let shared = held.get();
        shared.machine.forget_failed();
        match entry {
            None if shared.machine.state() == State::Closed => {
                shared.machine.renew(now);
                let word = word_of(&shared.machine, &shared.config);
                held.set_word(word);
            }
            entry => {
                let entry =
                    entry.unwrap_or_else(|| self.entry_at(State::Closed, Trigger::Start, now));
                self.enter(&mut held, entry);
            }
        }
        let shared = held.get();
        shared.outbox.clear();
        shared.flight.clear();
        self.unlock(held);
        if let Some(failures) = self.failures.get() {
            failures.clear();
        }
        self.counts.clear();
        if let Some(choice) = self.choice.get() {
            choice.clear();
        }
        self.listeners.clear();
        if let Some(listener_counters) = &self.listener_counters {
            listener_counters.clear();
        }
    }

    /// Returns how near the rule is to firing: 1 fires.
    #[cfg(feature = "sim")]
    pub(crate) fn pressure(&self) -> f64 {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let shared = held.get();
        shared.machine.pressure(&shared.config, now)
    }

    pub(crate) fn info(&self) -> Info {
        let now = self.clock.now();
        let mut held = self.expire_own(self.shared.lock(), now);
        let has_attention = held.word().has_attention();
        let throttle = self.present_throttle();
        let throttle = throttle.map(|throttle| throttle.info(nanos(now), has_attention));
        let shared = held.get();
        let changed_at = shared.changed_at;
        let transitions = shared.flight.all();
        let (waiting, merged) = (shared.outbox.waiting(), shared.outbox.merged());
        let held_by = self.held_by(shared.holders);
        let state = shared.machine.state();
        let opening = (state == State::Open).then(|| self.opening.load().at(now));
        let opened_by = opening.and_then(|opening| shared.config_by(opening.rule()));
        let opened_by = ConfigRef::new(opened_by.unwrap_or(&shared.config));
        let config = ConfigRef::new(&shared.config);
        let machine = &mut shared.machine;
        let totals = machine.totals(now);
        let metrics = Metrics::new(totals, &config.thresholds, config.durations);
        let opened_with = machine
            .opened_with()
            .map(|totals| Metrics::new(totals, &opened_by.thresholds, opened_by.durations));
        let window = machine.window().to_string();
        let probe_lease = Duration::from_nanos(machine.probes().lease());
        let max_half_open_calls = machine.probes().limit();
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
                .and_then(|cause| opened_by.reason(cause)),
            probes_in_flight: machine.probes_in_flight(now),
            rejected: self.counts.rejected.get(),
            would_have_opened: machine.would_have_opened(),
            throttled: self.counts.throttled.get(),
            throttle,
            #[cfg(feature = "fleet")]
            fleet: self.fleet().map(super::fleet::FleetMember::info),
            passed_over: self.choice.get().map_or(0, Choice::passed_over),
            early_probes: self.choice.get().map_or(0, Choice::early_probes),
            failed: machine.failed(),
            overloaded: self.counts.overloaded.get(),
            alive: self.counts.alive.get(),
            ignored: self.counts.ignored.get(),
            cancelled: self.counts.cancelled.get(),
            panicked: self.counts.panicked.get(),
            lost_probes: self.counts.lost_probes.get() + machine.overdue_probes(now),
            late: self.counts.late.get(),
            lifetime: self
                .listener_counters
                .as_ref()
                .map(|listener_counters| listener_counters.lifetime(state, since)),
            settings: SettingsInfo {
                window,
                max_half_open_calls,
                probe_lease,
                ..SettingsInfo::default()
            },
            variable: Environment::variable(self.environment.as_deref(), &self.name),
            held: held_by,
            kill_switch: self.kill_switch().cloned(),
            listener_failures: 0,
            listeners: Vec::new(),
            missing_listeners: Vec::new(),
            flight: FlightRecord {
                transitions,
                ..FlightRecord::default()
            },
        };
        self.unlock(held);
        if let Some(failures) = self.failures.get() {
            (info.flight.failures, info.flight.failures_dropped) = failures.all();
        }
        // Policies and listeners are asked without the lock.
        config.describe(&mut info.settings);
        #[cfg(feature = "settings")]
        {
            (info.settings.from, info.settings.refused) = self.overlay.info();
        }
        let throttle = self.present_throttle();
        let throttle = throttle.and_then(Throttle::settings);
        info.settings.throttle = throttle.map(|settings| settings.to_string());
        (info.listeners, info.missing_listeners) = self.listeners.info(waiting, merged);
        info.listener_failures = info
            .listeners
            .iter()
            .fold(0, |sum, each| each.failures.saturating_add(sum));
        info
    }
}
