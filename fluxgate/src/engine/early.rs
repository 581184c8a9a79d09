//! Early probes: calls that run in an open circuit before its wait is over, when
//! nothing else would admit them.
//!
//! An early probe holds one of the breaker's slots. It changes nothing unless it
//! passes: no window, no wait, no signal. If it passes in the period that admitted
//! it, before the wait is over, it half-opens the circuit and is the first passed
//! probe of that period. Then nothing else may have half-opened it, which the
//! comparison of generations under the lock ensures; after the end of the wait the
//! circuit belongs to ordinary callers, and the probe is late.

use std::time::Duration;

use super::{
    Core, Shared, choice::Choice, machine::Ending, opening::Refusal, transition::StateEntry,
};
use crate::{
    State,
    engine::ticket::{CallEnd, Ticket},
    flight::Trigger,
    util::duration::nanos,
    window::Record,
};

impl Ticket {
    /// Returns whether the call is an early probe: no other call is admitted by an
    /// open circuit.
    pub(crate) fn is_early(self) -> bool {
        self.word.state() == State::Open
    }
}

impl Core {
    /// Returns what choosing keeps of this breaker.
    pub(crate) fn choice(&self) -> &Choice {
        self.choice.get_or_init(|| Box::new(Choice::default()))
    }

    /// Counts a call that went to another breaker, or nowhere, because this one did
    /// not admit it.
    pub(crate) fn pass_over(&self, refusal: Refusal) -> Refusal {
        self.choice().pass_over();
        refusal
    }

    /// Returns how long a probe holds its slot at most.
    pub(crate) fn probe_lease(&self) -> Duration {
        Duration::from_nanos(self.shared.lock().get().machine.probes().lease())
    }

    /// Admits an early probe, if the circuit is open and allows one.
    pub(crate) fn admit_early(&self) -> Option<Ticket> {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let word = held.word();
        let machine = &mut held.get().machine;
        let (slot, lost) = if machine.takes_early(now) {
            machine.reserve(now)
        } else {
            (None, 0)
        };
        drop(held);
        if lost > 0 {
            self.counts.lost_probes.add(lost);
        }
        let slot = slot?;
        self.choice().probe_early();
        Some(Ticket {
            slot,
            ..Ticket::new(word, nanos(now))
        })
    }

    /// Settles an early probe. Its duration, in nanoseconds, may have been measured
    /// elsewhere.
    pub(crate) fn settle_early(&self, ticket: Ticket, ended: CallEnd, elapsed: Option<u64>) {
        let half_open = self.entry(State::HalfOpen, Trigger::Recovery);
        let elapsed =
            elapsed.unwrap_or_else(|| nanos(half_open.now()).saturating_sub(ticket.began));
        self.settle_early_after(ticket, ended, elapsed, half_open);
        if ticket.word.is_watched() {
            self.tell_end(ticket.word, ended, elapsed);
        }
    }

    fn settle_early_after(
        &self,
        ticket: Ticket,
        ended: CallEnd,
        elapsed: u64,
        half_open: StateEntry<'_>,
    ) {
        let Ticket { word, slot, .. } = ticket;
        let now = half_open.now();
        let counted = self.count_as(word, ended, true, elapsed);
        let mut held = self.shared.lock();
        // Under other settings it has no known duration.
        let is_timed = held.word().same_settings(word);
        let is_too_slow = is_timed && held.get().config.is_too_slow(elapsed);
        let passed = counted == Some(false) && !is_too_slow;
        if held.get().machine.release(slot, now) {
            self.counts.lost_probes.add(1);
        }
        let is_late = !held.word().same_period(word) || !held.get().machine.takes_early(now);
        if let Some(listener_counters) = &self.listener_counters {
            let ended = match ended {
                CallEnd::Success if !passed => CallEnd::Failure,
                ended => ended,
            };
            listener_counters.ended(ended, passed && is_late, elapsed);
        }
        if !passed || is_late {
            drop(held);
            if passed {
                self.counts.late.add(1);
            }
            self.wake_next();
            return;
        }
        self.enter(&mut held, half_open);
        let Shared {
            machine, config, ..
        } = held.get();
        let is_timed = is_timed && machine.recording().needs_elapsed;
        let nanos = if is_timed { elapsed } else { 0 };
        if machine.recording().own_window {
            let record = Record::new(false, nanos, &config.thresholds);
            if !Self::leave_record(&mut held, record, now) {
                self.counts.late.add(1);
            }
            self.unlock(held);
            return;
        }
        let ending = Ending {
            failed: false,
            nanos,
        };
        match machine.record(config, ending, now) {
            Some(next) => self.apply(held, next, Some(now)),
            None => self.unlock(held),
        }
    }
}
