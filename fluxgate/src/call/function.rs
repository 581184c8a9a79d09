//! Runs a function: the fast path, the lock-free one, and the rest.

use super::{Admitted, Complete};
use crate::{CallNotPermitted, CircuitBreaker, engine::ticket::Ticket};

/// Runs a function.
///
/// The healthy path stands apart, so that it carries nothing across the call
/// but the breaker and one word.
#[inline]
pub(crate) fn run<R, Z: Complete<R>>(
    breaker: &CircuitBreaker,
    finish: Z,
    f: impl FnOnce() -> R,
) -> Z::Output {
    match breaker.core.admit_fast() {
        Some(ticket) => run_admitted(breaker, ticket, finish, f),
        None => match run_lock_free(breaker, finish, f) {
            Ok(ran) => ran,
            Err(rejected) => rejected,
        },
    }
}

/// The ways stand apart here, too: where they met, ticket and refusal would go
/// through memory. And so does what comes of them, as `Ok` if the function ran:
/// it has a place of its own, which keeps the healthy path's in registers.
#[inline(never)]
fn run_lock_free<R, Z: Complete<R>>(
    breaker: &CircuitBreaker,
    finish: Z,
    f: impl FnOnce() -> R,
) -> Result<Z::Output, Z::Output> {
    match breaker.core.admit_lock_free() {
        Some(Ok(ticket)) => Ok(run_admitted(breaker, ticket, finish, f)),
        Some(Err(refusal)) => Err(finish.reject(CallNotPermitted::new(breaker, refusal))),
        None => run_slow(breaker, finish, f),
    }
}

#[inline(never)]
fn run_slow<R, Z: Complete<R>>(
    breaker: &CircuitBreaker,
    finish: Z,
    f: impl FnOnce() -> R,
) -> Result<Z::Output, Z::Output> {
    match breaker.core.admit_slow() {
        Ok(ticket) => Ok(run_admitted(breaker, ticket, finish, f)),
        Err(refusal) => Err(finish.reject(CallNotPermitted::new(breaker, refusal))),
    }
}

#[inline]
fn run_admitted<R, Z: Complete<R>>(
    breaker: &CircuitBreaker,
    ticket: Ticket,
    finish: Z,
    f: impl FnOnce() -> R,
) -> Z::Output {
    let call = Admitted { breaker, ticket };
    let output = f();
    finish.accept(output, call)
}
