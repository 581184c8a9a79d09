//! One table of values for the macro and for the runtime.
//!
//! `validation.jsonl` lists what the Python original accepts and refuses. The
//! macro agrees with it but for what is refused here on purpose, and `build()`
//! agrees with the macro.

use std::{fmt::Write as _, time::Duration};

use fluxgate::{
    Builder, CircuitBreaker, ConfigError, permit, retry, throttle::Adaptive, tripper, window,
};
use serde_json::{Map, Value};

use super::faults;

const TABLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/vectors/fluxgate/validation.jsonl"
);

/// Accepted by the original, by accident or by want of types, and refused here.
fn refused_on_purpose(ctor: &str, args: &Map<String, Value>) -> bool {
    let not_finite = args.values().any(Value::is_string);
    let empty_window = ctor.ends_with("Window") && args["size"].as_i64() == Some(0);
    let negative_window = ctor == "TimeWindow" && args["size"].as_i64().is_some_and(|n| n < 0);
    let no_probes = args.get("max_half_open_calls").and_then(Value::as_u64) == Some(0);
    // Longer than a `Duration` can be.
    let too_long = args.values().any(|value| value.as_f64() == Some(1e300));
    not_finite || no_probes || empty_window || negative_window || too_long
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => "f64::NAN".to_owned(),
            "Infinity" => "f64::INFINITY".to_owned(),
            "-Infinity" => "-f64::INFINITY".to_owned(),
            kind => kind.to_owned(),
        },
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => format!("{:?}", number.as_f64().unwrap()),
        },
        other => other.to_string(),
    }
}

/// The policy as the attribute takes it, with named arguments.
fn attribute(ctor: &str, args: &Map<String, Value>) -> String {
    let mut inside = String::new();
    for (name, value) in args {
        match value {
            Value::Array(kinds) => {
                inside = kinds.iter().map(literal).collect::<Vec<_>>().join(", ");
            }
            value => write!(inside, "{name} = {}, ", literal(value)).unwrap(),
        }
    }
    let name = ctor
        .trim_start_matches("Permit")
        .trim_start_matches("Tracker");
    match ctor {
        "CountWindow" | "TimeWindow" => format!("window = {name}({inside})"),
        "Always" | "Never" | "Cooldown" | "Backoff" => format!("retry = {name}({inside})"),
        "PermitAll" | "Random" | "RampUp" => format!("permit = {name}({inside})"),
        "CircuitBreaker" | "AsyncCircuitBreaker" => inside,
        "TrackerAll" | "TypeOf" => format!("tracker = {name}({inside})"),
        _ => format!("window = TimeWindow(1h), tripper = {name}({inside}) & Custom(other)"),
    }
}

fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = value?.as_f64()?;
    if seconds <= 0.0 {
        return Some(Duration::ZERO);
    }
    let nanos = (seconds * 1e9).ceil();
    if nanos < 1e9 {
        return Some(Duration::from_nanos(format!("{nanos}").parse().ok()?));
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// The same policy in the runtime, if its types can express it.
fn runtime(ctor: &str, args: &Map<String, Value>) -> Option<Result<(), ConfigError>> {
    let count = |name: &str| args.get(name)?.as_u64();
    let time = |name: &str| seconds(args.get(name));
    let number = |name: &str| match args.get(name)? {
        Value::String(text) => text.replace("Infinity", "inf").parse().ok(),
        value => value.as_f64(),
    };
    let builder = || CircuitBreaker::builder("table");
    let custom = || tripper::Custom::from_fn(|_| true);
    let rule = |rule: tripper::Rule| builder().tripper(rule & custom());
    let builder: Builder = match ctor {
        "CountWindow" => builder().window(window::CountWindow::new(count("size")?)),
        "TimeWindow" => builder().window(window::TimeWindow::new(time("size")?)),
        "MinRequests" => rule(tripper::MinRequests::new(count("count")?).into()),
        "FailureStreak" => rule(tripper::FailureStreak::new(count("count")?).into()),
        "FailureRate" => rule(tripper::FailureRate::new(number("ratio")?).into()),
        "AvgLatency" => rule(tripper::AvgLatency::new(time("threshold")?).into()),
        "SlowRate" => rule(tripper::SlowRate::new(number("ratio")?, time("threshold")?).into()),
        "Cooldown" => builder().retry(
            retry::Cooldown::new(time("duration")?)
                .jitter_ratio(number("jitter_ratio").unwrap_or(0.0)),
        ),
        "Backoff" => {
            let mut backoff = retry::Backoff::new(time("initial")?)
                .multiplier(number("multiplier").unwrap_or(2.0))
                .jitter_ratio(number("jitter_ratio").unwrap_or(0.0));
            if args.contains_key("max_duration") {
                backoff = backoff.max_duration(time("max_duration")?);
            }
            builder().retry(backoff)
        }
        "Random" => builder().permit(permit::Random::new(number("ratio")?)),
        "RampUp" => builder().permit(permit::RampUp::new(
            number("initial")?,
            number("final")?,
            time("duration")?,
        )),
        "CircuitBreaker" | "AsyncCircuitBreaker" => {
            if args.is_empty() {
                builder()
            } else {
                let calls = count("max_half_open_calls")?;
                builder().max_half_open_calls(u32::try_from(calls).ok()?)
            }
        }
        _ => return None,
    };
    Some(builder.build().map(|_| ()))
}

#[test]
fn macro_and_runtime_accept_the_same() {
    let table = std::fs::read_to_string(TABLE).expect("the table is part of the repository");
    let (mut compared, mut built) = (0, 0);
    for line in table.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (id, ctor) = (line["id"].as_str().unwrap(), line["ctor"].as_str().unwrap());
        let args = line["args"].as_object().unwrap();
        if line["py_only"] == true {
            continue;
        }
        let original = line["result"] == "ok";
        let attribute = attribute(ctor, args);
        let found = faults(&attribute);
        assert_eq!(
            found.is_empty(),
            original && !refused_on_purpose(ctor, args),
            "{id}: {attribute}: {found:#?}"
        );
        compared += 1;
        // Less than a nanosecond from its bound, which a `Duration` can't be.
        if id.contains("9.999999999999998") || id.contains("300.00000000000006") {
            continue;
        }
        if let Some(result) = runtime(ctor, args) {
            assert_eq!(
                result.is_ok(),
                found.is_empty(),
                "{id}: {result:?} {found:#?}"
            );
            built += 1;
        }
    }
    println!("{compared} values compared with the original, {built} with the runtime");
    assert!(compared > 100 && built > 80, "{compared} {built}");
}

