//! The crate's own reports: what went wrong beside the protected calls.
//!
//! Events of `tracing` at the target `fluxgate`, or lines on stderr without the
//! feature. A subscriber that panics must not reach the protected call either.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::util::{panic::catch_panic, printable::printable};

pub(crate) fn listener_panicked(breaker: &str, listener: &str) {
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' panicked; the call and the other listeners go on"
    ));
}

/// Reports the first panic of a listener that is told of single calls.
pub(crate) fn listener_panicked_at_a_call(breaker: &str, listener: &str) {
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' panicked when it was told of a call; the call and the other listeners go on, and further such panics are counted in `Info::listeners` alone"
    ));
}

pub(crate) fn async_listener_panicked(breaker: &str, listener: &str) {
    let hint = if cfg!(feature = "tokio") {
        ""
    } else {
        "; if it needs a tokio runtime: that takes the feature `tokio` of fluxgate"
    };
    warn(format_args!(
        "listener {listener} of circuit breaker '{breaker}' panicked; its next signal follows{hint}"
    ));
}

pub(crate) fn listener_abandoned(listener: &str) {
    warn(format_args!(
        "the future of listener {listener} waits for nothing that could wake it, and is dropped; its next signal follows"
    ));
}

pub(crate) fn listener_drop_panicked() {
    warn(format_args!(
        "a listener of a circuit breaker panicked when it was dropped"
    ));
}

/// Reports an async listener without a tokio runtime, once for the process.
pub(crate) fn no_tokio(breaker: &str, listener: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        warn(format_args!(
            "async listener {listener} of circuit breaker '{breaker}' runs without a tokio runtime, since fluxgate was built without its feature `tokio`: what needs one (reqwest, tokio::net, tokio::time) panics there at the first transition; add `features = [\"tokio\"]`, or let `AsyncListener::needs_tokio` return false"
        ));
    }
}

/// Reports that async listeners are dead after a fork, once for the process.
pub(crate) fn forked() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        warn(format_args!(
            "async listeners get no signals in this process: it was forked after their background thread had started, and threads do not survive a fork; what they miss is counted as dropped. Fork before the first transition, or start the program anew with exec"
        ));
    }
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

/// Reports a recorder of the facade `metrics` that panics, once for the process.
#[cfg(feature = "metrics")]
pub(crate) fn recorder_panicked() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        warn(format_args!(
            "the recorder of the facade `metrics` panicked while circuit breakers were published to it; they are published again later"
        ));
    }
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

/// Reports that the store of a fleet is silent.
#[cfg(feature = "fleet")]
pub(crate) fn fleet_degraded(fleet: &str) {
    warn(format_args!(
        "the store of the fleet {fleet:?} does not answer: its circuit breakers go on by their local rules"
    ));
}

/// Reports what is wrong with the server that fleets meet on. Neither shows the login.
#[cfg(feature = "redis-core")]
pub(crate) fn fleet_store(address: &dyn fmt::Display, error: &dyn fmt::Display) {
    warn(format_args!("the fleet's store at {address}: {error}"));
}

#[cfg(feature = "fleet")]
pub(crate) fn fleet_recovered(fleet: &str) {
    warn(format_args!(
        "the store of the fleet {fleet:?} answers again"
    ));
}

#[cfg(feature = "fleet")]
pub(crate) fn fleet_differs(fleet: &str, breaker: &str) {
    warn(format_args!(
        "openings of circuit breaker '{breaker}' in the fleet {fleet:?} have run on other settings than those here for ten minutes: is an old release still running, or another service of that name?"
    ));
}

#[cfg(feature = "fleet")]
pub(crate) fn fleet_panicked(fleet: &str) {
    warn(format_args!(
        "the agent of the fleet {fleet:?} panicked: its circuit breakers go on by their local rules"
    ));
}

#[cfg(feature = "fleet")]
pub(crate) fn fleet_off(fleet: &str, variable: &str) {
    warn(format_args!(
        "the environment variable `{variable}` keeps this program out of the fleet {fleet:?}"
    ));
}

#[cfg(feature = "fleet")]
pub(crate) fn bad_fleet_variable(variable: &str, value: &str) {
    let value: String = value.chars().take(100).collect();
    warn(format_args!(
        "`{variable}` is {value:?}, but may only be `off` or `on`; it is ignored"
    ));
}

pub(crate) fn bad_variable(breaker: &str, problem: &dyn fmt::Display) {
    warn(format_args!("circuit breaker '{breaker}': {problem}"));
}

pub(crate) fn slow_first_use(breaker: &str) {
    warn(format_args!(
        "a thread has been waiting for 10 s for another one to build the circuit breaker {breaker}; \
         does the expression of a listener wait for something that uses it?"
    ));
}

