//! What `LogListener` writes.
//!
//! Two differences are stated. The message does not begin with the time, which
//! every subscriber adds. And `custom_logger`: the target of a `tracing` event is
//! part of its static description and can't be chosen at run time; filter on
//! the field `circuit_name` instead. Python's numeric levels between the named
//! ones have no counterpart either: those records are left out, and counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fluxgate::{Listener as _, Signal, listener::LogListener};
use fluxgate_tests::{Events, Logged};
use serde::Deserialize;
use tracing::{Level, subscriber};

use crate::{
    observed::state,
    vectors::{self, Kind},
};

#[derive(Debug, Deserialize)]
struct Recording {
    id: String,
    name: String,
    level_map: Option<BTreeMap<String, i64>>,
    custom_logger: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    signal: (String, String, f64),
    record: Record,
}

#[derive(Debug, Deserialize)]
struct Record {
    level: i64,
    logger: String,
    message: String,
}

#[test]
fn conformance_of_log_listener() {
    let (mut recordings, mut compared, mut renamed, mut python_only) = (0, 0, 0, 0);
    for file in vectors::read::<Recording>(Kind::Log) {
        for (number, recording) in file.lines {
            recordings += 1;
            let listener = listener(&recording);
            for (at, step) in recording.steps.iter().enumerate() {
                let Some(level) = level(step.record.level) else {
                    python_only += 1;
                    continue;
                };
                let place = format!("{}:{number} '{}' step {at}", file.name, recording.id);
                let written = written(&listener, &signal(&recording.name, step));
                if recording.custom_logger.is_some() {
                    renamed += 1;
                } else {
                    let target = step.record.logger.replace('.', "::");
                    assert_eq!(written.target, target, "{place}");
                }
                assert_eq!(written.level, level, "{place}");
                let message = step.record.message.split_once("] ").map(|(_, rest)| rest);
                assert_eq!(Some(&*written.message), message, "{place}");
                compared += 1;
            }
        }
    }
    println!(
        "log: compared {recordings} recordings, {compared} records \
         ({renamed} of them with a logger of their own, whose name is not compared); \
         left out {python_only} with levels that only Python has"
    );
}

/// The nearest level of `tracing`, which has none above ERROR.
fn level(python: i64) -> Option<Level> {
    match python {
        10 => Some(Level::DEBUG),
        20 => Some(Level::INFO),
        30 => Some(Level::WARN),
        40 | 50 => Some(Level::ERROR),
        _ => None,
    }
}

fn listener(recording: &Recording) -> LogListener {
    let given = recording.level_map.iter().flatten();
    given
        .filter_map(|(name, python)| Some((state(name), level(*python)?)))
        .fold(LogListener::new(), |listener, (state, level)| {
            listener.level(state, level)
        })
}

fn signal(name: &str, step: &Step) -> Signal {
    let (old, new, timestamp) = &step.signal;
    let away = Duration::from_secs_f64(timestamp.abs());
    let at = if *timestamp < 0.0 {
        SystemTime::UNIX_EPOCH - away
    } else {
        SystemTime::UNIX_EPOCH + away
    };
    Signal::new(name.to_owned(), state(old), state(new), at)
}

/// Returns the one event that reaches a subscriber.
fn written(listener: &LogListener, signal: &Signal) -> Logged {
    fluxgate_tests::ask_every_subscriber();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let capture = Events::new(|_| true, move |logged| seen.lock().unwrap().push(logged));
    subscriber::with_default(capture, || listener.on_signal(signal));
    let mut events = events.lock().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}
