//! Taking note of how calls end, by the kind of ticket: those of free calls, which leave
//! at most their outcome; those without a slot; and those that hold a [slot].

mod slot;

use std::time::Duration;

use crate::{
    OnCancel, State,
    engine::{
        CallEnd, Core, Shared, Ticket,
        lock::Held,
        machine::{Ending, Next},
        state_word::StateWord,
    },
    util::{duration::nanos, slot::Slot},
    window::Record,
};

impl Core {
    /// Takes note of how a call ended. On the healthy path one atomic load.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, ended: CallEnd) {
        let Ticket { word, began, slot } = ticket;
        match ended {
            // The success is recorded at this very load: it finds the window
            // full and clean, where one more success leaves no trace.
            CallEnd::Success if word.is_free() && self.word() == word => {}
            CallEnd::Success if word.is_free() => self.settle_outcome::<false>(word),
            CallEnd::Failure if word.is_free() => self.settle_outcome::<true>(word),
            _ => self.settle_slow(word, began, slot, ended),
        }
    }

    /// Takes note that the dependency said how long it will be down.
    #[cold]
    pub(crate) fn defer_until(&self, ticket: Ticket, wait: Duration) {
        let until = self.clock.now().saturating_add(wait);
        let mut held = self.shared.lock();
        if held.word().same_period(ticket.word) {
            held.get().machine.defer_until(until);
        }
    }

    /// Returns how long a call has taken, in nanoseconds; zero if nothing asks for
    /// it.
    #[cfg(all(feature = "http", feature = "tower"))]
    pub(crate) fn elapsed(&self, ticket: Ticket) -> u64 {
        if self.needs_start || ticket.slot != Slot::NONE {
            nanos(self.clock.now()).saturating_sub(ticket.began)
        } else {
            0
        }
    }

    /// Returns whether the call is a probe whose lease is over.
    #[cfg(all(feature = "http", feature = "tower"))]
    pub(crate) fn is_overdue(&self, ticket: Ticket) -> bool {
        let is_probe = ticket.slot != Slot::NONE && ticket.word.state() == State::HalfOpen;
        is_probe && {
            let lease = self.shared.lock().get().machine.probes().lease();
            nanos(self.clock.now()).saturating_sub(ticket.began) >= lease
        }
    }

    /// Takes note of an outcome of which nothing else is kept.
    #[inline(never)]
    pub(crate) fn settle_outcome<const FAILED: bool>(&self, word: StateWord) {
        let mut held = self.shared.lock();
        if !held.word().same_calm_period(word) {
            return self.settle_outcome_late(held, word, FAILED);
        }
        self.count_for_listeners(outcome(FAILED), false, 0);
        let next = held.get().machine.record_outcome(&self.config, FAILED);
        self.apply_if_any(held, next, None);
    }

    /// Settles as [`settle_outcome`](Self::settle_outcome) does, if there is attention by
    /// now, or the period is over.
    #[cold]
    #[inline(never)]
    fn settle_outcome_late(&self, held: Held<'_, Shared>, word: StateWord, failed: bool) {
        let (held, late) = self.count_answer_unlocked(held, word);
        if late {
            drop(held);
            self.count_late(outcome(failed), 0);
        } else {
            self.record(held, failed, outcome(failed), None, 0);
        }
    }

    /// Takes note of how a call ended that is not settled by its outcome alone. The parts
    /// of the ticket are given one by one: they stay in registers.
    #[inline(never)]
    fn settle_slow(&self, word: StateWord, began: u64, slot: Slot, ended: CallEnd) {
        if word.state() == State::Disabled {
            return;
        }
        let (reads, now) = self.now_if_needed(slot, ended);
        let elapsed = nanos(now).saturating_sub(began);
        self.settle_elapsed(word, slot, ended, reads, now, elapsed);
    }

    /// Takes note of how a call ended whose duration, in nanoseconds, was measured
    /// elsewhere.
    pub(crate) fn settle_measured(&self, ticket: Ticket, ended: CallEnd, elapsed: u64) {
        let Ticket { word, slot, .. } = ticket;
        if word.is_free() || word.state() == State::Disabled {
            return self.settle(ticket, ended);
        }
        let (reads, now) = self.now_if_needed(slot, ended);
        self.settle_elapsed(word, slot, ended, reads, now, elapsed);
    }

    /// Returns whether settling the call needs the time, and that time or zero.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn now_if_needed(&self, slot: Slot, ended: CallEnd) -> (bool, Duration) {
        let reads = self.needs_end || slot != Slot::NONE || ended == CallEnd::Cancelled;
        let now = if reads {
            self.clock.now()
        } else {
            Duration::ZERO
        };
        (reads, now)
    }

    // A part of `settle_slow`, which is what calls on the recording path run.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn settle_elapsed(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        reads: bool,
        now: Duration,
        elapsed: u64,
    ) {
        #[cfg(feature = "sim")]
        if reads && let Some(listener_counters) = &self.listener_counters {
            listener_counters.record_call(ended, now, elapsed);
        }
        if slot == Slot::NONE {
            let now = reads.then_some(now);
            self.settle_unregistered(word, ended, now, elapsed);
        } else if word.state() == State::HalfOpen {
            self.settle_probe(word, slot, ended, now, elapsed);
        } else {
            self.settle_in_flight(word, slot, ended, now, elapsed);
        }
    }

    /// Takes note of how a call ended that holds no slot: of most.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn settle_unregistered(
        &self,
        word: StateWord,
        ended: CallEnd,
        now: Option<Duration>,
        elapsed: u64,
    ) {
        let failed = match ended {
            // Nearly all; the others need not be told apart here.
            CallEnd::Success => false,
            _ => match self.count_as(word, ended, false, elapsed) {
                Some(failed) => failed,
                None => return self.settle_unjudged(word, ended, elapsed),
            },
        };
        let present = self.word();
        if !present.same_calm_period(word) && !self.count_answer(word, ended) {
            return self.count_late(ended, elapsed);
        }
        if !failed && present.is_clean() && elapsed < self.slow {
            return self.count_for_listeners(ended, false, elapsed);
        }
        let held = self.shared.lock();
        if held.word().same_period(word) {
            self.record(held, failed, ended, now, elapsed);
        } else {
            drop(held);
            self.count_late(ended, elapsed);
        }
    }

    /// Takes note of how a call ended that holds no slot and says neither that the
    /// dependency works nor that it does not.
    #[cold]
    fn settle_unjudged(&self, word: StateWord, ended: CallEnd, elapsed: u64) {
        self.count_for_listeners(ended, false, elapsed);
        if ended == CallEnd::Alive {
            self.end_streak(word);
        }
    }

    /// Records a call of the present period.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn record(
        &self,
        mut held: Held<'_, Shared>,
        failed: bool,
        ended: CallEnd,
        now: Option<Duration>,
        elapsed: u64,
    ) {
        self.count_for_listeners(ended, false, elapsed);
        let nanos = if self.needs_elapsed { elapsed } else { 0 };
        let ending = Ending { failed, nanos };
        let at = now.unwrap_or_default();
        if self.own_window {
            self.settle_in_own_window(held, ending, at);
        } else {
            let next = held.get().machine.record(&self.config, ending, at);
            self.apply_if_any(held, next, now);
        }
    }

    /// Counts a call for the listeners that ask for it; `late` if the state had moved on.
    #[inline]
    fn count_for_listeners(&self, ended: CallEnd, late: bool, elapsed: u64) {
        if let Some(listener_counters) = &self.listener_counters {
            listener_counters.ended(ended, late, elapsed);
        }
    }

    /// Counts a call whose period is over: its outcome changes nothing.
    #[cold]
    fn count_late(&self, ended: CallEnd, elapsed: u64) {
        self.counts.late.add(1);
        self.count_for_listeners(ended, true, elapsed);
    }

    /// Leaves the outcome of a call for the user's window.
    #[cold]
    fn settle_in_own_window(&self, mut held: Held<'_, Shared>, ending: Ending, now: Duration) {
        let Ending { failed, nanos } = ending;
        let record = Record::new(failed, nanos, &self.config.thresholds);
        if !Self::leave_record(&mut held, record, now) {
            self.counts.late.add(1);
        }
        self.unlock(held);
    }

    /// Ends the streak: the dependency answers. Takes no lock while the window is
    /// clean, since then there is no streak.
    #[cold]
    fn end_streak(&self, word: StateWord) {
        let present = self.word();
        if !present.same_calm_period(word) && !self.count_answer(word, CallEnd::Alive) {
            self.counts.late.add(1);
        } else if !present.is_clean() {
            let mut held = self.shared.lock();
            self.end_streak_locked(&mut held, word);
            self.unlock(held);
        }
    }

    /// Ends the streak, unless the call is late. Returns whether it was in time.
    fn end_streak_locked(&self, held: &mut Held<'_, Shared>, word: StateWord) -> bool {
        let in_time = held.word().same_period(word);
        if in_time {
            held.get().machine.end_streak();
            self.update_word(held);
        } else {
            self.counts.late.add(1);
        }
        in_time
    }

    /// Returns whether a call counts as failed, if it counts at all.
    #[inline(never)]
    pub(in crate::engine) fn count_as(
        &self,
        word: StateWord,
        ended: CallEnd,
        is_probe: bool,
        elapsed: u64,
    ) -> Option<bool> {
        match ended {
            CallEnd::Success => Some(false),
            CallEnd::Failure => Some(true),
            CallEnd::Panicked => {
                self.counts.panicked.add(1);
                Some(true)
            }
            CallEnd::Ignored => {
                self.counts.ignored.add(1);
                None
            }
            // It passes a probe. Elsewhere it is not recorded.
            CallEnd::Alive => {
                self.counts.alive.add(1);
                is_probe.then_some(false)
            }
            CallEnd::Overloaded => {
                self.counts.overloaded.add(1);
                self.count_overload(word, is_probe)
            }
            CallEnd::Cancelled => {
                self.counts.cancelled.add(1);
                match self.config.on_cancel {
                    OnCancel::Ignore => None,
                    OnCancel::Fail => Some(true),
                    OnCancel::FailAfter(least) => (elapsed >= nanos(least)).then_some(true),
                }
            }
        }
    }

    /// Goes to the state that a recorded call leads to, if any. `now` may be missing
    /// while nothing but a transition needs it.
    #[inline]
    fn apply_if_any(&self, mut held: Held<'_, Shared>, next: Option<Next>, now: Option<Duration>) {
        match next {
            None => self.update_word(&mut held),
            Some(next) => self.apply(held, next, now),
        }
    }
}

fn outcome(failed: bool) -> CallEnd {
    if failed {
        CallEnd::Failure
    } else {
        CallEnd::Success
    }
}
