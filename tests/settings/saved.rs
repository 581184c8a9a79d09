//! Open circuits that are saved by one process and restored by the next: here two
//! isolated tests' worlds on one thread, one after the other.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fluxgate::{
    CircuitBreaker, Outcome, RuleKind, Signal, State, breaker,
    clock::ManualClock,
    flight::Trigger,
    permit::All,
    registry::{self, SavedState, SkippedRestore},
    retry::{Always, Backoff, Cooldown, Never},
    testing,
    tripper::FailureStreak,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `f` as a process of its own would, that begins at this time.
fn process<R>(at: Duration, f: impl FnOnce(&ManualClock) -> R) -> R {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + HOUR * 500_000 + at);
    let time = testing::isolate_with(clock);
    f(time.clock())
}

fn built(name: &'static str) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(name)
        .tripper(FailureStreak::new(1))
        .retry(Backoff::new(100 * SECOND))
        .permit(All);
    builder.build().expect("in range")
}

fn fail(breaker: &CircuitBreaker) {
    breaker.acquire().expect("admitted").failure();
}

/// A circuit that opened `ago`, as text.
fn saved(name: &'static str) -> String {
    process(Duration::ZERO, |clock| {
        let breaker = built(name);
        fail(&breaker);
        clock.advance(30 * SECOND);
        serde_json::to_string(&registry::save()).expect("serialised")
    })
}

fn read(text: &str) -> SavedState {
    serde_json::from_str(text).expect("read")
}

#[test]
fn open_circuit_comes_back_with_its_deadline() {
    let text = saved("payments");
    process(50 * SECOND, |clock| {
        let breaker = built("payments");
        let report = read(&text).restore(HOUR);
        assert!(report.waiting.is_empty() && report.skipped.is_empty());
        let [restored] = &report.restored[..] else {
            panic!("{report:?}")
        };
        assert_eq!(restored.name, "payments");
        assert_eq!(restored.retry_after, Some(50 * SECOND));
        let reason = restored.reason.as_deref();
        assert_eq!(reason, Some("1 failure in a row reached 1"));
        // No call was needed, and the first is refused.
        let rejection = breaker.acquire().expect_err("it is open");
        assert_eq!(rejection.retry_after(), Some(50 * SECOND));
        let reason = rejection.reason().expect("restored");
        assert_eq!(reason.rule, RuleKind::Restored);
        assert_eq!(
            reason.to_string(),
            "it was open before the program was restarted"
        );
        assert_eq!(breaker.info().opened_with, None);
        clock.advance(50 * SECOND);
        breaker.acquire().expect("a probe").success();
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn reopenings_go_on() {
    let text = process(Duration::ZERO, |clock| {
        let breaker = built("payments");
        fail(&breaker);
        clock.advance(100 * SECOND);
        fail(&breaker);
        assert_eq!(breaker.info().retry_after, Some(200 * SECOND));
        serde_json::to_string(&registry::save()).expect("serialised")
    });
    process(150 * SECOND, |clock| {
        let breaker = built("payments");
        read(&text).restore(HOUR);
        let info = breaker.info();
        assert_eq!((info.reopens, info.retry_after), (1, Some(150 * SECOND)));
        clock.advance(150 * SECOND);
        fail(&breaker);
        let info = breaker.info();
        assert_eq!((info.reopens, info.retry_after), (2, Some(300 * SECOND)));
    });
}

breaker! {
    static LATER = {
        name = "later",
        tripper = FailureStreak(1),
        retry = Cooldown(100s),
        permit = All,
        listeners = [|signal: &Signal| {
            // It may use its breaker, which is in its place by then.
            assert_eq!(LATER.state(), State::Open);
            HEARD.lock().unwrap().push(signal.clone());
        }],
    };
}

static HEARD: Mutex<Vec<Signal>> = Mutex::new(Vec::new());

#[test]
fn static_gets_its_state_when_it_is_built() {
    let text = saved("later");
    process(60 * SECOND, |clock| {
        let report = read(&text).restore(HOUR);
        assert_eq!(report.waiting, ["later"]);
        assert!(report.restored.is_empty());
        clock.advance(10 * SECOND);
        // The first call builds it, and is refused.
        let rejection = LATER.acquire().expect_err("it is open");
        assert_eq!(rejection.retry_after(), Some(30 * SECOND));
        let heard = HEARD.lock().unwrap();
        let [signal] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(
            (signal.old_state, signal.new_state),
            (State::Closed, State::Open)
        );
        assert_eq!(
            signal.reason.map(|reason| reason.rule),
            Some(RuleKind::Restored)
        );
        let record = LATER.info().flight.transitions.pop().expect("one");
        assert_eq!(
            (record.trigger, record.trigger.as_str()),
            (Trigger::Restore, "restore")
        );
    });
}

#[test]
fn half_open_comes_back_open_and_due() {
    let text = process(Duration::ZERO, |clock| {
        let breaker = built("payments");
        fail(&breaker);
        clock.advance(100 * SECOND);
        drop(breaker.acquire());
        assert_eq!(breaker.state(), State::HalfOpen);
        serde_json::to_string(&registry::save()).expect("serialised")
    });
    process(110 * SECOND, |_| {
        let breaker = built("payments");
        let report = read(&text).restore(HOUR);
        assert_eq!(report.restored[0].retry_after, Some(Duration::ZERO));
        assert_eq!(breaker.state(), State::Open);
        fail(&breaker);
        assert_eq!(breaker.info().reopens, 1);
    });
}

#[test]
fn wait_is_bounded_by_the_policy() {
    let waits = |retry: fn() -> fluxgate::Builder, next_attempt: &str| {
        let text = format!(
            r#"{{"version": 1, "saved_at": 1800000030.0, "circuits": [{{"name": "payments",
                "state": "open", "changed_at": 1800000000.0, "next_attempt": {next_attempt}}}]}}"#
        );
        process(30 * SECOND, |_| {
            let breaker = retry().build().expect("in range");
            read(&text).restore(HOUR);
            assert_eq!(breaker.state(), State::Open);
            breaker.info().retry_after
        })
    };
    let backoff = || with().retry(Backoff::new(SECOND).max_duration(40 * SECOND));
    // A policy that got shorter, and a clock that was wrong.
    assert_eq!(waits(backoff, "1800007200.0"), Some(40 * SECOND));
    assert_eq!(waits(backoff, "1800000050.0"), Some(20 * SECOND));
    assert_eq!(waits(backoff, "1700000000.0"), Some(Duration::ZERO));
    let cooldown = || with().retry(Cooldown::new(HOUR));
    assert_eq!(waits(cooldown, "1800001830.0"), Some(HOUR / 2));
    assert_eq!(waits(cooldown, "1800007200.0"), Some(HOUR));
    let always = || with().retry(Always);
    assert_eq!(waits(always, "1800007200.0"), Some(Duration::ZERO));
    // For ever, as it was saved or as it is now.
    let never = || with().retry(Never);
    assert_eq!(waits(never, "null"), None);
    assert_eq!(waits(never, "1800000050.0"), Some(20 * SECOND));
    assert_eq!(waits(cooldown, "null"), Some(HOUR));
}

