//! What the Go program slack-proxy 0.3.0 did, done again by ours.

use std::thread;

use serde_json::Value;

use crate::{
    recording::{Observed, Recording, Scenario},
    replay::replay,
    vectors,
};

/// What differs on purpose, as the README of the example says. It must differ,
/// so that nothing changes unseen.
const DEVIATIONS: [&str; 4] = [
    "06b_lone_surrogate",
    "30_sigint_active_connection",
    "31_sigterm",
    // A line break in a channel's name, and a HELP text that says what it means.
    "32_metrics_text",
];

#[test]
fn conformance_of_the_proxy_with_its_recordings() {
    let recordings: Vec<_> = vectors::read("slack-proxy", "json")
        .into_iter()
        .filter_map(|(name, text)| {
            let value: Value = serde_json::from_str(&text).unwrap();
            value.get("scenario")?;
            let recording: Recording =
                serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"));
            Some(recording)
        })
        .collect();
    let steps: usize = recordings.iter().map(|r| r.scenario.steps.len()).sum();
    // Most of their time is waiting, so all run at once.
    let failures: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (recordings.iter())
            .map(|recording| scope.spawn(|| check(recording)))
            .collect();
        runs.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    });
    println!(
        "slack-proxy: {} scenarios, {steps} steps, {} of the scenarios differ on purpose",
        recordings.len(),
        recordings.iter().filter(|r| deviates(&r.scenario)).count(),
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn deviates(scenario: &Scenario) -> bool {
    DEVIATIONS.contains(&scenario.name.as_str())
}

fn check(recording: &Recording) -> Vec<String> {
    let Recording { scenario, observed } = recording;
    let differences = differences(scenario, observed, &replay(scenario));
    let name = &scenario.name;
    match (deviates(scenario), differences.is_empty()) {
        (true, true) => vec![format!("{name} does not differ any more")],
        (true, false) => Vec::new(),
        (false, _) => (differences.into_iter())
            .map(|difference| format!("{name}: {difference}"))
            .collect(),
    }
}

fn differences(scenario: &Scenario, want: &Observed, got: &Observed) -> Vec<String> {
    let mut bad = Vec::new();
    let mut differ = |what: String, want: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        bad.push(format!("{what}: want {want:?}, got {got:?}"));
    };
    if want.steps.len() != got.steps.len() {
        differ("steps".into(), &want.steps.len(), &got.steps.len());
    }
    for (i, (want, got)) in want.steps.iter().zip(&got.steps).enumerate() {
        if comparable(scenario, want) != comparable(scenario, got) {
            differ(format!("step {i}"), want, got);
        }
    }
    if want.upstream.len() != got.upstream.len() {
        differ("requests".into(), &want.upstream.len(), &got.upstream.len());
        return bad;
    }
    for (i, (want, got)) in want.upstream.iter().zip(&got.upstream).enumerate() {
        let json = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
        let same = want.method == got.method
            && want.path == got.path
            && want.content_type == got.content_type
            && want.authorization == got.authorization
            && json(&want.raw) == json(&got.raw);
        if !same {
            differ(format!("request {i}"), want, got);
        }
    }
    for (i, (want, got)) in want
        .upstream_t_ms
        .iter()
        .zip(&got.upstream_t_ms)
        .enumerate()
    {
        if want.abs_diff(*got) > scenario.tolerance_ms {
            differ(format!("time of request {i} in ms"), want, got);
        }
    }
    bad
}

/// The part of a step's outcome that is to be equal.
fn comparable(scenario: &Scenario, step: &Value) -> Value {
    let mut step = step.clone();
    match step["op"].as_str() {
        Some("post") if scenario.loose_error_text && step["got"]["status"] == 400 => {
            let body = step["got"]["body"].as_str().unwrap_or_default();
            let mut body: Value = serde_json::from_str(body).unwrap_or_default();
            let has_error = body["error"]
                .as_str()
                .is_some_and(|error| !error.is_empty());
            body["error"] = has_error.into();
            step["got"]["body"] = body;
        }
        Some("posts") => {
            let got = step["got"].as_array_mut().into_iter().flatten();
            for answer in got {
                if answer.get("status").is_some() {
                    *answer = answer["status"].clone();
                }
            }
        }
        Some("metrics") => {
            if let Some(metrics) = step["got"].as_object_mut() {
                metrics.retain(|name, _| !scenario.ignore_metrics.contains(name));
            }
        }
        _ => {}
    }
    step
}
