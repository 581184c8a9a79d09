//! Runs a function.

use super::{Admitted, Complete, admit_rare};
use crate::{CircuitBreaker, engine::state_word::StateWord};

/// Runs a function.
///
/// The function stands here once. On the healthy path all that is carried across it is
/// the breaker and one word; the ticket of any other call stays in memory.
#[inline]
pub(crate) fn run<R, Z: Complete<R>>(
    breaker: &CircuitBreaker,
    finish: Z,
    f: impl FnOnce() -> R,
) -> Z::Output {
    let mut ticket = None;
    let word = match breaker.core.admit_free() {
        Some(word) => word,
        None => match admit_rare(breaker, &mut ticket) {
            Ok(()) => StateWord::KEPT,
            Err(rejection) => return finish.reject(rejection),
        },
    };
    let call = Admitted {
        breaker,
        word,
        ticket: &ticket,
    };
    let output = f();
    finish.accept(output, call)
}