fn with() -> fluxgate::Builder {
    CircuitBreaker::builder("payments")
}

#[test]
fn clock_that_went_back_means_the_full_wait() {
    let text = saved("payments");
    // The machine's clock was an hour ahead.
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + HOUR * 499_999);
    let _time = testing::isolate_with(clock);
    let breaker = built("payments");
    read(&text).restore(SECOND);
    assert_eq!(breaker.info().retry_after, Some(100 * SECOND));
}

#[test]
fn old_circuit_stays_closed() {
    let text = saved("payments");
    // It was saved after 30 s.
    for (at, expected) in [(90, State::Open), (91, State::Closed)] {
        process(at * SECOND, |_| {
            let breaker = built("payments");
            let report = read(&text).restore(60 * SECOND);
            assert_eq!(breaker.state(), expected, "{report:?}");
        });
        process(10 * SECOND, |clock| {
            read(&text).restore(60 * SECOND);
            clock.advance((at - 10) * SECOND);
            assert_eq!(built("payments").state(), expected, "built later");
        });
    }
    process(HOUR, |_| {
        let _breaker = built("payments");
        let report = read(&text).restore(60 * SECOND);
        assert_eq!(
            report.skipped,
            [("payments".into(), SkippedRestore::TooOld)]
        );
    });
}

#[test]
fn breaker_in_use_stays_as_it_is() {
    let text = saved("payments");
    process(50 * SECOND, |_| {
        let breaker = built("payments");
        breaker.reset();
        let report = read(&text).restore(HOUR);
        assert_eq!(report.skipped, [("payments".into(), SkippedRestore::InUse)]);
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(breaker.info().flight.transitions.len(), 1);
    });
    // Calls alone are no use: the circuit is as it began.
    process(50 * SECOND, |_| {
        let breaker = built("payments");
        breaker.acquire().expect("closed").success();
        let report = read(&text).restore(HOUR);
        assert_eq!((report.restored.len(), breaker.state()), (1, State::Open));
    });
}

#[test]
fn snapshot_is_above_the_initial_state() {
    let text = saved("payments");
    process(50 * SECOND, |_| {
        let measures = with().initial_state(State::MetricsOnly);
        let breaker = measures.build().expect("in range");
        read(&text).restore(HOUR);
        assert_eq!(breaker.state(), State::Open);
    });
}

