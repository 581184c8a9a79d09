//! The six states.

use std::{fmt, str::FromStr};

use crate::Command;

/// What a circuit breaker does with calls right now.
///
/// Displayed and parsed as the lower-case names `closed`, `open`, `half_open`,
/// `metrics_only`, `disabled` and `forced_open`. The names of the
/// [commands](crate::Command), such as `force_open`, are parsed as well, as the
/// states that they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Calls run and are recorded; the tripper may open the circuit.
    Closed = 0,
    /// Calls are rejected until the retry policy lets a probe through.
    Open = 1,
    /// A limited number of probes runs; their outcomes close or reopen.
    HalfOpen = 2,
    /// Calls run and are recorded; the tripper is never asked.
    MetricsOnly = 3,
    /// Calls run and nothing is recorded.
    Disabled = 4,
    /// Calls are rejected until an operator says otherwise.
    ForcedOpen = 5,
}

impl State {
    /// All states, in the order of their definition.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::MetricsOnly,
        Self::Disabled,
        Self::ForcedOpen,
    ];

    /// Returns the lower-case name, such as `half_open`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::MetricsOnly => "metrics_only",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced_open",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is neither a name of a [`State`] nor of a
/// [`Command`](crate::Command).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseStateError;

impl fmt::Display for ParseStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a state: expected one of closed, open, half_open, metrics_only, disabled, forced_open, \
             or a command that leads to one: reset, disable, force_open",
        )
    }
}

impl std::error::Error for ParseStateError {}

impl FromStr for State {
    type Err = ParseStateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let state = Self::ALL.into_iter().find(|state| state.as_str() == text);
        let command = Command::ALL
            .into_iter()
            .find(|command| command.as_str() == text);
        state.or(command.map(Command::state)).ok_or(ParseStateError)
    }
}

#[cfg(feature = "serde")]
crate::util::wire::as_text!(
    State,
    "one of closed, open, half_open, metrics_only, disabled, forced_open, or of the commands reset, disable, force_open"
);
