//! The settings of a breaker, as an operator reads them.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

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
    /// Where each setting is from that is not from the code, by its name.
    pub from: BTreeMap<&'static str, SettingSource>,
    /// Why settings from outside are not in force, if they do not fit the breaker, which
    /// runs on its code's then.
    pub refused: Vec<String>,
}

impl SettingsInfo {
    /// Returns where the setting of this name is from.
    #[must_use]
    pub fn source(&self, setting: &str) -> SettingSource {
        let from = self.from.get(setting);
        from.cloned().unwrap_or(SettingSource::Code)
    }
}

/// Where a setting of a breaker is from, lowest first; see [`SettingsInfo::source`].
///
/// Displayed and serialised as it is written: `code`, `[breaker."payments"]`,
/// `FLUXGATE__ALL__RETRY`, `reconfigure`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingSource {
    /// The attribute, `breaker!` or the builder, or the default.
    Code,
    /// A section of settings, by its head.
    Section(Arc<str>),
    /// An environment variable.
    Environment(Arc<str>),
    /// `CircuitBreaker::reconfigure`.
    ByHand,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Code => "code",
            Self::Section(head) => head,
            Self::Environment(variable) => variable,
            Self::ByHand => "reconfigure",
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SettingSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
