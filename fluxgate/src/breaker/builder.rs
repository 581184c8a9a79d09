//! Validated construction.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    CircuitBreaker, ConfigError, MissingListener, Name, OnCancel, SlowProbes, State,
    clock::Clock,
    engine::{clock_source::ClockSource, policies::Policies, random_source::RandomSource},
    listener::{IntoListener, PendingListeners},
    permit::Permit,
    random::Random,
    retry::Retry,
    throttle::Adaptive,
    tripper::Rule,
    window::AnyWindow,
};

#[cfg(feature = "settings")]
use crate::settings::{overlay::Overlay, section::Place};

/// Builds a circuit breaker; see [`CircuitBreaker::builder`].
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{
///     CircuitBreaker, listener::LogListener, permit::RampUp, retry::Backoff,
///     tripper::{FailureRate, MinRequests}, window::CountWindow,
/// };
///
/// let breaker = CircuitBreaker::builder("payments")
///     .window(CountWindow::new(50))
///     .tripper(MinRequests::new(20) & FailureRate::new(0.5))
///     .retry(Backoff::new(Duration::from_secs(10)).jitter_ratio(0.1))
///     .permit(RampUp::new(0.1, 0.8, Duration::from_secs(60)))
///     .max_half_open_calls(5)
///     .listener(LogListener::new())
///     .build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    pub(super) name: Name,
    pub(super) policies: Policies,
    #[cfg(feature = "fleet")]
    pub(super) fleet: Option<crate::fleet::Member>,
    pub(super) initial_state: State,
    /// Whether settings from outside are refused.
    pub(super) fixed: bool,
    /// Which settings from outside are for it.
    #[cfg(feature = "settings")]
    pub(super) place: Place,
    #[cfg(feature = "settings")]
    pub(super) overlay: Overlay,
    pub(super) clock: ClockSource,
    pub(super) random: RandomSource,
    pub(super) listeners: PendingListeners,
    /// Makes these settings again, for a breaker of a static.
    #[cfg(feature = "sim")]
    pub(super) recipe: Option<fn() -> Builder>,
}

