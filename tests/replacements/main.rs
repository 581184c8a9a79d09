//! Breakers that services write by hand, each built again from what it is needed for.
//!
//! One file for each need: what the service does stands first, and its tests assert
//! what that asks of this crate.
#![allow(
    clippy::unnecessary_wraps,
    reason = "functions have the shape of the service"
)]

mod archive;
mod foreign;
mod providers;
mod registries;
mod workers;

use std::time::Duration;

use fluxgate::{Builder, clock::ManualClock, permit::All, tripper::FailureStreak};

const SECOND: Duration = Duration::from_secs(1);
/// The wait of `settings`.
const MINUTE: Duration = Duration::from_secs(60);

/// Opens after two failures in a row, and takes one probe at a time.
fn settings(builder: Builder, clock: &ManualClock) -> Builder {
    builder
        .tripper(FailureStreak::new(2))
        .permit(All)
        .max_half_open_calls(1)
        .clock(clock.clone())
}
