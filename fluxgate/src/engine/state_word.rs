//! The control word: all that a call on the healthy path looks at.

use crate::State;

/// State, generation, the revision of the settings and some flags in one atomic word.
/// Written under the breaker's lock, read without it.
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
/// below revision and generation, so that one comparison finds a change of any.
const ATTENTION: u64 = 1 << 6;
/// What calls need of the settings: the same for a whole revision, and so part of the
/// word. A ticket holds the word of its admission, which tells what was measured for
/// it.
const START: u64 = 1 << 7;
const END: u64 = 1 << 8;
const IN_FLIGHT: u64 = 1 << 9;
const FAST: u64 = 1 << 10;
/// A listener is told of calls one by one.
const WATCHED: u64 = 1 << 11;
const REVISION: u32 = 12;
const GENERATION: u32 = 28;
const REVISION_MASK: u64 = (1 << GENERATION) - (1 << REVISION);

/// How many revisions there are before they begin anew, with a new generation.
pub(crate) const REVISIONS: u32 = 1 << (GENERATION - REVISION);

/// What the settings make calls need: each is a question of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallNeeds {
    /// The beginning of a call is stamped.
    pub(crate) start: bool,
    /// The end of a call is stamped: for its duration, or since recording needs the
    /// time.
    pub(crate) end: bool,
    /// Calls of the closed state are registered while they run.
    pub(crate) in_flight: bool,
    /// Neither of these, and no listener counts every call: in the closed state no
    /// clock is read, and a success may pass unseen.
    pub(crate) fast: bool,
    /// Listeners are told of single calls that end.
    pub(crate) watched: bool,
}

/// The number of a generation, and of a revision of the settings in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) generation: u64,
    pub(crate) revision: u32,
}

impl StateWord {
    /// A thread holds the breaker's lock.
    pub(crate) const LOCKED: Self = Self(1 << 5);

    /// In place of the word of a call whose ticket is kept elsewhere. No word is this:
    /// there is no such state.
    pub(crate) const KEPT: Self = Self(u64::MAX);
    /// In place of the word of a call that has not begun.
    pub(crate) const UNPOLLED: Self = Self(u64::MAX - 8);

