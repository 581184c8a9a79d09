//! Snapshots, signals and commands as JSON.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fluxgate::{
    CircuitBreaker, Command, Name, Signal, State,
    clock::ManualClock,
    listener::PrometheusListener,
    retry::Cooldown,
    tripper::{FailureStreak, SlowRate},
};
use prometheus::Registry;
use serde_json::{Value, json};

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn an_open_breaker_as_a_listing_shows_it() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500));
    let signals: Arc<Mutex<Vec<Signal>>> = Arc::default();
    let told = Arc::clone(&signals);
    let metrics =
        PrometheusListener::with_registry(Registry::new()).durations([Duration::from_millis(250)]);
    let breaker = CircuitBreaker::builder("serialised")
        .tripper(FailureStreak::new(1) | SlowRate::new(0.5, Duration::from_millis(1500)))
        .retry(Cooldown::new(Duration::from_secs(60)))
        .listener(move |signal: &Signal| told.lock().unwrap().push(signal.clone()))
        .try_listener("Pager", Err::<fn(&Signal), _>("no URL"))
        .listener(metrics)
        .durations(true)
        .clock(clock.clone())
        .build()
        .unwrap();
    breaker.metrics_only();
    let slow = || {
        clock.advance(Duration::from_secs(2));
        Ok::<_, io::Error>(())
    };
    breaker.call(slow).unwrap();
    let metrics = &to_json(&breaker.info())["metrics"];
    assert_eq!(
        *metrics,
        json!({
            "total_count": 1,
            "failure_count": 0,
            "total_duration": 2.0,
            "slow_counts": [[1.5, 1]],
        })
    );

    breaker.reset();
    breaker
        .call(|| Err::<(), _>(io::Error::other("down")))
        .unwrap_err();
    clock.advance(Duration::from_secs(15));
    let reason = json!({
        "rule": "FailureStreak", "measured": 1.0, "threshold": 1.0, "calls": 1,
    });
    let mut info = to_json(&breaker.info());
    let closure = info["listeners"][0]["name"].take();
    assert!(closure.as_str().unwrap().contains("closure"));
    assert_eq!(
        info,
        json!({
            "name": "serialised",
            "state": "open",
            "changed_at": 1_700_000_002.5,
            "reopens": 0,
            "failure_streak": 1,
            "metrics": {
                "total_count": 0, "failure_count": 0, "total_duration": 0.0,
                "slow_counts": [[1.5, 0]],
            },
            "retry_after": 45.0,
            "reason": reason,
            "probes_in_flight": 0,
            "rejected": 0,
            "ignored": 0,
            "cancelled": 0,
            "panicked": 0,
            "lost_probes": 0,
            "late": 0,
            "lifetime": {
                "successes": 1,
                "failures": 1,
                "late": 0,
                "probes": 0,
                "rejected": {"open": 0, "half_open": 0, "forced_open": 0},
                "time_in_state": {
                    "closed": 0.0, "open": 15.0, "half_open": 0.0,
                    "metrics_only": 2.0, "disabled": 0.0, "forced_open": 0.0,
                },
                "durations": {"buckets": [[0.25, 1]], "count": 2, "sum": 2.0},
            },
            "variable": {"name": "FLUXGATE_SERIALISED", "value": null},
            "kill_switch": null,
            "listener_failures": 0,
            "listeners": [
                {"name": null, "failures": 0, "waiting": 0, "dropped": 0},
                {"name": "PrometheusListener", "failures": 0, "waiting": 0, "dropped": 0},
            ],
            "missing_listeners": [{"name": "Pager", "reason": "no URL"}],
        })
    );
    let signals = signals.lock().unwrap();
    assert_eq!(
        to_json(signals.last().unwrap()),
        json!({
            "name": "serialised",
            "old_state": "closed",
            "new_state": "open",
            "timestamp": 1_700_000_002.5,
            "sequence": 3,
            "reason": reason,
            "next_attempt": 1_700_000_062.5,
        })
    );
}

#[test]
fn a_slow_rate_says_which_calls_are_slow() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("serialised_slow")
        .tripper(SlowRate::new(0.5, Duration::from_millis(250)))
        .clock(clock.clone())
        .build()
        .unwrap();
    let slow = || {
        clock.advance(Duration::from_secs(1));
        Ok::<_, io::Error>(())
    };
    breaker.call(slow).unwrap();
    let reason = &to_json(&breaker.info())["reason"];
    assert_eq!(reason["rule"], json!({"SlowRate": 0.25}));
}

#[test]
fn words_are_read_back_and_others_refused() {
    for state in State::ALL {
        let text = to_json(&state);
        assert_eq!(text, state.as_str());
        assert_eq!(serde_json::from_value::<State>(text).unwrap(), state);
    }
    for command in Command::ALL {
        let text = to_json(&command);
        assert_eq!(text, command.as_str());
        assert_eq!(serde_json::from_value::<Command>(text).unwrap(), command);
    }
    let name = serde_json::from_value::<Name>(json!("api")).unwrap();
    assert_eq!(name, "api");
    let error = serde_json::from_value::<Command>(json!("open")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value: string \"open\", expected one of reset, disable, metrics_only, force_open, or of the states closed, disabled, forced_open"
    );
}
