//! The breaker behind the handle: one admit and one settle around the pure
//! machine, and the delivery of what they cause.

mod admit;
mod counters;
mod counts;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod opening;
mod operate;
mod outbox;
pub(crate) mod probes;
mod settle;
mod sharded;
pub(crate) mod state_word;
pub(crate) mod sync;
#[cfg(test)]
mod tests;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    time::{Duration, SystemTime},
};

use once_cell::race::OnceRef;

use crate::{
    CircuitBreaker, KillSwitch, Name, OnCancel, Signal, State,
    clock::SystemClock,
    diagnostics,
    info::kill_switch::Environment,
    listener::Listeners,
    sources::{ClockSource, RandomSource},
    util::duration::nanos,
};
use counters::Tally;
use counts::Counts;
use lock::{Held, Locked};
use machine::{Machine, Next, Policy, Transition};
use opening::Published;
use outbox::Outbox;
use probes::Slot;
use state_word::Word;

// In this order: first what rejections read, last what they write, so that on two
// cores they share no cache line but the counter's. Each flag is a question of
// its own, answered once when the breaker is built.
#[allow(clippy::struct_excessive_bools)]
#[repr(C)]
pub(crate) struct Core {
    published: Published,
    clock: ClockSource,
    /// The handle of a breaker that is never dropped.
    pub(crate) eternal: OnceRef<'static, CircuitBreaker>,
    /// What listeners want counted.
    tally: Option<Box<Tally>>,
    shared: Locked<Shared>,
    pub(crate) policy: Policy,
    /// The lowest threshold of slowness, in nanoseconds; beyond all time if there
    /// is none.
    slow: u64,
    /// Whether calls are timed, and whether their beginning is stamped.
    measures: bool,
    stamps: bool,
    /// Whether the calls of the closed state are registered while they run.
    registers: bool,
    /// Whether recording needs the time.
    dates: bool,
    /// Neither of these, and nobody counts every call: in the closed state no
    /// clock is read, and a success may pass unseen.
    untimed: bool,
    pub(crate) name: Name,
    listeners: Listeners,
    environment: Option<Box<Environment>>,
    counts: Counts,
}

// A panic in a protected call is settled, and leaves no broken state behind.
impl UnwindSafe for Core {}
impl RefUnwindSafe for Core {}

/// What the lock guards.
struct Shared {
    machine: Machine,
    random: RandomSource,
    changed_at: SystemTime,
    sequence: u64,
    outbox: Outbox,
}

/// The right to run one call, to be settled once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// The control word at admission, as it is while the window is clean.
    word: Word,
    /// When the call began, in nanoseconds, if anything asks for it.
    began: u64,
    /// The probe's slot, or `Slot::NONE`.
    slot: Slot,
}

impl Ticket {
    /// For a call that needs no slot.
    #[inline]
    fn new(word: Word, began: u64) -> Self {
        Self {
            word: word.when_clean(),
            began,
            slot: Slot::NONE,
        }
    }

