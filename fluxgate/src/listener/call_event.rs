//! Single calls, for the listeners that ask to be told of them.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{Name, RejectionKind, State, engine::ticket::CallEnd};

/// One call of a breaker: how it ended, or that it was rejected. Listeners are told of
/// the calls that they [ask for](CallEventNeeds), by
/// [`Listener::on_call`](crate::Listener::on_call).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CallEvent {
    /// The breaker's name.
    pub name: Name,
    /// How the call ended, or what rejected it.
    pub outcome: CallOutcome,
    /// How long the call ran, by the breaker's clock or as its guard was told; `None` if
    /// it was rejected.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds_if_any")
    )]
    pub duration: Option<Duration>,
    /// The state that admitted the call, or rejected it.
    pub state: State,
    /// When it ended or was rejected, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::epoch"))]
    pub timestamp: SystemTime,
}

impl CallEvent {
    /// Creates an event of a closed circuit as a breaker would send it, for testing
    /// listeners.
    #[must_use]
    pub fn new(
        name: impl Into<Name>,
        outcome: CallOutcome,
        duration: Option<Duration>,
        timestamp: SystemTime,
    ) -> Self {
        Self {
            name: name.into(),
            outcome,
            duration,
            state: State::Closed,
            timestamp,
        }
    }
}

/// How a call ended. The words are those of the metric `circuit_breaker_calls_total`,
/// which has one more: a call that ended after the state had moved on counts as `late`
/// there, and here as what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// It succeeded: `success`.
    Success,
    /// It failed: `failure`.
    Failure,
    /// It failed for want of capacity: `overloaded`.
    Overloaded,
    /// It ended with an error that proves that the dependency answers: `alive`.
    Alive,
    /// It ended with an error that says nothing of the dependency: `ignored`.
    Ignored,
    /// It was dropped before its end: `cancelled`.
    Cancelled,
    /// It panicked: `panicked`.
    Panicked,
    /// It did not run: `rejected`.
    Rejected(RejectionKind),
}

impl CallOutcome {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Overloaded => "overloaded",
            Self::Alive => "alive",
            Self::Ignored => "ignored",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes the word; what rejected a call is its state.
#[cfg(feature = "serde")]
impl serde::Serialize for CallOutcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<CallEnd> for CallOutcome {
    fn from(ended: CallEnd) -> Self {
        match ended {
            CallEnd::Success => Self::Success,
            CallEnd::Failure => Self::Failure,
            CallEnd::Ignored => Self::Ignored,
            CallEnd::Alive => Self::Alive,
            CallEnd::Overloaded => Self::Overloaded,
            CallEnd::Cancelled => Self::Cancelled,
            CallEnd::Panicked => Self::Panicked,
        }
    }
}

/// Which calls a listener is told of one by one, by
/// [`Listener::on_call`](crate::Listener::on_call). By default none.
///
/// Rejections cost the other calls nothing. Everything else has to know how long each
/// call takes, which costs every call of the breaker, healthy ones too, two looks at the
/// clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallEventNeeds {
    /// Calls that the breaker rejected.
    pub rejections: bool,
    /// Calls that failed, were overloaded or panicked, and cancelled ones that
    /// [count as failed](crate::Builder::on_cancel).
    pub failures: bool,
    /// Calls that ran at least this long, however they ended.
    pub slow: Option<Duration>,
    /// Every call that ran.
    pub all_calls: bool,
}

impl CallEventNeeds {
    /// Returns whether anything is asked for that has to be timed.
    pub(crate) fn times_calls(&self) -> bool {
        self.failures || self.slow.is_some() || self.all_calls
    }

    /// Returns whether such a call is asked for.
    pub(crate) fn wants(
        &self,
        outcome: CallOutcome,
        duration: Option<Duration>,
        has_failed: bool,
    ) -> bool {
        if let CallOutcome::Rejected(_) = outcome {
            return self.rejections;
        }
        let is_slow = |slow| duration.is_some_and(|duration| duration >= slow);
        self.all_calls || self.failures && has_failed || self.slow.is_some_and(is_slow)
    }

    /// Adds what another listener asks for.
    pub(crate) fn join(&mut self, other: Self) {
        self.rejections |= other.rejections;
        self.failures |= other.failures;
        self.slow = self.slow.into_iter().chain(other.slow).min();
        self.all_calls |= other.all_calls;
    }
}
