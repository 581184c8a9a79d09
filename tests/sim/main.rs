//! The simulator: what it counts, draws, replays and records.
#![allow(clippy::float_cmp, reason = "figures are compared that are exact")]

mod figures;
mod fleet;
mod handles;
mod incident;
mod pins;
mod snapshots;
mod traces;

use std::time::Duration;

use fluxgate::{Builder, retry::Cooldown, tripper::*};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The policy of the README's first example.
fn usual(breaker: Builder) -> Builder {
    breaker
        .tripper(FailureStreak::new(5) | (MinRequests::new(20) & FailureRate::new(0.5)))
        .retry(Cooldown::new(secs(10)))
}
