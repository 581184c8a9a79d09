//! A place in a list of calls in flight.

/// A probe's right to its place, until another probe has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) place: u32,
    pub(crate) turn: u32,
}

impl Slot {
    /// What a call that is no probe holds.
    pub(crate) const NONE: Self = Self {
        place: u32::MAX,
        turn: 0,
    };

    /// Makes the slot of a place that has no turns.
    pub(crate) fn at(place: u32) -> Self {
        Self { place, turn: 0 }
    }

    pub(crate) fn place(self) -> u32 {
        self.place
    }
}
