//! The crate's own reports, caught.

use std::{
    cell::{Cell, RefCell},
    sync::Once,
};

use crate::{Events, Logged};
use tracing::subscriber;

thread_local! {
    static REPORTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static REACTION: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Returns what the crate reports on this thread while `f` runs, and the result of `f`.
///
/// One subscriber for the process: a scoped one is not told of an event that was not
/// wanted by the thread on which it first occurred.
///
/// # Panics
///
/// If the process has another global subscriber.
pub fn of<R>(f: impl FnOnce() -> R) -> (Vec<String>, R) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let events = Events::new(|target| target == "fluxgate", catch);
        subscriber::set_global_default(events).expect("no other is installed");
    });
    REPORTS.take();
    let result = f();
    (REPORTS.take(), result)
}

/// Returns what [`of`] returns, and calls `reaction` at every report.
///
/// # Panics
///
/// As [`of`].
pub fn with_reaction<R>(reaction: fn(), f: impl FnOnce() -> R) -> (Vec<String>, R) {
    REACTION.set(Some(reaction));
    let caught = of(f);
    REACTION.take();
    caught
}

fn catch(logged: Logged) {
    REPORTS.with_borrow_mut(|reports| reports.push(logged.message));
    if let Some(reaction) = REACTION.get() {
        reaction();
    }
}
