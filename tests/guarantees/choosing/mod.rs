//! Choosing among breakers: questions without consequence, guards that travel,
//! waiting, early probes, and opening by hand.

mod asking;
mod by_hand;
mod early;
mod picking;
mod waiting;

use std::{io, time::Duration};

use fluxgate::{
    CircuitBreaker, clock::ManualClock, keyed::CircuitBreakers, permit::All, tripper::FailureStreak,
};

pub(crate) use crate::kit::SECOND;

/// The wait of `breaker` and `set`.
const MINUTE: Duration = Duration::from_secs(60);

/// Opens at the first failure.
fn breaker(name: &'static str, clock: &ManualClock, slots: u32) -> CircuitBreaker {
    CircuitBreaker::builder(name)
        .tripper(FailureStreak::new(1))
        .permit(All)
        .max_half_open_calls(slots)
        .clock(clock.clone())
        .build()
        .unwrap()
}

fn set(clock: &ManualClock) -> CircuitBreakers<String> {
    let clock = clock.clone();
    CircuitBreakers::builder("set")
        .settings(move |builder| {
            builder
                .tripper(FailureStreak::new(1))
                .permit(All)
                .max_half_open_calls(1)
                .clock(clock.clone())
        })
        .build()
        .unwrap()
}

fn fail(breaker: &CircuitBreaker) {
    breaker.acquire().unwrap().failure();
}

fn down() -> io::Error {
    io::Error::other("down")
}
