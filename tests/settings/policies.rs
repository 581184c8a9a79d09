//! Policies from text.

use std::{fmt::Display, str::FromStr, time::Duration};

use fluxgate::{
    OnCancel, ParsePolicyError, SlowProbes,
    permit::{All, AnyPermit, RampUp, Random},
    retry::{Always, AnyRetry, Backoff, Cooldown, Never},
    throttle::Adaptive,
    tripper::{
        AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, InFlight, MinRequests, Rule,
        SlowRate,
    },
    window::{AnyWindow, CountWindow, TimeWindow},
};
use proptest::prelude::*;

/// Reads a text, and what is written of what was read.
#[track_caller]
fn reads_as<T: FromStr<Err = ParsePolicyError> + Display>(text: &str, shown: &str) {
    let read = text
        .parse::<T>()
        .unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(read.to_string(), shown);
    let again = shown
        .parse::<T>()
        .unwrap_or_else(|error| panic!("{shown}\n{error}"));
    assert_eq!(again.to_string(), shown);
}

#[track_caller]
fn refused<T: FromStr<Err = ParsePolicyError> + std::fmt::Debug>(text: &str, message: &str) {
    let error = text.parse::<T>().expect_err(text).to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn every_policy_is_read_and_written() {
    reads_as::<AnyWindow>("CountWindow(1_000)", "CountWindow(1000)");
    reads_as::<AnyWindow>(
        "TimeWindow(size = 1min, slots = 6)",
        "TimeWindow(60s, slots = 6)",
    );
    reads_as::<CountWindow>("CountWindow(5)", "CountWindow(5)");
    reads_as::<TimeWindow>("TimeWindow(0.5)", "TimeWindow(500ms)");
    reads_as::<AnyRetry>("Never()", "Never");
    reads_as::<AnyRetry>("Always", "Always");
    reads_as::<AnyRetry>("Cooldown(30)", "Cooldown(30s)");
    reads_as::<Cooldown>("Cooldown(30s, 0.5)", "Cooldown(30s, jitter_ratio = 0.5)");
    reads_as::<Never>("Never", "Never");
    reads_as::<Always>("Always", "Always");
    reads_as::<Backoff>(
        "Backoff(5s, jitter_ratio = 0.2)",
        "Backoff(initial = 5s, multiplier = 2.0, max_duration = 300s, jitter_ratio = 0.2)",
    );
    reads_as::<AnyPermit>(
        "RampUp(0.1, 1, 1h)",
        "RampUp(initial = 0.1, final = 1.0, duration = 3600s)",
    );
    reads_as::<RampUp>(
        "RampUp(0.1, 1, 1h)",
        "RampUp(initial = 0.1, final = 1.0, duration = 3600s)",
    );
    reads_as::<Random>("Random(ratio = 0)", "Random(0.0)");
    reads_as::<All>("All", "All");
    reads_as::<OnCancel>("FailAfter(1.5s)", "FailAfter(1.5s)");
    reads_as::<SlowProbes>("Fail", "Fail");
    reads_as::<MinRequests>("MinRequests(20)", "MinRequests(20)");
    reads_as::<FailureRate>("FailureRate(1)", "FailureRate(1.0)");
    reads_as::<FailureStreak>("FailureStreak(0x10)", "FailureStreak(16)");
    reads_as::<AvgLatency>("AvgLatency(250ms)", "AvgLatency(250ms)");
    reads_as::<SlowRate>("SlowRate(0.3, 1s)", "SlowRate(0.3, threshold = 1s)");
    reads_as::<InFlight>(
        "InFlight(10, older_than = 2)",
        "InFlight(10, older_than = 2s)",
    );
    reads_as::<Closed>("Closed()", "Closed");
    reads_as::<HalfOpened>("HalfOpened", "HalfOpened");
    reads_as::<Rule>(
        "(FailureStreak(5)) | (MinRequests(20) & ((FailureRate(0.5))))",
        "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)",
    );
    let adaptive: Adaptive = "Adaptive(1.5, window = 20s, floor = 0)".parse().unwrap();
    assert_eq!(
        adaptive,
        Adaptive::new(1.5)
            .window(Duration::from_secs(20))
            .floor(0.0)
    );
}

#[test]
fn another_policy_is_refused() {
    refused::<Cooldown>(
        "Never",
        "expected `Cooldown`, found another policy; what reads any is `retry::AnyRetry`",
    );
    refused::<MinRequests>("Closed", "what reads any is `tripper::Rule`");
    refused::<MinRequests>(
        "MinRequests(5) & Closed",
        "a rule can't be combined with `&`",
    );
    refused::<AnyRetry>("TimeWindow(60s)", "`TimeWindow` is a value of `window`");
}

#[test]
fn code_is_refused() {
    refused::<Rule>(
        "MinRequests(MIN) & FailureRate(0.5)",
        "must be written out, as a number of calls: this is Rust code",
    );
    refused::<Rule>(
        "MinRequests(10 + 10) & FailureRate(0.5)",
        "this is Rust code",
    );
    refused::<Rule>("standard()", "expected a tripper, found Rust code");
    refused::<Rule>("policies::STANDARD", "expected a tripper, found Rust code");
    refused::<Rule>("Custom(|seen| true)", "`Custom` takes Rust code");
    refused::<Rule>("|seen| seen.calls > 3", "a tripper can't be a closure here");
    refused::<AnyRetry>(
        "Cooldown(Duration::from_secs(5))",
        "must be written out, as a duration, such as `30s`",
    );
    refused::<AnyRetry>(
        "Duration::from_secs(5)",
        "write `Cooldown(…)`, with the duration inside",
    );
    refused::<AnyPermit>("Custom(mine())", "set a permit of your own in the code");
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let deep = format!("{}Closed{}", "(".repeat(100_000), ")".repeat(100_000));
    refused::<Rule>(
        &deep,
        "a policy is at most 32768 bytes long, and this is 200006",
    );
    let deep = format!("{}Closed{}", "(".repeat(15_000), ")".repeat(15_000));
    refused::<Rule>(&deep, "nested more than 64 deep");
    refused::<Rule>(&"(".repeat(30_000), "nested more than 64 deep");
    refused::<Rule>(&"!".repeat(30_000), "nested more than 64 deep");
    refused::<Rule>(&"-".repeat(30_000), "nested more than 64 deep");
    refused::<Rule>(
        &format!("MinRequests(0x{})", "f".repeat(30_000)),
        "must be at most 18446744073709551615",
    );
    refused::<AnyRetry>(
        &format!("Cooldown({}s)", "9".repeat(30_000)),
        "longer than a `Duration` can be",
    );
    refused::<AnyRetry>(
        "Cooldown(1e999999999999999999999s)",
        "longer than a `Duration` can be",
    );
    refused::<Rule>(&"A|".repeat(5_000), "from here on");
    refused::<Rule>(
        &format!("{}Closed", "Closed & ".repeat(3_000)),
        "has 3001 parts, and at most 256 are allowed",
    );
    refused::<Rule>("\u{0}", "unexpected `\\u{0}`");
    refused::<Rule>("Clo\u{202e}sed", "unexpected `\\u{202e}`");
    refused::<Rule>(&"\"".repeat(9_999), "this is never closed");
    refused::<Rule>("", "this is empty; leave the setting out for the default");
    for text in [
        "r#\"",
        "'",
        "b'",
        "0x",
        "1e",
        "Closed(",
        ")",
        "r#5",
        "FailureRate(1.)",
        "É",
        "🚀",
    ] {
        assert!(text.parse::<Rule>().is_err(), "{text}");
    }
    // Never longer than what is worth reading.
    let error = format!("{}(", "X".repeat(30_000))
        .parse::<Rule>()
        .unwrap_err();
    assert!(
        error.to_string().len() < 5_000,
        "{}",
        error.to_string().len()
    );
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1_u64..=u64::MAX).prop_map(Duration::from_nanos),
        (1_u64..100_000).prop_map(Duration::from_millis),
        (0_u64..=u64::MAX, 1_u32..1_000_000_000)
            .prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![
        (1_u32..=100).prop_map(|n| f64::from(n) / 100.0),
        f64::MIN_POSITIVE..=1.0,
        Just(5e-324),
    ]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..100, 1..=u64::MAX]
}

