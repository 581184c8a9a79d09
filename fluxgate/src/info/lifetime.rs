//! Totals over the life of a breaker, as a listener reads them.

use std::{collections::BTreeMap, time::Duration};

use crate::State;

/// Totals over the life of a breaker, in [`Info`](crate::Info): kept when a
/// listener asks for them with [`Listener::needs`](crate::Listener::needs).
///
/// Every call that ran is in exactly one of successes, failures and late here,
/// and ignored, alive, overloaded, cancelled and panicked in `Info`; except those
/// in `Disabled`, whose results are not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LifetimeTotals {
    /// Calls that succeeded; `None` unless a listener asks for them.
    pub successes: Option<u64>,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that succeeded or failed after the state had moved on, and so did
    /// not count.
    pub late: u64,
    /// Calls that ran as probes.
    pub probes: u64,
    /// Calls rejected, by the state that rejected them.
    pub rejected: BTreeMap<State, u64>,
    /// The time spent in each state up to now, by the breaker's clock.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds_by_key")
    )]
    pub time_in_state: BTreeMap<State, Duration>,
    /// How long calls took, however they ended; `None` unless a listener asks.
    pub durations: Option<Histogram>,
}

/// How long calls took.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Histogram {
    /// For each bound, ascending, how many calls took at most that long.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::buckets")
    )]
    pub buckets: Vec<(Duration, u64)>,
    /// How many calls there were.
    pub count: u64,
    /// How long they took together.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds")
    )]
    pub sum: Duration,
}
