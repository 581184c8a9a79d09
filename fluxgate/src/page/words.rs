//! A policy in words.

use crate::{SettingsInfo, tripper::Rule};

/// Says when the circuit opens, and how it comes back.
pub(super) fn policy(settings: &SettingsInfo, rule: &Rule) -> String {
    let SettingsInfo {
        window,
        retry,
        permit,
        max_half_open_calls,
        close_after,
        ..
    } = settings;
    let probes = if *close_after == 1 {
        "a probe succeeds".to_owned()
    } else {
        format!("{close_after} probes in a row succeed")
    };
    format!(
        "Opens when {}, over {window}. Then it rejects every call and waits: {retry}. After that \
         {permit} chooses probes, at most {max_half_open_calls} at once, and the circuit closes \
         when {probes} and the rule no longer holds.",
        rule.words()
    )
}

/// Returns the names of the metrics that a breaker has in Prometheus.
pub(super) fn metrics() -> Vec<&'static str> {
    #[cfg(feature = "prometheus")]
    return crate::listener::metric_names();
    #[cfg(not(feature = "prometheus"))]
    Vec::new()
}
