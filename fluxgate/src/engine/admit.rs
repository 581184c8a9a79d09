//! Letting calls in.

use std::time::Duration;

use super::{
    Core, Shared, Ticket,
    config::{Config, ConfigRef},
    opening::Refusal,
    state_word::{StateWord, WithoutLock},
};
use crate::{
    State, diagnostics,
    flight::Trigger,
    retry::Opening,
    util::{
        consult::{Consulted, consult},
        duration::nanos,
        slot::Slot,
    },
};

impl Core {
    /// Lets a call in of which nothing need be known but how it ends. One atomic
    /// load.
    #[inline]
    pub(crate) fn admit_fast(&self) -> Option<Ticket> {
        let word = self.word();
        word.is_free().then(|| Ticket::new(word, 0))
    }

    /// Admits a free call. Returns its word.
    #[inline]
    pub(crate) fn admit_free(&self) -> Option<StateWord> {
        let word = self.word();
        word.is_free().then(|| word.when_clean())
    }

    /// Lets a call in, or not, if that takes no lock: in the closed state, and in
    /// an open circuit that is not due.
    // Apart, ticket and refusal would go through memory.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(crate) fn admit_lock_free(&self) -> Option<Result<Ticket, Refusal>> {
        let word = self.word();
        match word.without_lock() {
            WithoutLock::Run => Some(Ok(self.ticket(word))),
            WithoutLock::Refuse => {
                let refusal = self.opening(word)?;
                (!refusal.is_due()).then(|| Err(self.refuse(refusal)))
            }
            WithoutLock::Nothing => None,
        }
    }

    /// Lets a call in as [`admit_lock_free`](Self::admit_lock_free) does, where the
    /// compiler chooses the place.
    #[inline]
    fn try_admit_lock_free(&self) -> Option<Result<Ticket, Refusal>> {
        self.admit_lock_free()
    }

    /// Lets a call in, or not, whatever the state.
    #[inline(never)]
    pub(crate) fn admit_slow(&self) -> Result<Ticket, Refusal> {
        let word = self.word();
        match word.state() {
            State::Closed | State::MetricsOnly
                if word.has_attention() && !word.tracks_in_flight() =>
            {
                self.admit_attentive(word)
                    .map_err(|refusal| self.refuse(refusal))
            }
            State::Disabled => Ok(Ticket::new(word, 0)),
            State::ForcedOpen => Err(self.refuse(Refusal::by(State::ForcedOpen))),
            State::MetricsOnly => Ok(self.ticket(word.calm())),
            State::Closed | State::Open | State::HalfOpen => {
                self.admit_locked().map_err(|refusal| self.refuse(refusal))
            }
        }
    }

    /// Admits a call on any path except the fast one.
    #[inline(never)]
    pub(crate) fn admit_without_fast(&self) -> Result<Ticket, Refusal> {
        self.try_admit_lock_free()
            .unwrap_or_else(|| self.admit_slow())
    }

    #[inline]
    pub(super) fn ticket(&self, word: StateWord) -> Ticket {
        let began = if word.needs_start() {
            nanos(self.clock.now())
        } else {
            0
        };
        Ticket::new(word, began)
    }

    /// Admits a call on any path.
    #[cfg(feature = "tower")]
    pub(crate) fn admit_any(&self) -> Result<Ticket, Refusal> {
        self.admit_fast()
            .map_or_else(|| self.admit_without_fast(), Ok)
    }

    /// Returns why a call would be rejected now, if that is certain without admitting
    /// one. Counts nothing.
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
    pub(super) fn opening(&self, word: StateWord) -> Option<Refusal> {
        let refusal = self.opening.read(word, || self.shared.word_relaxed())?;
        Some(refusal.at(self.clock.now()))
    }

    #[inline]
    pub(crate) fn refuse(&self, refusal: Refusal) -> Refusal {
        self.counts.rejected.add(1);
        if let Some(listener_counters) = &self.listener_counters {
            listener_counters.rejected(refusal.state());
            if listener_counters.is_told_of_refusals() {
                self.tell_refusal(refusal.state());
            }
        }
        refusal
    }

    /// Lets a call in, or not, where that takes the lock, and leaves the counting of
    /// the rejection to the caller. What asks the user is
    /// asked without it; should the state move on meanwhile, it begins anew.
    #[cold]
    pub(super) fn admit_locked(&self) -> Result<Ticket, Refusal> {
        loop {
            let now = self.clock.now();
            if let Some(refusal) = self.throttle(self.word(), nanos(now)) {
                return Err(refusal);
            }
            let mut held = self.shared.lock();
            if held.word().tracks_in_flight() {
                held = self.expire_own(held, now);
                let Shared {
                    machine, config, ..
                } = held.get();
                if let Some(next) = machine.check_in_flight(config, now) {
                    held = self.make(held, next, Some(now));
                }
            }
            let word = held.word();
            let shared = held.get();
            let machine = &mut shared.machine;
            match word.state() {
                State::Closed => {
                    let slot = machine.start(now);
                    self.unlock(held);
                    return Ok(match slot {
                        Some(slot) => Ticket {
                            slot,
                            ..Ticket::new(word.calm(), nanos(now))
                        },
                        None => self.ticket(word.calm()),
                    });
                }
                State::MetricsOnly | State::Disabled => {
                    self.unlock(held);
                    return Ok(self.ticket(word.calm()));
                }
                State::ForcedOpen => {
                    self.unlock(held);
                    return Err(Refusal::by(State::ForcedOpen));
                }
                State::Open => {
                    let due = machine.due(now);
                    let opening = machine.opening();
                    let refusal = self.opening.load().at(now);
                    let opening = shared.with_reason(opening, refusal);
                    let config = ConfigRef::new(&shared.config);
                    self.unlock(held);
                    if !due.is_some_and(|elapsed| self.is_ready(&config, opening, elapsed)) {
                        return Err(refusal.unless_due());
                    }
                    drop(config);
                    self.half_open(word, now);
                }
                State::HalfOpen => {
                    let elapsed = now.saturating_sub(machine.entered());
                    #[cfg(feature = "fleet")]
                    let leased = machine.is_leased();
                    #[cfg(not(feature = "fleet"))]
                    let leased = false;
                    let (slot, lost) = machine.reserve(now);
                    if lost > 0 {
                        self.counts.lost_probes.add(lost);
                    }
                    let config = slot.map(|_| ConfigRef::new(&shared.config));
                    self.unlock(held);
                    let (Some(slot), Some(config)) = (slot, config) else {
                        return Err(Refusal::by(State::HalfOpen));
                    };
                    let permits = leased || self.permits(&config, elapsed);
                    drop(config);
                    if !permits {
                        self.give_back(slot, now);
                        return Err(Refusal::by_permit(elapsed));
                    }
                    if self.word().same_revision(word) {
                        if let Some(listener_counters) = &self.listener_counters {
                            listener_counters.probe();
                        }
                        return Ok(Ticket {
                            slot,
                            ..Ticket::new(word.calm(), nanos(now))
                        });
                    }
                    self.give_back(slot, now);
                }
            }
        }
    }

    /// Returns whether the retry policy lets a probe run after all. To be called
    /// without the lock.
    pub(super) fn is_ready(&self, config: &Config, opening: Opening, elapsed: Duration) -> bool {
        match consult(self, || config.retry.ready(&opening, elapsed)) {
            Consulted::Given(ready) => ready,
            Consulted::Panicked => {
                diagnostics::policy_panicked("retry");
                true
            }
            Consulted::Within => false,
        }
    }

    fn permits(&self, config: &Config, elapsed: Duration) -> bool {
        match consult(self, || config.permit.admits(elapsed, &mut &self.random)) {
            Consulted::Given(admits) => admits,
            Consulted::Panicked => {
                diagnostics::policy_panicked("permit");
                true
            }
            Consulted::Within => false,
        }
    }

    /// Half-opens the circuit, if it is still in the period of `word`, under the same
    /// settings.
    fn half_open(&self, word: StateWord, now: Duration) {
        let entry = self.entry_at(State::HalfOpen, Trigger::Retry, now);
        let mut held = self.shared.lock();
        if held.word().same_revision(word) {
            self.enter(&mut held, entry);
        }
        self.unlock(held);
    }

    /// Takes back the slot of a call that does not run.
    fn give_back(&self, slot: Slot, now: Duration) {
        let lost = self.shared.lock().get().machine.release(slot, now);
        if lost {
            self.counts.lost_probes.add(1);
        }
    }
}

impl Shared {
    /// Completes what a retry policy is told of an opening with its reason.
    pub(super) fn with_reason(&self, opening: Opening, refusal: Refusal) -> Opening {
        let reason = refusal.cause();
        Opening {
            reason: reason.and_then(|cause| self.reason(cause, refusal.rule())),
            ..opening
        }
    }
}
