//! The crate's own reports: what went wrong beside the protected calls.
//!
//! Events of `tracing` at the target `fluxgate`, or lines on stderr without the
//! feature. A subscriber that panics must not reach the protected call either.

use std::fmt;

use crate::util::panic::contained;

pub(crate) fn listener_panicked(breaker: &str, listener: &str) {
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' panicked; the call and the other listeners go on"
    ));
}

pub(crate) fn listener_failed(breaker: &str, listener: &str, error: &str) {
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' failed: {error}"
    ));
}

pub(crate) fn listener_missing(breaker: &str, listener: &str, reason: &str) {
    warn(format_args!(
        "circuit breaker '{breaker}' goes without its listener {listener}: {reason}"
    ));
}

#[cfg(feature = "prometheus")]
pub(crate) fn not_exported(breaker: &str, problem: &dyn fmt::Display) {
    warn(format_args!(
        "circuit breaker '{breaker}' is missing from its Prometheus registry: {problem}"
    ));
}

pub(crate) fn no_background(error: &std::io::Error) {
    warn(format_args!(
        "the background thread for async listeners can't be started, their signals wait: {error}"
    ));
}

#[cfg(feature = "tokio")]
pub(crate) fn no_runtime(error: &std::io::Error) {
    warn(format_args!(
        "async listeners run without a tokio runtime, which can't be built: {error}"
    ));
}

pub(crate) fn duplicate(name: &str) {
    warn(format_args!(
        "two circuit breakers are named '{name}': they trip apart, and logs, metrics and commands by name can't tell which is which; give each a name of its own"
    ));
}

#[cfg(feature = "keyed")]
pub(crate) fn keys_share(set: &str, reason: &str) {
    warn(format_args!(
        "a key of the circuit breakers '{set}' has no breaker of its own and shares '{set}/*', as will others: {reason}; `stats()` counts them"
    ));
}

pub(crate) fn bad_variable(breaker: &str, problem: &crate::info::kill_switch::BadValue) {
    warn(format_args!("circuit breaker '{breaker}': {problem}"));
}

pub(crate) fn kill_switch(breaker: &str, switch: &crate::KillSwitch) {
    let crate::KillSwitch { variable, state } = switch;
    warn(format_args!(
        "circuit breaker '{breaker}' starts {state}, as the environment variable {variable} commands"
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
