//! Telling listeners of single calls.
//!
//! Which calls those are is known when the breaker is built. If there are some among those
//! that run, the *watched* bit is in the control word, and so in every ticket: the
//! comparison that finds a call of a disabled breaker finds a watched one, too, and calls
//! that no listener watches pay nothing. Listeners are told after the call was settled and the lock released, on the
//! thread of the call, and see the breaker as the call left it.

use std::time::Duration;

use super::{Core, state_word::StateWord, ticket::CallEnd};
use crate::{
    OnCancel, RejectionKind, State,
    listener::{CallEvent, CallOutcome},
    util::{duration::nanos, slot::Slot},
};

impl Core {
    /// Settles a call that is watched, or of which nothing is recorded.
    #[cold]
    #[inline(never)]
    pub(super) fn settle_apart(&self, word: StateWord, began: u64, slot: Slot, ended: CallEnd) {
        if word.state() != State::Disabled {
            let now = self.clock.now();
            let elapsed = nanos(now).saturating_sub(began);
            self.settle_watched(word, slot, ended, now, elapsed);
        }
    }

    /// Settles as [`settle_apart`](Self::settle_apart) does a call whose duration was
    /// measured elsewhere.
    #[cold]
    #[inline(never)]
    pub(super) fn settle_apart_measured(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        elapsed: u64,
    ) {
        if word.state() != State::Disabled {
            self.settle_watched(word, slot, ended, self.clock.now(), elapsed);
        }
    }

    fn settle_watched(
        &self,
        word: StateWord,
        slot: Slot,
        ended: CallEnd,
        now: Duration,
        elapsed: u64,
    ) {
        self.settle_timed(word, slot, ended, true, now, elapsed);
        self.tell_end(word, ended, elapsed);
    }

    /// Tells listeners of a call that ended. To be called without the lock.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_end(&self, word: StateWord, ended: CallEnd, elapsed: u64) {
        let has_failed = match ended {
            CallEnd::Failure | CallEnd::Overloaded | CallEnd::Panicked => true,
            CallEnd::Cancelled => match self.config().on_cancel {
                OnCancel::Ignore => false,
                OnCancel::Fail => true,
                OnCancel::FailAfter(least) => elapsed >= nanos(least),
            },
            CallEnd::Success | CallEnd::Ignored | CallEnd::Alive => false,
        };
        let duration = Some(Duration::from_nanos(elapsed));
        self.tell_call(word.state(), ended.into(), duration, has_failed);
    }

    /// Tells listeners of a call that was rejected.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_refusal(&self, state: State) {
        #[cfg(feature = "sim")]
        if let Some(listener_counters) = &self.listener_counters {
            listener_counters.record_refusal(|| self.clock.now());
        }
        let outcome = CallOutcome::Rejected(RejectionKind::by(state));
        self.tell_call(state, outcome, None, false);
    }

    fn tell_call(
        &self,
        state: State,
        outcome: CallOutcome,
        duration: Option<Duration>,
        has_failed: bool,
    ) {
        if !self.listeners.want_call(outcome, duration, has_failed) {
            return;
        }
        let event = CallEvent {
            name: self.name.clone(),
            outcome,
            duration,
            state,
            timestamp: self.clock.wall(),
        };
        self.listeners.tell_call(&event, has_failed);
    }
}
