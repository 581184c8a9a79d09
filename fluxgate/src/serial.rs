//! Serialising with serde, for listings and logs.
//!
//! Structures become maps of their public fields; states, commands and names
//! become strings; durations become seconds, and times seconds since the Unix
//! epoch, as in the metrics.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser::SerializeStruct,
};

use crate::{
    Command, Histogram, Info, KillSwitch, Lifetime, ListenerInfo, Metrics, MissingListener, Name,
    Reason, RuleKind, Signal, State,
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
        retry_after: retry_after.map(seconds),
        reason: reason,
        probes_in_flight: probes_in_flight,
        rejected: rejected,
        ignored: ignored,
        cancelled: cancelled,
        panicked: panicked,
        lost_probes: lost_probes,
        late: late,
        lifetime: lifetime,
        kill_switch: kill_switch,
        listener_failures: listener_failures,
        listeners: listeners,
        missing_listeners: missing_listeners,
    }
    Metrics {
        total_count: total_count,
        failure_count: failure_count,
        total_duration: total_duration.map(seconds),
        slow_counts: pairs(slow_counts),
    }
    Reason {
        rule: rule,
        measured: measured,
        threshold: threshold,
        calls: calls,
    }
    Signal {
        name: name,
        old_state: old_state,
        new_state: new_state,
        timestamp: epoch(*timestamp),
        sequence: sequence,
        reason: reason,
        next_attempt: next_attempt.map(epoch),
    } - origin
    Lifetime {
        successes: successes,
        failures: failures,
        late: late,
        probes: probes,
        rejected: rejected,
        time_in_state: spans(time_in_state),
        durations: durations,
    }
    Histogram {
        buckets: pairs(buckets),
        count: count,
        sum: seconds(*sum),
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

fn pairs(counts: &[(Duration, u64)]) -> Vec<(f64, u64)> {
    let pair = |(at, count): &(Duration, u64)| (seconds(*at), *count);
    counts.iter().map(pair).collect()
}

fn spans(spans: &BTreeMap<State, Duration>) -> BTreeMap<State, f64> {
    let span = |(state, span): (&State, &Duration)| (*state, seconds(*span));
    spans.iter().map(span).collect()
}

/// By its name; a slow rate and calls in flight with their threshold in seconds.
impl Serialize for RuleKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::SlowRate { slow } => {
                let mut map = serializer.serialize_struct("SlowRate", 1)?;
                map.serialize_field("SlowRate", &seconds(*slow))?;
                map.end()
            }
            Self::InFlight { older_than } => {
                let mut map = serializer.serialize_struct("InFlight", 1)?;
                map.serialize_field("InFlight", &seconds(*older_than))?;
                map.end()
            }
            rule => serializer.collect_str(rule),
        }
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
                struct Word;

                impl Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let bad = |_| E::invalid_value(de::Unexpected::Str(text), &self);
                        text.parse().map_err(bad)
                    }
                }

                deserializer.deserialize_str(Word)
            }
        }
    )*};
}

words! {
    State, "one of closed, open, half_open, metrics_only, disabled, forced_open";
    Command, "one of reset, disable, metrics_only, force_open";
}
