//! Who holds a breaker's state.

use std::fmt;

use crate::State;

/// The state that a breaker is held in, in [`Info`](crate::Info).
///
/// Each source of states is a layer, and holds one state or none; the highest layer that
/// holds one is in force. A layer that holds [`State::Closed`] leaves the circuit to
/// itself, whatever is below: it opens and closes as its policies say.
///
/// ```
/// use fluxgate::{CircuitBreaker, Command, State, StateHolder};
///
/// let breaker = CircuitBreaker::builder("new_api")
///     .initial_state(State::MetricsOnly)
///     .build()?;
/// breaker.force_open();
/// assert_eq!(breaker.info().held.unwrap().by, StateHolder::Local);
/// breaker.reset();
/// assert_eq!(breaker.state(), State::MetricsOnly, "what is below");
/// breaker.command(Command::Close);
/// assert_eq!(breaker.state(), State::Closed);
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HeldState {
    /// The state.
    pub state: State,
    /// The layer that holds it.
    pub by: StateHolder,
}

/// The layers that may hold a breaker's state, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StateHolder {
    /// [`Builder::initial_state`](crate::Builder::initial_state): `initial`.
    Initial,
    /// `state` in settings from outside: `settings`.
    Settings,
    /// A [`KillSwitch`](crate::KillSwitch): `environment`.
    Environment,
    /// The last command, until [`reset`](crate::CircuitBreaker::reset) withdraws it: `local`.
    Local,
}

impl StateHolder {
    /// Returns the name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Settings => "settings",
            Self::Environment => "environment",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for StateHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
