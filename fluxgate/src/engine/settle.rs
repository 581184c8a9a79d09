//! Taking note of how calls end.

use std::time::Duration;

use crate::engine::{Core, Ended, Shared, Ticket};
use crate::{
    OnCancel, State, diagnostics,
    engine::{
        lock::Held,
        machine::{Ending, Next},
        probes::Slot,
        state_word::Word,
    },
    util::duration::nanos,
};

impl Core {
    /// Takes note of how a call ended. On the healthy path one atomic load.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, ended: Ended) {
        let Ticket { word, began, slot } = ticket;
        match ended {
            // The success is recorded at this very load: it finds the window
            // full and clean, where one more success leaves no trace.
            Ended::Success if word.is_free() && self.word() == word => {}
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
            // Nearly all; the others need not be told apart here.
            Ended::Success => Some(false),
            Ended::Alive if !is_probe => {
                let read = reads.then_some(now);
                return self.settle_alive(word, slot, elapsed, read);
            }
            _ => self.count_as(ended, elapsed),
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
                let is_stuck = is_probe && present && held.get().machine.learn_nothing();
                if let Some(next) = held.get().machine.look(&self.policy, now) {
                    self.enter(&mut held, next, now);
                    self.unlock(held);
                } else {
                    drop(held);
                }
                if is_stuck {
                    diagnostics::half_open_learns_nothing(&self.name);
                }
            }
        }
    }

    /// Settles a call outside of half-open that proves the dependency answers:
    /// ends a streak and leaves the window alone. Takes no lock while the window
    /// is clean, since then there is no streak.
    #[inline(never)]
    fn settle_alive(&self, word: Word, slot: Slot, elapsed: u64, now: Option<Duration>) {
        self.counts.alive.add(1);
        if let Some(tally) = &self.tally {
            tally.ended(Ended::Alive, false, elapsed);
        }
        let has_slot = slot != Slot::NONE;
        let present = self.word();
        if !has_slot && present.same_period(word) && present.is_clean() {
            return;
        }
        let mut held = self.shared.lock();
        if !held.word().same_period(word) {
            drop(held);
            self.counts.late.add(1);
            return;
        }
        let machine = &mut held.get().machine;
        machine.end_streak();
        let next = match now {
            Some(now) if has_slot => {
                machine.leave(slot);
                machine.look(&self.policy, now)
            }
            _ => None,
        };
        self.follow(held, next, now);
    }

    /// Whether a call counts as failed, if it counts at all.
    #[inline(never)]
    fn count_as(&self, ended: Ended, elapsed: u64) -> Option<bool> {
        match ended {
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
            // As a probe: outside of half-open `settle_alive` has it.
            Ended::Alive => {
                self.counts.alive.add(1);
                Some(false)
            }
            Ended::Overloaded => {
                self.counts.overloaded.add(1);
                Some(true)
            }
            Ended::Cancelled => {
                self.counts.cancelled.add(1);
                match self.policy.on_cancel {
                    OnCancel::Ignore => None,
                    OnCancel::Fail => Some(true),
                    OnCancel::FailAfter(least) => (elapsed >= nanos(least)).then_some(true),
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
}