    /// In `Disabled` nothing is recorded and nobody judges the result.
    pub(crate) fn is_judged(self) -> bool {
        // The first is known already where it matters.
        self.word.is_free() || self.word.state() != State::Disabled
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Success,
    Failure,
    /// The tracker does not match the error.
    Ignored,
    /// An error that proves that the dependency answers.
    Alive,
    /// A failure for want of capacity.
    Overloaded,
    /// Dropped before its end.
    Cancelled,
    Panicked,
}

pub(crate) struct Parts {
    pub(crate) name: Name,
    pub(crate) policy: Policy,
    pub(crate) machine: Machine,
    pub(crate) clock: ClockSource,
    pub(crate) random: RandomSource,
    pub(crate) listeners: Listeners,
    pub(crate) environment: Environment,
    /// Whether recording needs the time.
    pub(crate) dates: bool,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            name,
            policy,
            machine,
            clock,
            random,
            listeners,
            environment,
            dates,
        } = parts;
        let tally = Tally::new(listeners.reads());
        let measures = policy.durations || !policy.thresholds.is_empty();
        let slow = policy
            .thresholds
            .first()
            .map_or(u64::MAX, |slow| nanos(*slow));
        let registers = machine.registers();
        let stamps = measures
            || registers
            || matches!(policy.on_cancel, OnCancel::FailAfter(_))
            || tally.as_ref().is_some_and(|tally| tally.times());
        let watched = tally.as_ref().is_some_and(|tally| tally.watches());
        let untimed = !stamps && !dates && !watched;
        let word = Word::new(machine.state(), machine.generation(), false, untimed);
        let changed_at = clock.wall();
        Self {
            shared: Locked::new(
                word,
                Shared {
                    machine,
                    random,
                    changed_at,
                    sequence: 0,
                    outbox: Outbox::new(!listeners.is_empty()),
                },
            ),
            published: Published::new(),
            name,
            policy,
            clock,
            listeners,
            environment: (!environment.is_empty()).then(|| Box::new(environment)),
            eternal: OnceRef::new(),
            slow,
            measures,
            stamps,
            registers,
            dates,
            untimed,
            counts: Counts::default(),
            tally,
        }
    }

    /// What the environment commands, if it is not what a breaker begins with.
    fn commanded(&self) -> Option<&KillSwitch> {
        self.kill_switch()
            .filter(|switch| switch.state != State::Closed)
    }

    /// What the environment commands; nothing while a test has the time frozen.
    fn kill_switch(&self) -> Option<&KillSwitch> {
        let switch = self.environment.as_deref()?.switch.as_ref();
        switch.filter(|_| !SystemClock::is_replaced())
    }

    /// Obeys the environment, and leaves it to `announce` to tell anybody: this
    /// runs while the cell of a static is being filled, and listeners may use
    /// that static.
    pub(crate) fn obey(&self) {
        if let Some(switch) = self.commanded() {
            let now = self.clock.now();
            self.enter(&mut self.shared.lock(), switch.state.into(), now);
        }
    }

    /// Reports the listeners that are missing, and what the environment
    /// commanded.
    pub(crate) fn announce(&self) {
        self.listeners.report(&self.name);
        if let Some(switch) = self.commanded() {
            diagnostics::kill_switch(&self.name, switch);
            self.unlock(self.shared.lock());
        }
    }

    fn word(&self) -> Word {
        self.shared.word()
    }

    pub(crate) fn state(&self) -> State {
        self.word().state()
    }

    /// Enters a state, makes it known, and puts its signal in the outbox.
    fn enter(&self, held: &mut Held<'_, Shared>, next: Next, now: Duration) {
        let Shared {
            machine,
            random,
            changed_at,
            sequence,
            outbox,
        } = held.get();
        if let Some(tally) = &self.tally {
            tally.left(machine.state(), now.saturating_sub(machine.entered()));
        }
        let transition = machine.enter(&self.policy, next, now, random.get());
        let Transition {
            old_state,
            new_state,
            cause,
            wait,
        } = transition;
        *changed_at = self.clock.wall();
        *sequence += 1;
        if new_state == State::Open {
            self.published.store(now, wait, cause);
        }
        outbox.put(|| Signal {
            name: self.name.clone(),
            old_state,
            new_state,
            timestamp: *changed_at,
            sequence: *sequence,
            reason: cause.and_then(|cause| self.policy.reason(cause)),
            next_attempt: wait.and_then(|wait| changed_at.checked_add(wait)),
            origin: crate::signal::Origin::default(),
        });
        let word = self.word_of(machine);
        held.publish_word(word);
    }

    fn word_of(&self, machine: &Machine) -> Word {
        let clean = machine.is_clean(&self.policy);
        Word::new(machine.state(), machine.generation(), clean, self.untimed)
    }

    /// Lets go of the lock, then delivers what is in the outbox, unless a
    /// caller further up, or another thread, is at it already: that one goes on
    /// until the outbox is empty, so signals leave in the order of transitions.
    fn unlock(&self, mut held: Held<'_, Shared>) {
        if !held.get().outbox.begin() {
            return;
        }
        drop(held);
        loop {
            let Some(signal) = self.shared.lock().get().outbox.take() else {
                return;
            };
            self.listeners.tell(signal);
        }
    }
}
