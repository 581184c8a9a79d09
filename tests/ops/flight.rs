//! The flight recorder: what is kept of transitions and failures, and what is not.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    Builder, CircuitBreaker, Command, Info, Name, RuleKind, Signal, State, circuit_breaker,
    clock::ManualClock,
    flight::{TransitionRecord, Trigger},
    permit::All,
    registry,
    retry::Cooldown,
    tracker,
    tripper::{Context, Custom, FailureRate, FailureStreak, MinRequests},
};

fn builder(name: &'static str, clock: &ManualClock) -> Builder {
    CircuitBreaker::builder(Name::from(name))
        .tripper(MinRequests::new(4) & FailureRate::new(0.5) | FailureStreak::new(9))
        .retry(Cooldown::new(Duration::from_secs(10)))
        .permit(All)
        .clock(clock.clone())
}

fn fail(breaker: &CircuitBreaker, text: impl fmt::Display) {
    let calls = breaker.with_tracker(tracker::All).failure_texts();
    let _ = calls.try_call(|| Err::<(), _>(text));
}

fn succeed(breaker: &CircuitBreaker) {
    breaker.try_call(|| Ok::<_, ()>(())).unwrap();
}

fn last(info: &Info) -> &TransitionRecord {
    info.flight.transitions.last().expect("there is one")
}

#[test]
fn opening_and_recovery_are_recorded() {
    let clock = ManualClock::new();
    let breaker = builder("recorded", &clock).close_after(2).build().unwrap();
    clock.advance(Duration::from_secs(5));
    succeed(&breaker);
    for _ in 0..3 {
        breaker.acquire().unwrap().failure();
    }
    let info = breaker.info();
    let opening = last(&info);
    assert_eq!(opening.trigger, Trigger::Rule);
    assert_eq!(opening.lasted, Duration::from_secs(5));
    assert_eq!((opening.calls, opening.failures), (4, 3));
    assert_eq!(opening.reason, info.reason);
    assert_eq!(opening.last_failure, None);
    let parts: Vec<_> = opening
        .rule
        .iter()
        .map(|part| (part.rule, part.measured, part.threshold, part.holds))
        .collect();
    assert_eq!(
        parts,
        [
            (RuleKind::MinRequests, Some(4.0), 4.0, true),
            (RuleKind::FailureRate, Some(0.75), 0.5, true),
            (RuleKind::FailureStreak, Some(3.0), 9.0, false),
        ]
    );
    assert_eq!(
        opening.rule_text().unwrap(),
        "MinRequests: 4 of 4, FailureRate: 75 % of 50 %, FailureStreak: 3 of 9"
    );

    clock.advance(Duration::from_secs(10));
    succeed(&breaker);
    assert_eq!(last(&breaker.info()).trigger, Trigger::Retry);
    breaker.acquire().unwrap().ignore();
    breaker.acquire().unwrap().failure();
    succeed(&breaker);
    succeed(&breaker);
    let info = breaker.info();
    let closing = last(&info);
    assert_eq!(closing.trigger, Trigger::Recovery);
    assert_eq!(closing.new_state, State::Closed);
    let probes = closing.probes.unwrap();
    assert_eq!((probes.succeeded, probes.failed, probes.ignored), (3, 1, 1));
    assert!(!closing.rule.is_empty());
}

#[test]
fn commands_say_who_gave_them() {
    let clock = ManualClock::new();
    let breaker = builder("flight_commanded", &clock).build().unwrap();
    breaker.command_by(Command::ForceOpen, "alice\n2026 forged line");
    let info = breaker.info();
    assert_eq!(last(&info).trigger, Trigger::Command);
    assert_eq!(last(&info).by.as_deref(), Some("alice 2026 forged line"));
    assert_eq!(last(&info).rule, []);
    assert_eq!(
        registry::command_by("flight_commanded", Command::Open, &"x".repeat(500)),
        1
    );
    let by = last(&breaker.info()).by.clone().unwrap();
    assert!(by.len() <= 128 && by.ends_with('…'), "{by}");
    breaker.reset();
    assert_eq!(last(&breaker.info()).by, None);
}

#[test]
fn transitions_are_bounded() {
    let clock = ManualClock::new();
    for (most, kept) in [(3, 3), (1, 1), (0, 0)] {
        let breaker = builder("flight_bounded", &clock)
            .flight_recorder(most)
            .build()
            .unwrap();
        for _ in 0..20 {
            breaker.force_open();
            fail(&breaker, "rejected");
        }
        let records = breaker.info().flight.transitions;
        let numbers: Vec<_> = records.iter().map(|record| record.sequence).collect();
        let expected: Vec<_> = (21 - kept..=20).collect();
        assert_eq!(numbers, expected);
    }
    let breaker = builder("flight_default", &clock).build().unwrap();
    assert_eq!(breaker.info().flight.transitions, []);
    for _ in 0..100 {
        breaker.reset();
    }
    assert_eq!(breaker.info().flight.transitions.len(), 32);
    let error = builder("flight_wide", &clock)
        .flight_recorder(1025)
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("from 0 to 1024, but is 1025"),
        "{error}"
    );
}

