//! Transitions, and the delivery of their signals.
//!
//! # No code of the user's runs under the lock
//!
//! A panic hook runs where the panic is, inside any `catch_unwind` around it. So
//! it is not enough to report a policy's panic later: a policy that runs under
//! the lock takes the panic hook, and what the hook does, with it. Whatever the
//! user can write runs without the lock instead, in three steps:
//!
//! 1. under the lock the outcome is recorded and what it leads to is decided, as
//!    far as that goes without the user: [`Next`], and a [`Question`] with a copy
//!    of all that a rule of the user's may look at;
//! 2. without the lock the rule, the retry policy, the clock and the source of
//!    chance are asked, and make an [`StateEntry`];
//! 3. under the lock the state is entered, if the period is still the one of the first
//!    step. If not, another thread was faster: the answers are dropped, like any late
//!    result.
//!
//! So a transition is made from answers that are all there, or not at all, and
//! other threads neither wait for the user's code nor see half of a transition.
//! A rule is asked about the window as it was right after the call that it is
//! asked about; other calls may be recorded while it is asked, which is no other
//! than if they had ended a little later.
//!
//! Permits are asked between the taking of a slot and the answer
//! ([`admit`](super::admit)), windows in turns ([`own_window`](super::own_window)).
//!
//! A policy, or a hook or subscriber that runs inside, may use its breaker: what
//! would ask the same policy again, on the same thread, is answered without it
//! ([`Consulted::Within`]): calls that need a permit are rejected, and outcomes are
//! recorded and lead nowhere. Commands and `info()` work as ever.

use std::{
    mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

#[cfg(feature = "fleet")]
use super::fleet::Notes;
#[cfg(doc)]
use super::machine::judge::Question;
use super::{
    Core, Shared,
    config::{Config, ConfigRef},
    lock::Held,
    machine::{Machine, Next, OpeningWait, Transition},
    outbox::{News, TURN},
    state_word::StateWord,
};
use crate::{
    Signal, State, diagnostics,
    flight::{Failures, ProbeOutcomes, RulePart, TransitionRecord, Trigger},
    retry::{Opening, Retry},
    util::{
        consult::{Consulted, consult},
        sync::spawn,
    },
};

/// The wait of a retry policy that panicked.
const WAIT: Duration = Duration::from_secs(60);

/// All that it takes to enter a state.
#[derive(Clone, Copy)]
pub(super) struct StateEntry<'a> {
    next: Next,
    now: Duration,
    wall: SystemTime,
    wait: Option<OpeningWait>,
    trigger: Trigger,
    /// Who gave the command.
    by: Option<&'a Arc<str>>,
}

impl StateEntry<'_> {
    /// Adds who gave the command.
    pub(super) fn by<'a>(&self, by: Option<&'a Arc<str>>) -> StateEntry<'a> {
        StateEntry { by, ..*self }
    }

    /// Goes to another state, which must ask no policy either.
    pub(super) fn in_state(self, state: State) -> Self {
        Self {
            next: state.into(),
            ..self
        }
    }

    /// Leads to another state and wait.
    #[cfg(any(feature = "fleet", feature = "settings"))]
    pub(super) fn to(self, next: Next, wait: Option<OpeningWait>) -> Self {
        Self { next, wait, ..self }
    }

    /// Returns the state that is entered.
    #[cfg(feature = "fleet")]
    pub(super) fn state(&self) -> State {
        self.next.state
    }

    /// Returns when the state is entered, by the breaker's clock.
    pub(super) fn now(&self) -> Duration {
        self.now
    }
}

/// What the flight recorder keeps of a period that ends.
struct Seen {
    rule: Vec<RulePart>,
    calls: u64,
    failures: u64,
    probes: Option<ProbeOutcomes>,
}

impl Seen {
    /// Looks at a machine that is about to enter a state. Asks no rule of the user's.
    fn new(machine: &Machine, config: &Config, next: Next, trigger: Trigger) -> Self {
        let context = machine.context(config, machine.state());
        let evaluated = matches!(trigger, Trigger::Rule | Trigger::Recovery);
        Self {
            rule: if evaluated {
                config.tripper.parts(&context, next.cause)
            } else {
                Vec::new()
            },
            calls: context.totals.calls,
            failures: context.totals.failures,
            probes: (machine.state() == State::HalfOpen).then(|| machine.probe_outcomes()),
        }
    }
}

