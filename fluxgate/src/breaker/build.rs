//! From settings to a breaker: checks, assembly, and what is announced once the
//! breaker is in its place.

use std::{mem, sync::Arc};

use super::builder::Builder;
#[cfg(feature = "fleet")]
use crate::engine::fleet::FleetMember;
use crate::{
    CircuitBreaker, ConfigError, Fault, MissingListener, WeakBreaker, diagnostics,
    engine::{Core, Parts},
    info::kill_switch::{self, BadValue, Environment},
    registry,
};

#[cfg(feature = "settings")]
use crate::settings::{
    overlay::{self, Built, Overlay},
    section::Place,
};

impl Builder {
    /// Builds the breaker, or returns every fault of its settings.
    #[cfg_attr(not(feature = "settings"), allow(unused_mut))]
    pub(super) fn build_checked(mut self) -> Result<CircuitBreaker, ConfigError> {
        self.check_all()?;
        let environment = self.environment();
        #[cfg(feature = "settings")]
        let settings = self.overlay();
        let Assembled {
            core,
            refused,
            news,
        } = self.assemble(environment);
        #[cfg(feature = "settings")]
        let news = news.with(settings, &core);
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
        let mut faults: Vec<_> = kill_switch::reserved(&self.name).into_iter().collect();
        for (setting, found) in self.policies.check() {
            faults.extend(found);
            self.policies.set_default(setting);
        }
        #[cfg(feature = "fleet")]
        if let Err(found) = self.check_fleet() {
            faults.extend(found);
            self.fleet = None;
        }
        let environment = self.environment();
        #[cfg(feature = "settings")]
        let settings = self.overlay();
        let Assembled { core, mut news, .. } = self.assemble(environment);
        news.faults = faults;
        #[cfg(feature = "settings")]
        let news = news.with(settings, &core);
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
        let policies = self.policies.check().into_iter();
        let policies = policies.flat_map(|(_, faults)| faults);
        let faults: Vec<Fault> = kill_switch::reserved(&self.name)
            .into_iter()
            .chain(policies)
            .collect();
        #[cfg(feature = "fleet")]
        let faults = match self.check_fleet() {
            Ok(()) => faults,
            Err(found) => faults.into_iter().chain(found).collect(),
        };
        if faults.is_empty() {
            return Ok(());
        }
        Err(ConfigError {
            name: self.name.clone(),
            faults,
        })
    }

    /// Puts settings from outside above the code's.
    #[cfg(feature = "settings")]
    fn overlay(&mut self) -> (Built, Place) {
        let is_on_system_clock = self.clock.is_system();
        let place = std::mem::replace(&mut self.place, Place::Alone);
        let mut built = overlay::build(
            &self.name,
            &place,
            self.fixed,
            is_on_system_clock,
            &mut self.policies,
        );
        self.overlay = std::mem::replace(&mut built.overlay, Overlay::new(self.fixed));
        (built, place)
    }

    #[cfg(feature = "fleet")]
    fn check_fleet(&self) -> Result<(), Vec<Fault>> {
        let member = self.fleet.as_ref();
        member.map_or(Ok(()), |member| member.check(&*self.policies.retry))
    }

    /// Returns what the environment commands the breaker.
    fn environment(&self) -> Environment {
        // A variable that is not its own commands it nothing.
        if registry::is_isolated() || kill_switch::reserved(&self.name).is_some() {
            Environment::default()
        } else {
            Environment::read(&self.name, |variable| std::env::var_os(variable))
        }
    }

    #[cfg_attr(not(feature = "fleet"), allow(unused_mut))]
    fn assemble(mut self, mut environment: Environment) -> Assembled {
        #[cfg(feature = "fleet")]
        let fleet = self.fleet.take().map(|member| {
            let terms = member.terms(&*self.policies.retry, self.policies.close_after);
            self.policies.suspect = member.suspect;
            Box::new(FleetMember::new(terms))
        });
        let bad_values = mem::take(&mut environment.bad);
        let handle = WeakBreaker::pending(self.name.clone());
        let (listeners, refused) = self.listeners.attach(&handle);
        let core = Arc::new(Core::new(Parts {
            name: self.name,
            policies: self.policies,
            clock: self.clock,
            random: self.random,
            listeners,
            environment,
            initial_state: self.initial_state,
            #[cfg(feature = "settings")]
            overlay: self.overlay,
            #[cfg(feature = "sim")]
            recipe: self.recipe,
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
    /// Why settings from outside are not in force, if they do not fit.
    #[cfg(feature = "settings")]
    unfit: Option<crate::SettingsError>,
    #[cfg(feature = "settings")]
    place: Option<Place>,
}

impl CircuitBreaker {
    /// Enters the breaker in the registry, opens it if an earlier process saved it as
    /// open, and adds what there is to report.
    pub(crate) fn register(&self, news: Announcements) -> Announcements {
        let namesake = registry::enter(&self.core);
        #[cfg(feature = "fleet")]
        crate::fleet::newcomer(&self.core);
        // After it was entered: a thread that restores meanwhile finds it in the registry,
        // or has put what is taken here.
        #[cfg(feature = "settings")]
        self.core.take_saved_silently();
        Announcements { namesake, ..news }
    }
}

impl Announcements {
    /// Gives the breaker what settings from outside make of it.
    #[cfg(feature = "settings")]
    fn with(self, (built, place): (Built, Place), core: &Core) -> Self {
        let Built { state, unfit, .. } = built;
        core.begin_with(state);
        Self {
            unfit,
            place: Some(place),
            ..self
        }
    }

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
        #[cfg(feature = "settings")]
        if let Some(error) = &self.unfit {
            diagnostics::settings_unfit(name, &error.in_one_line());
        }
        breaker.core.announce();
        // What was applied since it was built, when it was not yet among the breakers.
        #[cfg(feature = "settings")]
        if let Some(place) = &self.place {
            overlay::refresh(breaker, place);
        }
    }
}
