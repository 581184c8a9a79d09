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
//! bits of the word   63 … 28    | 27 … 12  | 11 … 7 | 6         | 5      | 4    | 3     | 2 1 0
//!                    generation | revision | needs  | attention | locked | free | clean | state
//! ```
//!
//! - *generation* goes up with every transition, also with one to the present state. A
//!   [`Ticket`] holds the word of its admission; an outcome counts only while the
//!   generation is still the same. 2^36 generations do not wrap.
//! - *revision* goes up with every change of the settings, and tells whether a ticket was
//!   admitted under the present ones: see [live change](#live-change).
//! - *needs* is what settings and listeners make calls need: their beginning or end
//!   stamped, a place among those in flight, to be told one by one ([`watched`]). It is
//!   the same for a whole revision, so a ticket's word also says what was measured for it.
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
//! ## Live change
//!
//! Settings may be replaced at any time (`replace`). They are an [`Arc<Config>`](Config)
//! behind the lock, cloned by what asks policies without it; what calls read of them
//! without the lock is in the word, but for the lowest threshold of slowness.
//!
//! A ticket of another revision is settled under the lock. Its outcome counts, and it has
//! no duration: the settings of its admission may not have asked for one. Nothing finds
//! this out on the fast path, which compares whole words anyway.
//!
//! The threshold and the word are a seqlock. *Writer*, under the lock: stores the word of
//! a revision that no period keeps, without the clean bit, then the threshold, then the
//! word of the next revision when the lock is released. *Reader*: has the word of its
//! ticket, loads the threshold with `Acquire`, then the word; accepts if the revision is
//! that of the ticket. *Invariant*: an accepted threshold is that of the ticket's
//! revision. It is not older, because the ticket's word was stored after it; it is not
//! newer, because then the word stored before it, of a later revision, would be seen.
//! A ticket of the revision between is never accepted: it finds no clean word.
//!
//! An opening keeps the settings that made it (`Shared::opened_by`) until the next. Its
//! number is published with the opening, so that a rejection names a part of the rule that
//! it is of, or none if the circuit opened again by another. A shorter wait is stored in
//! the published opening as it is: both times are of that opening.
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
//! | store of the lowest threshold in `replace` | `Release` | the `Acquire` load in `slow` |
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
#[cfg(feature = "fleet")]
pub(crate) mod fleet;
pub(crate) mod gate;
#[cfg(feature = "page")]
pub(crate) mod glance;
mod holders;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod opening;
mod operate;
mod outbox;
pub(crate) mod own_window;
pub(crate) mod policies;
pub(crate) mod probes;
pub(crate) mod random_source;
mod ready;
#[cfg(feature = "settings")]
mod replace;
#[cfg(feature = "settings")]
mod restore;
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
mod watched;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::SystemTime,
};

use once_cell::race::{OnceBox, OnceRef};

#[cfg(feature = "settings")]
use crate::settings::overlay::Overlay;
use crate::{
    CircuitBreaker, KillSwitch, Name, Reason, State,
    clock::SystemClock,
    diagnostics,
    engine::{clock_source::ClockSource, random_source::RandomSource},
    flight::{self, Failures, Ring, Trigger},
    info::kill_switch::Environment,
    listener::ListenerSet,
    retry::Opening,
    throttle::Throttle,
    tripper::Cause,
    util::sync::{AtomicU64, Ordering},
};
use choice::Choice;
use config::{Config, ConfigRef};
use counters::{CallCounters, ListenerCounters};
use holders::Holders;
use lock::Locked;
use machine::Machine;
use opening::{OpeningSeqLock, Refusal};
use outbox::Outbox;
use policies::{ListenersNeed, Policies, Prepared};
use state_word::StateWord;
use ticket::{CallEnd, Ticket};
use transition::StateEntry;

// In this order: first what rejections read, last what they write, so that on two
// cores they share no cache line but the counter's.
#[repr(C)]
pub(crate) struct Core {
    opening: OpeningSeqLock,
    clock: ClockSource,
    /// The handle of a breaker that is never dropped.
    pub(crate) eternal: OnceRef<'static, CircuitBreaker>,
    /// What listeners want counted.
    listener_counters: Option<Box<ListenerCounters>>,
    shared: Locked<Shared>,
    /// The lowest threshold of slowness, in nanoseconds; beyond all time if there
    /// is none. Changes with the settings: see the section on live change above.
    slow: AtomicU64,
    pub(crate) name: Name,
    listeners: ListenerSet,
    environment: Option<Box<Environment>>,
    /// Once the settings have one.
    throttle: OnceBox<Throttle>,
    #[cfg(feature = "fleet")]
    fleet: Option<Box<fleet::FleetMember>>,
    random: RandomSource,
    /// What choosing among breakers keeps of this one, once it is chosen among or
    /// waited for.
    choice: OnceBox<Choice>,
    /// What the last failures said, once that is asked for.
    pub(crate) failures: OnceBox<Failures>,
    /// The state that it begins in, unless the environment commands another.
    initial_state: State,
    /// What settings from outside give it.
    #[cfg(feature = "settings")]
    pub(crate) overlay: Overlay,
    /// Makes the settings again, for a breaker of a static.
    #[cfg(feature = "sim")]
    pub(crate) recipe: Option<fn() -> crate::Builder>,
    counts: CallCounters,
}

