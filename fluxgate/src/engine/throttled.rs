//! Overload: when attention begins and ends, and what is counted meanwhile.
//!
//! Attention is a bit of the control word, set and cleared under the lock. It takes
//! the calls off the fast path, and the tickets of calls that begin meanwhile carry
//! the word without it: so at the end of a call the one comparison that finds an
//! outcome late finds attention, too. The rest is decided by
//! [`Throttle`](crate::throttle::Throttle) without the lock. The clock and the source
//! of chance, which may be the user's, are asked while the lock is free.

use std::time::Duration;

use super::{
    Core,
    opening::Refusal,
    state_word::StateWord,
    ticket::{CallEnd, Ticket},
};
use crate::{
    State, diagnostics,
    random::Random,
    throttle::{Counted, Throttle},
    util::duration::nanos,
};

impl Core {
    /// Lets a call in, or not, while attention lasts. Takes no lock, and leaves the
    /// counting of the refusal to the caller.
    #[cold]
    #[inline(never)]
    pub(super) fn admit_attentive(&self, word: StateWord) -> Result<Ticket, Refusal> {
        let now = nanos(self.clock.now());
        match self.throttle(word, now) {
            Some(refusal) => Err(refusal),
            None => Ok(Ticket::new(
                word.calm(),
                if word.needs_start() { now } else { 0 },
            )),
        }
    }

    /// Returns the throttle, if the settings have one.
    #[inline]
    pub(super) fn present_throttle(&self) -> Option<&Throttle> {
        self.throttle.get().filter(|throttle| throttle.is_on())
    }

    /// Returns whether attention lasts.
    #[cfg(feature = "keyed")]
    pub(super) fn is_attentive(&self, word: StateWord, now: u64) -> bool {
        let throttle = self.present_throttle();
        word.has_attention() && throttle.is_some_and(|throttle| !throttle.is_over(now))
    }

    /// Returns why a call that arrives in the state of `word` is throttled, if it is.
    // Inline, since what it returns would go through memory.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    pub(super) fn throttle(&self, word: StateWord, now: u64) -> Option<Refusal> {
        if !word.has_attention() {
            return None;
        }
        let throttle = self.present_throttle()?;
        if throttle.is_over(now) {
            #[cfg(feature = "fleet")]
            if self.watches_for_fleet() {
                return None;
            }
            self.end_attention(throttle, now);
            return None;
        }
        if word.state() != State::Closed {
            return None;
        }
        let share = throttle.refuses(now)?;
        self.counts.throttled.add(1);
        Some(Refusal::throttled(share, throttle.wait(now)))
    }

    /// Counts a call that was answered, if there is attention. Returns whether its
    /// period is the present one. Reads the clock, unless the caller has done so.
    #[cold]
    #[inline(never)]
    pub(super) fn count_answer(
        &self,
        ticket: StateWord,
        ended: CallEnd,
        now: Option<Duration>,
    ) -> bool {
        let present = self.word();
        if !present.same_period(ticket) {
            return false;
        }
        let is_answer = match ended {
            CallEnd::Success | CallEnd::Failure | CallEnd::Alive | CallEnd::Panicked => true,
            // An overload is counted where it is found to be one.
            CallEnd::Overloaded | CallEnd::Ignored | CallEnd::Cancelled => false,
        };
        #[cfg(feature = "fleet")]
        if is_answer || ended == CallEnd::Overloaded {
            self.count_for_fleet(ended);
        }
        if let Some(throttle) = self.present_throttle()
            && is_answer
            && present.has_attention()
        {
            let now = nanos(now.unwrap_or_else(|| self.clock.now()));
            if throttle.is_over(now) {
                #[cfg(feature = "fleet")]
                if self.watches_for_fleet() {
                    return true;
                }
                self.end_attention(throttle, now);
            } else {
                throttle.count(Counted::Other, now);
            }
        }
        true
    }

    /// Returns what an overload counts as: without a throttle as a failure.
    #[cold]
    pub(super) fn count_overload(&self, ticket: StateWord, is_probe: bool) -> Option<bool> {
        let Some(throttle) = self.present_throttle() else {
            return Some(true);
        };
        let present = self.word();
        if !present.same_period(ticket) {
            // It is late, whatever it counts as.
            return Some(true);
        }
        let now = nanos(self.clock.now());
        if !present.has_attention() || throttle.is_over(now) {
            self.begin_attention(throttle, ticket, now);
        } else {
            throttle.extend(now);
        }
        if is_probe {
            // The dependency answers. Probes are not counted.
            return Some(false);
        }
        throttle.count(Counted::Overload, now);
        throttle.is_dead(now).then_some(true)
    }

    /// Takes note of the time for which an overloaded dependency asked its callers to
    /// wait.
    #[cold]
    pub(crate) fn overloaded_for(&self, ticket: Ticket, wait: Duration) {
        let Some(throttle) = self.present_throttle() else {
            return self.defer_until(ticket, wait);
        };
        let present = self.word();
        if !present.same_period(ticket.word) || !ticket.is_judged() {
            return;
        }
        let now = nanos(self.clock.now());
        if !present.has_attention() || throttle.is_over(now) {
            self.begin_attention(throttle, ticket.word, now);
        }
        if let Some(longest) = self.longest_wait() {
            throttle.ask(now, wait.min(longest));
        }
        if throttle.is_dead(now) {
            self.defer_until(ticket, wait);
        }
    }

    fn begin_attention(&self, throttle: &Throttle, ticket: StateWord, now: u64) {
        let seed = (&self.random).next_f64().to_bits();
        let mut held = self.shared.lock();
        let word = held.word();
        let had_attention = word.has_attention();
        // Another call may have been faster.
        let begins = throttle.is_on()
            && word.same_period(ticket)
            && (!had_attention || throttle.is_over(now));
        if begins {
            throttle.begin(now, seed);
            held.set_word(word.attentive());
        }
        self.unlock(held);
        if begins && !had_attention {
            diagnostics::throttle_begins(&self.name);
        }
    }

    fn end_attention(&self, throttle: &Throttle, now: u64) {
        let mut held = self.shared.lock();
        let ends = held.word().has_attention() && throttle.is_over(now);
        if ends {
            let word = held.word().inattentive();
            held.set_word(word);
        }
        self.unlock(held);
        if ends {
            diagnostics::throttle_ends(&self.name);
        }
    }
}
