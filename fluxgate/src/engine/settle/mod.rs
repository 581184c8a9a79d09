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
        if ticket.word.needs_start() || ticket.slot != Slot::NONE {
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
            drop(held);
            return self.settle_moved(word, outcome(FAILED), FAILED, None, 0);
        }
        self.count_for_listeners(outcome(FAILED), false, 0);
        let Shared {
            machine, config, ..
        } = held.get();
        let next = machine.record_outcome(config, FAILED);
        self.apply_if_any(held, next, None);
    }

    /// Settles a call without a slot that meets another word than that of its
    /// admission: there is attention by now, the settings are others, or the period is
    /// over.
    #[cold]
    #[inline(never)]
    fn settle_moved(
        &self,
        word: StateWord,
        ended: CallEnd,
        failed: bool,
        now: Option<Duration>,
        elapsed: u64,
    ) {
        // Whether recording needs it depends on settings that may change until then.
        let now = now.unwrap_or_else(|| self.clock.now());
        if !self.count_answer(word, ended, Some(now)) {
            return self.count_late(ended, elapsed);
        }
        // While attention lasts most calls come here, and the window may be clean. The
        // word after `slow`, as in `settle_unregistered`.
        let slow = self.slow();
        let present = self.word();
        if !failed && present.same_revision(word) && present.is_clean() && elapsed < slow {
            return self.count_for_listeners(ended, false, elapsed);
        }
        let held = self.shared.lock();
        if !held.word().same_period(word) {
            drop(held);
            self.count_late(ended, elapsed);
        } else if held.word().same_revision(word) {
            self.record(held, failed, ended, Some(now), elapsed);
        } else {
            self.record_revised(held, failed, ended, now, elapsed);
        }
    }

    /// Takes note of how a call ended that is not settled by its outcome alone. The parts
    /// of the ticket are given one by one: they stay in registers.
    #[inline(never)]
    fn settle_slow(&self, word: StateWord, began: u64, slot: Slot, ended: CallEnd) {
        if word.is_settled_apart() {
            return self.settle_apart(word, began, slot, ended);
        }
        let (reads, now) = self.now_if_needed(word, slot, ended);
        let elapsed = nanos(now).saturating_sub(began);
        self.settle_elapsed(word, slot, ended, reads, now, elapsed);
    }

    /// Takes note of how a call ended whose duration, in nanoseconds, was measured
    /// elsewhere.
    pub(crate) fn settle_measured(&self, ticket: Ticket, ended: CallEnd, elapsed: u64) {
        let Ticket { word, slot, .. } = ticket;
        if word.is_free() {
            return self.settle(ticket, ended);
        }
        if word.is_settled_apart() {
            return self.settle_apart_measured(word, slot, ended, elapsed);
        }
        let (reads, now) = self.now_if_needed(word, slot, ended);
        self.settle_timed(word, slot, ended, reads, now, elapsed);
    }

    /// Settles a call that took so long, where `settle_slow` does not.
    #[inline(never)]
    pub(super) fn settle_timed(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        reads: bool,
        now: Duration,
        elapsed: u64,
    ) {
        self.settle_elapsed(word, slot, ended, reads, now, elapsed);
    }

    /// Returns whether settling the call needs the time, and that time or zero.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn now_if_needed(&self, word: StateWord, slot: Slot, ended: CallEnd) -> (bool, Duration) {
        let reads = word.needs_end() || slot != Slot::NONE || ended == CallEnd::Cancelled;
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
        // Before the word: of the settings that the word shows, or of later ones, which
        // the word would show.
        let slow = self.slow();
        let present = self.word();
        if !present.same_calm_period(word) {
            return self.settle_moved(word, ended, failed, now, elapsed);
        }
        if !failed && present.is_clean() && elapsed < slow {
            return self.count_for_listeners(ended, false, elapsed);
        }
        let held = self.shared.lock();
        if held.word().same_revision(word) {
            self.record(held, failed, ended, now, elapsed);
        } else {
            drop(held);
            self.settle_moved(word, ended, failed, now, elapsed);
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
        let Shared {
            machine, config, ..
        } = held.get();
        let nanos = if machine.recording().needs_elapsed {
            elapsed
        } else {
            0
        };
        let ending = Ending { failed, nanos };
        let at = now.unwrap_or_default();
        if machine.recording().own_window {
            self.settle_in_own_window(held, ending, at);
        } else {
            let next = machine.record(config, ending, at);
            self.apply_if_any(held, next, now);
        }
    }

    /// Records a call of the present period that was admitted under other settings. What
    /// was measured for it is what they needed, so that its outcome counts and its
    /// duration does not: it is not slow. A listener that keeps durations has them
    /// measured under all settings.
    #[cold]
    #[inline(never)]
    fn record_revised(
        &self,
        mut held: Held<'_, Shared>,
        failed: bool,
        ended: CallEnd,
        now: Duration,
        elapsed: u64,
    ) {
        self.count_for_listeners(ended, false, elapsed);
        let ending = Ending { failed, nanos: 0 };
        let Shared {
            machine, config, ..
        } = held.get();
        if machine.recording().own_window {
            self.settle_in_own_window(held, ending, now);
        } else {
            let next = machine.record(config, ending, now);
            self.apply_if_any(held, next, Some(now));
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
        let record = Record::new(failed, nanos, &held.get().config.thresholds);
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
        if !present.same_calm_period(word) && !self.count_answer(word, CallEnd::Alive, None) {
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
            // Without a streak nothing changes. That the window is clean is said where a
            // call was recorded and judged alone: after a change of the settings it
            // was not.
            let machine = &mut held.get().machine;
            if machine.streak() > 0 {
                machine.end_streak();
                Self::update_word(held);
            }
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
                self.count_cancelled(word, elapsed)
            }
        }
    }

    /// Returns whether a cancelled call counts as failed. One that was admitted under
    /// other settings has no known duration.
    #[cold]
    fn count_cancelled(&self, word: StateWord, elapsed: u64) -> Option<bool> {
        let mut held = self.shared.lock();
        let is_timed = held.word().same_settings(word);
        match held.get().config.on_cancel {
            OnCancel::Ignore => None,
            OnCancel::Fail => Some(true),
            OnCancel::FailAfter(least) => (is_timed && elapsed >= nanos(least)).then_some(true),
        }
    }

    /// Goes to the state that a recorded call leads to, if any. `now` may be missing
    /// while nothing but a transition needs it.
    #[inline]
    fn apply_if_any(&self, mut held: Held<'_, Shared>, next: Option<Next>, now: Option<Duration>) {
        match next {
            None => Self::update_word(&mut held),
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
