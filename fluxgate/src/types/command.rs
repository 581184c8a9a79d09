//! Manual control as a value.

use std::{fmt, str::FromStr};

use crate::State;

/// A manual command as a value, for programs that receive it as text: displayed,
/// parsed and serialised as the names of the methods of [`CircuitBreaker`](crate::CircuitBreaker),
/// `reset`, `disable`, `metrics_only`, `force_open`, `open`, `half_open` and `close`. The
/// names of the states that they lead to, such as `closed`, are parsed as well.
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
    /// [`CircuitBreaker::reset`](crate::CircuitBreaker::reset).
    Reset,
    /// [`CircuitBreaker::disable`](crate::CircuitBreaker::disable).
    Disable,
    /// [`CircuitBreaker::metrics_only`](crate::CircuitBreaker::metrics_only).
    MetricsOnly,
    /// [`CircuitBreaker::force_open`](crate::CircuitBreaker::force_open).
    ForceOpen,
    /// [`CircuitBreaker::open`](crate::CircuitBreaker::open).
    Open,
    /// [`CircuitBreaker::half_open`](crate::CircuitBreaker::half_open).
    HalfOpen,
    /// [`CircuitBreaker::close`](crate::CircuitBreaker::close).
    Close,
}

impl Command {
    /// All commands, in the order of their definition.
    pub const ALL: [Self; 7] = [
        Self::Reset,
        Self::Disable,
        Self::MetricsOnly,
        Self::ForceOpen,
        Self::Open,
        Self::HalfOpen,
        Self::Close,
    ];

    /// Returns the name of the method.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Disable => "disable",
            Self::MetricsOnly => "metrics_only",
            Self::ForceOpen => "force_open",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Close => "close",
        }
    }

    /// Returns whether it leads to a state that lasts until another command, or in
    /// which breakers begin: `Open` and `HalfOpen` do not, since the breaker leaves
    /// them by itself.
    pub(crate) fn lasts(self) -> bool {
        !matches!(self, Self::Open | Self::HalfOpen)
    }

    /// Returns the state that the command leads to; `Reset` leads there if no layer holds
    /// another one (see [`HeldState`](crate::HeldState)).
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Reset | Self::Close => State::Closed,
            Self::Disable => State::Disabled,
            Self::MetricsOnly => State::MetricsOnly,
            Self::ForceOpen => State::ForcedOpen,
            Self::Open => State::Open,
            Self::HalfOpen => State::HalfOpen,
        }
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
            "not a command: expected one of reset, disable, metrics_only, force_open, open, \
             half_open, close, or the state that one leads to: closed, disabled, forced_open",
        )
    }
}

impl std::error::Error for ParseCommandError {}

impl FromStr for Command {
    type Err = ParseCommandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL
            .into_iter()
            .find(|command| command.as_str() == text);
        // `closed` is what `close` leads to for certain: it stands last.
        let leads_there = |command: &Self| command.state().as_str() == text;
        named
            .or_else(|| Self::ALL.into_iter().rfind(leads_there))
            .ok_or(ParseCommandError)
    }
}

#[cfg(feature = "serde")]
crate::util::wire::as_text!(
    Command,
    "one of reset, disable, metrics_only, force_open, open, half_open, close, or of the states closed, disabled, forced_open"
);
