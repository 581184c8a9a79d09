//! The breaker behind the handle: one admit and one settle around the pure
//! machine, and the delivery of what they cause.

use std::{
    sync::atomic::AtomicU64 as Count,
    time::{Duration, SystemTime},
};

use once_cell::sync::OnceCell;

use crate::{
    CircuitBreaker, Info, Listener, Name, OnCancel, Signal, State,
    clock::{Clock, SystemClock},
    contain::contained,
    control::Word,
    machine::{Admission, Ending, Machine, Next, Policy, Transition},
    metrics::Metrics,
    outbox::Outbox,
    probes::Slot,
    published::{Published, Refusal},
    random::{Random, Seeded},
    report,
    span::nanos,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering, fence, lock},
};

pub(crate) struct Core {
    control: AtomicU64,
    published: Published,
    pub(crate) name: Name,
    pub(crate) policy: Policy,
    clock: ClockSource,
    listeners: Box<[Box<dyn Listener>]>,
    /// The handle of a breaker that is never dropped.
    pub(crate) eternal: OnceCell<&'static CircuitBreaker>,
    /// Whether calls are timed, and whether their beginning is stamped.
    measures: bool,
    stamps: bool,
    /// Whether recording needs the time.
    dates: bool,
    counts: Counts,
    shared: Mutex<Shared>,
}

/// What the lock guards.
struct Shared {
    machine: Machine,
    random: RandomSource,
    changed_at: SystemTime,
    sequence: u64,
    outbox: Outbox,
}

/// Over the life of the breaker.
#[derive(Default)]
struct Counts {
    rejected: Count,
    ignored: Count,
    cancelled: Count,
    panicked: Count,
    lost: Count,
    late: Count,
    listener_failures: Count,
}

