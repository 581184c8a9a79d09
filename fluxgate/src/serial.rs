//! Serialising with serde, for listings and logs.
//!
//! Structures become maps of their public fields; states, commands and names
//! become strings; durations become seconds, and times seconds since the Unix
//! epoch, as in the metrics.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser::SerializeStruct,
};

use crate::{
    Command, Histogram, Info, KillSwitch, LifetimeTotals, ListenerInfo, Metrics, MissingListener,
    Name, Reason, RuleKind, SettingsInfo, Signal, State, ThrottleInfo, Variable,
    flight::{FailureRecord, FlightRecord, ProbeOutcomes, RulePart, TransitionRecord},
};

/// Every field is named twice: so that none is forgotten, and since what is
/// serialised may be put differently.
macro_rules! serialize {
    ($($name:ident { $($field:ident: $value:expr),* $(,)? } $(- $left_out:ident)?)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Self { $($field,)* $($left_out: _)? } = self;
                let fields = [$(stringify!($field)),*].len();
                let mut map = serializer.serialize_struct(stringify!($name), fields)?;
                $(map.serialize_field(stringify!($field), &$value)?;)*
                map.end()
            }
        }
    )*};
}

serialize! {
    Info {
        name: name,
        state: state,
        changed_at: epoch(*changed_at),
        reopens: reopens,
        failure_streak: failure_streak,
        metrics: metrics,
        opened_with: opened_with,
        retry_after: retry_after.map(seconds),
        reason: reason,
        probes_in_flight: probes_in_flight,
        rejected: rejected,
        throttled: throttled,
        throttle: throttle,
        passed_over: passed_over,
        early_probes: early_probes,
        failed: failed,
        overloaded: overloaded,
        alive: alive,
        ignored: ignored,
        cancelled: cancelled,
        panicked: panicked,
        lost_probes: lost_probes,
        late: late,
        lifetime: lifetime,
        settings: settings,
        variable: variable,
        kill_switch: kill_switch,
        listener_failures: listener_failures,
        listeners: listeners,
        missing_listeners: missing_listeners,
        flight: flight,
    }
    SettingsInfo {
        window: window,
        tripper: tripper,
        retry: retry,
        permit: permit,
        max_half_open_calls: max_half_open_calls,
        close_after: close_after,
        reopen_after: reopen_after,
        probe_lease: seconds(*probe_lease),
        on_cancel: on_cancel.to_string(),
        slow_probes: slow_probes.to_string(),
        throttle: throttle,
        durations: durations,
    }
    ThrottleInfo {
        share: share,
        offered: offered,
        accepted: accepted,
    }
    Signal {
        name: name,
        old_state: old_state,
        new_state: new_state,
        timestamp: epoch(*timestamp),
        sequence: sequence,
        reason: reason,
        next_attempt: next_attempt.map(epoch),
        record: record.as_deref(),
    } - origin
    FlightRecord {
        transitions: transitions.iter().map(Arc::as_ref).collect::<Vec<_>>(),
        failures: failures,
        failures_dropped: failures_dropped,
    }
    TransitionRecord {
        sequence: sequence,
        at: epoch(*at),
        old_state: old_state,
        new_state: new_state,
        lasted: seconds(*lasted),
        trigger: trigger.as_str(),
        by: by.as_deref(),
        reason: reason,
        rule: rule,
        calls: calls,
        failures: failures,
        probes: probes,
        next_attempt: next_attempt.map(epoch),
        last_failure: last_failure,
    }
    ProbeOutcomes {
        succeeded: succeeded,
        failed: failed,
        ignored: ignored,
    }
    FailureRecord {
        text: &**text,
        count: count,
        last: epoch(*last),
    }
    LifetimeTotals {
        successes: successes,
        failures: failures,
        late: late,
        probes: probes,
        rejected: rejected,
        time_in_state: spans(time_in_state),
        durations: durations,
    }
    Histogram {
        buckets: buckets.iter().map(Bucket::new).collect::<Vec<_>>(),
        count: count,
        sum: seconds(*sum),
    }
    Variable {
        name: name,
        value: value,
    }
    KillSwitch {
        variable: variable,
        state: state,
    }
    ListenerInfo {
        name: name,
        failures: failures,
        waiting: waiting,
        dropped: dropped,
    }
    MissingListener {
        name: name,
        reason: reason,
    }
    Slow {
        threshold: threshold,
        count: count,
        rate: rate,
    }
    Bucket {
        bound: bound,
        count: count,
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn epoch(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => seconds(after),
        Err(before) => -seconds(before.duration()),
    }
}

fn spans(spans: &BTreeMap<State, Duration>) -> BTreeMap<State, f64> {
    let span = |(state, span): (&State, &Duration)| (*state, seconds(*span));
    spans.iter().map(span).collect()
}

/// Writes what can be read from the sums as well, so that a listing needs no
/// arithmetic.
impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            total_count,
            failure_count,
            total_duration,
            slow_counts,
        } = self;
        let slow = |(threshold, count): &(Duration, u64)| Slow {
            threshold: seconds(*threshold),
            count: *count,
            rate: self.slow_rate(*threshold),
        };
        let slow_counts: Vec<_> = slow_counts.iter().map(slow).collect();
        let mut map = serializer.serialize_struct("Metrics", 6)?;
        map.serialize_field("total_count", total_count)?;
        map.serialize_field("failure_count", failure_count)?;
        map.serialize_field("failure_rate", &self.failure_rate())?;
        map.serialize_field("total_duration", &total_duration.map(seconds))?;
        map.serialize_field("avg_duration", &self.avg_duration().map(seconds))?;
        map.serialize_field("slow_counts", &slow_counts)?;
        map.end()
    }
}

