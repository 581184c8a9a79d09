//! The breaker behind the handle: admission and settlement around the pure state
//! machine, and the delivery of the signals they cause.
//!
//! # The protocol
//!
//! Everything that calls share is one atomic [`StateWord`], a [lock](lock) whose bit is
//! in that word, and three atomics that [publish the present opening](opening). The
//! [`Machine`], the outbox and all else are behind the lock.
//!
//! ```text
//! bits of the word   63 …………………… 8 | 7         | 6 | 5      | 4    | 3     | 2 1 0
//!                    generation   | attention |   | locked | free | clean | state
//! ```
//!
//! - *generation* goes up with every transition, also with one to the present state. A
//!   [`Ticket`] holds the word of its admission; an outcome counts only while the
//!   generation is still the same. 2^56 generations do not wrap.
//! - *free*: calls of this period need no question, no clock and no slot; only their
//!   outcome is recorded.
//! - *clean*: one more success that is not slow would change nothing: the window is full
//!   of such, the streak is 0, and the rule answers as before.
//! - *attention*: the dependency was overloaded lately, and the breaker has a throttle:
//!   calls are counted and may be refused ([`throttled`]). No call is *free* meanwhile.
//!
//! ## The fast path
//!
//! [`admit_fast`](Core::admit_fast) loads the word; if it says *free*, the call runs.
//! [`settle`](Core::settle) loads it again. If it equals the ticket's word with the
//! clean bit set, the call was a success of the present period and the window is full
//! and clean: recording it would leave the window as it is, so it is recorded by this
//! load. That second load is the *linearization point* of the call. It holds for rules
//! over counts, rates and streaks; for whatever reads more, the word never says *clean*.
//!
//! All other calls of a free period take the lock for an instant
//! ([`settle_outcome`](Core::settle_outcome)). Calls that need a time, a slot or a
//! counter go through [`admit_without_fast`](Core::admit_without_fast) and
//! [`settle_slow`](Core::settle_slow).
//!
//! ## Rejections without the lock
//!
//! An open circuit that is not due rejects from what [`OpeningSeqLock`] publishes: a
//! seqlock whose sequence is the generation in the word. Its invariant needs that *two
//! openings are never adjacent generations*; a new transition from open to open
//! puts a generation between them, and a debug assertion in
//! [`enter`](Core::enter) says so. See [`opening`] for the proof.
//!
//! ## The lock
//!
//! A bit of the word: taken by a compare-and-swap, released by one store of the new
//! word. Only its holder writes the word, so that store loses nothing. One waiter spins
//! for nanoseconds, all others park in a mutex behind it. No code of the user's and no
//! I/O runs under it ([`transition`] says how that is done).
//!
//! ## Signals
//!
//! A transition is made under the lock: machine, published opening, word, and its signal
//! at the end of the [outbox](outbox), in this order. The thread that releases the lock and
//! finds signals that no thread delivers becomes the one deliverer, so signals leave in
//! the order of transitions.
//!
//! ## Orderings and their partners
//!
//! | access | ordering | partner |
//! |---|---|---|
//! | load of the word in `admit_*`, `settle` | `Acquire` | the `Release` stores of the word below |
//! | taking the lock: compare-and-swap, or `fetch_or` while waiting | `Acquire` | the `Release` store that released it |
//! | store of the word in `publish_word` and when the lock is released | `Release` | the `Acquire` loads, and the taking of the lock |
//! | stores of the published opening | `Release` | the `Acquire` fence in `OpeningSeqLock::read` |
//! | loads of the published opening, and the load of the word that validates them | `Relaxed`, around an `Acquire` fence | the `Release` stores of the opening |
//! | counters | `Relaxed` | none: no decision depends on them |
//!
//! The interleavings are explored with loom (`tests/loom.rs` here), the accesses checked
//! by Miri (`.ci/miri`), and whole breakers compared with a naive model
//! (`tests/guarantees/model`).

mod admit;
pub(crate) mod choice;
pub(crate) mod clock_source;
pub(crate) mod config;
mod counters;
mod early;
pub(crate) mod gate;
#[cfg(feature = "page")]
pub(crate) mod glance;
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
#[cfg(test)]
mod tests;
mod throttled;
pub(crate) mod ticket;
mod transition;
pub(crate) mod waiters;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    time::SystemTime,
};

use once_cell::race::{OnceBox, OnceRef};