#[test]
fn commands_and_healthy_circuits_are_not_saved() {
    process(Duration::ZERO, |_| {
        let commands: [fn(&CircuitBreaker); 4] = [
            CircuitBreaker::reset,
            CircuitBreaker::disable,
            CircuitBreaker::metrics_only,
            CircuitBreaker::force_open,
        ];
        let names = ["reset", "disabled", "metrics", "forced"];
        let breakers: Vec<_> = names.map(built).into();
        for (breaker, command) in breakers.iter().zip(commands) {
            command(breaker);
        }
        // A name does not say which of these is meant.
        let same = [(); 2].map(|()| built("same"));
        same[0].open();
        assert!(registry::save().is_empty());
        let opened = built("opened");
        opened.open_for(7 * SECOND);
        assert_eq!(registry::save().len(), 1);
    });
}

#[test]
fn what_was_asked_for_is_saved() {
    let text = process(Duration::ZERO, |_| {
        let breaker = built("payments");
        let outcome = |_: &Result<(), ()>| Outcome::UnavailableFor(250 * SECOND);
        let call = breaker
            .with_classifier(outcome)
            .try_call(|| Err::<(), ()>(()));
        assert!(call.is_err());
        serde_json::to_string(&registry::save()).expect("serialised")
    });
    process(50 * SECOND, |_| {
        let breaker = built("payments");
        read(&text).restore(HOUR);
        assert_eq!(breaker.info().retry_after, Some(200 * SECOND));
    });
}

#[test]
fn what_is_not_understood_is_left_out() {
    let good = r#"{"name":"good","state":"open","changed_at":1800000000.0,"next_attempt":null}"#;
    let entries = [
        "null",
        "7",
        r#"{"name":"x"}"#,
        r#"{"name":7,"state":"open","changed_at":1.0,"next_attempt":null}"#,
        r#"{"name":"x","state":"disabled","changed_at":1.0,"next_attempt":null}"#,
        r#"{"name":"x","state":"open","changed_at":-1.0,"next_attempt":null}"#,
        r#"{"name":"x","state":"open","changed_at":1e300,"next_attempt":null}"#,
        r#"{"name":"x","state":"open","changed_at":1.0,"next_attempt":1e300}"#,
        r#"{"name":"x","state":"open","changed_at":1.0,"next_attempt":null,"reopens":-1}"#,
    ];
    let list = entries.join(",");
    // In any order, with more than is known.
    let text =
        format!(r#"{{"circuits":[{list},{good}],"more":{{}},"saved_at":1800000000,"version":1}}"#);
    process(Duration::ZERO, |_| {
        let report = read(&text).restore(HOUR);
        assert_eq!(report.waiting, ["good"]);
        assert_eq!(
            (report.unread, report.unknown_version),
            (entries.len(), false)
        );
    });
}

#[test]
fn unknown_versions_are_reported_and_ignored() {
    let texts = [
        "{}",
        r#"{"version": 2, "saved_at": "today", "circuits": {"a": [1, 2]}}"#,
        r#"{"version": 1, "circuits": []}"#,
        r#"{"version": "one", "saved_at": 1.0, "circuits": []}"#,
        r#"{"version": 4000000000, "saved_at": 1.0, "circuits": [{"name": "payments"}]}"#,
    ];
    for text in texts {
        process(Duration::ZERO, |_| {
            let breaker = built("payments");
            let report = read(text).restore(HOUR);
            assert!(report.unknown_version, "{text}");
            assert!(report.waiting.is_empty() && report.restored.is_empty());
            assert_eq!(breaker.state(), State::Closed);
        });
    }
}

#[test]
fn restoring_again_replaces_what_waits() {
    let (one, other) = (saved("one"), saved("other"));
    process(50 * SECOND, |_| {
        assert_eq!(read(&one).restore(HOUR).waiting, ["one"]);
        assert_eq!(read(&other).restore(HOUR).waiting, ["other"]);
        assert_eq!(built("one").state(), State::Closed);
        let first = built("other");
        assert_eq!(first.state(), State::Open);
        // It was taken.
        drop(first);
        assert_eq!(built("other").state(), State::Closed);
    });
}

#[test]
fn save_and_restore_are_inverse() {
    let text = saved("payments");
    let state = read(&text);
    assert_eq!(serde_json::to_string(&state).expect("serialised"), text);
    let again = process(50 * SECOND, |_| {
        let _breaker = built("payments");
        read(&text).restore(HOUR);
        registry::save()
    });
    assert_eq!(again.len(), 1);
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    process(60 * SECOND, |_| {
        let builder = with().listener(move |_: &Signal| *count.lock().unwrap() += 1);
        let breaker = builder.retry(Cooldown::new(100 * SECOND)).build();
        again.clone().restore(HOUR);
        let left = breaker.expect("in range").info().retry_after;
        assert_eq!(left, Some(40 * SECOND));
    });
    assert_eq!(*heard.lock().unwrap(), 1);
}
