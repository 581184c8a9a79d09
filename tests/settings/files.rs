//! Settings from files: formats, sections, what is wrong with them.

use std::{fmt::Write as _, time::Duration};

use fluxgate::{
    CircuitBreaker, Settings, State,
    retry::Cooldown,
    testing,
    tripper::{FailureRate, FailureStreak, MinRequests},
    window::CountWindow,
};

fn toml(text: &str) -> Settings {
    toml::from_str(text).expect(text)
}

fn build(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::builder(name).build().unwrap()
}

/// The value of a setting, and where it is from.
fn retry(breaker: &CircuitBreaker) -> (String, String) {
    let settings = breaker.info().settings;
    (settings.retry.clone(), settings.source("retry").to_string())
}

#[test]
fn formats_are_read_alike() {
    let _world = testing::isolate();
    let breaker = build("payments");
    let other = build("other");
    let as_toml = r#"
        [all]
        close_after = 2
        [breaker."payments"]
        tripper = "FailureStreak(8) | MinRequests(50) & FailureRate(0.3)"
        probe_lease = 1.5
        durations = true
        state = "metrics_only"
    "#;
    let as_json = r#"{
        "all": {"close_after": 2},
        "breaker": {"payments": {
            "tripper": "FailureStreak(8) | MinRequests(50) & FailureRate(0.3)",
            "probe_lease": 1.5, "durations": true, "state": "metrics_only"
        }}
    }"#;
    let as_yaml = "
all:
  close_after: 2
breaker:
  payments:
    tripper: FailureStreak(8) | MinRequests(50) & FailureRate(0.3)
    probe_lease: 1.5
    durations: true
    state: metrics_only
