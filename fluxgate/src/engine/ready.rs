//! Asking without consequence, and what waits for a breaker that admits a call.

use std::time::Duration;

use super::{Core, Ticket, config::ConfigRef, opening::Refusal, waiters::Waiters};
use crate::{State, clock::Ring};

/// How often a circuit is asked again that may admit a call at any time: one that
/// is half-open, whose permit may draw chance and whose leases end, one that is due
/// but whose retry policy is not ready, and a closed one that throttles. And how long a
/// waiter that was woken may take before the next is woken.
const AGAIN: Duration = Duration::from_millis(100);

impl Core {
    /// Returns whether a call would be admitted now, as far as that can be told
    /// without asking the permit. Counts nothing and reserves nothing.
    #[inline]
    pub(crate) fn is_permitted(&self) -> bool {
        match self.word().state() {
            State::Closed | State::MetricsOnly | State::Disabled => true,
            State::ForcedOpen => false,
            State::Open | State::HalfOpen => self.is_permitted_slow(),
        }
    }

    #[inline(never)]
    fn is_permitted_slow(&self) -> bool {
        loop {
            let word = self.word();
            match word.state() {
                State::Closed | State::MetricsOnly | State::Disabled => return true,
                State::ForcedOpen => return false,
                State::Open => match self.opening(word) {
                    Some(refusal) if !refusal.is_due() => return false,
                    _ => {
                        let now = self.clock.now();
                        let mut held = self.shared.lock();
                        if !held.word().same_period(word) {
                            continue;
                        }
                        let shared = held.get();
                        let due = shared.machine.due(now);
                        let opening = shared.machine.opening();
                        let opening = shared.with_reason(opening, self.opening.load());
                        let config = ConfigRef::new(&shared.config);
                        drop(held);
                        return due.is_some_and(|elapsed| self.is_ready(&config, opening, elapsed));
                    }
                },
                State::HalfOpen => {
                    let now = self.clock.now();
                    let mut held = self.shared.lock();
                    if held.word().same_period(word) {
                        return held.get().machine.has_free_slot(now);
                    }
                }
            }
        }
    }

    /// Admits a call in whatever state, or says why not, and leaves the counting of
    /// the refusal to the caller.
    #[inline]
    pub(crate) fn try_admit(&self) -> Result<Ticket, Refusal> {
        match self.admit_fast() {
            Some(ticket) => Ok(ticket),
            None => self.try_admit_slow(),
        }
    }

    #[inline(never)]
    fn try_admit_slow(&self) -> Result<Ticket, Refusal> {
        let word = self.word();
        match word.state() {
            State::Disabled => Ok(Ticket::new(word, 0)),
            State::Closed | State::MetricsOnly
                if word.has_attention() && !word.tracks_in_flight() =>
            {
                self.admit_attentive(word)
            }
            State::Closed | State::MetricsOnly if !word.tracks_in_flight() => Ok(self.ticket(word)),
            State::MetricsOnly => Ok(self.ticket(word.calm())),
            State::ForcedOpen => Err(Refusal::by(State::ForcedOpen)),
            State::Open => match self.opening(word) {
                Some(refusal) if !refusal.is_due() => Err(refusal),
                _ => self.admit_locked(),
            },
            State::Closed | State::HalfOpen => self.admit_locked(),
        }
    }

    /// Returns when a waiter that was refused has to ask again although nothing
    /// happened; `None` if only a command lets it in.
    pub(crate) fn next_look(&self, refusal: Refusal) -> Option<Duration> {
        let now = self.clock.now();
        match refusal.state() {
            // Only a throttle refuses calls of a closed circuit.
            State::HalfOpen | State::Closed => Some(now.saturating_add(AGAIN)),
            State::Open => {
                if let Some(wait) = refusal.wait() {
                    Some(now.saturating_add(wait))
                } else {
                    let wait = self.shared.lock().get().machine.wait();
                    wait.map(|_| now.saturating_add(AGAIN))
                }
            }
            State::MetricsOnly | State::Disabled | State::ForcedOpen => None,
        }
    }

    /// Has an alarm ring for those that wait when the breaker's clock shows `at`, unless
    /// one rings before.
    pub(crate) fn look_at(&self, at: Duration, waiters: &Waiters) {
        if let Some(alarm) = waiters.alarm(at) {
            self.clock.set_alarm(at, alarm);
        }
    }

    /// Returns the time by the breaker's clock.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Wakes the first of those that wait for this breaker, if any do: a slot is
    /// free, or a state was entered. To be called without the lock.
    #[inline]
    pub(crate) fn wake_next(&self) {
        if let Some(choice) = self.choice.get() {
            self.wake_waiter(&choice.waiters);
        }
    }

    #[cold]
    fn wake_waiter(&self, waiters: &Waiters) {
        if !waiters.wake_next() {
            return;
        }
        let at = match self.refusing() {
            Some(refusal) => self.next_look(refusal),
            None => Some(self.clock.now().saturating_add(AGAIN)),
        };
        if let Some(at) = at {
            self.look_at(at, waiters);
        }
    }
}

/// An alarm rang: the first waiter looks again.
impl Ring for Core {
    fn ring(&self) {
        if let Some(choice) = self.choice.get() {
            choice.waiters.rang();
            self.wake_waiter(&choice.waiters);
        }
    }
}
