//! The breakers: each as its documentation says to use it, with a window of 100
//! calls and 50 % where it has them, and a wait that outlasts the benchmark.

use std::time::Duration;

use crate::suite::Suite;

pub mod attribute;
pub mod circuitbreaker_rs;
pub mod failsafe;
pub mod nobreak;
pub mod ours;
pub mod recloser;
pub mod reliakit;
pub mod seatbelt;
pub mod sentinel;
pub mod throttle;
pub mod tower_resilience;

const WAIT: Duration = Duration::from_hours(24);

/// For breakers that count failures in a row. Two threads whose every fourth
/// call fails never come near.
const STREAK: u32 = 50;

pub fn add(suite: &mut Suite) {
    ours::add(suite);
    attribute::add(suite);
    throttle::add(suite);
    recloser::add(suite);
    failsafe::add(suite);
    nobreak::add(suite);
    reliakit::add(suite);
    circuitbreaker_rs::add(suite);
    seatbelt::add(suite);
    tower_resilience::add(suite);
    sentinel::add(suite);
}
