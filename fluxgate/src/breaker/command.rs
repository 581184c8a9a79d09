//! Manual control as a value.

use std::{fmt, str::FromStr};

use crate::{CircuitBreaker, State};

/// A manual command as a value, for programs that receive it as text: displayed,
/// parsed and serialised as the names of the methods of [`CircuitBreaker`],
/// `reset`, `disable`, `metrics_only` and `force_open`. The names of the states
/// that they lead to, `closed`, `disabled` and `forced_open`, are parsed as well.
///
/// ```
/// use fluxgate::{CircuitBreaker, State};
///
/// let breaker = CircuitBreaker::builder("api").build()?;
/// breaker.command("force_open".parse()?);
/// assert_eq!(breaker.state(), State::ForcedOpen);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// [`CircuitBreaker::reset`].
    Reset,
    /// [`CircuitBreaker::disable`].
    Disable,
    /// [`CircuitBreaker::metrics_only`].
    MetricsOnly,
    /// [`CircuitBreaker::force_open`].
    ForceOpen,
}

impl Command {
    /// All commands, in the order of their definition.
    pub const ALL: [Self; 4] = [
        Self::Reset,
        Self::Disable,
        Self::MetricsOnly,
        Self::ForceOpen,
    ];

    /// The name of the method.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Disable => "disable",
            Self::MetricsOnly => "metrics_only",
            Self::ForceOpen => "force_open",
        }
    }

    /// The state it leads to.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Reset => State::Closed,
            Self::Disable => State::Disabled,
            Self::MetricsOnly => State::MetricsOnly,
            Self::ForceOpen => State::ForcedOpen,
        }
    }
}

impl CircuitBreaker {
    /// Obeys a command that is given as a value.
    pub fn command(&self, command: Command) {
        self.core.command(command.state());
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is neither a name of a [`Command`] nor of the [`State`] that one
/// leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseCommandError;

impl fmt::Display for ParseCommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a command: expected one of reset, disable, metrics_only, force_open, \
             or the state that one leads to: closed, disabled, forced_open",
        )
    }
}

impl std::error::Error for ParseCommandError {}

impl FromStr for Command {
    type Err = ParseCommandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|command| command.as_str() == text || command.state().as_str() == text)
            .ok_or(ParseCommandError)
    }
}