#[test]
fn failure_texts_are_off_unless_asked_for() {
    let clock = ManualClock::new();
    let breaker = builder("flight_silent", &clock).build().unwrap();
    for _ in 0..9 {
        let _ = breaker.try_call(|| Err::<(), _>("token=secret"));
    }
    assert_eq!(breaker.state(), State::Open);
    let flight = breaker.info().flight;
    assert_eq!(flight.failures, []);
    assert_eq!(breaker.acquire().unwrap_err().last_failure(), None);
    assert!(!format!("{flight:?}").contains("secret"));
}

#[test]
fn recorder_that_is_off_asks_no_error() {
    struct Never;
    impl fmt::Display for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("asked for its text")
        }
    }
    let clock = ManualClock::new();
    let breaker = builder("flight_off", &clock)
        .flight_recorder(0)
        .build()
        .unwrap();
    fail(&breaker, Never);
    breaker.acquire().unwrap().failure_with(&Never);
    assert_eq!(breaker.info().failed, 2);
    assert_eq!(
        breaker.info().flight,
        fluxgate::flight::FlightRecord::default()
    );
}

#[test]
fn opening_carries_its_last_failure() {
    let clock = ManualClock::new();
    let heard: Arc<Mutex<Vec<Signal>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let breaker = builder("flight_texts", &clock)
        .listener(move |signal: &Signal| listener.lock().unwrap().push(signal.clone()))
        .build()
        .unwrap();
    for text in ["refused", "timed out", "timed out", "refused"] {
        fail(&breaker, text);
    }
    let heard = heard.lock().unwrap();
    let record = heard[0].record.as_ref().unwrap();
    let failure = record.last_failure.as_ref().unwrap();
    assert_eq!((&*failure.text, failure.count), ("refused", 2));
    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(&*rejection.last_failure().unwrap().text, "refused");
    assert!(!rejection.to_string().contains("refused"));
    let counts: Vec<_> = breaker.info().flight.failures;
    let counts: Vec<_> = counts.iter().map(ToString::to_string).collect();
    assert_eq!(counts, ["timed out (×2)", "refused (×2)"]);
}

#[test]
fn ignored_errors_leave_no_text() {
    let clock = ManualClock::new();
    let breaker = builder("flight_ignored", &clock).build().unwrap();
    let calls = breaker.with_tracker(tracker::Custom::new(|text: &&str| text.starts_with('5')));
    for text in ["404", "503"] {
        let _ = calls.failure_texts().try_call(|| Err::<(), _>(text));
    }
    let failures = breaker.info().flight.failures;
    assert_eq!(failures.len(), 1);
    assert_eq!(&*failures[0].text, "503");
}

/// The text may come from code that uses the breaker.
#[test]
fn display_of_an_error_may_use_the_breaker() {
    struct Curious(CircuitBreaker);
    impl fmt::Display for Curious {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.metrics_only();
            write!(f, "{:?}", self.0.info().state)
        }
    }
    let clock = ManualClock::new();
    let breaker = builder("flight_curious", &clock).build().unwrap();
    fail(&breaker, Curious(breaker.clone()));
    assert_eq!(&*breaker.info().flight.failures[0].text, "MetricsOnly");
}

#[test]
fn custom_rule_is_not_asked_for_the_record() {
    let clock = ManualClock::new();
    let asked = Arc::new(Mutex::new(0));
    let asks = Arc::clone(&asked);
    let rule = move |seen: &Context<'_>| {
        *asks.lock().unwrap() += 1;
        seen.failure_count() >= 1
    };
    let breaker = CircuitBreaker::builder("flight_custom")
        .tripper(Custom::new(rule) | FailureStreak::new(7))
        .clock(clock)
        .build()
        .unwrap();
    breaker.acquire().unwrap().failure();
    // Once whether it fires, and once for the reason.
    assert_eq!(*asked.lock().unwrap(), 2);
    let info = breaker.info();
    let parts = &last(&info).rule;
    assert_eq!((parts[0].measured, parts[0].holds), (None, true));
    assert_eq!((parts[1].measured, parts[1].holds), (Some(1.0), false));
}

#[circuit_breaker(
    name = "flight_attribute",
    tripper = FailureStreak(2),
    flight_recorder = 1,
    failure_texts = true,
    handle = attribute_breaker
)]
fn annotated(text: &'static str) -> io::Result<()> {
    Err(io::Error::other(text))
}

#[circuit_breaker(
    name = "flight_call_error",
    failure_texts = true,
    tracker = Matches(503..),
    handle = call_error_breaker
)]
async fn wrapped(status: u16) -> Result<(), fluxgate::CallError<u16>> {
    Err(status)?
}

#[tokio::test]
async fn attribute_asks_for_texts() {
    for _ in 0..2 {
        annotated("down").unwrap_err();
    }
    attribute_breaker().reset();
    let flight = attribute_breaker().info().flight;
    assert_eq!(&*flight.failures[0].text, "down");
    assert_eq!(flight.transitions.len(), 1);

    for status in [404, 503] {
        wrapped(status).await.unwrap_err();
    }
    let failures = call_error_breaker().info().flight.failures;
    assert_eq!(failures.len(), 1);
    assert_eq!(&*failures[0].text, "503");
}
