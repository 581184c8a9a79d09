//! The listeners of a breaker, as an operator reads them.

/// One listener of a breaker, in [`Info`](crate::Info).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ListenerInfo {
    /// Its name.
    pub name: String,
    /// Its panics, and the deliveries that it reported as failed.
    pub failures: u64,
    /// Signals not yet delivered: those that wait until the listeners of the breaker
    /// are done with an earlier one, and those in the listener's own queue, if it
    /// delivers later.
    pub waiting: u64,
    /// Signals given up because too many were waiting. Where they wait for slow
    /// listeners of the breaker, each is merged into the one after it, so that the
    /// latest state is always delivered; in the queue of a listener that delivers
    /// later the oldest is dropped.
    pub dropped: u64,
    /// [Call events](crate::Listener::on_call) given up: those of calls that the listener
    /// made while it was told of one, and those in the queue of a listener that delivers
    /// later, where the oldest is dropped when too many wait.
    pub dropped_calls: u64,
}

/// A listener that could not be attached to the breaker, in [`Info`](crate::Info).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MissingListener {
    /// Its name.
    pub name: String,
    /// Why it could not be built, or could not serve this breaker.
    pub reason: String,
}