pub(crate) fn waits_for_frozen() {
    warn(format_args!(
        "`testing::freeze` has been waiting for 10 s for another test to drop its `Frozen`; \
         does that test wait for this thread? With the feature `test-util`, `testing::isolate` does not wait"
    ));
}

pub(crate) fn stray_variable(stray: &dyn fmt::Display) {
    warn(format_args!("{stray}"));
}

pub(crate) fn kill_switch(breaker: &str, variable: &str, state: crate::State) {
    warn(format_args!(
        "circuit breaker '{breaker}' starts {state}, as the environment variable {variable} commands"
    ));
}

/// Reports saved circuits in a form that is not known.
#[cfg(feature = "settings")]
pub(crate) fn unknown_saved_state(found: Option<u32>, known: u32) {
    match found {
        Some(found) => warn(format_args!(
            "saved circuits are ignored: they are in the form of version {found}, and this release of fluxgate reads version {known}"
        )),
        None => warn(format_args!(
            "saved circuits are ignored: they say neither a version nor when they were saved; write what `registry::save` returns"
        )),
    }
}

/// Reports saved circuits that can't be read.
#[cfg(feature = "settings")]
pub(crate) fn unread_saved_state(count: usize) {
    warn(format_args!(
        "{count} saved circuits can't be read, and stay closed; write what `registry::save` returns"
    ));
}

#[cfg(feature = "settings")]
pub(crate) fn settings_unfit(breaker: &str, faults: &str) {
    warn(format_args!(
        "circuit breaker '{breaker}' runs on its code's settings, since those from outside do not fit it: {faults}"
    ));
}

pub(crate) fn half_open_learns_nothing(breaker: &str, probes: u64) {
    warn(format_args!(
        "circuit breaker '{breaker}' stays half-open: its last {probes} probes ended with ignored errors or were cancelled, which neither closes nor reopens it; give errors that prove the dependency answered the outcome `Alive` (`#[outcome(alive)]`), let the tracker match the others, or set `on_cancel`"
    ));
}

pub(crate) fn throttle_begins(breaker: &str) {
    warn(format_args!(
        "the dependency of circuit breaker '{breaker}' is overloaded: calls are throttled in proportion, and the circuit stays closed"
    ));
}

pub(crate) fn throttle_ends(breaker: &str) {
    info(format_args!(
        "the dependency of circuit breaker '{breaker}' is no longer overloaded: no call is throttled"
    ));
}

#[cfg(feature = "page")]
pub(crate) fn command_obeyed(name: &str, command: crate::Command, by: &str) {
    info(format_args!(
        "{by:?} gave the command {command} to circuit breaker {name:?} from the operators' page"
    ));
}

#[cfg(feature = "page")]
pub(crate) fn command_refused(name: &str, command: &str, reason: &str) {
    // From outside, and as long as a path may be.
    let shown = |text: &str| text.chars().take(100).collect::<String>();
    let (name, command) = (shown(name), shown(command));
    warn(format_args!(
        "the command {command:?} to circuit breaker {name:?} from the operators' page was refused: {reason}"
    ));
}

#[cfg(feature = "page")]
pub(crate) fn page_has_no_thread(error: &std::io::Error) {
    warn(format_args!(
        "the operators' page shows nothing, since its background thread can't be started: {error}"
    ));
}

pub(crate) fn policy_panicked(policy: &str) {
    warn(format_args!(
        "a custom {policy} of a circuit breaker panicked; the call goes on"
    ));
}

pub(crate) fn policy_drop_panicked() {
    warn(format_args!(
        "a custom policy of a circuit breaker panicked when it was dropped; the call goes on"
    ));
}

pub(crate) fn random_out_of_range(drawn: f64) {
    warn(format_args!(
        "a custom source of random numbers drew {drawn:?}; `next_f64` must return at least 0 and less than 1, and the breaker's own generator stands in"
    ));
}

pub(crate) fn refused(error: &crate::ConfigError) {
    warn(format_args!(
        "{error}; the defaults stand in for the refused settings"
    ));
}

#[cold]
fn info(message: fmt::Arguments<'_>) {
    catch_panic(|| {
        let message = message.to_string();
        let message = printable(&message);
        #[cfg(feature = "tracing")]
        tracing::info!(target: "fluxgate", "{message}");
        #[cfg(not(feature = "tracing"))]
        eprintln!("fluxgate: {message}");
    });
}

fn warn(message: fmt::Arguments<'_>) {
    catch_panic(|| {
        // Names, errors and variables in it may come from anywhere.
        let message = message.to_string();
        let message = printable(&message);
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "fluxgate", "{message}");
        #[cfg(not(feature = "tracing"))]
        eprintln!("fluxgate: {message}");
    });
}
