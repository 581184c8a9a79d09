//! The settings of a breaker, as an operator reads them.

use std::time::Duration;

use crate::{OnCancel, SlowProbes};

/// The settings of a breaker, in [`Info`](crate::Info).
///
/// Policies are written as the attribute reads them, so what is shown can be
/// copied into the code. Of policies of your own the name of the type is shown,
/// or what their `describe` writes.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{CircuitBreaker, retry::Cooldown, tripper::{FailureRate, MinRequests}};
///
/// let breaker = CircuitBreaker::builder("payments")
///     .tripper(MinRequests::new(20) & FailureRate::new(0.5))
///     .retry(Cooldown::new(Duration::from_secs(30)))
///     .build()?;
/// let settings = breaker.info().settings;
/// assert_eq!(settings.tripper, "MinRequests(20) & FailureRate(0.5)");
/// assert_eq!(settings.retry, "Cooldown(30s)");
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SettingsInfo {
    /// Which recorded calls still count.
    pub window: String,
    /// When to open.
    pub tripper: String,
    /// How long an open circuit waits.
    pub retry: String,
    /// Which calls become probes.
    pub permit: String,
    /// How many probes may be in flight.
    pub max_half_open_calls: u32,
    /// How many probes in a row must succeed to close.
    pub close_after: u64,
    /// How many probes in a row reopen by failing, if that is set.
    pub reopen_after: Option<u64>,
    /// How long a probe holds its slot at most.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds")
    )]
    pub probe_lease: Duration,
    /// What a call dropped before its end counts as.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::text"))]
    pub on_cancel: OnCancel,
    /// What a successful but slow probe counts as.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::text"))]
    pub slow_probes: SlowProbes,
    /// Which share of the calls is let through while the dependency is overloaded, if
    /// that is set.
    pub throttle: Option<String>,
    /// Whether durations are kept: because a rule reads them, or by the setting.
    pub durations: bool,
}
