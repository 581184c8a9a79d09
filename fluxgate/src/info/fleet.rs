//! What a breaker knows of its fleet.

use crate::Command;

/// What a breaker knows of its fleet, in [`Info`](crate::Info).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FleetInfo {
    /// Whether the breaker takes part by now: its program joined a fleet.
    pub joined: bool,
    /// Whether the store does not answer: local rules alone hold.
    pub degraded: bool,
    /// The opening of the fleet that is in force here, by its number.
    pub epoch: Option<u64>,
    /// How many instances use this breaker in the zone, as far as is known; the highest
    /// number of the last minute.
    pub members: u64,
    /// Votes that this instance gave.
    pub votes: u64,
    /// How often it opened since others voted, or joined their opening.
    pub followed: u64,
    /// How often it did not, since its own calls went well.
    pub dissented: u64,
    /// Probes that it ran for the fleet.
    pub probes: u64,
    /// What the fleet commands, if anything.
    pub command: Option<Command>,
}
