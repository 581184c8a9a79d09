//! How the circuits of the process are, in one word.

use crate::{CircuitBreaker, Name, State};

/// What [`health`](crate::registry::health) found.
///
/// With the feature `serde` it serialises as a map: `{"status": "degraded", "open":
/// ["payments"]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The names of the circuits that reject calls, or admit probes alone: `open`,
    /// `half_open` and `forced_open`. Sorted, each once.
    pub open: Vec<Name>,
}

impl Health {
    /// Returns whether every circuit lets its calls run.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns `ok` or `degraded`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        if self.is_ok() { "ok" } else { "degraded" }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Health {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut map = serializer.serialize_struct("Health", 2)?;
        map.serialize_field("status", self.as_str())?;
        map.serialize_field("open", &self.open)?;
        map.end()
    }
}

/// Returns whether all circuits of the process let their calls run, and the names of
/// those that do not. Those of keys are among them.
///
/// This is information, for a status page or a field of a health document. *It must fail
/// neither a readiness nor a liveness probe*: an open circuit is how this process stays
/// healthy while a dependency is not. An orchestrator that took it for a sick process
/// would restart, or take out of rotation, every instance that has the same dependency,
/// and so make an outage of one dependency the outage of all.
///
/// ```
/// use fluxgate::{CircuitBreaker, registry};
///
/// let breaker = CircuitBreaker::builder("payments").build()?;
/// assert_eq!(registry::health().as_str(), "ok");
/// breaker.force_open();
/// let health = registry::health();
/// assert_eq!(health.as_str(), "degraded");
/// assert_eq!(health.open[0], "payments");
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[must_use]
pub fn health() -> Health {
    super::build_linked();
    of(&super::every())
}

fn of(breakers: &[CircuitBreaker]) -> Health {
    let rejects = |state| matches!(state, State::Open | State::HalfOpen | State::ForcedOpen);
    let open = breakers.iter().filter(|breaker| rejects(breaker.state()));
    let mut open: Vec<Name> = open.map(|breaker| breaker.name().clone()).collect();
    open.sort_unstable();
    open.dedup();
    Health { open }
}
