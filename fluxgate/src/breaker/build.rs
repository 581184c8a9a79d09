//! From settings to a breaker: checks, assembly, and what is announced once the
//! breaker is in its place.

use std::{mem, num::NonZeroU64, sync::Arc, time::Duration};

use super::builder::{Builder, CLOSE_AFTER, MAX_HALF_OPEN_CALLS, PROBE_LEASE};
#[cfg(feature = "fleet")]
use crate::engine::fleet::FleetMember;
use crate::{
    CircuitBreaker, ConfigError, Fault, MissingListener, OnCancel, SlowProbes, State, WeakBreaker,
    diagnostics,
    engine::{Core, Parts, config::Config, machine::Machine, probes::Probes},
    flight::{MOST_TRANSITIONS, TRANSITIONS},
    info::kill_switch::{BadValue, Environment},
    permit::RampUp,
    registry,
    retry::Cooldown,
    tripper::{MinToTrip, Rule, ages::InFlightAges},
    util::bounds,
    util::{duration::nanos, panic::catch_panic},
    window::AnyWindow,
};

impl Builder {
    /// Builds the breaker, or returns every fault of its settings.
    pub(super) fn build_checked(self) -> Result<CircuitBreaker, ConfigError> {
        self.check_all()?;
        let environment = self.environment();
        let Assembled {
            core,
            refused,
            news,
        } = self.assemble(environment);
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

    /// Builds what must not fail, the breaker of an annotated function: a
    /// refused setting is reported and gives way to its default, a listener that
    /// refuses is reported and left out. Reports and signals are held back until
    /// [`Announcements::tell`]: their receivers may look this breaker up, which has
    /// to be in its place by then.
    pub(crate) fn build_or_default(mut self) -> (CircuitBreaker, Announcements) {
        let mut faults = Vec::new();
        for (setting, found) in self.check() {
            faults.extend(found);
            match setting {
                PolicySetting::Window => self.window = AnyWindow::default(),
                PolicySetting::Tripper => self.tripper = Rule::default(),
                PolicySetting::Retry => self.retry = Box::new(Cooldown::default()),
                PolicySetting::Permit => self.permit = Box::new(RampUp::default()),
                PolicySetting::MaxHalfOpenCalls => self.max_half_open_calls = MAX_HALF_OPEN_CALLS,
                PolicySetting::CloseAfter => self.close_after = CLOSE_AFTER,
                PolicySetting::ReopenAfter => self.reopen_after = None,
                PolicySetting::ProbeLease => self.probe_lease = PROBE_LEASE,
                PolicySetting::OnCancel => self.on_cancel = OnCancel::Ignore,
                PolicySetting::SlowProbes => self.slow_probes = SlowProbes::Pass,
                PolicySetting::Throttle => self.throttle = None,
                #[cfg(feature = "fleet")]
                PolicySetting::Fleet => self.fleet = None,
                PolicySetting::Flight => self.flight = TRANSITIONS,
            }
        }
        let environment = self.environment();
        let Assembled { core, mut news, .. } = self.assemble(environment);
        news.faults = faults;
        core.apply_kill_switch();
        (CircuitBreaker { core }, news)
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
        clock: impl crate::clock::Clock + 'static,
        random: crate::random::Seeded,
        listener: impl Fn(&crate::Signal) + Send + Sync + 'static,
    ) -> Result<CircuitBreaker, ConfigError> {
        self.listeners = crate::listener::PendingListeners::default();
        self = self.clock(clock).listener(listener);
        self.random = crate::engine::random_source::RandomSource::seeded(random);
        self.check_all()?;
        let Assembled { core, .. } = self.assemble(Environment::default());
        Ok(CircuitBreaker { core })
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

    /// Returns the settings that are refused, and why.
    fn check(&self) -> Vec<(PolicySetting, Vec<Fault>)> {
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
            #[cfg(feature = "fleet")]
            (
                PolicySetting::Fleet,
                self.fleet
                    .as_ref()
                    .map_or(Ok(()), |fleet| fleet.check(&*self.retry)),
            ),
        ]
        .into_iter()
        .filter_map(|(setting, checked)| Some((setting, checked.err()?)))
        .collect()
    }

    /// Returns what the environment commands the breaker.
    fn environment(&self) -> Environment {
        if registry::is_isolated() {
            Environment::default()
        } else {
            Environment::read(&self.name, |variable| std::env::var_os(variable))
        }
    }

    fn assemble(mut self, mut environment: Environment) -> Assembled {
        let needs = self.tripper.needs();
        #[cfg(feature = "fleet")]
        let (fleet, suspect) = match self.fleet.take() {
            None => (None, None),
            Some(member) => {
                let terms = member.terms(&*self.retry, self.close_after);
                (Some(Box::new(FleetMember::new(terms))), member.suspect)
            }
        };
        #[cfg(feature = "fleet")]
        let needs = match &suspect {
            Some(suspect) => needs.and(suspect.needs()),
            None => needs,
        };
        let own_tripper = self.tripper.has_own();
        let durations = self.durations || needs.durations;
        let thresholds: Box<[Duration]> = needs.slow.into();
        let window_needs_time = self.window.needs_time();
        self.window.prepare(thresholds.len(), durations);
        let min_to_trip = self
            .window
            .size()
            .map(|size| self.tripper.min_to_trip(size));
        #[cfg(feature = "fleet")]
        let min_to_trip = match (&suspect, self.window.size()) {
            (Some(suspect), Some(size)) => {
                min_to_trip.map(|min_to_trip| min_to_trip.of_either(suspect.min_to_trip(size)))
            }
            _ => min_to_trip,
        };
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
            #[cfg(feature = "fleet")]
            suspect,
            retry: self.retry,
            permit: self.permit,
            close_after: self.close_after,
            reopen_after: self.reopen_after.and_then(NonZeroU64::new),
            on_cancel: self.on_cancel,
            slow_probes: self.slow_probes,
            flight: self.flight,
            thresholds,
            durations,
            every_call: needs.every_call,
            own_tripper,
            min_to_trip: min_to_trip.unwrap_or(MinToTrip::NONE),
            #[cfg(feature = "sim")]
            recipe: self.recipe,
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
            throttle: self.throttle,
            environment,
            window_needs_time,
            initial_state: self.initial_state,
            #[cfg(feature = "fleet")]
            fleet,
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
enum PolicySetting {
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
    #[cfg(feature = "fleet")]
    Fleet,
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

/// Kept until the breaker is in its place, since the receivers may use it: its
/// listeners, and the subscribers to the crate's reports.
#[derive(Default)]
#[must_use = "it is for telling"]
pub(crate) struct Announcements {
    /// The settings that were refused.
    pub(crate) faults: Vec<Fault>,
    /// The variables of the environment that say nothing sensible.
    pub(crate) bad_values: Vec<BadValue>,
    /// A breaker that has its name, if that is to be reported.
    pub(crate) namesake: Option<CircuitBreaker>,
}

impl CircuitBreaker {
    /// Enters the breaker in the registry, and adds what there is to report.
    pub(crate) fn register(&self, news: Announcements) -> Announcements {
        let namesake = registry::enter(&self.core);
        #[cfg(feature = "fleet")]
        crate::fleet::newcomer(&self.core);
        Announcements { namesake, ..news }
    }
}

impl Announcements {
    /// In reports and, if the environment commanded a state, to its listeners.
    pub(crate) fn tell(self, breaker: &CircuitBreaker) {
        let name = breaker.name();
        if !self.faults.is_empty() {
            diagnostics::refused(&ConfigError {
                name: name.clone(),
                faults: self.faults,
            });
        }
        for problem in &self.bad_values {
            diagnostics::bad_variable(name, problem);
        }
        if self.namesake.is_some() {
            diagnostics::duplicate(name);
        }
        breaker.core.announce();
    }
}
