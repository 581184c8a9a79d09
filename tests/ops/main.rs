//! What operators rely on: listeners, exporters, the registry, the kill switch.

mod asynchronous;
mod attaching;
mod attribute;
mod call_events;
mod contained;
mod environment;
mod exporters;
mod first_use;
mod flight;
#[cfg(unix)]
mod fork;
mod info;
mod kinds;
mod lifetime;
mod linked;
mod prometheus;
mod registry;
mod rejections;
mod serialised;
mod would_have_opened;

use fluxgate_tests::reports;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Waits for what another thread is about to do: the background thread, or a test
/// beside this one that looks at all breakers and so holds them for a moment.
fn eventually(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never is");
        thread::yield_now();
    }
}
mod service;