impl Builder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            policies: Policies::default(),
            #[cfg(feature = "fleet")]
            fleet: None,
            initial_state: State::Closed,
            fixed: false,
            #[cfg(feature = "settings")]
            place: Place::Alone,
            #[cfg(feature = "settings")]
            overlay: Overlay::new(false),
            clock: ClockSource::default(),
            random: RandomSource::default(),
            listeners: PendingListeners::default(),
            #[cfg(feature = "sim")]
            recipe: None,
        }
    }

    /// Sets that it is a breaker of a set, and what its key is called.
    #[cfg(feature = "keyed")]
    #[cfg_attr(
        not(feature = "settings"),
        allow(unused_mut, unused_variables, reason = "for settings")
    )]
    pub(crate) fn of_set(mut self, set: &Name, key: Option<&str>) -> Self {
        #[cfg(feature = "settings")]
        {
            self.place = Place::Key {
                set: set.clone(),
                key: key.map(ToOwned::to_owned),
            };
        }
        self
    }

    /// Sets which recorded calls still count. Default: `CountWindow::new(100)`.
    // Out of line: the breaker of each annotated function calls it once.
    #[inline(never)]
    pub fn window(mut self, window: impl Into<AnyWindow>) -> Self {
        self.policies.window = window.into();
        self
    }

    /// Sets when the circuit opens. Default: `MinRequests::new(100) & FailureRate::new(0.5)`.
    #[doc(alias("failure_threshold", "ready_to_trip"))]
    #[inline(never)]
    pub fn tripper(mut self, tripper: impl Into<Rule>) -> Self {
        self.policies.tripper = tripper.into();
        self
    }

    /// Sets when an open circuit may be probed. Default: a `Cooldown` of 60 s.
    #[doc(alias("timeout", "reset_timeout", "sleep_window"))]
    #[inline(never)]
    pub fn retry(mut self, retry: impl Retry + 'static) -> Self {
        self.policies.retry = Arc::new(retry);
        self
    }

    /// Sets which calls become probes. Default: `RampUp` from 0.1 to 1.0 in 60 s.
    #[inline(never)]
    pub fn permit(mut self, permit: impl Permit + 'static) -> Self {
        self.policies.permit = Arc::new(permit);
        self
    }

    /// Sets how many probes may be in flight at once, at least 1. Default: 10.
    #[doc(alias("half_open", "max_requests", "bulkhead"))]
    pub fn max_half_open_calls(mut self, calls: u32) -> Self {
        self.policies.max_half_open_calls = calls;
        self
    }

    /// Sets how many probes in a row must succeed to close, at least 1. Default: 1.
    #[doc(alias("success_threshold"))]
    pub fn close_after(mut self, successes: u64) -> Self {
        self.policies.close_after = successes;
        self
    }

    /// Sets how many failed probes in a row reopen at once, whatever the tripper
    /// says, at least 1. Default: the tripper decides alone.
    pub fn reopen_after(mut self, failures: u64) -> Self {
        self.policies.reopen_after = Some(failures);
        self
    }

    /// Sets how long a probe holds its slot at most, above zero. A probe that takes
    /// longer is not interrupted, but counted as lost, and another may run
    /// beside it; its outcome still counts. Default: 60 s.
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.policies.probe_lease = lease;
        self
    }

    /// Sets what a call dropped before its end counts as. Default:
    /// [`OnCancel::Ignore`].
    #[doc(alias("timeout"))]
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.policies.on_cancel = on_cancel;
        self
    }

    /// Sets what a successful but slow probe counts as. Default: [`SlowProbes::Pass`].
    ///
    /// A probe is slow if it took the lowest threshold of slowness in the rules,
    /// [`SlowRate`](crate::tripper::SlowRate)'s or a custom rule's, or longer.
    /// With the default a slow success may close a circuit that slowness opened:
    /// with [`MinRequests`](crate::tripper::MinRequests) in the rule the very first
    /// one does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{CircuitBreaker, SlowProbes, tripper::{MinRequests, SlowRate}};
    ///
    /// let breaker = CircuitBreaker::builder("search")
    ///     .tripper(MinRequests::new(20) & SlowRate::new(0.5, Duration::from_secs(1)))
    ///     .slow_probes(SlowProbes::Fail)
    ///     .reopen_after(1)
    ///     .build()?;
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn slow_probes(mut self, slow_probes: SlowProbes) -> Self {
        self.policies.slow_probes = slow_probes;
        self
    }

    /// Sets how overload is answered: with a throttle, calls that end as
    /// [`Overloaded`](crate::Outcome::Overloaded) are no failures, and a share of the
    /// calls is refused while they happen. Default: none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{CircuitBreaker, throttle::Adaptive};
    ///
    /// let breaker = CircuitBreaker::builder("quotes")
    ///     .throttle(Adaptive::new(1.5).window(Duration::from_secs(10)))
    ///     .build()?;
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[doc(alias("rate_limit", "load_shedding", "adaptive", "backpressure"))]
    pub fn throttle(mut self, throttle: Adaptive) -> Self {
        self.policies.throttle = Some(throttle);
        self
    }

    /// Lets the breaker take part in the [fleet](crate::fleet) that its program joins:
    /// openings are shared with the other instances, and probes. Default: not.
    #[cfg(feature = "fleet")]
    #[doc(alias("distributed", "redis", "shared", "cluster"))]
    pub fn fleet(mut self, member: crate::fleet::Member) -> Self {
        self.fleet = Some(member);
        self
    }

    /// Sets whether durations are measured and kept even when no rule reads them.
    /// Default: no.
    pub fn durations(mut self, durations: bool) -> Self {
        self.policies.durations = durations;
        self
    }

    /// Sets how many transitions the [flight recorder](crate::flight) keeps, at most
    /// 1024. Default: 32. With 0 it is off, and keeps no failures either.
    ///
    /// ```
    /// use fluxgate::CircuitBreaker;
    ///
    /// let breaker = CircuitBreaker::builder("api").flight_recorder(1).build()?;
    /// breaker.force_open();
    /// breaker.reset();
    /// assert_eq!(breaker.info().flight.transitions.len(), 1);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[doc(alias("history", "event_log"))]
    pub fn flight_recorder(mut self, transitions: usize) -> Self {
        self.policies.flight = transitions;
        self
    }

    /// Sets the state that the breaker begins in. Default: [`State::Closed`].
    ///
    /// It is entered by a transition from closed, of which listeners are told; `Open`
    /// waits as the retry policy says. What the environment commands (see
    /// [`KillSwitch`](crate::KillSwitch)) comes before it.
    ///
    /// ```
    /// use fluxgate::{CircuitBreaker, State};
    ///
    /// let breaker = CircuitBreaker::builder("new_api")
    ///     .initial_state(State::MetricsOnly)
    ///     .build()?;
    /// assert_eq!(breaker.state(), State::MetricsOnly);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn initial_state(mut self, state: State) -> Self {
        self.initial_state = state;
        self
    }

    /// Refuses settings from outside: files, the environment, and
    /// `CircuitBreaker::reconfigure`. The environment still commands states, by
    /// [`FLUXGATE_<NAME>`](crate::KillSwitch). Default: they are taken, with the feature
    /// `settings`.
    pub fn fixed_settings(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Adds a listener, a [`Listener`](crate::Listener) or an
    /// [`AsyncListener`](crate::listener::AsyncListener); they are told in the
    /// order they were added.
    ///
    /// A `Result` of a listener is one that may have failed to be made. If so the
    /// breaker goes without it: that is reported with its name and the error, and
    /// shows in [`Info::missing_listeners`](crate::Info::missing_listeners).
    ///
    /// ```
    /// use fluxgate::{CircuitBreaker, Listener, Signal};
    ///
    /// struct Pager { url: String }
    ///
    /// impl Listener for Pager {
    ///     fn on_signal(&self, signal: &Signal) {
    ///         println!("{}: {}", self.url, signal.new_state);
    ///     }
    /// }
    ///
    /// let pager = std::env::var("PAGER_URL").map(|url| Pager { url });
    /// let breaker = CircuitBreaker::builder("api")
    ///     .listener(|signal: &Signal| println!("{}", signal.new_state))
    ///     .listener(pager)
    ///     .build()?;
    /// let missing = &breaker.info().missing_listeners[0];
    /// assert_eq!(missing.reason, "environment variable not found");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[doc(alias("on_open", "on_state_change"))]
    pub fn listener<Kind>(mut self, listener: impl IntoListener<Kind>) -> Self {
        self.listeners.add(listener.into_listener());
        self
    }

    /// Adds a listener that may have failed to be made, with the name to report it by.
    pub fn try_listener<Kind, L: IntoListener<Kind>, E: fmt::Display>(
        mut self,
        name: impl Into<String>,
        listener: Result<L, E>,
    ) -> Self {
        let listener = listener.into_listener();
        self.listeners
            .add(listener.map_err(|missing| MissingListener {
                name: name.into(),
                ..missing
            }));
        self
    }

    /// Sets where the time is taken from. Default: the system's clocks.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = ClockSource::custom(clock);
        self
    }

    /// Sets where random numbers are drawn from. Default: a generator with a seed of
    /// its own for every breaker.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = RandomSource::custom(random);
        self
    }

    /// Builds the breaker, closed (unless [`initial_state`](Self::initial_state) or the
    /// environment says otherwise: see [`KillSwitch`](crate::KillSwitch)), and enters it in the [registry](crate::registry) under
    /// its name.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every setting that is out of range, or with every
    /// listener that refuses to serve this breaker.
    pub fn build(self) -> Result<CircuitBreaker, ConfigError> {
        self.build_checked()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("window", &self.policies.window)
            .field("tripper", &self.policies.tripper)
            .finish_non_exhaustive()
    }
}
