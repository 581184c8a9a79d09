//! What listeners are told.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{Name, Reason, State, WeakBreaker, flight::TransitionRecord};

/// One transition of one breaker, as every [`Listener`](crate::Listener)
/// receives it; or, in [`State::MetricsOnly`], that the circuit [would have
/// opened](Self::would_have_opened).
///
/// The signals of a breaker form a chain: each `old_state` is the `new_state`
/// of the signal before it, the first starts from [`State::Closed`], and
/// `sequence` counts them from 1. Every listener is told of every one, in this
/// order. A manual command to the state already held is a transition like any
/// other.
///
/// At most 1 024 signals wait for listeners that block. From then on the oldest
/// that waits is merged into the one after it: the chain still holds and ends at
/// the present state, `sequence` has a gap, and
/// [`ListenerInfo::dropped`](crate::ListenerInfo::dropped) counts it.
#[doc(alias("event", "transition"))]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Signal {
    /// The breaker's name.
    pub name: Name,
    /// The state that was left.
    pub old_state: State,
    /// The state that was entered.
    pub new_state: State,
    /// When, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::epoch"))]
    pub timestamp: SystemTime,
    /// The number of this transition in the life of the breaker, from 1.
    pub sequence: u64,
    /// For an opening: what was measured, and which threshold it reached.
    pub reason: Option<Reason>,
    /// For an opening: when the first probe may run, by the wall clock. `None`
    /// if the retry policy never lets one.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::epoch_if_any")
    )]
    pub next_attempt: Option<SystemTime>,
    /// What the [flight recorder](crate::flight) keeps of the transition; `None` if it
    /// is off. The last failure is in it, if texts of failures were asked for.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::shared_if_any")
    )]
    pub record: Option<Arc<TransitionRecord>>,
    /// Whether this is no transition, but tells that the rule began to fire while the
    /// breaker only measures: the circuit would have opened, for this
    /// [`reason`](Self::reason). Both states are [`State::MetricsOnly`] then, and
    /// `sequence` is that of the last transition.
    ///
    /// It is told again when the rule has ceased to fire and begins anew, at most once a
    /// minute. Rules over calls in flight are not looked at.
    pub would_have_opened: bool,
    /// Which breaker sent it: several may have one name.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) origin: Origin,
}

/// The breaker that sent a signal; none for a signal made by hand. Says nothing
/// of the transition, so signals that differ in it alone are equal.
#[derive(Clone, Default)]
pub(crate) struct Origin(Option<WeakBreaker>);

impl Origin {
    pub(crate) fn new(breaker: &WeakBreaker) -> Self {
        Self(Some(breaker.clone()))
    }

    #[cfg(any(
        feature = "metrics",
        feature = "opentelemetry",
        feature = "prometheus",
        feature = "slack-core"
    ))]
    pub(crate) fn breaker(&self) -> Option<&WeakBreaker> {
        self.0.as_ref()
    }

    /// Returns what tells its breaker from all others that are there, or whose
    /// handles are.
    #[cfg(feature = "slack-core")]
    pub(crate) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, WeakBreaker::address)
    }
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Signal {
    /// Creates a signal as a breaker would send it, for testing listeners.
    #[must_use]
    pub fn new(
        name: impl Into<Name>,
        old_state: State,
        new_state: State,
        timestamp: SystemTime,
    ) -> Self {
        Self {
            name: name.into(),
            old_state,
            new_state,
            timestamp,
            sequence: 1,
            reason: None,
            next_attempt: None,
            record: None,
            would_have_opened: false,
            origin: Origin::default(),
        }
    }
}
