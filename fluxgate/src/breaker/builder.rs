//! Validated construction.

use std::{fmt, mem, num::NonZeroU64, sync::Arc, time::Duration};

use crate::{
    __private::bounds,
    CircuitBreaker, ConfigError, Name, State, WeakBreaker,
    breaker::build::Announcements,
    clock::Clock,
    engine::{
        Core, Parts,
        machine::{Config, Machine},
        probes::Probes,
    },
    error::Fault,
    info::kill_switch::Environment,
    listener::{IntoListener, MissingListener, PendingListeners},
    permit::{Permit, RampUp},
    random::{Random, Seeded},
    retry::{Cooldown, Retry},
    sources::{ClockSource, RandomSource},
    testing,
    tripper::{MinToTrip, Rule, ages::InFlightAges},
    util::{
        duration::{Literal, nanos},
        panic::catch_panic,
    },
    window::AnyWindow,
};

/// What a call counts as that is dropped before its end: an async call whose
/// future is dropped, or a [`Guard`](crate::Guard) dropped without a word.
#[doc(alias("timeout"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCancel {
    /// As nothing.
    #[default]
    Ignore,
    /// As a failure.
    Fail,
    /// As a failure if it had run for at least this long, so that a timeout
    /// around the call can open the circuit, but an impatient user can't.
    FailAfter(Duration),
}

/// What a slow probe counts as that succeeded: one that took the lowest
/// threshold of slowness in the rules, or longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowProbes {
    /// As a success: it may close a circuit that slowness opened.
    #[default]
    Pass,
    /// As a failure: the circuit stays half-open or opens again, as after any
    /// failed probe.
    Fail,
}

/// Writes the setting as the attribute reads it: `Fail`.
impl fmt::Display for SlowProbes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Fail => "Fail",
        })
    }
}

/// Writes the setting as the attribute reads it: `FailAfter(2s)`.
impl fmt::Display for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.write_str("Ignore"),
            Self::Fail => f.write_str("Fail"),
            Self::FailAfter(least) => write!(f, "FailAfter({})", Literal(*least)),
        }
    }
}

/// The settings of a breaker to be; see [`CircuitBreaker::builder`].
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
    name: Name,
    window: AnyWindow,
    tripper: Rule,
    retry: Box<dyn Retry>,
    permit: Box<dyn Permit>,
    max_half_open_calls: u32,
    close_after: u64,
    reopen_after: Option<u64>,
    probe_lease: Duration,
    on_cancel: OnCancel,
    slow_probes: SlowProbes,
    durations: bool,
    clock: ClockSource,
    random: RandomSource,
    listeners: PendingListeners,
    /// Makes these settings again, for a breaker of a static.
    #[cfg(feature = "sim")]
    recipe: Option<fn() -> Builder>,
}

const MAX_HALF_OPEN_CALLS: u32 = 10;
const CLOSE_AFTER: u64 = 1;
const PROBE_LEASE: Duration = Duration::from_secs(60);

