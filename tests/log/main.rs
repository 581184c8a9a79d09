//! Programs that use the `log` crate get the transitions, too.
//!
//! In a binary of its own: the logger is the process's, and once a subscriber of
//! `tracing` was installed the events no longer go to it.

use std::sync::Mutex;

use fluxgate::{
    CircuitBreaker, Command, Signal, State, listener::LogListener, tracker::All,
    tripper::FailureStreak,
};
use log::{Level, LevelFilter, Log, Metadata, Record};

static RECORDS: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let record = (
            record.level(),
            record.target().to_owned(),
            record.args().to_string(),
        );
        RECORDS.lock().unwrap().push(record);
    }

    fn flush(&self) {}
}

#[test]
fn transitions_and_reports_are_log_records() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let breaker = CircuitBreaker::builder("logged")
        .tripper(FailureStreak::new(1))
        .listener(LogListener::new().level(State::Closed, tracing::Level::DEBUG))
        .try_listener("Pager", Err::<fn(&Signal), _>("PAGER_URL is not set"))
        .build()
        .unwrap();
    breaker.command_by(Command::ForceOpen, "alice");
    breaker.reset();
    let calls = breaker.with_tracker(All).failure_texts();
    let down = calls.call(|| Err::<(), _>(std::io::Error::other("down")));
    assert!(down.is_err());

    let records = RECORDS.lock().unwrap();
    let [missing, opened, closed, tripped] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!((missing.0, &*missing.1), (Level::Warn, "fluxgate"));
    let text = "circuit breaker 'logged' goes without its listener Pager: PAGER_URL is not set";
    assert!(missing.2.starts_with(text), "{missing:?}");

    let target = "fluxgate::listeners::log";
    assert_eq!((opened.0, &*opened.1), (Level::Warn, target));
    let text = "Circuit Breaker 'logged' transitioned from closed to forced_open";
    assert!(opened.2.starts_with(text), "{opened:?}");
    for field in [
        "circuit_name=\"logged\"",
        "new_state=\"forced_open\"",
        "sequence=1",
        "by=\"alice\"",
    ] {
        assert!(opened.2.contains(field), "{field} in {opened:?}");
    }
    assert_eq!((closed.0, &*closed.1), (Level::Debug, target));
    for field in [
        "reason=1 failure in a row reached 1",
        "retry_after_secs=60",
        "rule=\"FailureStreak: 1 of 1\"",
        "last_failure=\"down\"",
    ] {
        assert!(tripped.2.contains(field), "{field} in {tripped:?}");
    }
}
