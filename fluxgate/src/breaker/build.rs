//! What is to be told of a breaker that was just built.

use crate::{
    CircuitBreaker, ConfigError, diagnostics, error::Fault, info::kill_switch::BadValue, registry,
};

/// Kept until the breaker is in its place, since those who are told may use it:
/// its listeners, and whoever gets the crate's reports.
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
    /// Enters the breaker in the registry. Tells nobody, but that is news too.
    pub(crate) fn register(&self, news: Announcements) -> Announcements {
        Announcements {
            namesake: registry::enter(&self.core),
            ..news
        }
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
