//! Whose settings a scenario tries.

use crate::{Builder, CircuitBreaker, ConfigError, Fault, StaticBreaker};

/// The settings of a breaker, from which a scenario builds one for each instance.
///
/// Implemented for closures that set a [`Builder`], for breakers of `breaker!`, and for
/// the breakers of annotated functions, which `handle = …` hands out. Their listeners
/// do not take part.
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use fluxgate::{breaker, sim::Scenario};
///
/// breaker! {
///     static PAYMENTS = { tripper = FailureStreak(5), retry = Cooldown(5s) };
/// }
///
/// let outage = Scenario::ready("sudden-outage").expect("a known name");
/// assert!(outage.run(&PAYMENTS).reached_while_down() < 150);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy to simulate",
    note = "give a closure `|breaker: Builder| breaker.tripper(…)`, a breaker of `breaker!`, or what the `handle = …` of an annotated function returns"
)]
pub trait Policy {
    /// Returns a builder with the settings to try. It is asked once for each instance.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the settings can't be had: a breaker that was built by hand
    /// does not know how to be built again.
    fn builder(&self) -> Result<Builder, ConfigError>;
}

impl<F: Fn(Builder) -> Builder> Policy for F {
    fn builder(&self) -> Result<Builder, ConfigError> {
        Ok(self(CircuitBreaker::builder("simulated")))
    }
}

impl Policy for StaticBreaker {
    fn builder(&self) -> Result<Builder, ConfigError> {
        Ok(self.recipe())
    }
}

impl Policy for &StaticBreaker {
    fn builder(&self) -> Result<Builder, ConfigError> {
        Ok(self.recipe())
    }
}

impl Policy for CircuitBreaker {
    fn builder(&self) -> Result<Builder, ConfigError> {
        let recipe = self.core.recipe.ok_or_else(|| ConfigError {
            name: self.core.name.clone(),
            faults: vec![Fault::new(
                "a breaker that was built by hand can't be simulated: its policies are in use; \
                 give the closure that sets its builder, `|breaker: Builder| breaker.tripper(…)`",
            )],
        })?;
        Ok(recipe())
    }
}

impl Policy for &CircuitBreaker {
    fn builder(&self) -> Result<Builder, ConfigError> {
        (**self).builder()
    }
}

impl Policy for &dyn Policy {
    fn builder(&self) -> Result<Builder, ConfigError> {
        (**self).builder()
    }
}

impl Policy for Box<dyn Policy> {
    fn builder(&self) -> Result<Builder, ConfigError> {
        (**self).builder()
    }
}
