//! Listeners declared in the attribute, and the breakers it leaves in the
//! registry.

// What the linker is told of must not count as the user's own unsafe code.
#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Listener, Signal, State, circuit_breaker,
    listener::{self, AsyncListener},
    registry,
};

/// What every listener of the test was told.
static TOLD: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

fn told(who: &'static str) {
    TOLD.lock().unwrap().push(who);
}

fn function(_: &Signal) {
    told("function");
}

struct Unit;

impl Listener for Unit {
    fn on_signal(&self, _: &Signal) {
        told("unit");
    }
}

struct Later(&'static str);

impl AsyncListener for Later {
    async fn on_signal(&self, _: &Signal) {
        told(self.0);
    }
}

#[circuit_breaker(
    name = "attribute::every_kind",
    tripper = FailureStreak(1),
    listeners = [
        LogListener,
        PrometheusListener,
        Unit,
        function,
        Arc::new(Unit),
        |signal| assert_eq!(signal.new_state, State::Open),
        |_| told("closure"),
        Later("later"),
        async |_| told("async closure"),
        |signal| async move {
            assert_eq!(signal.old_state, State::Closed);
            told("async block");
        },
    ],
    handle = every_kind_breaker,
)]
fn every_kind() -> io::Result<()> {
    Err(io::Error::other("down"))
}

#[test]
fn listeners_of_every_kind_are_declared_inline() {
    every_kind().unwrap_err();
    assert!(listener::flush(Duration::from_secs(30)));
    let mut told = TOLD.lock().unwrap().clone();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "async block",
            "async closure",
            "closure",
            "function",
            "later",
            "unit",
            "unit"
        ]
    );
    let info = every_kind_breaker().info();
    assert_eq!(info.listeners.len(), 10);
    assert_eq!(
        (info.listener_failures, info.missing_listeners.len()),
        (0, 0)
    );

    let families = prometheus::gather();
    let states = families
        .iter()
        .find(|family| family.name() == "circuit_breaker_state");
    let states = states.unwrap().get_metric();
    let is_ours = |value: &str| value == "attribute::every_kind";
    let ours = states
        .iter()
        .filter(|metric| is_ours(metric.get_label()[0].value()));
    assert_eq!(ours.count(), State::ALL.len());
}

#[circuit_breaker(name = "attribute::never_called")]
#[allow(dead_code)]
fn never_called() -> io::Result<()> {
    Ok(())
}

struct Generic<T>(T);

#[allow(dead_code)]
impl<T: Clone + Send + Sync> Generic<T> {
    #[circuit_breaker(name = "attribute::method")]
    async fn method<U: Send>(&self, other: U) -> io::Result<(T, U)> {
        tokio::task::yield_now().await;
        Ok((self.0.clone(), other))
    }
}

fluxgate::breaker! {
    pub static SHARED = { name = "attribute::shared", tripper = FailureStreak(5) };

    #[cfg(any())]
    pub static LEFT_OUT = { name = "attribute::left_out" };
}

#[test]
fn breakers_of_uncalled_functions_are_listed() {
    let names = registry::all();
    let names: Vec<_> = names.iter().map(CircuitBreaker::name).collect();
    for name in ["never_called", "method", "shared"] {
        let name = format!("attribute::{name}");
        assert!(names.iter().any(|other| **other == *name), "{name}");
    }
    assert!(!names.iter().any(|name| **name == "attribute::left_out"));
}
