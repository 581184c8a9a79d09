//! What a throttle sees, as an operator reads it.

/// What the throttle of a breaker counted in its window.
///
/// All zero while there is no overload: nothing is counted then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ThrottleInfo {
    /// The share of the calls that is refused now, from 0 to 1.
    pub share: f64,
    /// Calls that were throttled, overloaded or answered otherwise.
    pub offered: u64,
    /// The calls among them that were answered otherwise than by overload.
    pub accepted: u64,
}
