//! The control word: all that a call on the healthy path looks at.

use crate::State;

/// State, generation and three flags in one atomic word. Written under the
/// breaker's lock, read without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateWord(u64);

const STATE: u64 = 0b111;
/// A success that is not slow would change nothing, neither window nor streak
/// nor the tripper's answer: it need not be recorded.
const CLEAN: u64 = 1 << 3;
/// Calls run without being asked, and nothing but their outcome is recorded: no
/// clock is read for them.
const FREE: u64 = 1 << 4;
/// Overload was seen lately: calls are counted, and may be throttled. The bit stands
/// below the generation, so that one comparison finds a change of either.
const ATTENTION: u64 = 1 << 7;
const GENERATION: u32 = 8;

impl StateWord {
    /// A thread holds the breaker's lock.
    pub(crate) const LOCKED: Self = Self(1 << 5);

    /// In place of the word of a call whose ticket is kept elsewhere. No word is this:
    /// there is no such state.
    pub(crate) const KEPT: Self = Self(u64::MAX);
    /// In place of the word of a call that has not begun.
    pub(crate) const UNPOLLED: Self = Self(u64::MAX - 8);

    pub(crate) fn new(state: State, generation: u64, clean: bool, has_fast_path: bool) -> Self {
        let free = has_fast_path && matches!(state, State::Closed | State::MetricsOnly);
        let clean_bit = if clean { CLEAN } else { 0 };
        let free_bit = if free { FREE } else { 0 };
        Self(generation << GENERATION | free_bit | clean_bit | state as u64)
    }

    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn state(self) -> State {
        match self.0 & STATE {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::MetricsOnly,
            4 => State::Disabled,
            _ => State::ForcedOpen,
        }
    }

    #[inline]
    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION
    }

    #[inline]
    pub(crate) fn is_clean(self) -> bool {
        self.0 & CLEAN != 0
    }

    #[inline]
    pub(crate) fn is_free(self) -> bool {
        self.0 & FREE != 0
    }

    /// Returns the word of the same period when the window is clean.
    #[inline]
    pub(crate) fn when_clean(self) -> Self {
        Self(self.0 | CLEAN)
    }

    /// Returns the word of the same period with the clean bit set or cleared.
    #[inline]
    pub(crate) fn when(self, clean: bool) -> Self {
        Self(self.0 & !CLEAN | if clean { CLEAN } else { 0 })
    }

    /// Returns whether there was overload lately.
    #[inline]
    pub(crate) fn has_attention(self) -> bool {
        self.0 & ATTENTION != 0
    }

    /// Returns the word of the same period with attention: no call is free.
    pub(crate) fn attentive(self) -> Self {
        Self(self.0 & !FREE | ATTENTION)
    }

    /// Returns the word of the same period without attention, as the ticket of a call
    /// has it that is settled while attention lasts.
    #[inline]
    pub(crate) fn calm(self) -> Self {
        Self(self.0 & !ATTENTION)
    }

    /// Returns whether this is the period of the word of a ticket, and there is no
    /// attention. Takes as many instructions as `same_period`.
    #[inline]
    pub(crate) fn same_calm_period(self, ticket: Self) -> bool {
        (self.0 ^ ticket.0) >> ATTENTION.ilog2() == 0
    }

    /// Returns what takes no lock at admission.
    #[inline]
    pub(crate) fn without_lock(self) -> WithoutLock {
        const CLOSED: u64 = State::Closed as u64;
        const METRICS_ONLY: u64 = State::MetricsOnly as u64;
        const OPEN: u64 = State::Open as u64;
        const ATTENTIVE: u64 = OPEN | ATTENTION;
        match self.0 & (STATE | ATTENTION) {
            CLOSED | METRICS_ONLY => WithoutLock::Run,
            OPEN | ATTENTIVE => WithoutLock::Refuse,
            _ => WithoutLock::Nothing,
        }
    }

    #[inline]
    pub(crate) fn is_locked(self) -> bool {
        self.0 & Self::LOCKED.0 != 0
    }

    #[inline]
    pub(crate) fn locked(self) -> Self {
        Self(self.0 | Self::LOCKED.0)
    }

    /// Returns whether both words are of the same period.
    #[inline]
    pub(crate) fn same_period(self, other: Self) -> bool {
        self.generation() == other.generation()
    }
}

/// What can be done with a call by the control word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutLock {
    /// It runs, unless calls in flight are registered.
    Run,
    /// It is refused, unless the circuit is due.
    Refuse,
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_a_word_comes_out_again() {
        for state in State::ALL {
            for generation in [0, 1, 255, 1 << 40] {
                for clean in [false, true] {
                    let word = StateWord::new(state, generation, clean, true);
                    assert_eq!(StateWord::from_bits(word.bits()), word);
                    assert_eq!(word.state(), state);
                    assert_eq!(word.generation(), generation);
                    assert_eq!(word.is_clean(), clean);
                    assert!(!word.is_locked());
                }
            }
        }
    }

    #[test]
    fn attention_is_a_change_within_a_period() {
        for state in State::ALL {
            let word = StateWord::new(state, 5, true, true);
            let attentive = word.attentive();
            assert!(attentive.has_attention() && !attentive.is_free());
            assert_eq!((attentive.state(), attentive.generation()), (state, 5));
            assert!(attentive.same_period(word) && !attentive.same_calm_period(word));
            assert!(word.locked().same_calm_period(attentive.calm()));
            assert!(!attentive.calm().has_attention());
            let next = StateWord::new(state, 6, true, true);
            assert!(!next.same_calm_period(word));
            assert_eq!(
                word.without_lock() == WithoutLock::Run,
                matches!(state, State::Closed | State::MetricsOnly)
            );
            let open = state == State::Open;
            assert_eq!(attentive.without_lock() == WithoutLock::Refuse, open);
            assert_ne!(attentive.without_lock(), WithoutLock::Run);
        }
    }

    #[test]
    fn calls_are_free_where_nobody_asks_and_nobody_times() {
        for state in State::ALL {
            let asks = !matches!(state, State::Closed | State::MetricsOnly);
            assert_eq!(StateWord::new(state, 3, false, true).is_free(), !asks);
            assert!(!StateWord::new(state, 3, false, false).is_free());
        }
    }

    #[test]
    fn a_flag_changes_nothing_else() {
        let word = StateWord::new(State::Closed, 7, false, true);
        let clean = StateWord::new(State::Closed, 7, true, true);
        assert_eq!((word.when_clean(), clean.when_clean()), (clean, clean));
        let locked = word.locked();
        assert!(locked.is_locked() && locked != word);
        assert_eq!(locked.locked(), locked);
        assert!(locked.same_period(word) && locked.is_free());
        assert!(!locked.is_clean() && clean.locked().is_clean());
        assert!(!word.same_period(StateWord::new(State::Closed, 8, false, true)));
    }
}