impl Core {
    /// Goes where a call or a look at the calls in flight leads. `now` may be
    /// missing if nothing has needed it yet.
    #[cold]
    pub(super) fn apply(&self, held: Held<'_, Shared>, next: Next, now: Option<Duration>) {
        let held = self.make(held, next, now);
        self.unlock(held);
    }

    /// Makes a transition, unless another is made meanwhile, and leaves its
    /// signal in the outbox.
    pub(super) fn make<'a>(
        &'a self,
        mut held: Held<'a, Shared>,
        next: Next,
        now: Option<Duration>,
    ) -> Held<'a, Shared> {
        #[cfg(feature = "fleet")]
        if next.suspects {
            self.note_suspicion(&mut held);
            Self::update_word(&mut held);
            return held;
        }
        let word = held.word();
        let Shared {
            machine, config, ..
        } = held.get();
        let config = ConfigRef::new(config);
        let opening = machine.opening();
        let question = next.asks.then(|| machine.question(next.state));
        let measures_only = word.state() == State::MetricsOnly;
        if question.is_some() || measures_only {
            Self::update_word(&mut held);
        }
        drop(held);
        let asked = question.is_some();
        let next = match question {
            None => Some(next),
            Some(question) => match consult(self, || question.ask(&config)) {
                Consulted::Given(next) => next,
                Consulted::Panicked | Consulted::Within => None,
            },
        };
        if measures_only {
            drop(config);
            return self.would_open(word, next, asked, now);
        }
        #[cfg(feature = "fleet")]
        let fires_not = asked && next.is_none();
        let entry = next.and_then(|next| {
            let now = now.unwrap_or_else(|| self.clock.now());
            self.prepare(&config, next, opening, now)
        });
        drop(config);
        let mut held = self.shared.lock();
        // Other settings may decide otherwise: they do at the next outcome.
        if let Some(entry) = entry
            && held.word().same_revision(word)
        {
            self.enter(&mut held, entry);
        }
        #[cfg(feature = "fleet")]
        if fires_not && held.word().same_period(word) && word.state() == State::Closed {
            // The first rule had to be asked before the second one counts.
            let Shared {
                machine, config, ..
            } = held.get();
            if machine.suspects(config).is_some() {
                self.note_suspicion(&mut held);
            }
        }
        held
    }

    /// Leaves a note that the second rule fires.
    #[cfg(feature = "fleet")]
    fn note_suspicion(&self, held: &mut Held<'_, Shared>) {
        self.note(Notes::SUSPECTS);
        // Lets the agent be woken when the lock is released.
        held.get().has_changed = true;
    }

    /// Leaves the signal of an opening in the outbox that does not happen, since the
    /// breaker only measures. `next` is what the rule led to, if it fires; it was
    /// `asked` without the lock, if it is the user's.
    #[cold]
    fn would_open(
        &self,
        word: StateWord,
        next: Option<Next>,
        asked: bool,
        now: Option<Duration>,
    ) -> Held<'_, Shared> {
        let now = now.unwrap_or_else(|| self.clock.now());
        let wall = self.clock.wall();
        let mut held = self.shared.lock();
        if !held.word().same_revision(word) {
            return held;
        }
        let Shared {
            machine,
            config,
            sequence,
            outbox,
            ..
        } = held.get();
        let begins = !asked || machine.begins_to_fire(next.is_some());
        if let Some(next) = next
            && begins
            && machine.would_open(now)
        {
            outbox.put(|| Signal {
                name: self.name.clone(),
                old_state: State::MetricsOnly,
                new_state: State::MetricsOnly,
                timestamp: wall,
                sequence: *sequence,
                reason: next.cause.and_then(|cause| config.reason(cause)),
                next_attempt: None,
                would_have_opened: true,
                record: None,
                origin: crate::listener::signal::Origin::default(),
            });
        }
        held
    }

    /// Asks what has to be asked before a state is entered. `None` if the retry
    /// policy can't be asked now.
    pub(super) fn prepare(
        &self,
        config: &Config,
        next: Next,
        opening: Opening,
        now: Duration,
    ) -> Option<StateEntry<'static>> {
        let wait = match next.state {
            State::Open => {
                let reason = next.cause.and_then(|cause| config.reason(cause));
                Some(self.wait(&*config.retry, Opening { reason, ..opening })?)
            }
            _ => None,
        };
        let wall = self.clock.wall();
        let trigger = match next.state {
            State::Open => Trigger::Rule,
            _ => Trigger::Recovery,
        };
        Some(StateEntry {
            next,
            now,
            wall,
            wait,
            trigger,
            by: None,
        })
    }

    /// Returns what it takes to enter a state that asks no policy.
    pub(super) fn entry(&self, state: State, trigger: Trigger) -> StateEntry<'static> {
        self.entry_at(state, trigger, self.clock.now())
    }

    pub(super) fn entry_at(
        &self,
        state: State,
        trigger: Trigger,
        now: Duration,
    ) -> StateEntry<'static> {
        StateEntry {
            next: state.into(),
            now,
            wall: self.clock.wall(),
            wait: None,
            trigger,
            by: None,
        }
    }

    /// Asks what has to be asked before a command opens the circuit: the retry
    /// policy, unless the command says how long to wait. The command is obeyed
    /// also where the policy can't be asked now.
    pub(super) fn entry_to_open(
        &self,
        wait: Option<Duration>,
        opening: Opening,
        trigger: Trigger,
    ) -> StateEntry<'static> {
        let given = |first| OpeningWait {
            first: Some(first),
            least: Duration::ZERO,
            longest: Duration::ZERO,
            allows_early: false,
        };
        let wait = if let Some(wait) = wait {
            OpeningWait {
                least: wait,
                ..given(wait)
            }
        } else {
            let config = self.config();
            let wait = self.wait(&*config.retry, opening);
            wait.unwrap_or_else(|| given(WAIT))
        };
        StateEntry {
            wait: Some(wait),
            ..self.entry(State::Open, trigger)
        }
    }

    /// Asks a retry policy how long to wait; `None` if it can't be asked now. To be
    /// called without the lock.
    pub(super) fn wait(&self, retry: &dyn Retry, opening: Opening) -> Option<OpeningWait> {
        let first = consult(self, || retry.wait(&opening, &mut &self.random));
        let first = match first {
            Consulted::Given(first) => first,
            Consulted::Panicked => {
                diagnostics::policy_panicked("retry");
                Some(WAIT)
            }
            Consulted::Within => return None,
        };
        let longest = self.longest_of(retry)?;
        Some(OpeningWait {
            first,
            least: Duration::ZERO,
            longest,
            allows_early: true,
        })
    }

    /// Returns how long a dependency may ask to be left alone; `None` if the retry
    /// policy can't be asked now.
    pub(super) fn longest_wait(&self) -> Option<Duration> {
        self.longest_of(&*self.config().retry)
    }

    fn longest_of(&self, retry: &dyn Retry) -> Option<Duration> {
        match consult(self, || retry.longest()) {
            Consulted::Given(longest) => Some(longest),
            Consulted::Panicked => {
                diagnostics::policy_panicked("retry");
                Some(Duration::ZERO)
            }
            Consulted::Within => None,
        }
    }

    /// Enters a state, makes it known, and puts its signal in the outbox.
    pub(super) fn enter(&self, held: &mut Held<'_, Shared>, entry: StateEntry<'_>) {
        let StateEntry {
            next,
            now,
            wall,
            wait,
            trigger,
            by,
        } = entry;
        let before = held.word();
        if next.state == State::Open && before.state() == State::Open {
            // Two openings must never be adjacent generations: see `OpeningSeqLock`.
            // The word between them is of a state whose callers take the lock.
            let Shared {
                machine, config, ..
            } = held.get();
            machine.skip_generation();
            let word = StateWord::new(State::HalfOpen, machine.epoch(), false, config.calls);
            held.publish_word(word);
        }
        let Shared {
            machine,
            config,
            changed_at,
            sequence,
            outbox,
            has_changed,
            flight,
            ..
        } = held.get();
        *has_changed = true;
        #[cfg(feature = "fleet")]
        if next.state == State::Open && trigger == Trigger::Rule && before.state() == State::Closed
        {
            // What opens again was known to be bad.
            self.note(Notes::OPENED);
        }
        if let Some(listener_counters) = &self.listener_counters {
            listener_counters.left(machine.state(), now.saturating_sub(machine.entered()));
        }
        let seen = (config.flight > 0).then(|| Seen::new(machine, config, next, trigger));
        let lasted = now.saturating_sub(machine.entered());
        let Transition {
            old_state,
            new_state,
            cause,
            wait,
        } = machine.enter(next, now, wait);
        *changed_at = wall;
        *sequence += 1;
        debug_assert!(
            new_state != State::Open
                || old_state != State::Open
                || machine.epoch().generation > before.generation() + 1,
            "two openings must not be adjacent generations: see `opening`"
        );
        if new_state == State::Open {
            self.opening.store(now, wait, cause, config.number);
        }
        let reason = cause.and_then(|cause| config.reason(cause));
        let next_attempt = wait.and_then(|wait| wall.checked_add(wait));
        let record = seen.map(|seen| {
            let is_rule = trigger == Trigger::Rule;
            let failures = self.failures.get().filter(|_| is_rule);
            Arc::new(TransitionRecord {
                sequence: *sequence,
                at: wall,
                old_state,
                new_state,
                lasted,
                trigger,
                by: by.cloned(),
                reason,
                rule: seen.rule,
                calls: seen.calls,
                failures: seen.failures,
                probes: seen.probes,
                next_attempt,
                last_failure: failures.and_then(Failures::last),
            })
        });
        if let Some(record) = &record {
            flight.push(Arc::clone(record), config.flight);
        }
        outbox.put(|| Signal {
            name: self.name.clone(),
            old_state,
            new_state,
            timestamp: wall,
            sequence: *sequence,
            reason,
            next_attempt,
            record,
            would_have_opened: false,
            origin: crate::listener::signal::Origin::default(),
        });
        let word = word_of(machine, config);
        // Attention outlives transitions.
        held.publish_word(if before.has_attention() {
            word.attentive()
        } else {
            word
        });
    }

    /// Says in the control word whether the window is clean.
    #[inline]
    pub(super) fn update_word(held: &mut Held<'_, Shared>) {
        let clean = held.get().machine.is_clean();
        let word = held.word().when(clean);
        held.set_word(word);
    }

    /// Lets the user's window catch up, lets go of the lock, then delivers what
    /// is in the outbox, unless a caller further up, or another thread, is at it
    /// already: signals leave in the order of transitions.
    ///
    /// A caller delivers a bounded number, most often its own. If more are left by
    /// then, the next caller goes on; and lest none comes, so does a thread. So no
    /// caller works for all others without end, and no signal waits for a caller that
    /// never comes.
    pub(super) fn unlock(&self, held: Held<'_, Shared>) {
        self.unlock_within(held, TURN);
    }

    /// Unlocks as [`unlock`](Self::unlock) does, with this many signals for one caller.
    pub(super) fn unlock_within(&self, held: Held<'_, Shared>, turn: usize) {
        let mut held = self.catch_up(held);
        let shared = held.get();
        let has_changed = mem::take(&mut shared.has_changed);
        let delivers = shared.outbox.begin();
        let replaced = if has_changed {
            self.take_replaced(shared)
        } else {
            None
        };
        drop(held);
        drop(replaced);
        if has_changed {
            self.wake_next();
            #[cfg(feature = "fleet")]
            self.wake_agent();
        }
        if !delivers {
            return;
        }
        for _ in 0..turn {
            if !self.deliver() {
                return;
            }
        }
        self.hand_over();
    }

    /// Takes out the settings by which an earlier opening was made, unless rejections of
    /// the present one read them. They are to be dropped without the lock.
    fn take_replaced(&self, shared: &mut Shared) -> Option<ConfigRef> {
        let rule = self.opening.load().rule();
        let is_over = |config: &mut Arc<Config>| config.number != rule;
        shared.opened_by.take_if(is_over).map(ConfigRef::from)
    }

    /// Delivers one signal. Returns whether there was one; if not, the delivery is over.
    fn deliver(&self) -> bool {
        let news = self.shared.lock().get().outbox.take();
        let any = news.is_some();
        match news {
            Some(News::Signal(signal)) => self.listeners.tell(signal),
            #[cfg(feature = "settings")]
            Some(News::Settings(change)) => self.listeners.tell_settings(&change),
            None => {}
        }
        any
    }

    /// Leaves the delivery to the next caller, or to a thread if none comes first. Goes
    /// on with it if no thread can be had.
    fn hand_over(&self) {
        if !self.shared.lock().get().outbox.pass_on() {
            return;
        }
        let breaker = self.listeners.owner();
        let started = breaker.is_some_and(|breaker| spawn(move || breaker.core.deliver_rest()));
        if !started {
            self.deliver_rest();
        }
    }

    /// Delivers what is left, unless a caller does so already.
    fn deliver_rest(&self) {
        if self.shared.lock().get().outbox.begin_after_passing_on() {
            while self.deliver() {}
        }
    }
}

pub(super) fn word_of(machine: &Machine, config: &Config) -> StateWord {
    let clean = machine.is_clean();
    StateWord::new(machine.state(), machine.epoch(), clean, config.calls)
}
