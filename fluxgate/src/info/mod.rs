//! A snapshot of a breaker.

#[cfg(feature = "prometheus")]
pub(crate) mod exposition;
#[cfg(feature = "fleet")]
pub(crate) mod fleet;
pub mod flight;
pub(crate) mod held;
pub(crate) mod kill_switch;
pub(crate) mod lifetime;
pub(crate) mod listeners;
pub(crate) mod metrics;
pub(crate) mod reason;
pub(crate) mod settings;
pub(crate) mod throttle;

use std::time::{Duration, SystemTime};

use crate::{
    HeldState, KillSwitch, LifetimeTotals, ListenerInfo, Metrics, MissingListener, Name, Reason,
    SettingsInfo, State, ThrottleInfo, Variable, flight::FlightRecord,
};

/// A snapshot of a breaker, as [`CircuitBreaker::info`](crate::CircuitBreaker::info)
/// returns it.
///
/// The totals count over the life of the breaker and survive transitions;
/// [`metrics`](Self::metrics) is the window, which every transition empties.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Info {
    /// The breaker's name.
    pub name: Name,
    /// Its state.
    pub state: State,
    /// When it entered the state, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::util::wire::epoch"))]
    pub changed_at: SystemTime,
    /// How often half-open fell back to open since the circuit was last closed.
    pub reopens: u64,
    /// How many recorded calls failed in a row, up to now.
    pub failure_streak: u64,
    /// The window.
    pub metrics: Metrics,
    /// When open by a rule: what the window held at that moment.
    pub opened_with: Option<Metrics>,
    /// When open: how long until the first probe may run, zero if the next call
    /// may; `None` if never.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::util::wire::seconds_if_any")
    )]
    pub retry_after: Option<Duration>,
    /// When open: why.
    pub reason: Option<Reason>,
    /// Probes that hold a slot now.
    pub probes_in_flight: usize,
    /// Calls rejected, for whatever reason.
    pub rejected: u64,
    /// How often the circuit would have opened: the rule began to fire while the
    /// breaker [only measured](crate::CircuitBreaker::metrics_only). Counted at most
    /// once a minute.
    pub would_have_opened: u64,
    /// Calls refused by the [throttle](crate::throttle): each is rejected, too, passed
    /// over, or asked for again by a waiter.
    pub throttled: u64,
    /// What the throttle sees now, if there is one.
    pub throttle: Option<ThrottleInfo>,
    /// What it knows of its fleet, if it takes part in one.
    #[cfg(feature = "fleet")]
    pub fleet: Option<fleet::FleetInfo>,
    /// How often a call went to another breaker, or nowhere, because this one did not
    /// admit it: see [`choose`](crate::choose). These are not counted as rejections.
    pub passed_over: u64,
    /// Calls that ran while the circuit was open, before its wait was over: see
    /// [`AllOpen::LeastWait`](crate::choose::AllOpen::LeastWait).
    pub early_probes: u64,
    /// Calls that were recorded as failures, whatever they ended with. Zero
    /// beside a growing [`ignored`](Self::ignored) means that the tracker matches
    /// no error that the function returns.
    pub failed: u64,
    /// Calls that ended as [`Overloaded`](crate::Outcome::Overloaded) or
    /// [`OverloadedFor`](crate::Outcome::OverloadedFor); without a
    /// [throttle](crate::throttle) each counts as a failure, too.
    pub overloaded: u64,
    /// Calls that ended as [`Alive`](crate::Outcome::Alive).
    pub alive: u64,
    /// Calls whose error the tracker did not match, or that ended as
    /// [`Ignored`](crate::Outcome::Ignored).
    pub ignored: u64,
    /// Calls dropped before their end, whatever `on_cancel` makes of them.
    pub cancelled: u64,
    /// Calls that panicked; each counts as a failure, too.
    pub panicked: u64,
    /// Probes that were still in flight when their lease ended.
    pub lost_probes: u64,
    /// Outcomes that came after the state had moved on, and so did not count.
    pub late: u64,
    /// Further totals, if a listener asks for them.
    pub lifetime: Option<LifetimeTotals>,
    /// The settings in force, in the attribute's words.
    pub settings: SettingsInfo,
    /// The breaker's environment variable, whether it is set or not.
    pub variable: Variable,
    /// The state that it is held in, and by whom; `None` while no layer holds one, and the
    /// circuit is left to itself.
    pub held: Option<HeldState>,
    /// The state that the environment commanded when the breaker was built; none
    /// under a guard of [`testing`](crate::testing).
    pub kill_switch: Option<KillSwitch>,
    /// Listeners' panics and failed deliveries.
    pub listener_failures: u64,
    /// The listeners that are told of transitions, in the order they are told.
    pub listeners: Vec<ListenerInfo>,
    /// The listeners that could not be built, or could not serve this breaker.
    pub missing_listeners: Vec<MissingListener>,
    /// The last transitions, and the last failures in words.
    pub flight: FlightRecord,
}

impl Info {
    /// Returns the failures per call in the window, and while the circuit is open
    /// those that it opened with; `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        self.last_window().failure_rate()
    }

    /// Returns what the window holds, and while the circuit is open what it held
    /// when it opened.
    #[must_use]
    pub fn last_window(&self) -> &Metrics {
        self.opened_with.as_ref().unwrap_or(&self.metrics)
    }
}