impl Builder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            window: AnyWindow::default(),
            tripper: Rule::default(),
            retry: Box::new(Cooldown::default()),
            permit: Box::new(RampUp::default()),
            max_half_open_calls: MAX_HALF_OPEN_CALLS,
            close_after: CLOSE_AFTER,
            reopen_after: None,
            probe_lease: PROBE_LEASE,
            on_cancel: OnCancel::Ignore,
            slow_probes: SlowProbes::Pass,
            durations: false,
            clock: ClockSource::default(),
            random: RandomSource::seeded(Seeded::for_breaker()),
            listeners: PendingListeners::default(),
            #[cfg(feature = "sim")]
            recipe: None,
        }
    }

    /// Which recorded calls still count. Default: `CountWindow::new(100)`.
    pub fn window(mut self, window: impl Into<AnyWindow>) -> Self {
        self.window = window.into();
        self
    }

    /// When to open. Default: `MinRequests::new(100) & FailureRate::new(0.5)`.
    #[doc(alias("failure_threshold", "ready_to_trip"))]
    pub fn tripper(mut self, tripper: impl Into<Rule>) -> Self {
        self.tripper = tripper.into();
        self
    }

    /// When an open circuit may be probed. Default: a `Cooldown` of 60 s.
    #[doc(alias("timeout", "reset_timeout", "sleep_window"))]
    pub fn retry(mut self, retry: impl Retry + 'static) -> Self {
        self.retry = Box::new(retry);
        self
    }

    /// Which calls become probes. Default: `RampUp` from 0.1 to 1.0 in 60 s.
    pub fn permit(mut self, permit: impl Permit + 'static) -> Self {
        self.permit = Box::new(permit);
        self
    }

    /// How many probes may be in flight at once, at least 1. Default: 10.
    #[doc(alias("half_open", "max_requests", "bulkhead"))]
    pub fn max_half_open_calls(mut self, calls: u32) -> Self {
        self.max_half_open_calls = calls;
        self
    }

    /// How many probes in a row must succeed to close, at least 1. Default: 1.
    #[doc(alias("success_threshold"))]
    pub fn close_after(mut self, successes: u64) -> Self {
        self.close_after = successes;
        self
    }

    /// How many failed probes in a row reopen at once, whatever the tripper
    /// says, at least 1. Default: the tripper decides alone.
    pub fn reopen_after(mut self, failures: u64) -> Self {
        self.reopen_after = Some(failures);
        self
    }

    /// How long a probe holds its slot at most, above zero. A probe that takes
    /// longer is not interrupted, but counted as lost, and another may run
    /// beside it; its outcome still counts. Default: 60 s.
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.probe_lease = lease;
        self
    }

    /// What a call dropped before its end counts as. Default:
    /// [`OnCancel::Ignore`].
    #[doc(alias("timeout"))]
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// What a slow probe counts as that succeeded. Default: [`SlowProbes::Pass`].
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
        self.slow_probes = slow_probes;
        self
    }

    /// Whether to measure and keep durations even when no rule reads them.
    /// Default: no.
    pub fn durations(mut self, durations: bool) -> Self {
        self.durations = durations;
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

    /// The same for a listener that may be missing, by a name of your choice.
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

    /// Where to take the time from. Default: the system's clocks.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = ClockSource::custom(clock);
        self
    }

    /// Where to draw random numbers from. Default: a generator with a seed of
    /// its own for every breaker.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = RandomSource::custom(random);
        self
    }

    /// Builds the breaker, closed (unless the environment says otherwise: see
    /// [`KillSwitch`](crate::KillSwitch)), and enters it in the [registry](crate::registry) under
    /// its name.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every setting that is out of range, or with every
    /// listener that refuses to serve this breaker.
    pub fn build(self) -> Result<CircuitBreaker, ConfigError> {
        self.check_all()?;
        let Assembled {
            core,
            refused,
            news,
        } = self.assemble(|variable| std::env::var_os(variable));
        if refused.is_empty() {
            core.apply_kill_switch();
            let breaker = CircuitBreaker { core };
            breaker.register(news).tell(&breaker);
            return Ok(breaker);
        }
        let fault = |MissingListener { name, reason }| {
            Fault::new(format!("its listener {name} refused to serve it: {reason}"))
        };
        Err(ConfigError {
            name: core.name.clone(),
            faults: refused.into_iter().map(fault).collect(),
        })
    }

    /// Remembers how these settings are made.
    #[cfg(feature = "sim")]
    pub(crate) fn recipe(mut self, recipe: fn() -> Self) -> Self {
        self.recipe = Some(recipe);
        self
    }

    /// Builds a breaker of these policies that nothing outside reaches: without its
    /// listeners, the environment and the registry, on this clock and by these random
    /// numbers.
    #[cfg(feature = "sim")]
    pub(crate) fn build_detached(
        mut self,
        clock: impl Clock + 'static,
        random: Seeded,
        listener: impl Fn(&crate::Signal) + Send + Sync + 'static,
    ) -> Result<CircuitBreaker, ConfigError> {
        self.listeners = PendingListeners::default();
        self = self.clock(clock).listener(listener);
        self.random = RandomSource::seeded(random);
        self.check_all()?;
        let Assembled { core, .. } = self.assemble(|_| None);
        Ok(CircuitBreaker { core })
    }

    /// Builds what must not fail, the breaker of an annotated function: a
    /// refused setting is reported and gives way to its default, a listener that
    /// refuses is reported and left out. Nobody is told of any of it, nor of the
    /// breaker, before [`Announcements::tell`]: those who are may ask for this very
    /// breaker, which has to be in its place by then.
    pub(crate) fn build_or_default(mut self) -> (CircuitBreaker, Announcements) {
        let mut faults = Vec::new();
        for (setting, found) in self.check() {
            faults.extend(found);
            match setting {
                Setting::Window => self.window = AnyWindow::default(),
                Setting::Tripper => self.tripper = Rule::default(),
                Setting::Retry => self.retry = Box::new(Cooldown::default()),
                Setting::Permit => self.permit = Box::new(RampUp::default()),
                Setting::MaxHalfOpenCalls => self.max_half_open_calls = MAX_HALF_OPEN_CALLS,
                Setting::CloseAfter => self.close_after = CLOSE_AFTER,
                Setting::ReopenAfter => self.reopen_after = None,
                Setting::ProbeLease => self.probe_lease = PROBE_LEASE,
                Setting::OnCancel => self.on_cancel = OnCancel::Ignore,
                Setting::SlowProbes => self.slow_probes = SlowProbes::Pass,
            }
        }
        let Assembled { core, mut news, .. } = self.assemble(|variable| std::env::var_os(variable));
        news.faults = faults;
        core.apply_kill_switch();
        (CircuitBreaker { core }, news)
    }

    /// Returns every fault of every setting as one error.
    fn check_all(&self) -> Result<(), ConfigError> {
        let faults: Vec<Fault> = self
            .check()
            .into_iter()
            .flat_map(|(_, faults)| faults)
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(ConfigError {
            name: self.name.clone(),
            faults,
        })
    }

    /// The settings that are refused, and why.
    fn check(&self) -> Vec<(Setting, Vec<Fault>)> {
        let count = |what: &str, ok: bool| {
            if ok {
                Ok(())
            } else {
                Err(vec![Fault::new(format!(
                    "{what} must be at least 1, but is 0"
                ))])
            }
        };
        let lease = if bounds::duration(self.probe_lease) {
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
        [
            (Setting::OnCancel, after),
            (Setting::SlowProbes, slow),
            (
                Setting::Window,
                contained_check("window", || self.window.check()),
            ),
            (Setting::Tripper, self.tripper.check()),
            (
                Setting::Retry,
                contained_check("retry policy", || self.retry.check()),
            ),
            (
                Setting::Permit,
                contained_check("permit", || self.permit.check()),
            ),
            (
                Setting::MaxHalfOpenCalls,
                count("max_half_open_calls", self.max_half_open_calls > 0),
            ),
            (
                Setting::CloseAfter,
                count("close_after", self.close_after > 0),
            ),
            (
                Setting::ReopenAfter,
                count("reopen_after", self.reopen_after != Some(0)),
            ),
            (Setting::ProbeLease, lease),
        ]
        .into_iter()
        .filter_map(|(setting, checked)| Some((setting, checked.err()?)))
        .collect()
    }

    fn assemble(mut self, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Assembled {
        let needs = self.tripper.needs();
        let own_tripper = self.tripper.has_own();
        let durations = self.durations || needs.durations;
        let thresholds: Box<[Duration]> = needs.slow.into();
        let window_needs_time = self.window.needs_time();
        self.window.prepare(thresholds.len(), durations);
        let min_to_trip = self
            .window
            .size()
            .map(|size| self.tripper.min_to_trip(size));
        let probes = Probes::new(self.max_half_open_calls, nanos(self.probe_lease));
        let running = (!needs.in_flight.is_empty()).then(|| InFlightAges::new(&needs.in_flight));
        let machine = Machine::new(
            self.window,
            thresholds.len(),
            probes,
            running,
            State::Closed,
            self.clock.now(),
        );
        let config = Config {
            tripper: self.tripper,
            retry: self.retry,
            permit: self.permit,
            close_after: self.close_after,
            reopen_after: self.reopen_after.and_then(NonZeroU64::new),
            on_cancel: self.on_cancel,
            slow_probes: self.slow_probes,
            thresholds,
            durations,
            every_call: needs.every_call,
            own_tripper,
            min_to_trip: min_to_trip.unwrap_or(MinToTrip::NONE),
            #[cfg(feature = "sim")]
            recipe: self.recipe,
        };
        let mut environment = if testing::is_isolated() {
            Environment::default()
        } else {
            Environment::read(&self.name, variable)
        };
        let bad_values = mem::take(&mut environment.bad);
        let handle = WeakBreaker::pending(self.name.clone());
        let (listeners, refused) = self.listeners.attach(&handle);
        let core = Arc::new(Core::new(Parts {
            name: self.name,
            config,
            machine,
            clock: self.clock,
            random: self.random,
            listeners,
            environment,
            window_needs_time,
        }));
        handle.set(&core);
        Assembled {
            core,
            refused,
            news: Announcements {
                bad_values,
                ..Announcements::default()
            },
        }
    }
}

struct Assembled {
    core: Arc<Core>,
    /// The listeners that refused.
    refused: Vec<MissingListener>,
    news: Announcements,
}

#[derive(Clone, Copy)]
enum Setting {
    Window,
    Tripper,
    Retry,
    Permit,
    MaxHalfOpenCalls,
    CloseAfter,
    ReopenAfter,
    ProbeLease,
    OnCancel,
    SlowProbes,
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

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("window", &self.window)
            .field("tripper", &self.tripper)
            .finish_non_exhaustive()
    }
}