";
    let all: [Settings; 3] = [
        toml(as_toml),
        serde_json::from_str(as_json).unwrap(),
        serde_yaml_ng::from_str(as_yaml).unwrap(),
    ];
    for settings in all {
        assert!(settings.apply().unwrap().unmatched().is_empty());
        let info = breaker.info();
        assert_eq!(
            info.settings.tripper,
            "FailureStreak(8) | MinRequests(50) & FailureRate(0.3)"
        );
        assert_eq!(info.settings.probe_lease, Duration::from_millis(1500));
        assert!(info.settings.durations);
        assert_eq!(info.settings.close_after, 2);
        assert_eq!(info.state, State::MetricsOnly);
        assert_eq!(other.info().settings.close_after, 2);
        assert_eq!(other.state(), State::Closed);
        let _ = Settings::default().apply().unwrap();
        assert_eq!(breaker.info().settings, other.info().settings);
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn settings_may_stand_in_a_larger_file() {
    #[derive(serde::Deserialize)]
    struct Config {
        port: u16,
        breakers: Settings,
    }

    let config: Config = toml::from_str("port = 80\n[breakers.all]\nclose_after = 3").unwrap();
    assert_eq!(config.port, 80);
    assert_eq!(config.breakers.check(), Ok(()));
}

#[test]
fn code_is_what_is_left_when_lines_leave() {
    let _world = testing::isolate();
    let breaker = CircuitBreaker::builder("quotes")
        .retry(Cooldown::new(Duration::from_secs(1)))
        .build()
        .unwrap();
    let steps = [
        ("", "Cooldown(1s)", "code"),
        ("[all]\nretry = 'Cooldown(2s)'", "Cooldown(2s)", "[all]"),
        (
            "[all]\nretry = 'Cooldown(2s)'\n[breaker.quotes]\nretry = 'Cooldown(3s)'",
            "Cooldown(3s)",
            "[breaker.\"quotes\"]",
        ),
        (
            "[breaker.quotes]\nretry = 'Always'",
            "Always",
            "[breaker.\"quotes\"]",
        ),
        ("[breaker.other]\nretry = 'Never'", "Cooldown(1s)", "code"),
    ];
    for (text, value, source) in steps {
        let _ = toml(text).apply().unwrap();
        assert_eq!(retry(&breaker), (value.into(), source.into()), "{text}");
    }
}

#[test]
fn sources_rank_by_kind() {
    let _world = testing::isolate();
    let breaker = build("ranked");
    let env = |value: &str| Settings::from_variables([("FLUXGATE__ALL__RETRY", value)]);
    let _ = env("Cooldown(4s)").apply().unwrap();
    let _ = toml("[breaker.ranked]\nretry = 'Cooldown(3s)'")
        .apply()
        .unwrap();
    let by_variable = ("Cooldown(4s)".to_owned(), "FLUXGATE__ALL__RETRY".to_owned());
    assert_eq!(retry(&breaker), by_variable);
    let second = Duration::from_secs(1);
    let by_hand = |settings: fluxgate::Changes| settings.retry(Cooldown::new(9 * second));
    breaker.reconfigure(by_hand).unwrap();
    assert_eq!(
        retry(&breaker),
        ("Cooldown(9s)".into(), "reconfigure".into())
    );
    let _ = env("Cooldown(5s)").apply().unwrap();
    assert_eq!(
        retry(&breaker),
        ("Cooldown(9s)".into(), "reconfigure".into())
    );
    breaker.reconfigure(|settings| settings).unwrap();
    assert_eq!(retry(&breaker).0, "Cooldown(5s)");
    let _ = Settings::from_variables::<&str, &str>([]).apply().unwrap();
    assert_eq!(retry(&breaker).0, "Cooldown(3s)");
}

#[test]
fn equal_settings_change_nothing() {
    let _world = testing::isolate();
    let breaker = CircuitBreaker::builder("equal")
        .tripper(FailureStreak::new(3))
        .build()
        .unwrap();
    let text = "[breaker.equal]\nclose_after = 2\nstate = 'closed'";
    assert_eq!(toml(text).apply().unwrap().changed(), ["equal"]);
    breaker.acquire().unwrap().failure();
    breaker.open();
    let before = breaker.info();
    assert!(toml(text).apply().unwrap().changed().is_empty());
    let after = breaker.info();
    assert_eq!(
        (after.state, after.changed_at),
        (before.state, before.changed_at)
    );
    assert_eq!(
        after.flight.transitions.len(),
        before.flight.transitions.len()
    );
}

#[test]
fn nothing_is_applied_if_anything_is_wrong() {
    let _world = testing::isolate();
    let breaker = build("sound");
    let text = r#"
        [breaker.sound]
        retry = "Cooldown(1s)"
        [breaker.later]
        tripper = "MinRequest(20) & FailureRate(50)"
        treshold = 5
        [breakers.x]
        retry = "Always"
    "#;
    let error = toml(text).apply().unwrap_err().to_string();
    for part in [
        "[breaker.\"later\"] tripper, column 1: unknown tripper `MinRequest`; did you mean `MinRequests`?",
        "[breaker.\"later\"] tripper, column 30: the ratio of `FailureRate` must be greater than 0 and at most 1",
        "                             ^^",
        "[breaker.\"later\"]: unknown key `treshold`",
        "[breakers]: unknown section `breakers`; did you mean `breaker`?",
    ] {
        assert!(error.contains(part), "{part}\n\n{error}");
    }
    assert_eq!(retry(&breaker).1, "code");
}

#[test]
fn rule_and_window_are_looked_at_together() {
    let _world = testing::isolate();
    let small = CircuitBreaker::builder("small")
        .window(CountWindow::new(10))
        .build()
        .unwrap();
    let error = toml("[all]\ntripper = 'MinRequests(50) & FailureRate(0.5)'").apply();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(
            "[all] tripper, column 1, at 'small': `MinRequests(50)` can never hold: \
             `CountWindow(10)` keeps the last 10 calls"
        ),
        "{error}"
    );
    assert_eq!(small.info().settings.source("tripper").to_string(), "code");
    let both = "[all]\nwindow = 'CountWindow(50)'\ntripper = 'MinRequests(50) & FailureRate(0.5)'";
    assert_eq!(toml(both).apply().unwrap().changed(), ["small"]);
    // The code's rule beside a window from a file.
    let rule = MinRequests::new(50) & FailureRate::new(0.5);
    let _large = CircuitBreaker::builder("large")
        .tripper(rule)
        .build()
        .unwrap();
    let error = toml("[breaker.large]\nwindow = 'CountWindow(20)'").apply();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("[breaker.\"large\"] window, at 'large': the rule is the code's"),
        "{error}"
    );
}

#[test]
fn whole_rules_are_refused_as_while_compiling() {
    for (rule, words) in [
        ("MinRequests(20)", "looks at no outcome"),
        ("Closed & HalfOpened", "can never hold"),
        (
            "HalfOpened & FailureStreak(1)",
            "the circuit can never open",
        ),
        (
            "FailureStreak(5) | FailureStreak(7)",
            "never decides anything",
        ),
        ("Custom(mine())", "`Custom` takes Rust code"),
        ("MinRequests(LIMIT) & FailureRate(0.5)", "this is Rust code"),
    ] {
        let settings = toml(&format!("[all]\ntripper = '{rule}'"));
        let error = settings.check().unwrap_err().to_string();
        assert!(error.contains(words), "{rule}: {error}");
    }
    let error = toml("[all]\nslow_probes = 'Fail'");
    let _world = testing::isolate();
    let _breaker = build("without a threshold");
    let error = error.apply().unwrap_err().to_string();
    assert!(error.contains("the rule has none; add one"), "{error}");
}

