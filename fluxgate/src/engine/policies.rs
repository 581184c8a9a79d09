//! The settings of a breaker that may change while it lives, as a whole.

use std::{
    num::NonZeroU64,
    sync::{Arc, LazyLock},
    time::Duration,
};

#[cfg(feature = "settings")]
use super::config::drop_contained;
use super::{
    config::{Config, Recording},
    probes::Probes,
    state_word::CallNeeds,
};
use crate::{
    Fault, OnCancel, SlowProbes,
    flight::{MOST_TRANSITIONS, TRANSITIONS},
    permit::{Permit, RampUp},
    retry::{Cooldown, Retry},
    throttle::Adaptive,
    tripper::{MinToTrip, Rule, ages::InFlightAges},
    util::{bounds, duration::nanos, panic::catch_panic},
    window::AnyWindow,
};

pub(crate) const MAX_HALF_OPEN_CALLS: u32 = 10;
pub(crate) const CLOSE_AFTER: u64 = 1;
pub(crate) const PROBE_LEASE: Duration = Duration::from_secs(60);

/// Everything that decides about calls. Policies of the user's are shared, so that a
/// set may be made from another one.
pub(crate) struct Policies {
    pub(crate) window: AnyWindow,
    pub(crate) tripper: Rule,
    /// The rule that tells the fleet that something may be wrong.
    #[cfg(feature = "fleet")]
    pub(crate) suspect: Option<Rule>,
    pub(crate) retry: Arc<dyn Retry>,
    pub(crate) permit: Arc<dyn Permit>,
    pub(crate) max_half_open_calls: u32,
    pub(crate) close_after: u64,
    pub(crate) reopen_after: Option<u64>,
    pub(crate) probe_lease: Duration,
    pub(crate) on_cancel: OnCancel,
    pub(crate) slow_probes: SlowProbes,
    pub(crate) throttle: Option<Adaptive>,
    /// Whether durations are kept though no rule reads them.
    pub(crate) durations: bool,
    /// How many transitions the flight recorder keeps.
    pub(crate) flight: usize,
}

impl Default for Policies {
    fn default() -> Self {
        // One for all breakers that name none.
        static RETRY: LazyLock<Arc<dyn Retry>> = LazyLock::new(|| Arc::new(Cooldown::default()));
        static PERMIT: LazyLock<Arc<dyn Permit>> = LazyLock::new(|| Arc::new(RampUp::default()));
        Self {
            window: AnyWindow::default(),
            tripper: Rule::default(),
            #[cfg(feature = "fleet")]
            suspect: None,
            retry: Arc::clone(&RETRY),
            permit: Arc::clone(&PERMIT),
            max_half_open_calls: MAX_HALF_OPEN_CALLS,
            close_after: CLOSE_AFTER,
            reopen_after: None,
            probe_lease: PROBE_LEASE,
            on_cancel: OnCancel::Ignore,
            slow_probes: SlowProbes::Pass,
            throttle: None,
            durations: false,
            flight: TRANSITIONS,
        }
    }
}

/// One of the [`Policies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicySetting {
    Window,
    Tripper,
    Retry,
    Permit,
    MaxHalfOpenCalls,
    CloseAfter,
    ReopenAfter,
    ProbeLease,
    Flight,
    OnCancel,
    SlowProbes,
    Throttle,
}

/// What an engine is made of that follows from [`Policies`].
pub(crate) struct Prepared {
    pub(crate) config: Config,
    pub(crate) recording: Recording,
    pub(crate) window: AnyWindow,
    pub(crate) probes: Probes,
    pub(crate) running: Option<InFlightAges>,
    pub(crate) throttle: Option<Adaptive>,
}

impl Policies {
    /// Returns the settings that are refused, and why.
    pub(crate) fn check(&self) -> Vec<(PolicySetting, Vec<Fault>)> {
        let count = |what: &str, ok: bool| {
            if ok {
                Ok(())
            } else {
                Err(vec![Fault::new(format!(
                    "{what} must be at least 1, but is 0"
                ))])
            }
        };
        let probe_lease = if bounds::duration(self.probe_lease) {
            Ok(())
        } else {
            Err(vec![Fault::new(
                "probe_lease must be greater than zero, but is 0ns",
            )])
        };
        let after = match self.on_cancel {
            OnCancel::FailAfter(least) if !bounds::duration(least) => Err(vec![Fault::new(
                "the duration of `FailAfter` must be greater than zero, but is 0ns; \
                 `Fail` counts every cancelled call",
            )]),
            _ => Ok(()),
        };
        let thresholds = self.tripper.needs().slow;
        let slow = if self.slow_probes == SlowProbes::Fail && thresholds.is_empty() {
            Err(vec![Fault::new(
                "slow_probes is `Fail`, but no part of the rule says what is slow; \
                 add a `SlowRate`",
            )])
        } else {
            Ok(())
        };
        let flight = if self.flight <= MOST_TRANSITIONS {
            Ok(())
        } else {
            Err(vec![Fault::new(format!(
                "flight_recorder must be from 0 to {MOST_TRANSITIONS}, but is {}",
                self.flight
            ))])
        };
        [
            (PolicySetting::Flight, flight),
            (PolicySetting::OnCancel, after),
            (PolicySetting::SlowProbes, slow),
            (
                PolicySetting::Window,
                contained_check("window", || self.window.check()),
            ),
            (PolicySetting::Tripper, self.tripper.check()),
            (
                PolicySetting::Retry,
                contained_check("retry policy", || self.retry.check()),
            ),
            (
                PolicySetting::Permit,
                contained_check("permit", || self.permit.check()),
            ),
            (
                PolicySetting::MaxHalfOpenCalls,
                count("max_half_open_calls", self.max_half_open_calls > 0),
            ),
            (
                PolicySetting::CloseAfter,
                count("close_after", self.close_after > 0),
            ),
            (
                PolicySetting::ReopenAfter,
                count("reopen_after", self.reopen_after != Some(0)),
            ),
            (PolicySetting::ProbeLease, probe_lease),
            (
                PolicySetting::Throttle,
                self.throttle.map_or(Ok(()), |throttle| throttle.check()),
            ),
        ]
        .into_iter()
        .filter_map(|(setting, checked)| Some((setting, checked.err()?)))
        .collect()
    }

