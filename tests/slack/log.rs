//! What the delivery logs, kept for the tests to look at.

use std::sync::{Mutex, Once, PoisonError};

use fluxgate_tests::Events;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps what is logged from now on, by all threads.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = |target: &str| {
            ["fluxgate", "slack::proxy"]
                .iter()
                .any(|ours| target.starts_with(ours))
        };
        let events = Events::new(wanted, |logged| {
            let line = format!("{}{}", logged.level, logged.fields);
            LINES
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        });
        tracing::subscriber::set_global_default(events).expect("no other is installed");
    });
}

/// Returns the lines that contain this: tests run side by side.
pub(crate) fn lines_with(what: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines
        .iter()
        .filter(|line| line.contains(what))
        .cloned()
        .collect()
}