// A panic in a protected call is settled, and leaves no broken state behind.
impl UnwindSafe for Core {}
impl RefUnwindSafe for Core {}

/// What the lock guards.
struct Shared {
    machine: Machine,
    /// The settings in force.
    config: Arc<Config>,
    /// The settings by which the circuit opened last, if they were replaced since.
    opened_by: Option<Arc<Config>>,
    changed_at: SystemTime,
    sequence: u64,
    outbox: Outbox,
    /// Who holds which state.
    holders: Holders,
    /// The last transitions.
    flight: Ring,
    /// Whether a state was entered since the lock was last let go with
    /// [`Core::unlock`].
    has_changed: bool,
}

pub(crate) struct Parts {
    pub(crate) name: Name,
    pub(crate) policies: Policies,
    pub(crate) clock: ClockSource,
    pub(crate) random: RandomSource,
    pub(crate) listeners: ListenerSet,
    pub(crate) environment: Environment,
    pub(crate) initial_state: State,
    #[cfg(feature = "settings")]
    pub(crate) overlay: Overlay,
    #[cfg(feature = "sim")]
    pub(crate) recipe: Option<fn() -> crate::Builder>,
    #[cfg(feature = "fleet")]
    pub(crate) fleet: Option<Box<fleet::FleetMember>>,
}

impl Shared {
    /// Returns a cause in words. `number` is that of the settings that it is of;
    /// `None` if they are gone.
    fn reason(&self, cause: Cause, number: u16) -> Option<Reason> {
        self.config_by(number)?.reason(cause)
    }

    /// Returns the settings with this number, of those by which the circuit opened last
    /// and those in force.
    fn config_by(&self, number: u16) -> Option<&Arc<Config>> {
        let both = self.opened_by.iter().chain([&self.config]);
        both.into_iter().find(|config| config.number == number)
    }
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            name,
            policies,
            clock,
            random,
            listeners,
            environment,
            initial_state,
            #[cfg(feature = "settings")]
            overlay,
            #[cfg(feature = "sim")]
            recipe,
            #[cfg(feature = "fleet")]
            fleet,
        } = parts;
        let listener_counters = ListenerCounters::new(listeners.needs());
        let Prepared {
            config,
            recording,
            mut window,
            probes,
            running,
            throttle,
        } = policies.prepare(Self::needs_of(listener_counters.as_deref()));
        window.prepare(config.thresholds.len(), config.durations);
        let machine = Machine::new(window, (&config, recording), probes, running, clock.now());
        let word = StateWord::new(machine.state(), machine.epoch(), false, config.calls);
        let changed_at = clock.wall();
        let core = Self {
            slow: AtomicU64::new(config.slow()),
            shared: Locked::new(
                word,
                Shared {
                    machine,
                    config: Arc::new(config),
                    opened_by: None,
                    changed_at,
                    sequence: 0,
                    outbox: Outbox::new(!listeners.is_empty()),
                    holders: Holders::default(),
                    flight: Ring::default(),
                    has_changed: false,
                },
            ),
            opening: OpeningSeqLock::new(),
            name,
            clock,
            random,
            listeners,
            throttle: OnceBox::new(),
            #[cfg(feature = "fleet")]
            fleet,
            environment: (!environment.is_empty()).then(|| Box::new(environment)),
            eternal: OnceRef::new(),
            choice: OnceBox::new(),
            failures: OnceBox::new(),
            initial_state,
            #[cfg(feature = "settings")]
            overlay,
            #[cfg(feature = "sim")]
            recipe,
            counts: CallCounters::default(),
            listener_counters,
        };
        if let Some(settings) = throttle {
            core.throttle
                .get_or_init(|| Box::new(Throttle::new(settings)));
        }
        core
    }

    /// Returns what listeners need of every call, whatever the settings.
    fn needs_of(counters: Option<&ListenerCounters>) -> ListenersNeed {
        ListenersNeed {
            elapsed: counters.is_some_and(ListenerCounters::needs_elapsed),
            every_call: counters.is_some_and(ListenerCounters::counts_every_call),
            watched: counters.is_some_and(ListenerCounters::tells_ends),
        }
    }

    /// Returns the settings in force. To be called without the lock.
    pub(crate) fn config(&self) -> ConfigRef {
        ConfigRef::new(&self.shared.lock().get().config)
    }

    /// Returns why the circuit opened that refused a call; `None` if it opened again
    /// since, by other settings. To be called without the lock.
    pub(crate) fn reason(&self, refusal: Refusal) -> Option<Reason> {
        let cause = refusal.cause()?;
        self.shared.lock().get().reason(cause, refusal.rule())
    }

    /// Loads the lowest threshold of slowness. To be followed by a load of the word:
    /// see the section on live change above.
    #[inline]
    fn slow(&self) -> u64 {
        // Partner: the `Release` store in `replace`.
        self.slow.load(Ordering::Acquire)
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
    pub(crate) fn start(&self) -> State {
        let holders = self.shared.lock().get().holders;
        let held = self.held_by(Holders {
            local: None,
            ..holders
        });
        held.map_or(self.initial_state, |held| held.state)
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
        // Tells the listeners of the state that it began in, if that is not closed.
        self.unlock(self.shared.lock());
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
        if self.shared.lock().get().config.flight > 0 {
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
