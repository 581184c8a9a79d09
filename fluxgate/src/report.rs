//! The crate's own reports: what went wrong beside the protected calls.
//!
//! Events of `tracing` at the target `fluxgate`, or lines on stderr without the
//! feature. A subscriber that panics must not reach the protected call either.

use std::fmt;

use crate::contain::contained;

pub(crate) fn listener_panicked(breaker: &str, listener: &str) {
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' panicked; the call and the other listeners go on"
    ));
}

pub(crate) fn policy_panicked(policy: &str) {
    warn(format_args!(
        "a custom {policy} of a circuit breaker panicked; the call goes on"
    ));
}

pub(crate) fn refused(error: &crate::ConfigError) {
    warn(format_args!(
        "{error}; the defaults stand in for the refused settings"
    ));
}

#[cold]
fn warn(message: fmt::Arguments<'_>) {
    contained(|| {
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "fluxgate", "{message}");
        #[cfg(not(feature = "tracing"))]
        eprintln!("fluxgate: {message}");
    });
}