    /// Gives each of these settings its default.
    pub(crate) fn set_default(&mut self, setting: PolicySetting) {
        let default = Self::default();
        match setting {
            PolicySetting::Window => self.window = default.window,
            PolicySetting::Tripper => self.tripper = default.tripper,
            PolicySetting::Retry => self.retry = default.retry,
            PolicySetting::Permit => self.permit = default.permit,
            PolicySetting::MaxHalfOpenCalls => {
                self.max_half_open_calls = default.max_half_open_calls;
            }
            PolicySetting::CloseAfter => self.close_after = default.close_after,
            PolicySetting::ReopenAfter => self.reopen_after = default.reopen_after,
            PolicySetting::ProbeLease => self.probe_lease = default.probe_lease,
            PolicySetting::OnCancel => self.on_cancel = default.on_cancel,
            PolicySetting::SlowProbes => self.slow_probes = default.slow_probes,
            PolicySetting::Throttle => self.throttle = default.throttle,
            PolicySetting::Flight => self.flight = default.flight,
        }
    }

    /// Returns the same settings once more, with policies of the user's shared.
    #[cfg(feature = "settings")]
    pub(crate) fn fresh(&self) -> Self {
        Self {
            window: self.window.fresh(),
            tripper: self.tripper.clone(),
            #[cfg(feature = "fleet")]
            suspect: self.suspect.clone(),
            retry: Arc::clone(&self.retry),
            permit: Arc::clone(&self.permit),
            ..*self
        }
    }

    /// Drops the settings. A panic in the `Drop` of a policy is reported and ends here.
    #[cfg(feature = "settings")]
    pub(crate) fn discard(self) {
        let Self {
            window,
            tripper,
            retry,
            permit,
            ..
        } = self;
        drop_contained(window);
        drop_contained(tripper);
        drop_contained(retry);
        drop_contained(permit);
    }

    /// Works out what follows from the settings. Asks rules of the user's what they
    /// need. `listeners` is what the listeners need in any case. The window is yet to be
    /// prepared.
    pub(crate) fn prepare(self, listeners: ListenersNeed) -> Prepared {
        let needs = self.tripper.needs();
        #[cfg(feature = "fleet")]
        let needs = match &self.suspect {
            Some(suspect) => needs.and(suspect.needs()),
            None => needs,
        };
        let own_tripper = self.tripper.has_own();
        let durations = self.durations || needs.durations;
        let thresholds: Box<[Duration]> = needs.slow.into();
        let min_to_trip = self
            .window
            .size()
            .map(|size| self.tripper.min_to_trip(size));
        #[cfg(feature = "fleet")]
        let min_to_trip = match (&self.suspect, self.window.size()) {
            (Some(suspect), Some(size)) => {
                min_to_trip.map(|min_to_trip| min_to_trip.of_either(suspect.min_to_trip(size)))
            }
            _ => min_to_trip,
        };
        let needs_elapsed = durations || !thresholds.is_empty();
        let tracks_in_flight = !needs.in_flight.is_empty();
        let window_needs_time = self.window.needs_time();
        let start = needs_elapsed
            || tracks_in_flight
            || matches!(self.on_cancel, OnCancel::FailAfter(_))
            || listeners.elapsed;
        let calls = CallNeeds {
            start,
            end: needs_elapsed || window_needs_time || listeners.elapsed,
            in_flight: tracks_in_flight,
            fast: !start && !window_needs_time && !listeners.every_call,
            watched: listeners.watched,
        };
        let config = Config {
            tripper: self.tripper,
            #[cfg(feature = "fleet")]
            suspect: self.suspect,
            retry: self.retry,
            permit: self.permit,
            close_after: self.close_after,
            reopen_after: self.reopen_after.and_then(NonZeroU64::new),
            on_cancel: self.on_cancel,
            slow_probes: self.slow_probes,
            flight: self.flight,
            thresholds,
            durations,
            #[cfg(feature = "settings")]
            keeps_durations: self.durations,
            own_tripper,
            calls,
            number: 0,
        };
        let recording = Recording {
            needs_elapsed,
            every_call: needs.every_call,
            own_window: self.window.is_own(),
            min_to_trip: min_to_trip.unwrap_or(MinToTrip::NONE),
        };
        Prepared {
            config,
            recording,
            window: self.window,
            probes: Probes::new(self.max_half_open_calls, nanos(self.probe_lease)),
            running: tracks_in_flight.then(|| InFlightAges::new(&needs.in_flight)),
            throttle: self.throttle,
        }
    }
}

/// What the listeners of a breaker need of every call, whatever its settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ListenersNeed {
    pub(crate) elapsed: bool,
    pub(crate) every_call: bool,
    /// To be told of single calls that end.
    pub(crate) watched: bool,
}

fn contained_check(
    policy: &str,
    check: impl FnOnce() -> Result<(), Vec<Fault>>,
) -> Result<(), Vec<Fault>> {
    catch_panic(check).unwrap_or_else(|| {
        Err(vec![Fault::new(format!(
            "the {policy} panicked when it was asked whether its settings make sense"
        ))])
    })
}
