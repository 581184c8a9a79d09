//! The right to run one call, and how the call ended.

use super::state_word::StateWord;
use crate::{State, util::slot::Slot};

/// The right to run one call, to be settled once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// The control word at admission, as it is while the window is clean.
    pub(super) word: StateWord,
    /// When the call began, in nanoseconds, if anything asks for it.
    pub(super) began: u64,
    /// The probe's slot, or `Slot::NONE`.
    pub(super) slot: Slot,
}

impl Ticket {
    /// In place of the ticket of a call that has not begun.
    pub(crate) const UNPOLLED: Self = Self {
        word: StateWord::UNPOLLED,
        began: 0,
        slot: Slot { place: 0, turn: 0 },
    };

    /// Returns the control word at admission, as it is while the window is clean.
    #[inline]
    pub(crate) fn word(self) -> StateWord {
        self.word
    }

    /// Makes the ticket of a call that needs no slot.
    #[inline]
    pub(crate) fn new(word: StateWord, began: u64) -> Self {
        Self {
            word: word.when_clean(),
            began,
            slot: Slot::NONE,
        }
    }

    /// Returns whether the result is judged: in `Disabled` nothing is recorded.
    #[inline]
    pub(crate) fn is_judged(self) -> bool {
        // The first is known already where it matters.
        self.word.is_free() || self.word.state() != State::Disabled
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Success,
    Failure,
    /// The tracker does not match the error.
    Ignored,
    /// An error that proves that the dependency answers.
    Alive,
    /// A failure for want of capacity.
    Overloaded,
    /// Dropped before its end.
    Cancelled,
    Panicked,
}

impl CallEnd {
    /// Returns whether the dependency failed the call.
    pub(crate) fn fails(self) -> bool {
        matches!(self, Self::Failure | Self::Overloaded)
    }
}
