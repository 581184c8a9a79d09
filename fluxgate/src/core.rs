//! The breaker behind the handle: one admit and one settle around the pure
//! machine, and the delivery of what they cause.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    time::{Duration, SystemTime},
};

use once_cell::race::OnceRef;

use crate::{
    CircuitBreaker, Info, KillSwitch, Name, OnCancel, Signal, State,
    control::Word,
    counts::Counts,
    listener::Listeners,
    lock::{Held, Locked},
    machine::{Admission, Ending, Machine, Next, Policy, Transition},
    metrics::Metrics,
    outbox::Outbox,
    probes::Slot,
    published::{Published, Refusal},
    random::Seeded,
    report,
    sources::{ClockSource, RandomSource},
    span::nanos,
    sync::{Ordering, fence},
    tally::Tally,
};

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
    kill_switch: Option<Box<KillSwitch>>,
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
    /// The control word at admission.
    word: Word,
    /// When the call began, in nanoseconds, if anything asks for it.
    began: u64,
    /// The probe's slot, or `Slot::NONE`.
    slot: Slot,
}

impl Ticket {
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
    pub(crate) kill_switch: Option<KillSwitch>,
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
            kill_switch,
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
            kill_switch: kill_switch.map(Box::new),
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
        let switch = self.kill_switch.as_deref();
        switch.filter(|switch| switch.state != State::Closed)
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
        self.listeners.report_missing(&self.name);
        if let Some(switch) = self.commanded() {
            report::kill_switch(&self.name, switch);
            self.unlock(self.shared.lock());
        }
    }

    fn word(&self) -> Word {
        self.shared.word()
    }

    pub(crate) fn state(&self) -> State {
        self.word().state()
    }

    /// Lets a call in of which nothing need be known but how it ends. One atomic
    /// load.
    #[inline]
    pub(crate) fn admit_freely(&self) -> Option<Ticket> {
        let word = self.word();
        word.is_free().then_some(Ticket {
            word,
            began: 0,
            slot: Slot::NONE,
        })
    }

    /// Lets a call in, or not, if that takes no lock: in the closed state, and in
    /// an open circuit that is not due.
    #[inline]
    pub(crate) fn admit_at_once(&self) -> Option<Result<Ticket, Refusal>> {
        let word = self.word();
        match word.state() {
            State::Closed | State::MetricsOnly if !self.registers => Some(Ok(self.ticket(word))),
            State::Open => {
                let refusal = self.opening(word)?;
                (!refusal.is_due()).then(|| Err(self.refuse(refusal)))
            }
            _ => None,
        }
    }

    /// Lets a call in, or not, whatever the state.
    #[inline(never)]
    pub(crate) fn admit_by_state(&self) -> Result<Ticket, Refusal> {
        let word = self.word();
        match word.state() {
            State::Disabled => Ok(Ticket {
                word,
                began: 0,
                slot: Slot::NONE,
            }),
            State::ForcedOpen => Err(self.refuse(Refusal::by(State::ForcedOpen))),
            State::MetricsOnly => Ok(self.ticket(word)),
            State::Closed | State::Open | State::HalfOpen => self.admit_locked(),
        }
    }

    /// The two above.
    #[inline(never)]
    pub(crate) fn admit(&self) -> Result<Ticket, Refusal> {
        self.admit_at_once()
            .unwrap_or_else(|| self.admit_by_state())
    }

    /// For a call that needs no slot.
    #[inline]
    fn ticket(&self, word: Word) -> Ticket {
        let began = if self.stamps {
            nanos(self.clock.now())
        } else {
            0
        };
        Ticket {
            word,
            began,
            slot: Slot::NONE,
        }
    }

    /// All of them.
    #[cfg(feature = "tower")]
    pub(crate) fn admit_any(&self) -> Result<Ticket, Refusal> {
        self.admit_freely().map_or_else(|| self.admit(), Ok)
    }

    /// Why a call would be rejected now, if that is certain without asking for
    /// one. Nothing is counted.
    #[cfg(feature = "tower")]
    pub(crate) fn refusing(&self) -> Option<Refusal> {
        loop {
            let word = self.word();
            match word.state() {
                State::ForcedOpen => return Some(Refusal::by(State::ForcedOpen)),
                State::Open => {
                    if let Some(refusal) = self.opening(word) {
                        return (!refusal.is_due()).then_some(refusal);
                    }
                }
                _ => return None,
            }
        }
    }

    /// The opening of the period of `word`; `None` if that period is over.
    #[inline]
    fn opening(&self, word: Word) -> Option<Refusal> {
        let opening = self.published.load();
        fence(Ordering::Acquire);
        let present = self.shared.word_relaxed();
        present
            .same_period(word)
            .then(|| opening.at(self.clock.now()))
    }

    #[inline]
    pub(crate) fn refuse(&self, refusal: Refusal) -> Refusal {
        self.counts.rejected.add(1);
        if let Some(tally) = &self.tally {
            tally.rejected(refusal.state());
        }
        refusal
    }

    #[cold]
    fn admit_locked(&self) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        if let Some(next) = held.get().machine.look(&self.policy, now) {
            self.enter(&mut held, next, now);
        }
        if held.get().machine.is_due(&self.policy, now) {
            self.enter(&mut held, State::HalfOpen.into(), now);
        }
        let Shared {
            machine, random, ..
        } = held.get();
        let (admission, lost) = machine.admit(&self.policy, now, random.get());
        let word = held.word();
        let refusal = match word.state() {
            State::Open => self.published.load().at(now),
            state => Refusal::by(state),
        };
        if lost > 0 {
            self.counts.lost_probes.add(lost);
        }
        self.unlock(held);
        let (began, slot) = match admission {
            Admission::Probe(slot) => {
                if let Some(tally) = &self.tally {
                    tally.probe();
                }
                (nanos(now), slot)
            }
            Admission::Running(slot) => (nanos(now), slot),
            Admission::Free if self.stamps => (nanos(now), Slot::NONE),
            Admission::Free => (0, Slot::NONE),
            Admission::Rejected => return Err(self.refuse(refusal.unless_due())),
        };
        Ok(Ticket { word, began, slot })
    }

    /// Takes note of how a call ended. On the healthy path one atomic load.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, ended: Ended) {
        let Ticket { word, began, slot } = ticket;
        match ended {
            // The success is recorded at this very load: it finds the window
            // full and clean, where one more success leaves no trace.
            Ended::Success if word.is_free() && self.word() == word.when_clean() => {}
            Ended::Success if word.is_free() => self.settle_freely(word, false),
            Ended::Failure if word.is_free() => self.settle_freely(word, true),
            _ => self.settle_by_outcome(word, began, slot, ended),
        }
    }

    /// Takes note that the dependency said how long it will be down.
    #[cold]
    pub(crate) fn ask(&self, ticket: Ticket, wait: Duration) {
        let until = self.clock.now().saturating_add(wait);
        let mut held = self.shared.lock();
        if held.word().same_period(ticket.word) {
            held.get().machine.ask(until);
        }
    }

    #[inline(never)]
    fn settle_freely(&self, word: Word, failed: bool) {
        let mut held = self.shared.lock();
        let late = !held.word().same_period(word);
        if let Some(tally) = &self.tally {
            let ended = if failed {
                Ended::Failure
            } else {
                Ended::Success
            };
            tally.ended(ended, late, 0);
        }
        if late {
            drop(held);
            self.counts.late.add(1);
        } else {
            let next = held.get().machine.record_outcome(&self.policy, failed);
            self.follow(held, next, None);
        }
    }

    /// The parts of the ticket one by one: they stay in registers.
    #[inline(never)]
    fn settle_by_outcome(&self, word: Word, began: u64, slot: Slot, ended: Ended) {
        if word.state() == State::Disabled {
            return;
        }
        let has_slot = slot != Slot::NONE;
        let is_probe = has_slot && word.state() == State::HalfOpen;
        let reads = self.measures
            || self.dates
            || has_slot
            || ended == Ended::Cancelled
            || self.tally.as_ref().is_some_and(|tally| tally.times());
        let now = if reads {
            self.clock.now()
        } else {
            Duration::ZERO
        };
        let elapsed = nanos(now).saturating_sub(began);
        let failed = match ended {
            Ended::Success => Some(false),
            Ended::Failure => Some(true),
            Ended::Panicked => {
                self.counts.panicked.add(1);
                Some(true)
            }
            Ended::Ignored => {
                self.counts.ignored.add(1);
                None
            }
            Ended::Cancelled => {
                self.counts.cancelled.add(1);
                match self.policy.on_cancel {
                    OnCancel::Ignore => None,
                    OnCancel::Fail => Some(true),
                    OnCancel::FailAfter(least) => (elapsed >= nanos(least)).then_some(true),
                }
            }
        };
        let count = |late| {
            if let Some(tally) = &self.tally {
                tally.ended(ended, late, elapsed);
            }
        };
        if !has_slot {
            if failed.is_none() {
                return count(false);
            }
            let present = self.word();
            if present.generation() != word.generation() {
                self.counts.late.add(1);
                return count(true);
            }
            if failed == Some(false) && present.is_clean() && elapsed < self.slow {
                return count(false);
            }
        }
        let mut held = self.shared.lock();
        if is_probe && held.get().machine.release(slot, now) {
            self.counts.lost_probes.add(1);
        }
        let present = held.word().same_period(word);
        if has_slot && !is_probe && present {
            held.get().machine.leave(slot);
        }
        match failed {
            Some(failed) if present => {
                count(false);
                let nanos = if self.measures { elapsed } else { 0 };
                let ending = Ending { failed, nanos };
                let next = held.get().machine.record(&self.policy, ending, now);
                self.follow(held, next, reads.then_some(now));
            }
            Some(_) => {
                drop(held);
                self.counts.late.add(1);
                count(true);
            }
            None => {
                count(false);
                if let Some(next) = held.get().machine.look(&self.policy, now) {
                    self.enter(&mut held, next, now);
                    self.unlock(held);
                }
            }
        }
    }

    /// After a call was recorded: goes where that leads. `now` may be missing
    /// while nothing but a transition needs it.
    #[inline]
    fn follow(&self, mut held: Held<'_, Shared>, next: Option<Next>, now: Option<Duration>) {
        match next {
            None => {
                let clean = held.get().machine.is_clean(&self.policy);
                let word = held.word().when(clean);
                held.set_word(word);
            }
            Some(next) => self.go(held, next, now),
        }
    }

    #[cold]
    fn go(&self, mut held: Held<'_, Shared>, next: Next, now: Option<Duration>) {
        let now = now.unwrap_or_else(|| self.clock.now());
        self.enter(&mut held, next, now);
        self.unlock(held);
    }

    /// A manual command: goes to the state, also if it is the present one.
    pub(crate) fn command(&self, state: State) {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        self.enter(&mut held, state.into(), now);
        self.unlock(held);
    }

    /// As if new, for the next test: closed, nothing recorded, nothing counted,
    /// random numbers by this seed. What is in flight no longer counts.
    pub(crate) fn renew(&self, random: Seeded) {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let shared = held.get();
        if let RandomSource::Seeded(seeded) = &mut shared.random {
            *seeded = random;
        }
        if shared.machine.state() == State::Closed {
            shared.machine.renew(now);
            let word = self.word_of(&shared.machine);
            held.set_word(word);
        } else {
            self.enter(&mut held, State::Closed.into(), now);
        }
        self.unlock(held);
        self.counts.clear();
        self.listeners.clear();
        if let Some(tally) = &self.tally {
            tally.clear();
        }
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
        let opening = (state == State::Open).then(|| self.published.load().at(now));
        let since = now.saturating_sub(machine.entered());
        let mut info = Info {
            name: self.name.clone(),
            state,
            changed_at,
            reopens: machine.reopens(),
            failure_streak: machine.streak(),
            metrics,
            retry_after: opening.and_then(|opening| opening.wait()),
            reason: opening
                .and_then(|opening| opening.cause())
                .and_then(|cause| self.policy.reason(cause)),
            probes_in_flight: machine.probes_in_flight(now),
            rejected: self.counts.rejected.get(),
            ignored: self.counts.ignored.get(),
            cancelled: self.counts.cancelled.get(),
            panicked: self.counts.panicked.get(),
            lost_probes: self.counts.lost_probes.get() + machine.overdue_probes(now),
            late: self.counts.late.get(),
            lifetime: self
                .tally
                .as_ref()
                .map(|tally| tally.lifetime(state, since)),
            kill_switch: self.kill_switch.as_deref().cloned(),
            listener_failures: 0,
            listeners: Vec::new(),
            missing_listeners: Vec::new(),
        };
        drop(held);
        // Listeners are asked without the lock.
        (info.listeners, info.missing_listeners) = self.listeners.info();
        info.listener_failures = info.listeners.iter().map(|each| each.failures).sum();
        info
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
            self.listeners.tell(&signal);
        }
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests;
