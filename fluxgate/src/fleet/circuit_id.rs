//! Names of fleets and circuits, and the keys made of them.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

/// How many bytes of a name are allowed, percent-encoded.
pub(crate) const LONGEST_NAME: usize = 128;

/// What all keys begin with: the version of the layout and of the scripts.
#[cfg_attr(
    not(feature = "redis-core"),
    allow(dead_code, reason = "for stores outside the process")
)]
pub(crate) const PREFIX: &str = "fluxgate:v1:";

/// A circuit that a fleet shares: a breaker's name within a zone of a service in an
/// environment. Its parts are percent-encoded, so that none of them holds a `/`, a brace
/// or a blank.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CircuitId {
    /// `prod/shop/eu-1a/payments`; without a zone `prod/shop//payments`.
    path: Arc<str>,
    /// How many bytes of the path are the fleet's, `prod/shop`.
    fleet: usize,
}

impl CircuitId {
    /// Returns the circuit of these parts: the fleet as [`fleet`] made it, the others as
    /// the user wrote them. `None` if a part is longer than [`LONGEST_NAME`].
    pub(crate) fn new(fleet: &str, zone: Option<&str>, breaker: &str) -> Option<Self> {
        let zone = zone.map_or(Some(String::new()), encoded)?;
        let breaker = encoded(breaker)?;
        Some(Self {
            path: format!("{fleet}/{zone}/{breaker}").into(),
            fleet: fleet.len(),
        })
    }

    /// Returns the fleet's part of the path.
    pub(crate) fn fleet(&self) -> &str {
        &self.path[..self.fleet]
    }

    /// Returns the path of the circuit within its fleet, `eu-1a/payments`: the entry in
    /// the list of changes.
    pub(crate) fn entry(&self) -> &str {
        &self.path[self.fleet + 1..]
    }

    /// Returns one of the circuit's keys, `fluxgate:v1:{prod/shop/eu-1a/payments}:s`: all
    /// of them are in one slot of a cluster.
    #[cfg_attr(
        not(feature = "redis-core"),
        allow(dead_code, reason = "for stores outside the process")
    )]
    pub(crate) fn key(&self, kind: char) -> String {
        key(&self.path, kind)
    }
}

impl fmt::Debug for CircuitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// Returns a key of a path: of a circuit's, or of a fleet's.
#[cfg_attr(
    not(feature = "redis-core"),
    allow(dead_code, reason = "for stores outside the process")
)]
pub(crate) fn key(path: &str, kind: char) -> String {
    format!("{PREFIX}{{{path}}}:{kind}")
}

/// Returns the path of a fleet that is written `environment/service`, or what is wrong
/// with it.
pub(crate) fn fleet(name: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "the name of a fleet must be `environment/service`, such as `prod/shop`, each part \
             from 1 to {LONGEST_NAME} bytes when percent-encoded, but is {:?}",
            name.chars().take(100).collect::<String>()
        )
    };
    let (environment, service) = name.split_once('/').ok_or_else(wrong)?;
    if environment.is_empty() || service.is_empty() || service.contains('/') {
        return Err(wrong());
    }
    match (encoded(environment), encoded(service)) {
        (Some(environment), Some(service)) => Ok(format!("{environment}/{service}")),
        _ => Err(wrong()),
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986. `None` if that gets
/// longer than allowed.
pub(crate) fn encoded(name: &str) -> Option<String> {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        if encoded.len() > LONGEST_NAME {
            return None;
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_circuit_share_a_slot() {
        let fleet = fleet("prod/shop").expect("two parts");
        let circuit = CircuitId::new(&fleet, Some("eu-1a"), "payments").expect("short");
        assert_eq!(circuit.key('s'), "fluxgate:v1:{prod/shop/eu-1a/payments}:s");
        assert_eq!(
            (circuit.fleet(), circuit.entry()),
            ("prod/shop", "eu-1a/payments")
        );
        let zoneless = CircuitId::new(&fleet, None, "payments").expect("short");
        assert_eq!(zoneless.entry(), "/payments");
        assert_eq!(key(&fleet, 'c'), "fluxgate:v1:{prod/shop}:c");
    }

    #[test]
    fn no_name_leaves_its_place_in_a_key() {
        for name in ["a/b", "a}{b", "a b", "é", "shop::pay", "\n", "%2F", "*?[x]"] {
            let encoded = encoded(name).expect("short");
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
            assert!(encoded.chars().all(is_plain), "{encoded}");
        }
        // Different names stay different.
        assert_ne!(encoded("a/b"), encoded("a%2Fb"));
        assert_eq!(encoded(&"x".repeat(128)).map(|name| name.len()), Some(128));
        assert_eq!(encoded(&"x".repeat(129)), None);
        assert_eq!(encoded(&"é".repeat(22)), None);
    }

    #[test]
    fn fleet_is_environment_and_service() {
        assert_eq!(fleet("prod/my shop").as_deref(), Ok("prod/my%20shop"));
        for wrong in ["", "prod", "prod/", "/shop", "prod/shop/eu", "a/"] {
            assert!(fleet(wrong).is_err(), "{wrong}");
        }
    }
}
