//! fluxgate with a throttle: without attention, and during it.

use std::{hint::black_box, time::Duration};

use fluxgate::{Builder, CircuitBreaker, Outcome, throttle::Adaptive};

use super::ours::{Static, plain};
use crate::{
    peer::{self, Batch},
    service::{Traffic, fetch},
    suite::{Case, Role, Subject, Suite},
};

/// Costs as many instructions as [`ours::SUBJECT`](super::ours::SUBJECT).
pub const CALM: Subject = Subject::new("healthy, with a throttle", Role::Ours);
pub const ANSWERED: Subject = Subject::new("in attention, answered", Role::Ours);
pub const THROTTLED: Subject = Subject::new("in attention, throttled", Role::Ours);

/// A window that no measurement outlasts.
fn throttled() -> Builder {
    let throttle = Adaptive::new(1.5).window(Duration::from_mins(2));
    plain().throttle(throttle.floor(0.0))
}

pub fn add(suite: &mut Suite) {
    suite
        .add(Case::Throttle, CALM, || {
            peer::closed(Static::new(throttled), Traffic::Healthy)
        })
        .add(Case::Throttle, ANSWERED, || in_attention(1))
        .add(Case::Throttle, THROTTLED, || in_attention(20_000));
}

/// Calls of a breaker whose window is full of successes, and which met this many
/// overloads, less those that it throttled. Attention that is over begins anew.
fn in_attention(overloads: u64) -> Batch {
    let breaker = throttled().build().expect("the settings are allowed");
    for n in 0..1000 {
        let _ = breaker.call(|| fetch(Traffic::Healthy.request(n)));
    }
    Box::new(move |calls| {
        if !has_attention(&breaker) {
            for _ in 0..overloads {
                if let Ok(guard) = breaker.acquire() {
                    guard.record(Outcome::Overloaded);
                }
            }
        }
        for n in 0..calls {
            let result = breaker.call(|| fetch(Traffic::Healthy.request(black_box(n))));
            black_box(result.is_ok());
        }
    })
}

fn has_attention(breaker: &CircuitBreaker) -> bool {
    let throttle = breaker.info().throttle;
    throttle.is_some_and(|throttle| throttle.offered > 0)
}