/// The sentences are the same, too, up to the advice that a macro can give.
#[test]
fn macro_and_runtime_use_the_same_words() {
    let secs = Duration::from_secs;
    let same = |attribute: &str, builder: Builder| {
        let error = builder.build().unwrap_err();
        let fault = error.faults().next().unwrap().to_string();
        let found = faults(attribute);
        assert!(found[0].1.starts_with(&fault), "{fault}\n{found:#?}");
    };
    let builder = || CircuitBreaker::builder("words");
    same(
        "tripper = MinRequests(0)",
        builder().tripper(tripper::MinRequests::new(0)),
    );
    same(
        "tripper = FailureStreak(0)",
        builder().tripper(tripper::FailureStreak::new(0)),
    );
    same(
        "tripper = FailureRate(1.5)",
        builder().tripper(tripper::FailureRate::new(1.5)),
    );
    same(
        "tripper = SlowRate(0.0, 1s)",
        builder().tripper(tripper::SlowRate::new(0.0, secs(1))),
    );
    same(
        "window = CountWindow(0)",
        builder().window(window::CountWindow::new(0)),
    );
    same(
        "retry = Cooldown(Duration::ZERO)",
        builder().retry(retry::Cooldown::new(Duration::ZERO)),
    );
    same(
        "retry = Cooldown(1s, jitter_ratio = 1.0)",
        builder().retry(retry::Cooldown::new(secs(1)).jitter_ratio(1.0)),
    );
    same(
        "retry = Backoff(1s, multiplier = 1.0)",
        builder().retry(retry::Backoff::new(secs(1)).multiplier(1.0)),
    );
    same(
        "retry = Backoff(10s, max_duration = 5s)",
        builder().retry(retry::Backoff::new(secs(10)).max_duration(secs(5))),
    );
    same(
        "permit = Random(1.5)",
        builder().permit(permit::Random::new(1.5)),
    );
    same(
        "permit = RampUp(0.5, 0.1, 60s)",
        builder().permit(permit::RampUp::new(0.5, 0.1, secs(60))),
    );
    same(
        "tripper = InFlight(0, 1s)",
        builder().tripper(tripper::InFlight::new(0, secs(1))),
    );
    same(
        "tripper = InFlight(1, Duration::ZERO)",
        builder().tripper(tripper::InFlight::new(1, Duration::ZERO)),
    );
    same(
        "throttle = Adaptive(1.09)",
        builder().throttle(Adaptive::new(1.09)),
    );
    same(
        "throttle = Adaptive(k = -1.5)",
        builder().throttle(Adaptive::new(-1.5)),
    );
    same(
        "throttle = Adaptive(k = f64::NAN)",
        builder().throttle(Adaptive::new(f64::NAN)),
    );
    for window in ["1999ms", "121s", "120.000000001s", "1ns"] {
        let nanos = match window {
            "1999ms" => Duration::from_millis(1999),
            "121s" => secs(121),
            "1ns" => Duration::from_nanos(1),
            _ => Duration::new(120, 1),
        };
        same(
            &format!("throttle = Adaptive(1.5, window = {window})"),
            builder().throttle(Adaptive::new(1.5).window(nanos)),
        );
    }
    same(
        "throttle = Adaptive(1.5, min = 0)",
        builder().throttle(Adaptive::new(1.5).min(0)),
    );
    same(
        "throttle = Adaptive(1.5, floor = 1.0)",
        builder().throttle(Adaptive::new(1.5).floor(1.0)),
    );
    same("close_after = 0", builder().close_after(0));
    same("reopen_after = 0", builder().reopen_after(0));
    same("flight_recorder = 1025", builder().flight_recorder(1025));
    same(
        "probe_lease = Duration::ZERO",
        builder().probe_lease(Duration::ZERO),
    );
}