fn rule() -> impl Strategy<Value = Rule> {
    let leaf = prop_oneof![
        Just(()).prop_map(|()| Rule::from(Closed)),
        Just(()).prop_map(|()| Rule::from(HalfOpened)),
        count().prop_map(|n| MinRequests::new(n).into()),
        count().prop_map(|n| FailureStreak::new(n).into()),
        share().prop_map(|ratio| FailureRate::new(ratio).into()),
        duration().prop_map(|threshold| AvgLatency::new(threshold).into()),
        (share(), duration()).prop_map(|(ratio, threshold)| SlowRate::new(ratio, threshold).into()),
        (count(), duration()).prop_map(|(n, age)| InFlight::new(n, age).into()),
    ];
    // A `Rule` is no `Clone`: it is made again of its parts.
    prop::collection::vec((leaf, any::<bool>(), any::<bool>()), 1..6).prop_map(|parts| {
        let mut parts = parts.into_iter();
        let (mut rule, ..) = parts.next().expect("at least one");
        for (leaf, all, first) in parts {
            rule = match (all, first) {
                (true, true) => leaf & rule,
                (true, false) => rule & leaf,
                (false, true) => leaf | rule,
                (false, false) => rule | leaf,
            };
        }
        rule
    })
}

proptest! {
    /// What is written is read, and written again as it was; a rule that makes no
    /// sense is refused for that alone.
    #[test]
    fn rules_survive_a_round_trip(rule in rule()) {
        let shown = rule.to_string();
        match shown.parse::<Rule>() {
            Ok(read) => prop_assert_eq!(read.to_string(), shown),
            Err(error) => {
                let error = error.to_string();
                let by_analysis = ["can never hold", "looks at no outcome", "never decides", "can never open"];
                prop_assert!(by_analysis.iter().any(|words| error.contains(words)), "{}", error);
            }
        }
    }

    #[test]
    fn policies_survive_a_round_trip(
        time in duration(), longer in duration(), ratio in share(), multiplier in 1.000_001..1e300,
        slots in 1_u64..=1_000_000, size in 1_u64..=u64::from(u32::MAX),
    ) {
        let jitter = if ratio < 1.0 { ratio } else { 0.0 };
        let backoff = Backoff::new(time.min(longer)).max_duration(time.max(longer));
        for shown in [
            Cooldown::new(time).to_string(),
            Cooldown::new(time).jitter_ratio(jitter).to_string(),
            backoff.to_string(),
            backoff.multiplier(multiplier).jitter_ratio(jitter).to_string(),
        ] {
            prop_assert_eq!(shown.parse::<AnyRetry>().map(|read| read.to_string()), Ok(shown));
        }
        for shown in [Random::new(ratio).to_string(), RampUp::new(ratio, 1.0, time).to_string()] {
            prop_assert_eq!(shown.parse::<AnyPermit>().map(|read| read.to_string()), Ok(shown));
        }
        for shown in [
            CountWindow::new(size).to_string(),
            TimeWindow::new(time).to_string(),
            TimeWindow::new(time).slots(slots).to_string(),
        ] {
            prop_assert_eq!(shown.parse::<AnyWindow>().map(|read| read.to_string()), Ok(shown));
        }
        let on_cancel = OnCancel::FailAfter(time);
        prop_assert_eq!(on_cancel.to_string().parse::<OnCancel>(), Ok(on_cancel));
    }

    /// Nothing that can be typed panics.
    #[test]
    fn any_text_is_read_or_refused(text in "[()&|!~=,.:;'\"\\-0-9a-zA-Z_%{}\\[\\] é\u{202e}r#]{0,60}") {
        let _ = text.parse::<Rule>();
        let _ = text.parse::<AnyRetry>();
        let _ = format!("FailureRate({text})").parse::<Rule>();
        let _ = format!("Cooldown({text})").parse::<AnyRetry>();
    }
}

#[test]
fn policies_are_strings_in_files() {
    #[derive(Debug, serde::Deserialize)]
    struct Policy {
        tripper: Rule,
        retry: AnyRetry,
    }

    let policy: Policy =
        serde_json::from_str(r#"{ "tripper": "FailureStreak(5)", "retry": "Cooldown(30)" }"#)
            .unwrap();
    assert_eq!(policy.tripper.to_string(), "FailureStreak(5)");
    assert_eq!(policy.retry.to_string(), "Cooldown(30s)");

    let wrong = |text: &str| {
        serde_json::from_str::<Policy>(text)
            .unwrap_err()
            .to_string()
    };
    let error = wrong(r#"{ "tripper": "FailureStrek(5)", "retry": "Never" }"#);
    assert!(error.contains("did you mean `FailureStreak`?"), "{error}");
    let error = wrong(r#"{ "tripper": 5, "retry": "Never" }"#);
    assert!(
        error.contains(
            "expected a policy as a string, such as \"MinRequests(20) & FailureRate(0.5)\""
        ),
        "{error}"
    );
}