    pub(crate) fn new(state: State, epoch: Epoch, clean: bool, needs: CallNeeds) -> Self {
        let free = needs.fast && matches!(state, State::Closed | State::MetricsOnly);
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        Self(
            epoch.generation << GENERATION
                | u64::from(epoch.revision % REVISIONS) << REVISION
                | bit(needs.start, START)
                | bit(needs.end, END)
                | bit(needs.in_flight, IN_FLIGHT)
                | bit(needs.fast, FAST)
                | bit(needs.watched, WATCHED)
                | bit(free, FREE)
                | bit(clean, CLEAN)
                | state as u64,
        )
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

    /// Returns whether the beginning of a call is stamped.
    #[inline]
    pub(crate) fn needs_start(self) -> bool {
        self.0 & START != 0
    }

    /// Returns whether the end of a call is stamped.
    #[inline]
    pub(crate) fn needs_end(self) -> bool {
        self.0 & END != 0
    }

    /// Returns whether calls of the closed state are registered while they run.
    #[inline]
    pub(crate) fn tracks_in_flight(self) -> bool {
        self.0 & IN_FLIGHT != 0
    }

    /// Returns whether listeners are told of calls that end.
    #[inline]
    pub(crate) fn is_watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    /// Returns whether a call with this ticket is not settled like most: listeners are told
    /// of it, or nothing is recorded of it. One comparison finds either, as many
    /// instructions as it takes to find one.
    #[inline]
    pub(crate) fn is_settled_apart(self) -> bool {
        const DISABLED: u64 = State::Disabled as u64;
        self.0 & (STATE | WATCHED) >= DISABLED
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

    /// Returns the word of the same period after attention: calls are as free as the
    /// settings let them be, and the window is as clean as it was.
    pub(crate) fn inattentive(self) -> Self {
        let calm = self.0 & !ATTENTION;
        let runs = matches!(self.state(), State::Closed | State::MetricsOnly);
        Self(calm | if runs && calm & FAST != 0 { FREE } else { 0 })
    }

    /// Returns the word of the same period without attention, as the ticket of a call
    /// has it that is settled while attention lasts.
    #[inline]
    pub(crate) fn calm(self) -> Self {
        Self(self.0 & !ATTENTION)
    }

    /// Returns whether this is the period of the word of a ticket, under the same
    /// settings, and there is no attention. Takes as many instructions as
    /// `same_period`.
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
        const TRACKED: u64 = OPEN | IN_FLIGHT;
        const BOTH: u64 = ATTENTIVE | IN_FLIGHT;
        match self.0 & (STATE | ATTENTION | IN_FLIGHT) {
            CLOSED | METRICS_ONLY => WithoutLock::Run,
            OPEN | ATTENTIVE | TRACKED | BOTH => WithoutLock::Refuse,
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

    /// Returns whether both words are of the same period, whatever the settings.
    #[inline]
    pub(crate) fn same_period(self, other: Self) -> bool {
        self.generation() == other.generation()
    }

    /// Returns whether both words are of the same period, under the same settings.
    #[inline]
    pub(crate) fn same_revision(self, other: Self) -> bool {
        (self.0 ^ other.0) >> REVISION == 0
    }

    /// Returns whether both words are of the same settings, whatever the period.
    pub(crate) fn same_settings(self, other: Self) -> bool {
        (self.0 ^ other.0) & REVISION_MASK == 0
    }
}

/// What can be done with a call by the control word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutLock {
    /// It runs.
    Run,
    /// It is refused, unless the circuit is due.
    Refuse,
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE_CALLS: CallNeeds = CallNeeds {
        start: false,
        end: false,
        in_flight: false,
        fast: true,
        watched: false,
    };

    fn word(state: State, generation: u64, clean: bool, fast: bool) -> StateWord {
        let epoch = Epoch {
            generation,
            revision: 3,
        };
        StateWord::new(state, epoch, clean, CallNeeds { fast, ..FREE_CALLS })
    }

    #[test]
    fn what_goes_into_a_word_comes_out_again() {
        for state in State::ALL {
            for generation in [0, 1, 255, 1 << 35] {
                for clean in [false, true] {
                    let word = word(state, generation, clean, true);
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
            let word = word(state, 5, true, true);
            let attentive = word.attentive();
            assert!(attentive.has_attention() && !attentive.is_free());
            assert_eq!((attentive.state(), attentive.generation()), (state, 5));
            assert!(attentive.same_period(word) && !attentive.same_calm_period(word));
            assert!(word.locked().same_calm_period(attentive.calm()));
            assert!(!attentive.calm().has_attention());
            let next = self::word(state, 6, true, true);
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
    fn calls_are_free_if_not_counted_or_timed() {
        for state in State::ALL {
            let asks = !matches!(state, State::Closed | State::MetricsOnly);
            assert_eq!(word(state, 3, false, true).is_free(), !asks);
            assert!(!word(state, 3, false, false).is_free());
        }
    }

    #[test]
    fn a_flag_changes_nothing_else() {
        let word = word(State::Closed, 7, false, true);
        let clean = self::word(State::Closed, 7, true, true);
        assert_eq!((word.when_clean(), clean.when_clean()), (clean, clean));
        let locked = word.locked();
        assert!(locked.is_locked() && locked != word);
        assert_eq!(locked.locked(), locked);
        assert!(locked.same_period(word) && locked.is_free());
        assert!(!locked.is_clean() && clean.locked().is_clean());
        assert!(!word.same_period(self::word(State::Closed, 8, false, true)));
    }

    #[test]
    fn revision_is_a_change_within_a_period() {
        let at = |generation, revision| {
            let epoch = Epoch {
                generation,
                revision,
            };
            StateWord::new(State::Closed, epoch, true, FREE_CALLS)
        };
        let (word, revised) = (at(5, 1), at(5, 2));
        assert!(word.same_period(revised) && !word.same_revision(revised));
        assert!(!word.same_calm_period(revised) && !word.same_settings(revised));
        assert!(word.same_settings(at(6, 1)) && !word.same_revision(at(6, 1)));
        assert!(word.same_revision(word.locked().attentive()));
        assert!(at(5, REVISIONS - 1).same_period(at(5, REVISIONS)));
        let attentive = word.attentive();
        assert_eq!(attentive.inattentive(), word);
    }

    #[test]
    fn needs_are_those_of_the_settings() {
        for bits in 0..32 {
            let needs = CallNeeds {
                start: bits & 1 != 0,
                end: bits & 2 != 0,
                in_flight: bits & 4 != 0,
                fast: bits & 8 != 0,
                watched: bits & 16 != 0,
            };
            let epoch = Epoch {
                generation: 9,
                revision: 4,
            };
            for state in State::ALL {
                let word = StateWord::new(state, epoch, false, needs);
                assert_eq!((word.state(), word.generation()), (state, 9));
                assert_eq!(word.needs_start(), needs.start);
                assert_eq!(word.needs_end(), needs.end);
                assert_eq!(word.tracks_in_flight(), needs.in_flight);
                assert_eq!(word.is_watched(), needs.watched);
                let unrecorded = matches!(state, State::Disabled | State::ForcedOpen);
                assert_eq!(word.is_settled_apart(), needs.watched || unrecorded);
                let runs = matches!(state, State::Closed | State::MetricsOnly);
                assert_eq!(word.is_free(), needs.fast && runs);
                let run = word.without_lock() == WithoutLock::Run;
                assert_eq!(run, runs && !needs.in_flight);
            }
        }
    }
}
