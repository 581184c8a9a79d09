//! Names that come from outside, in what is logged and said.

use std::sync::{Arc, Mutex};

use fluxgate::{
    CircuitBreaker, Signal, State, keyed::CircuitBreakers, listener::LogListener,
    tripper::FailureStreak,
};
use fluxgate_tests::{Events, ask_every_subscriber};

use crate::reports;

/// Begins a line of its own, in red, and turns the direction of writing.
const NAME: &str = "forged\nERROR \u{1b}[31mall is lost\r\u{202e}";

fn is_one_line(text: &str) {
    let forges = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}');
    assert!(!text.contains(forges), "{text:?}");
    assert!(
        text.contains(r"forged\nERROR \u{1b}[31mall is lost\r\u{202e}"),
        "{text:?}"
    );
}

#[test]
fn names_forge_nothing_in_messages() {
    let open = CircuitBreaker::builder(NAME)
        .tripper(FailureStreak::new(1))
        .build()
        .unwrap();
    // What programs read is as it was given.
    assert_eq!((&**open.name(), &*open.info().name), (NAME, NAME));
    open.acquire().unwrap().failure();
    is_one_line(&open.acquire().unwrap_err().to_string());
    open.force_open();
    is_one_line(&open.acquire().unwrap_err().to_string());
    open.command(fluxgate::Command::HalfOpen);
    let _probes: Vec<_> = (0..10).map(|_| open.acquire()).collect();
    is_one_line(&open.acquire().unwrap_err().to_string());
    let refused = CircuitBreaker::builder(NAME).close_after(0).build();
    is_one_line(&refused.unwrap_err().to_string());
}

#[test]
fn names_forge_nothing_in_reports() {
    let (reports, ()) = reports::of(|| {
        let panics = |_: &Signal| panic!("told");
        let breaker = CircuitBreaker::builder(NAME).listener(panics);
        breaker.build().unwrap().force_open();
        let set = CircuitBreakers::<String>::builder(NAME).max_keys(1);
        let set = set.build().unwrap();
        set.get("a").force_open();
        set.get("b");
    });
    let reports: Vec<_> = reports.iter().filter(|it| it.contains("forged")).collect();
    assert!(reports.len() >= 2, "{reports:?}");
    for report in reports {
        is_one_line(report);
    }
}

#[test]
fn names_forge_nothing_in_the_log_listener() {
    ask_every_subscriber();
    let logged: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = Arc::clone(&logged);
    let events = Events::new(
        |target| target == "fluxgate::listeners::log",
        move |event| lines.lock().unwrap().push(event.message),
    );
    tracing::subscriber::with_default(events, || {
        let breaker = CircuitBreaker::builder(NAME).listener(LogListener::new());
        let breaker = breaker.initial_state(State::MetricsOnly).build().unwrap();
        breaker.force_open();
    });
    let logged = logged.lock().unwrap();
    assert_eq!(logged.len(), 2, "{logged:?}");
    for line in &*logged {
        is_one_line(line);
    }
}
