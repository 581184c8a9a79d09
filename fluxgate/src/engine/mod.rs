//! The breaker behind the handle: one admit and one settle around the pure
//! machine, and the delivery of what they cause.

mod admit;
pub(crate) mod clock_source;
pub(crate) mod config;
mod counters;
mod early;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod opening;
mod operate;
mod outbox;
pub(crate) mod own_window;
pub(crate) mod probes;
pub(crate) mod random_source;
mod ready;
#[cfg(feature = "keyed")]
pub(crate) mod retire;
mod settle;
mod sharded;
pub(crate) mod state_word;
pub(crate) mod sync;
#[cfg(test)]
mod tests;
pub(crate) mod ticket;
mod transition;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    time::SystemTime,
};

use once_cell::race::{OnceBox, OnceRef};

use crate::{
    CircuitBreaker, KillSwitch, Name, OnCancel, State,
    choose::side::Choice,
    clock::SystemClock,
    diagnostics,
    engine::{clock_source::ClockSource, random_source::RandomSource},
    info::kill_switch::Environment,
    listener::ListenerSet,
    retry::Opening,
    util::duration::nanos,
};
use config::Config;
use counters::{CallCounters, ListenerCounters};
use lock::Locked;
use machine::Machine;
use opening::OpeningSeqLock;
use outbox::Outbox;
use state_word::StateWord;
use ticket::{Ended, Ticket};
use transition::Entry;

// In this order: first what rejections read, last what they write, so that on two
// cores they share no cache line but the counter's. Each flag is a question of
// its own, answered once when the breaker is built.
#[allow(clippy::struct_excessive_bools)]
#[repr(C)]
pub(crate) struct Core {
    opening: OpeningSeqLock,
    clock: ClockSource,
    /// The handle of a breaker that is never dropped.
    pub(crate) eternal: OnceRef<'static, CircuitBreaker>,
    /// What listeners want counted.
    listener_counters: Option<Box<ListenerCounters>>,
    shared: Locked<Shared>,
    pub(crate) config: Config,
    /// The lowest threshold of slowness, in nanoseconds; beyond all time if there
    /// is none.
    slow: u64,
    /// Whether calls are timed, and whether their beginning is stamped.
    needs_elapsed: bool,
    needs_start: bool,
    /// Whether the calls of the closed state are registered while they run.
    tracks_in_flight: bool,
    /// Whether recording needs the time.
    window_needs_time: bool,
    /// Whether the window is the user's own.
    own_window: bool,
    /// Neither of these, and nobody counts every call: in the closed state no
    /// clock is read, and a success may pass unseen.
    has_fast_path: bool,
    pub(crate) name: Name,
    listeners: ListenerSet,
    environment: Option<Box<Environment>>,
    random: RandomSource,
    /// What choosing among breakers keeps of this one, once it is chosen among or
    /// waited for.
    choice: OnceBox<Choice>,
    /// The state that it begins in, unless the environment commands another.
    initial_state: State,
    counts: CallCounters,
}

// A panic in a protected call is settled, and leaves no broken state behind.
impl UnwindSafe for Core {}
impl RefUnwindSafe for Core {}

/// What the lock guards.
struct Shared {
    machine: Machine,
    changed_at: SystemTime,
    sequence: u64,
    outbox: Outbox,
    /// Whether a state was entered since the lock was last let go with
    /// [`Core::unlock`].
    has_changed: bool,
}

pub(crate) struct Parts {
    pub(crate) name: Name,
    pub(crate) config: Config,
    pub(crate) machine: Machine,
    pub(crate) clock: ClockSource,
    pub(crate) random: RandomSource,
    pub(crate) listeners: ListenerSet,
    pub(crate) environment: Environment,
    /// Whether recording needs the time.
    pub(crate) window_needs_time: bool,
    pub(crate) initial_state: State,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            name,
            config,
            machine,
            clock,
            random,
            listeners,
            environment,
            window_needs_time,
            initial_state,
        } = parts;
        let listener_counters = ListenerCounters::new(listeners.reads());
        let needs_elapsed = config.durations || !config.thresholds.is_empty();
        let slow = config
            .thresholds
            .first()
            .map_or(u64::MAX, |slow| nanos(*slow));
        let tracks_in_flight = machine.tracks_in_flight();
        let own_window = machine.has_own_window();
        let needs_start = needs_elapsed
            || tracks_in_flight
            || matches!(config.on_cancel, OnCancel::FailAfter(_))
            || listener_counters
                .as_ref()
                .is_some_and(|listener_counters| listener_counters.needs_elapsed());
        let watched = listener_counters
            .as_ref()
            .is_some_and(|listener_counters| listener_counters.counts_every_call());
        let has_fast_path = !needs_start && !window_needs_time && !watched;
        let word = StateWord::new(machine.state(), machine.generation(), false, has_fast_path);
        let changed_at = clock.wall();
        Self {
            shared: Locked::new(
                word,
                Shared {
                    machine,
                    changed_at,
                    sequence: 0,
                    outbox: Outbox::new(!listeners.is_empty()),
                    has_changed: false,
                },
            ),
            opening: OpeningSeqLock::new(),
            name,
            config,
            clock,
            random,
            listeners,
            environment: (!environment.is_empty()).then(|| Box::new(environment)),
            eternal: OnceRef::new(),
            slow,
            needs_elapsed,
            needs_start,
            tracks_in_flight,
            window_needs_time,
            own_window,
            has_fast_path,
            choice: OnceBox::new(),
            initial_state,
            counts: CallCounters::default(),
            listener_counters,
        }
    }

    /// What the environment commands, if it is not what a breaker begins with.
    fn kill_switch_state(&self) -> Option<&KillSwitch> {
        self.kill_switch()
            .filter(|switch| switch.state != State::Closed)
    }

    /// What the environment commands; nothing while a test has the time frozen.
    fn kill_switch(&self) -> Option<&KillSwitch> {
        let switch = self.environment.as_deref()?.switch.as_ref();
        switch.filter(|_| !SystemClock::is_replaced())
    }

    /// Returns the state that the breaker begins in.
    fn start(&self) -> State {
        self.kill_switch()
            .map_or(self.initial_state, |switch| switch.state)
    }

    /// Asks what has to be asked before the breaker begins in its state; `None` if
    /// that is `Closed`.
    fn entry_to_start(&self) -> Option<Entry> {
        match self.start() {
            State::Closed => None,
            State::Open => Some(self.entry_to_open(None, Opening::new(0))),
            state => Some(self.entry(state)),
        }
    }

    /// Enters the initial state, or the one that the environment commands, and
    /// leaves it to `announce` to tell the listeners: this runs while the cell of a
    /// static is being filled, and listeners may use that static.
    pub(crate) fn apply_kill_switch(&self) {
        if let Some(entry) = self.entry_to_start() {
            self.enter(&mut self.shared.lock(), entry);
        }
    }

    /// Reports the listeners that are missing, and what the environment
    /// commanded.
    pub(crate) fn announce(&self) {
        self.listeners.report(&self.name);
        if let Some(switch) = self.kill_switch_state() {
            diagnostics::kill_switch(&self.name, switch);
        }
        if self.start() != State::Closed {
            self.unlock(self.shared.lock());
        }
    }

    fn word(&self) -> StateWord {
        self.shared.word()
    }

    pub(crate) fn state(&self) -> State {
        self.word().state()
    }
}

impl Drop for Core {
    /// Tells the listeners what was counted up to now: nothing is counted after
    /// this.
    fn drop(&mut self) {
        self.listeners.detach(&|| self.info());
    }
}