#[test]
fn breaker_that_does_not_fit_runs_on_its_code() {
    let _world = testing::isolate();
    let _ = toml("[all]\ntripper = 'MinRequests(50) & FailureRate(0.5)'\nstate = 'disabled'")
        .apply()
        .unwrap();
    let (reports, late) = crate::reports::of(|| {
        CircuitBreaker::builder("late")
            .window(CountWindow::new(10))
            .tripper(FailureStreak::new(2))
            .build()
            .unwrap()
    });
    let told = reports
        .iter()
        .filter(|report| report.contains("runs on its code's settings"));
    assert_eq!(told.count(), 1, "{reports:?}");
    let info = late.info();
    assert_eq!(info.settings.tripper, "FailureStreak(2)");
    assert!(
        info.settings.refused[0].contains("can never hold"),
        "{info:?}"
    );
    assert_eq!(
        info.state,
        State::Disabled,
        "whether calls get through is no matter of numbers"
    );
    let fits = build("fits");
    assert_eq!(
        fits.info().settings.tripper,
        "MinRequests(50) & FailureRate(0.5)"
    );
    assert!(fits.info().settings.refused.is_empty());
}

#[test]
fn unknown_names_are_listed_with_the_nearest() {
    let _world = testing::isolate();
    let _payments = build("payments");
    let settings = toml("[breaker.paymets]\nretry = 'Always'\n[set.x.key.y]\nretry = 'Always'");
    let report = settings.apply().unwrap();
    let unmatched: Vec<_> = report.unmatched().iter().map(ToString::to_string).collect();
    assert_eq!(unmatched.len(), 3, "{unmatched:?}");
    assert!(unmatched[0].starts_with("[breaker.\"paymets\"] names no circuit breaker"));
    assert!(
        unmatched[0].ends_with("did you mean [breaker.\"payments\"]?"),
        "{unmatched:?}"
    );
    assert!(settings.check_all_known().is_err());
    assert!(
        toml("[breaker.payments]\nretry = 'Always'")
            .check_all_known()
            .is_ok()
    );
}

#[test]
fn fixed_settings_stay() {
    let _world = testing::isolate();
    let fixed = CircuitBreaker::builder("fixed")
        .fixed_settings()
        .build()
        .unwrap();
    let _ = toml("[all]\nretry = 'Always'\nstate = 'disabled'")
        .apply()
        .unwrap();
    assert_eq!(
        (retry(&fixed).1.as_str(), fixed.state()),
        ("code", State::Closed)
    );
    let error = toml("[breaker.fixed]\nretry = 'Always'")
        .apply()
        .unwrap_err();
    assert!(error.to_string().contains("settings = fixed"), "{error}");
    assert!(fixed.reconfigure(|it| it.close_after(2)).is_err());
}

#[test]
fn values_of_other_kinds_are_refused() {
    for (text, words) in [
        (
            "[all]\nretry = []",
            "expected a value as a text, found a list",
        ),
        (
            "[all]\nretry = {}",
            "expected a value as a text, found a table",
        ),
        ("[all]\nclose_after = 0", "close_after must be at least 1"),
        ("[all]\nclose_after = -1", "close_after must be at least 1"),
        ("[all]\nclose_after = 1.5", "must be a whole number"),
        (
            "[all]\nprobe_lease = 0",
            "probe_lease must be greater than zero",
        ),
        (
            "[all]\ndurations = 1",
            "`durations` must be `true` or `false`",
        ),
        ("[all]\nstate = 'open'", "a breaker leaves `open` by itself"),
        ("[all]\nstate = 'dissabled'", "did you mean `disabled`?"),
        (
            "[all]\ninitial_state = 'closed'",
            "in settings the state that a breaker has is `state`",
        ),
        (
            "[all]\nlisteners = 'LogListener'",
            "`listeners` is set in the code",
        ),
        (
            "[all]\nfailure_threshold = 5",
            "the rule is one value: `tripper =",
        ),
        (
            "[all]\nflight_recorder = 5000",
            "flight_recorder must be from 0 to 1024",
        ),
        (
            "[breaker]\nretry = 'Always'",
            "`retry` is given to no breaker",
        ),
        ("retry = 'Always'", "stands in no section"),
        ("all = 5", "expected a table of settings"),
    ] {
        let error = toml(text).check().unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    assert_eq!(
        toml("[all]\nreopen_after = 'off'\nthrottle = 'off'").check(),
        Ok(())
    );
}

#[test]
fn mistakes_are_bounded() {
    let mut text = String::from("[all]\n");
    for i in 0..100 {
        writeln!(text, "nonsense_{i} = 1").expect("a string takes all");
    }
    let error = toml(&text).check().unwrap_err();
    assert_eq!((error.faults().count(), error.more()), (20, 80));
    let long = "x".repeat(5000);
    let error = toml(&format!("[breaker.{long}]\nretry = 'Always'")).check();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("a name is at most 1024 bytes long") && error.len() < 1000);
    let huge = "(".repeat(40_000);
    assert!(toml(&format!("[all]\ntripper = '{huge}'")).check().is_err());
    let entries: serde_json::Map<_, _> = (0..120_000)
        .map(|i| (format!("b{i}"), serde_json::json!({})))
        .collect();
    let many: Settings = serde_json::from_value(serde_json::json!({ "breaker": entries })).unwrap();
    let error = many.check().unwrap_err().to_string();
    assert!(error.contains("more than 100000 entries"), "{error}");
}
