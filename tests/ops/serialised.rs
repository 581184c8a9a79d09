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
    tripper::{AvgLatency, FailureRate, FailureStreak, InFlight, Rule, SlowRate},
};
use prometheus::Registry;
use serde_json::{Value, json};

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one document, as it is shown")]
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
            "failure_rate": 0.0,
            "total_duration": 2.0,
            "avg_duration": 2.0,
            "slow_counts": [{"threshold": 1.5, "count": 1, "rate": 1.0}],
        })
    );

    breaker.reset();
    breaker
        .call(|| Err::<(), _>(io::Error::other("down")))
        .unwrap_err();
    clock.advance(Duration::from_secs(15));
    let reason = json!({
        "rule": "FailureStreak", "duration": null,
        "measured": 1.0, "threshold": 1.0, "calls": 1,
        "text": "1 failure in a row reached 1",
    });
    let opening = json!({
        "sequence": 3, "at": 1_700_000_002.5,
        "old_state": "closed", "new_state": "open", "lasted": 0.0,
        "trigger": "rule", "by": null, "reason": reason,
        "rule": [
            {
                "rule": "FailureStreak", "duration": null, "measured": 1.0,
                "threshold": 1.0, "holds": true, "text": "FailureStreak: 1 of 1",
            },
            {
                "rule": "SlowRate", "duration": 1.5, "measured": 0.0,
                "threshold": 0.5, "holds": false, "text": "SlowRate from 1.5s: 0 % of 50 %",
            },
        ],
        "calls": 1, "failures": 1, "probes": null,
        "next_attempt": 1_700_000_062.5, "last_failure": null,
    });
    let mut info = to_json(&breaker.info());
    let flight = info["flight"].take();
    let fleet = info.as_object_mut().and_then(|info| info.remove("fleet"));
    assert_eq!(fleet, Some(Value::Null), "it joined none");
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
                "total_count": 0, "failure_count": 0, "failure_rate": null,
                "total_duration": 0.0, "avg_duration": null,
                "slow_counts": [{"threshold": 1.5, "count": 0, "rate": null}],
            },
            "opened_with": {
                "total_count": 1, "failure_count": 1, "failure_rate": 1.0,
                "total_duration": 0.0, "avg_duration": 0.0,
                "slow_counts": [{"threshold": 1.5, "count": 0, "rate": 0.0}],
            },
            "retry_after": 45.0,
            "reason": reason,
            "probes_in_flight": 0,
            "rejected": 0,
            "would_have_opened": 1,
            "throttled": 0,
            "throttle": null,
            "passed_over": 0,
            "early_probes": 0,
            "failed": 1,
            "overloaded": 0,
            "alive": 0,
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
                "durations": {
                    "buckets": [{"bound": 0.25, "count": 1}], "count": 2, "sum": 2.0,
                },
            },
            "settings": {
                "window": "CountWindow(100)",
                "tripper": "FailureStreak(1) | SlowRate(0.5, threshold = 1.5s)",
                "retry": "Cooldown(60s)",
                "permit": "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
                "max_half_open_calls": 10,
                "close_after": 1,
                "reopen_after": null,
                "probe_lease": 60.0,
                "on_cancel": "Ignore",
                "slow_probes": "Pass",
                "throttle": null,
                "durations": true,
                "from": {},
                "refused": [],
            },
            "variable": {"name": "FLUXGATE_SERIALISED", "value": null},
            "held": null,
            "kill_switch": null,
            "listener_failures": 0,
            "listeners": [
                {"name": null, "failures": 0, "waiting": 0, "dropped": 0, "dropped_calls": 0},
                {"name": "PrometheusListener", "failures": 0, "waiting": 0, "dropped": 0, "dropped_calls": 0},
            ],
            "missing_listeners": [{"name": "Pager", "reason": "no URL"}],
            "flight": null,
        })
    );
    assert_eq!(
        flight,
        json!({
            "transitions": [
                {
                    "sequence": 1, "at": 1_700_000_000.5,
                    "old_state": "closed", "new_state": "metrics_only", "lasted": 0.0,
                    "trigger": "command", "by": null, "reason": null, "rule": [],
                    "calls": 0, "failures": 0, "probes": null,
                    "next_attempt": null, "last_failure": null,
                },
                {
                    "sequence": 2, "at": 1_700_000_002.5,
                    "old_state": "metrics_only", "new_state": "closed", "lasted": 2.0,
                    "trigger": "command", "by": null, "reason": null, "rule": [],
                    "calls": 1, "failures": 0, "probes": null,
                    "next_attempt": null, "last_failure": null,
                },
                opening,
            ],
            "failures": [],
            "failures_dropped": 0,
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
            "would_have_opened": false,
            "record": opening,
        })
    );
}

#[test]
fn reason_has_one_shape_for_all_rules() {
    let second = Duration::from_secs(1);
    let rules: [(&str, Rule, Option<f64>); 5] = [
        ("FailureStreak", FailureStreak::new(1).into(), None),
        ("FailureRate", FailureRate::new(0.5).into(), None),
        ("AvgLatency", AvgLatency::new(second).into(), None),
        ("SlowRate", SlowRate::new(0.5, second).into(), Some(1.0)),
        ("InFlight", InFlight::new(1, second).into(), Some(1.0)),
    ];
    for (rule, tripper, duration) in rules {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("shape")
            .tripper(tripper)
            .clock(clock.clone())
            .build()
            .unwrap();
        let slow = breaker.acquire().unwrap();
        clock.advance(Duration::from_secs(2));
        // The call that asks while another hangs is the one that finds it.
        if let Ok(second) = breaker.acquire() {
            second.ignore();
        }
        slow.failure();
        let info = breaker.info();
        let reason = to_json(&info)["reason"].take();
        let fields: Vec<_> = reason.as_object().unwrap().keys().cloned().collect();
        let all = ["calls", "duration", "measured", "rule", "text", "threshold"];
        assert_eq!(fields, all, "{rule}");
        assert_eq!(reason["rule"], rule);
        assert_eq!(reason["duration"], json!(duration), "{rule}");
        assert_eq!(reason["text"], info.reason.unwrap().to_string());
    }
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
    let error = serde_json::from_value::<Command>(json!("shut")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value: string \"shut\", expected one of reset, disable, metrics_only, force_open, open, half_open, close, or of the states closed, disabled, forced_open"
    );
}
