//! Letting calls in.

use crate::engine::{Core, Shared, Ticket};
use crate::{
    State,
    engine::{
        machine::Admission,
        opening::Refusal,
        probes::Slot,
        state_word::Word,
        sync::{Ordering, fence},
    },
    util::duration::nanos,
};

impl Core {
    /// Lets a call in of which nothing need be known but how it ends. One atomic
    /// load.
    #[inline]
    pub(crate) fn admit_freely(&self) -> Option<Ticket> {
        let word = self.word();
        word.is_free().then(|| Ticket::new(word, 0))
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
            State::Disabled => Ok(Ticket::new(word, 0)),
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

    #[inline]
    fn ticket(&self, word: Word) -> Ticket {
        let began = if self.stamps {
            nanos(self.clock.now())
        } else {
            0
        };
        Ticket::new(word, began)
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
            Admission::NotPermitted(elapsed) => {
                return Err(self.refuse(Refusal::by_permit(elapsed)));
            }
            Admission::Rejected => return Err(self.refuse(refusal.unless_due())),
        };
        Ok(Ticket {
            slot,
            ..Ticket::new(word, began)
        })
    }
}
