//! Saved circuits as they are written: times as seconds since the Unix epoch.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

use super::{MOST, SavedCircuit, SavedState, VERSION};
use crate::util::wire;

/// The longest name that is taken, in bytes; and as many characters of a reason.
const LONGEST: usize = 1024;

#[derive(Serialize)]
#[serde(rename = "SavedState")]
struct Written<'a> {
    version: u32,
    #[serde(serialize_with = "wire::epoch")]
    saved_at: SystemTime,
    circuits: Vec<WrittenCircuit<'a>>,
}

#[derive(Serialize)]
#[serde(rename = "SavedCircuit")]
struct WrittenCircuit<'a> {
    name: &'a str,
    state: &'static str,
    #[serde(serialize_with = "wire::epoch")]
    changed_at: SystemTime,
    #[serde(serialize_with = "wire::epoch_if_any")]
    next_attempt: Option<SystemTime>,
    reopens: u64,
    reason: Option<&'a str>,
}

impl Serialize for SavedState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let circuits = self.circuits.iter().map(|circuit| WrittenCircuit {
            name: &circuit.name,
            state: circuit.state().as_str(),
            changed_at: circuit.changed_at,
            next_attempt: circuit.next_attempt,
            reopens: circuit.reopens,
            reason: circuit.reason.as_deref(),
        });
        let written = Written {
            version: self.version.unwrap_or(0),
            saved_at: self.saved_at,
            circuits: circuits.collect(),
        };
        written.serialize(serializer)
    }
}

/// A value, or something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Known(T),
    Unknown(IgnoredAny),
}

impl<T> Lenient<T> {
    fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self::Unknown(IgnoredAny)
    }
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    version: Lenient<u32>,
    #[serde(default)]
    saved_at: Lenient<f64>,
    #[serde(default)]
    circuits: Lenient<Vec<Lenient<ReadCircuit>>>,
}

#[derive(Deserialize)]
struct ReadCircuit {
    name: String,
    state: String,
    changed_at: f64,
    next_attempt: Option<f64>,
    #[serde(default)]
    reopens: u64,
    #[serde(default)]
    reason: Option<String>,
}

impl ReadCircuit {
    fn circuit(self) -> Option<SavedCircuit> {
        let is_half_open = match &*self.state {
            "open" => false,
            "half_open" => true,
            _ => return None,
        };
        let next_attempt = match self.next_attempt {
            None => None,
            Some(at) => Some(time(at)?),
        };
        let reason = self.reason;
        let reason = reason.map(|reason| reason.chars().take(LONGEST).collect());
        (self.name.len() <= LONGEST).then_some(SavedCircuit {
            name: self.name,
            is_half_open,
            changed_at: time(self.changed_at)?,
            next_attempt,
            reopens: self.reopens,
            reason,
        })
    }
}

fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

impl<'de> Deserialize<'de> for SavedState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        let version = read.version.known();
        let entries = read.circuits.known().unwrap_or_default();
        let saved_at = read.saved_at.known().and_then(time);
        let known = version == Some(VERSION) && saved_at.is_some();
        let found = if known { entries.len() } else { 0 };
        let entries = entries.into_iter().take(if known { MOST } else { 0 });
        let circuits: Vec<_> = entries
            .filter_map(|entry| entry.known()?.circuit())
            .collect();
        Ok(Self {
            version: version.filter(|_| known || version != Some(VERSION)),
            saved_at: saved_at.unwrap_or(SystemTime::UNIX_EPOCH),
            unread: found - circuits.len(),
            circuits,
        })
    }
}
