#![deny(warnings, missing_docs, unused, unsafe_code)]
//! A crate with lints on.

/// Documented by its author, and by its policy.
#[fluxgate::circuit_breaker(listeners = [LogListener])]
pub fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fluxgate::breaker! {
    /// Shared.
    pub static SHARED = { tripper = FailureStreak(3) };
}

fn main() {
    assert!(quote().is_ok());
    SHARED.reset();
}
