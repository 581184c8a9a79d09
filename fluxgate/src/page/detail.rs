//! All there is to know of the breakers of one name.

use std::fmt::Write as _;

use serde::Serialize;

use super::list;
use crate::{CircuitBreaker, Info, SettingSource, SettingsInfo, State, flight::RulePart, registry};

#[derive(Serialize)]
pub(super) struct Detail {
    info: Info,
    /// The rule in words.
    words: String,
    /// What each part of the rule reads now.
    parts: Vec<RulePart>,
    /// The settings as an attribute.
    attribute: String,
    settings: Vec<Setting>,
    /// The metrics of a `PrometheusListener`, if there is one.
    metrics: Vec<&'static str>,
}

/// One setting in force, and where it is from.
#[derive(Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    from: String,
}

/// How many breakers of one name are told of.
const SHOWN: usize = 20;

/// What is known of the breakers of one name.
#[derive(Serialize)]
pub(super) struct Details {
    /// How many there are beyond those told of.
    left_out: usize,
    breakers: Vec<Detail>,
}

/// Returns what is known of the breakers of this name, at most 20 of them; `None` if
/// there are none.
pub(super) fn of(name: &str) -> Option<Details> {
    let named = registry::every_named(name);
    let is_closed = |breaker: &CircuitBreaker| breaker.state() == State::Closed;
    let (shown, left_out) = list::bounded(named, SHOWN, is_closed);
    let breakers: Vec<_> = shown.iter().map(Detail::new).collect();
    (!breakers.is_empty()).then_some(Details { left_out, breakers })
}

impl Detail {
    fn new(breaker: &CircuitBreaker) -> Self {
        let info = breaker.info();
        let rows = rows(&info.settings);
        let attribute = attribute(&info, &rows);
        let exported = |listener: &crate::ListenerInfo| listener.name == "PrometheusListener";
        let metrics = if info.listeners.iter().any(exported) {
            super::words::metrics()
        } else {
            Vec::new()
        };
        Self {
            words: super::words::policy(&info.settings, &breaker.core.config().tripper),
            parts: breaker.core.glance().parts,
            attribute,
            settings: rows,
            metrics,
            info,
        }
    }
}

fn rows(settings: &SettingsInfo) -> Vec<Setting> {
    let SettingsInfo {
        window,
        tripper,
        retry,
        permit,
        max_half_open_calls,
        close_after,
        reopen_after,
        probe_lease,
        on_cancel,
        slow_probes,
        throttle,
        durations,
        ..
    } = settings;
    let none = || "none".to_owned();
    let rows = [
        ("window", window.clone(), "CountWindow(100)"),
        (
            "tripper",
            tripper.clone(),
            "MinRequests(100) & FailureRate(0.5)",
        ),
        ("retry", retry.clone(), "Cooldown(60s)"),
        (
            "permit",
            permit.clone(),
            "RampUp(initial = 0.1, final = 1.0, duration = 60s)",
        ),
        ("max_half_open_calls", max_half_open_calls.to_string(), "10"),
        ("close_after", close_after.to_string(), "1"),
        (
            "reopen_after",
            reopen_after.map_or_else(none, |count| count.to_string()),
            "none",
        ),
        (
            "probe_lease",
            crate::util::duration::Literal(*probe_lease).to_string(),
            "60s",
        ),
        ("on_cancel", on_cancel.to_string(), "Ignore"),
        ("slow_probes", slow_probes.to_string(), "Pass"),
        ("throttle", throttle.clone().unwrap_or_else(none), "none"),
        ("durations", durations.to_string(), "false"),
    ];
    let from = |name: &str, value: &str, default| match settings.source(name) {
        SettingSource::Code if value == default => "default".to_owned(),
        source => source.to_string(),
    };
    let setting = |(name, value, default): (&'static str, String, _)| Setting {
        from: from(name, &value, default),
        name,
        value,
    };
    rows.into_iter().map(setting).collect()
}

/// Writes the settings that are not the defaults as an attribute.
fn attribute(info: &Info, rows: &[Setting]) -> String {
    let mut text = format!("#[circuit_breaker(\n    name = {:?},\n", info.name.as_str());
    for Setting { name, value, from } in rows {
        if from != "default" {
            // Writing to a string can't fail.
            let _ = writeln!(text, "    {name} = {value},");
        }
    }
    text.push_str(")]");
    text
}