impl Counts {
    fn clear(&self) {
        let Self {
            rejected,
            ignored,
            cancelled,
            panicked,
            lost,
            late,
            listener_failures,
        } = self;
        for count in [
            rejected,
            ignored,
            cancelled,
            panicked,
            lost,
            late,
            listener_failures,
        ] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

fn add(count: &Count, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

pub(crate) enum ClockSource {
    System,
    Custom(Box<dyn Clock>),
}

impl ClockSource {
    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System => SystemClock.now(),
            Self::Custom(clock) => clock.now(),
        }
    }

    fn wall(&self) -> SystemTime {
        match self {
            Self::System => SystemClock.wall(),
            Self::Custom(clock) => clock.wall(),
        }
    }
}

pub(crate) enum RandomSource {
    Seeded(Seeded),
    Custom(Box<dyn Random>),
}

impl RandomSource {
    fn get(&mut self) -> &mut dyn Random {
        match self {
            Self::Seeded(random) => random,
            Self::Custom(random) => &mut **random,
        }
    }
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
        self.word.skips() || self.word.state() != State::Disabled
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
    pub(crate) listeners: Box<[Box<dyn Listener>]>,
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
            dates,
        } = parts;
        let measures = policy.durations || !policy.thresholds.is_empty();
        let stamps = measures || matches!(policy.on_cancel, OnCancel::FailAfter(_));
        let word = Word::new(machine.state(), machine.generation(), false, stamps);
        let changed_at = clock.wall();
        Self {
            control: AtomicU64::new(word.bits()),
            published: Published::new(),
            shared: Mutex::new(Shared {
                machine,
                random,
                changed_at,
                sequence: 0,
                outbox: Outbox::new(!listeners.is_empty()),
            }),
            name,
            policy,
            clock,
            listeners,
            eternal: OnceCell::new(),
            measures,
            stamps,
            dates,
            counts: Counts::default(),
        }
    }

    fn word(&self) -> Word {
        Word::from_bits(self.control.load(Ordering::Acquire))
    }

    pub(crate) fn state(&self) -> State {
        self.word().state()
    }

    /// Lets a call in that need not be recorded if it succeeds. One atomic load.
    #[inline]
    pub(crate) fn admit_healthy(&self) -> Option<Ticket> {
        let word = self.word();
        word.skips().then_some(Ticket {
            word,
            began: 0,
            slot: Slot::NONE,
        })
    }

    /// Lets a call in, or not.
    pub(crate) fn admit(&self) -> Result<Ticket, Refusal> {
        let mut word = self.word();
        loop {
            match word.state() {
                State::Closed | State::MetricsOnly => {
                    let began = if self.stamps {
                        nanos(self.clock.now())
                    } else {
                        0
                    };
                    return Ok(Ticket {
                        word,
                        began,
                        slot: Slot::NONE,
                    });
                }
                State::Disabled => {
                    return Ok(Ticket {
                        word,
                        began: 0,
                        slot: Slot::NONE,
                    });
                }
                State::ForcedOpen => return Err(self.refuse(Refusal::by(State::ForcedOpen))),
                State::HalfOpen => return self.admit_locked(),
                State::Open => {}
            }
            let opening = self.published.load();
            fence(Ordering::Acquire);
            let again = Word::from_bits(self.control.load(Ordering::Relaxed));
            if again != word {
                word = again;
                continue;
            }
            let refusal = opening.at(self.clock.now());
            if refusal.wait() == Some(Duration::ZERO) {
                return self.admit_locked();
            }
            return Err(self.refuse(refusal));
        }
    }

    fn refuse(&self, refusal: Refusal) -> Refusal {
        add(&self.counts.rejected, 1);
        refusal
    }

    #[cold]
    fn admit_locked(&self) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        let mut shared = lock(&self.shared);
        if shared.machine.is_due(&self.policy, now) {
            self.enter(&mut shared, State::HalfOpen.into(), now);
        }
        let Shared {
            machine, random, ..
        } = &mut *shared;
        let (admission, lost) = machine.admit(&self.policy, now, random.get());
        // Read back rather than made anew: settling compares it whole.
        let word = self.word();
        let refusal = match word.state() {
            State::Open => self.published.load().at(now),
            state => Refusal::by(state),
        };
        if lost > 0 {
            add(&self.counts.lost, lost);
        }
        self.unlock(shared);
        let (began, slot) = match admission {
            Admission::Probe(slot) => (nanos(now), slot),
            Admission::Free if self.stamps => (nanos(now), Slot::NONE),
            Admission::Free => (0, Slot::NONE),
            Admission::Rejected => return Err(self.refuse(refusal.unless_due())),
        };
        Ok(Ticket { word, began, slot })
    }

    /// Takes note of how a call ended. On the healthy path one atomic load.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, ended: Ended) {
        // The success is recorded at this very load: it finds the window full
        // and clean, where one more success leaves no trace.
        if ended == Ended::Success && ticket.word.skips() && self.word() == ticket.word {
            return;
        }
        let Ticket { word, began, slot } = ticket;
        self.settle_by_outcome(word, began, slot, ended);
    }

    /// The parts of the ticket one by one: they stay in registers.
    fn settle_by_outcome(&self, word: Word, began: u64, slot: Slot, ended: Ended) {
        if word.state() == State::Disabled {
            return;
        }
        let is_probe = slot != Slot::NONE;
        let reads = self.measures || self.dates || is_probe || ended == Ended::Cancelled;
        let now = if reads {
            self.clock.now()
        } else {
            Duration::ZERO
        };
        let elapsed = Duration::from_nanos(nanos(now).saturating_sub(began));
        let failed = match ended {
            Ended::Success => Some(false),
            Ended::Failure => Some(true),
            Ended::Panicked => {
                add(&self.counts.panicked, 1);
                Some(true)
            }
            Ended::Ignored => {
                add(&self.counts.ignored, 1);
                None
            }
            Ended::Cancelled => {
                add(&self.counts.cancelled, 1);
                match self.policy.on_cancel {
                    OnCancel::Ignore => None,
                    OnCancel::Fail => Some(true),
                    OnCancel::FailAfter(least) => (elapsed >= least).then_some(true),
                }
            }
        };
        if !is_probe {
            if failed.is_none() {
                return;
            }
            let present = self.word();
            if present.generation() != word.generation() {
                add(&self.counts.late, 1);
                return;
            }
            if failed == Some(false) && present.is_clean() && !self.is_slow(elapsed) {
                return;
            }
        }
        let mut shared = lock(&self.shared);
        if is_probe && shared.machine.release(slot, now) {
            add(&self.counts.lost, 1);
        }
        if shared.machine.generation() != word.generation() {
            if failed.is_some() {
                add(&self.counts.late, 1);
            }
        } else if let Some(failed) = failed {
            let duration = if self.measures {
                elapsed
            } else {
                Duration::ZERO
            };
            let ending = Ending { failed, duration };
            match shared.machine.record(&self.policy, ending, now) {
                Some(next) => {
                    let now = if reads { now } else { self.clock.now() };
                    self.enter(&mut shared, next, now);
                }
                None => self.publish_word(&shared),
            }
        }
        self.unlock(shared);
    }

    fn is_slow(&self, elapsed: Duration) -> bool {
        self.policy
            .thresholds
            .first()
            .is_some_and(|least| elapsed >= *least)
    }

    /// A manual command: goes to the state, also if it is the present one.
    pub(crate) fn command(&self, state: State) {
        let now = self.clock.now();
        let mut shared = lock(&self.shared);
        self.enter(&mut shared, state.into(), now);
        self.unlock(shared);
    }

    /// As if new, for the next test: closed, nothing recorded, nothing counted,
    /// random numbers by this seed. What is in flight no longer counts.
    pub(crate) fn renew(&self, random: Seeded) {
        let now = self.clock.now();
        let mut shared = lock(&self.shared);
        if let RandomSource::Seeded(seeded) = &mut shared.random {
            *seeded = random;
        }
        if shared.machine.state() == State::Closed {
            shared.machine.renew(now);
            self.publish_word(&shared);
        } else {
            self.enter(&mut shared, State::Closed.into(), now);
        }
        self.unlock(shared);
        self.counts.clear();
    }

    pub(crate) fn info(&self) -> Info {
        let now = self.clock.now();
        let mut shared = lock(&self.shared);
        let changed_at = shared.changed_at;
        let machine = &mut shared.machine;
        let state = machine.state();
        let totals = machine.totals(now);
        let metrics = Metrics::new(totals, &self.policy.thresholds, self.policy.durations);
        let opening = (state == State::Open).then(|| self.published.load().at(now));
        let count = |count: &Count| count.load(Ordering::Relaxed);
        Info {
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
            rejected: count(&self.counts.rejected),
            ignored: count(&self.counts.ignored),
            cancelled: count(&self.counts.cancelled),
            panicked: count(&self.counts.panicked),
            lost_probes: count(&self.counts.lost) + machine.overdue_probes(now),
            late: count(&self.counts.late),
            listener_failures: count(&self.counts.listener_failures),
        }
    }

    /// Enters a state, makes it known, and puts its signal in the outbox.
    fn enter(&self, shared: &mut Shared, next: Next, now: Duration) {
        let Shared {
            machine,
            random,
            changed_at,
            sequence,
            outbox,
        } = shared;
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
        self.publish_word(shared);
    }

    fn publish_word(&self, shared: &Shared) {
        let machine = &shared.machine;
        let clean = machine.is_clean(&self.policy);
        let word = Word::new(machine.state(), machine.generation(), clean, self.stamps);
        // Storing takes the cache line from every other core.
        if self.control.load(Ordering::Relaxed) != word.bits() {
            self.control.store(word.bits(), Ordering::Release);
        }
    }

    /// Lets go of the lock, then delivers what is in the outbox, unless a
    /// caller further up, or another thread, is at it already: that one goes on
    /// until the outbox is empty, so signals leave in the order of transitions.
    fn unlock(&self, mut shared: MutexGuard<'_, Shared>) {
        if !shared.outbox.begin() {
            return;
        }
        drop(shared);
        loop {
            let Some(signal) = lock(&self.shared).outbox.take() else {
                return;
            };
            for listener in &self.listeners {
                if contained(|| listener.on_signal(&signal)).is_none() {
                    add(&self.counts.listener_failures, 1);
                    contained(|| report::listener_panicked(&self.name, listener.name()));
                }
            }
        }
    }
}
