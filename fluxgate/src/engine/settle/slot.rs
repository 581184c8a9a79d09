//! Settling calls that hold a slot: probes, and calls that are registered among those in
//! flight.

use std::time::Duration;

#[cfg(feature = "fleet")]
use crate::engine::fleet::Notes;
use crate::{
    diagnostics,
    engine::{
        Core, Shared, lock::Held, machine::SILENT_PROBES, state_word::StateWord, ticket::CallEnd,
    },
    util::slot::Slot,
};

impl Core {
    /// Takes note of how a probe ended, and takes its slot back.
    #[cold]
    #[inline(never)]
    pub(super) fn settle_probe(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        now: Duration,
        elapsed: u64,
    ) {
        let failed = self.count_as(word, ended, true, elapsed);
        let mut held = self.shared.lock();
        let is_timed = held.word().same_settings(word);
        let (ended, failed) = if is_timed && held.get().config.is_too_slow(elapsed) {
            fail_slow_probe(ended, failed)
        } else {
            (ended, failed)
        };
        if held.get().machine.release(slot, now) {
            self.counts.lost_probes.add(1);
        }
        let present = held.word().same_period(word);
        #[cfg(feature = "fleet")]
        if present && held.get().machine.is_leased() {
            self.note(match failed {
                Some(true) => Notes::FAILED,
                Some(false) => Notes::PASSED,
                None => Notes::SILENT,
            });
        }
        match failed {
            Some(failed) if present && is_timed => {
                self.record(held, failed, ended, Some(now), elapsed);
            }
            Some(failed) if present => self.record_revised(held, failed, ended, now, elapsed),
            Some(_) => {
                drop(held);
                self.count_late(ended, elapsed);
            }
            None => {
                self.count_for_listeners(ended, false, elapsed);
                let is_stuck = present && held.get().machine.learn_nothing();
                self.settle_unrecorded(held, word, ended, now, is_stuck);
            }
        }
        // Its slot is free again.
        self.wake_next();
        #[cfg(feature = "fleet")]
        self.wake_agent();
    }

    /// Takes note of how a call ended that was registered among those in flight.
    #[inline(never)]
    pub(super) fn settle_in_flight(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        now: Duration,
        elapsed: u64,
    ) {
        let failed = self.count_as(word, ended, false, elapsed);
        if !self.word().same_calm_period(word) {
            self.count_answer(word, ended, Some(now));
        }
        let mut held = self.shared.lock();
        let present = held.word().same_period(word);
        if present {
            held.get().machine.leave(slot);
        }
        match failed {
            Some(failed) if held.word().same_revision(word) => {
                self.record(held, failed, ended, Some(now), elapsed);
            }
            Some(failed) if present => self.record_revised(held, failed, ended, now, elapsed),
            Some(_) => {
                drop(held);
                self.count_late(ended, elapsed);
            }
            None => {
                self.count_for_listeners(ended, false, elapsed);
                self.settle_unrecorded(held, word, ended, now, false);
            }
        }
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
        let Shared {
            machine, config, ..
        } = held.get();
        match machine.check_in_flight(config, now) {
            Some(next) => self.apply(held, next, Some(now)),
            None => self.unlock(held),
        }
        if is_stuck {
            diagnostics::half_open_learns_nothing(&self.name, SILENT_PROBES);
        }
    }
}

/// Counts a probe that succeeded but took too long as failed.
fn fail_slow_probe(ended: CallEnd, failed: Option<bool>) -> (CallEnd, Option<bool>) {
    match (ended, failed) {
        (CallEnd::Success, Some(false)) => (CallEnd::Failure, Some(true)),
        (_, Some(false)) => (ended, Some(true)),
        _ => (ended, failed),
    }
}