use crate::{
    CircuitBreaker, KillSwitch, Name, OnCancel, State,
    clock::SystemClock,
    diagnostics,
    engine::{clock_source::ClockSource, random_source::RandomSource},
    flight::{self, Failures, Ring, Trigger},
    info::kill_switch::Environment,
    listener::ListenerSet,
    retry::Opening,
    throttle::{Adaptive, Throttle},
    util::duration::nanos,
};
use choice::Choice;
use config::Config;
use counters::{CallCounters, ListenerCounters};
use lock::Locked;
use machine::Machine;
use opening::OpeningSeqLock;
use outbox::Outbox;
use state_word::StateWord;
use ticket::{CallEnd, Ticket};
use transition::StateEntry;

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
    /// Whether the end of every call is stamped: for its duration, or since
    /// recording needs the time.
    needs_end: bool,
    /// Whether the window is the user's own.
    own_window: bool,
    /// Neither of these, and no listener counts every call: in the closed state no
    /// clock is read, and a success may pass unseen.
    has_fast_path: bool,
    pub(crate) name: Name,
    listeners: ListenerSet,
    environment: Option<Box<Environment>>,
    throttle: Option<Box<Throttle>>,
    random: RandomSource,
    /// What choosing among breakers keeps of this one, once it is chosen among or
    /// waited for.
    choice: OnceBox<Choice>,
    /// What the last failures said, once that is asked for.
    pub(crate) failures: OnceBox<Failures>,
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
    /// The last transitions.
    flight: Ring,
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
    pub(crate) throttle: Option<Adaptive>,
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
            throttle,
            environment,
            window_needs_time,
            initial_state,
        } = parts;
        let listener_counters = ListenerCounters::new(listeners.needs());
        let needs_elapsed = config.durations || !config.thresholds.is_empty();
        let slow = config
            .thresholds
            .first()
            .map_or(u64::MAX, |slow| nanos(*slow));
        let tracks_in_flight = machine.tracks_in_flight();
        let own_window = machine.has_own_window();
        let reads_elapsed = listener_counters
            .as_ref()
            .is_some_and(|listener_counters| listener_counters.needs_elapsed());
        let needs_end = needs_elapsed || window_needs_time || reads_elapsed;
        let needs_start = needs_elapsed
            || tracks_in_flight
            || matches!(config.on_cancel, OnCancel::FailAfter(_))
            || reads_elapsed;
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
                    flight: Ring::default(),
                    has_changed: false,
                },
            ),
            opening: OpeningSeqLock::new(),
            name,
            config,
            clock,
            random,
            listeners,
            throttle: throttle.map(|settings| Box::new(Throttle::new(settings))),
            environment: (!environment.is_empty()).then(|| Box::new(environment)),
            eternal: OnceRef::new(),
            slow,
            needs_elapsed,
            needs_start,
            tracks_in_flight,
            needs_end,
            own_window,
            has_fast_path,
            choice: OnceBox::new(),
            failures: OnceBox::new(),
            initial_state,
            counts: CallCounters::default(),
            listener_counters,
        }
    }

    /// Returns what the environment commands, if it is not what a breaker begins with.
    fn kill_switch_state(&self) -> Option<&KillSwitch> {
        self.kill_switch()
            .filter(|switch| switch.state != State::Closed)
    }

    /// Returns what the environment commands; nothing while a test has the time frozen.
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
    fn entry_to_start(&self) -> Option<StateEntry<'static>> {
        match self.start() {
            State::Closed => None,
            State::Open => Some(self.entry_to_open(None, Opening::new(0), Trigger::Start)),
            state => Some(self.entry(state, Trigger::Start)),
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
            diagnostics::kill_switch(&self.name, &switch.variable, switch.state);
        }
        if self.start() != State::Closed {
            self.unlock(self.shared.lock());
        }
    }

    /// Returns the present control word.
    #[inline]
    pub(crate) fn word(&self) -> StateWord {
        self.shared.word()
    }

    /// Returns the clock that the breaker reads.
    pub(crate) fn clock(&self) -> &ClockSource {
        &self.clock
    }

    pub(crate) fn state(&self) -> State {
        self.word().state()
    }

    /// Takes note of what a failure says, unless the flight recorder is off. To be
    /// called without the lock, before the call is settled: the transition that it
    /// causes shall have it.
    #[cold]
    pub(crate) fn note_failure(&self, error: &dyn std::fmt::Display) {
        if self.config.flight > 0 {
            let text = flight::failure(error);
            let at = self.clock.wall();
            let failures = self.failures.get_or_init(Box::default);
            failures.note(text, at);
        }
    }
}

impl Drop for Core {
    /// Tells the listeners what was counted up to now: nothing is counted after
    /// this.
    fn drop(&mut self) {
        self.listeners.detach(&|| self.info());
    }
}
