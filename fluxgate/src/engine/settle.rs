//! Taking note of how calls end.

use std::time::Duration;

use crate::engine::{CallEnd, Core, Shared, Ticket};
use crate::{
    OnCancel, SlowProbes, State, diagnostics,
    engine::{
        lock::Held,
        machine::{Ending, Next, SILENT_PROBES},
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
            CallEnd::Success if word.is_free() => self.settle_outcome(word, false),
            CallEnd::Failure if word.is_free() => self.settle_outcome(word, true),
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

    #[inline(never)]
    fn settle_outcome(&self, word: StateWord, failed: bool) {
        let mut held = self.shared.lock();
        let mut late = !held.word().same_calm_period(word);
        if late {
            (held, late) = self.count_answer_unlocked(held, word);
        }
        if let Some(listener_counters) = &self.listener_counters {
            let ended = if failed {
                CallEnd::Failure
            } else {
                CallEnd::Success
            };
            listener_counters.ended(ended, late, 0);
        }
        if late {
            drop(held);
            self.counts.late.add(1);
        } else {
            let next = held.get().machine.record_outcome(&self.config, failed);
            self.apply_if_any(held, next, None);
        }
    }

    /// The parts of the ticket one by one: they stay in registers.
    #[inline(never)]
    #[allow(
        clippy::too_many_lines,
        reason = "its cases share what is in registers"
    )]
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
        let has_slot = slot != Slot::NONE;
        let is_probe = has_slot && word.state() == State::HalfOpen;
        #[cfg(feature = "sim")]
        if reads && let Some(listener_counters) = &self.listener_counters {
            listener_counters.record_call(ended, now, elapsed);
        }
        let failed = match ended {
            // Nearly all; the others need not be told apart here.
            CallEnd::Success => Some(false),
            _ => self.count_as(word, ended, is_probe, elapsed),
        };
        let (ended, failed) = if is_probe {
            self.judge_probe(ended, failed, elapsed)
        } else {
            (ended, failed)
        };
        let count = |late| {
            if let Some(listener_counters) = &self.listener_counters {
                listener_counters.ended(ended, late, elapsed);
            }
        };
        if !has_slot {
            if failed.is_none() {
                count(false);
                if ended == CallEnd::Alive {
                    self.end_streak(word);
                }
                return;
            }
            let present = self.word();
            if !present.same_calm_period(word) && !self.count_answer(word, ended) {
                self.counts.late.add(1);
                return count(true);
            }
            if failed == Some(false) && present.is_clean() && elapsed < self.slow {
                return count(false);
            }
        }
        if has_slot && !is_probe {
            self.count_answer(word, ended);
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
                let nanos = if self.needs_elapsed { elapsed } else { 0 };
                let ending = Ending { failed, nanos };
                if self.own_window {
                    self.settle_in_own_window(held, ending, now);
                } else {
                    let next = held.get().machine.record(&self.config, ending, now);
                    self.apply_if_any(held, next, reads.then_some(now));
                }
            }
            Some(_) => {
                drop(held);
                self.counts.late.add(1);
                count(true);
            }
            None => {
                count(false);
                let is_stuck = is_probe && present && held.get().machine.learn_nothing();
                self.settle_unrecorded(held, word, ended, now, is_stuck);
            }
        }
        if is_probe {
            // Its slot is free again.
            self.wake_next();
        }
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

    /// Looks at the calls in flight after one of them ended that is not recorded.
    #[cold]
    fn settle_unrecorded(
        &self,
        mut held: Held<'_, Shared>,
        word: StateWord,
        ended: CallEnd,
        now: Duration,
        is_stuck: bool,
    ) {
        if ended == CallEnd::Alive && !self.end_streak_locked(&mut held, word) {
            return self.unlock(held);
        }
        let mut held = self.expire_own(held, now);
        match held.get().machine.check_in_flight(&self.config, now) {
            Some(next) => self.apply(held, next, Some(now)),
            None => self.unlock(held),
        }
        if is_stuck {
            diagnostics::half_open_learns_nothing(&self.name, SILENT_PROBES);
        }
    }

    /// Counts a probe that succeeded but took too long as failed.
    #[cold]
    fn judge_probe(
        &self,
        ended: CallEnd,
        failed: Option<bool>,
        elapsed: u64,
    ) -> (CallEnd, Option<bool>) {
        match (ended, failed) {
            (CallEnd::Success, Some(false)) if self.is_too_slow(elapsed) => {
                (CallEnd::Failure, Some(true))
            }
            (_, Some(false)) if self.is_too_slow(elapsed) => (ended, Some(true)),
            _ => (ended, failed),
        }
    }

    /// Whether a probe that succeeded took so long that it counts as failed.
    pub(super) fn is_too_slow(&self, elapsed: u64) -> bool {
        self.config.slow_probes == SlowProbes::Fail
            && !self.config.thresholds.is_empty()
            && elapsed >= self.slow
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

    /// Whether a call counts as failed, if it counts at all.
    #[inline(never)]
    pub(super) fn count_as(
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

    /// After a call was recorded: goes where that leads. `now` may be missing
    /// while nothing but a transition needs it.
    #[inline]
    fn apply_if_any(&self, mut held: Held<'_, Shared>, next: Option<Next>, now: Option<Duration>) {
        match next {
            None => self.update_word(&mut held),
            Some(next) => self.apply(held, next, now),
        }
    }
}