/// One threshold of [`Metrics::slow_counts`].
struct Slow {
    threshold: f64,
    count: u64,
    rate: Option<f64>,
}

/// One bound of [`Histogram::buckets`].
struct Bucket {
    bound: f64,
    count: u64,
}

impl Bucket {
    fn new((bound, count): &(Duration, u64)) -> Self {
        Self {
            bound: seconds(*bound),
            count: *count,
        }
    }
}

/// Writes the same fields for every rule: `duration` is the one from which on a
/// call is slow, or in flight for too long, and `text` the reason in words.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            rule,
            measured,
            threshold,
            calls,
        } = self;
        let duration = rule_duration(rule);
        let mut map = serializer.serialize_struct("Reason", 6)?;
        map.serialize_field("rule", rule)?;
        map.serialize_field("duration", &duration)?;
        map.serialize_field("measured", measured)?;
        map.serialize_field("threshold", threshold)?;
        map.serialize_field("calls", calls)?;
        map.serialize_field("text", &self.to_string())?;
        map.end()
    }
}

/// Returns the duration from which on a call is slow, or in flight for too long.
fn rule_duration(rule: &RuleKind) -> Option<f64> {
    match rule {
        RuleKind::SlowRate { slow } => Some(seconds(*slow)),
        RuleKind::InFlight { older_than } => Some(seconds(*older_than)),
        _ => None,
    }
}

/// Writes the fields of a [`Reason`], with whether the part held.
impl Serialize for RulePart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            rule,
            measured,
            threshold,
            holds,
        } = self;
        let mut map = serializer.serialize_struct("RulePart", 6)?;
        map.serialize_field("rule", rule)?;
        map.serialize_field("duration", &rule_duration(rule))?;
        map.serialize_field("measured", measured)?;
        map.serialize_field("threshold", threshold)?;
        map.serialize_field("holds", holds)?;
        map.serialize_field("text", &self.to_string())?;
        map.end()
    }
}

/// Writes its name.
impl Serialize for RuleKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

macro_rules! words {
    ($($name:ident, $expected:literal;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct StateWord;

                impl Visitor<'_> for StateWord {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let bad = |_| E::invalid_value(de::Unexpected::Str(text), &self);
                        text.parse().map_err(bad)
                    }
                }

                deserializer.deserialize_str(StateWord)
            }
        }
    )*};
}

words! {
    State, "one of closed, open, half_open, metrics_only, disabled, forced_open, or of the commands reset, disable, force_open";
    Command, "one of reset, disable, metrics_only, force_open, open, half_open, or of the states closed, disabled, forced_open";
}
