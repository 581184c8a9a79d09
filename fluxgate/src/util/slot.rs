//! A place in a list of calls in flight.

/// A probe's right to its place, until another probe has it; or a call's, in a list that
/// has the number `turn`.
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
}
