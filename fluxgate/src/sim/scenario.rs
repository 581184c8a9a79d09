//! What happens: arrivals, phases, instances, a seed.

use std::time::Duration;

use super::{Dependency, Load, Policy, Run, simulation};
use crate::ConfigError;

/// Each takes a few kilobytes.
const MOST_INSTANCES: usize = 10_000;

/// How calls arrive, and what the dependency does in each phase.
///
/// See the [module](super) for an example.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(super) load: Load,
    pub(super) instances: usize,
    pub(super) seed: u64,
    pub(super) dependency: Dependency,
    pub(super) phases: Vec<Phase>,
    #[cfg(feature = "fleet")]
    pub(super) network: Option<super::Network>,
}

#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) lasts: Duration,
    pub(super) dependency: Dependency,
    /// In place of the scenario's.
    pub(super) load: Option<Load>,
}

impl Scenario {
    /// Starts with one instance, the seed 0, a dependency that answers after 10 ms,
    /// and no phase.
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            instances: 1,
            seed: 0,
            dependency: Dependency::latency(Duration::from_millis(10)),
            phases: Vec::new(),
            #[cfg(feature = "fleet")]
            network: None,
        }
    }

    /// Spreads the calls over so many instances, each with a breaker of its own; at
    /// least 1 and at most 10 000. The load stays the total.
    #[must_use]
    pub fn instances(mut self, instances: usize) -> Self {
        self.instances = instances.clamp(1, MOST_INSTANCES);
        self
    }

    /// Lets the instances share openings and probes over this network, if the policy says
    /// how they take part ([`Builder::fleet`](crate::Builder::fleet)). Each has an agent of
    /// its own, the one that ships.
    #[cfg(feature = "fleet")]
    #[must_use]
    pub fn fleet(mut self, network: super::Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Draws all chance from this seed. The same seed gives the same run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the dependency, from which the phases that follow start.
    #[must_use]
    pub fn dependency(mut self, dependency: Dependency) -> Self {
        self.dependency = dependency;
        self
    }

    /// Adds a phase: for so long, the dependency is as `change` makes it.
    #[must_use]
    pub fn phase(mut self, lasts: Duration, change: impl FnOnce(Dependency) -> Dependency) -> Self {
        self.phases.push(Phase {
            name: String::new(),
            lasts,
            dependency: change(self.dependency.clone()),
            load: None,
        });
        self
    }

    /// Names the phase that was added last, for pictures and tables.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(phase) = self.phases.last_mut() {
            phase.name = name.into();
        }
        self
    }

    /// Changes how calls arrive in the phase that was added last.
    #[must_use]
    pub fn with_load(mut self, load: Load) -> Self {
        if let Some(phase) = self.phases.last_mut() {
            phase.load = Some(load);
        }
        self
    }

    /// Returns how long all phases take together.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.phases
            .iter()
            .fold(Duration::ZERO, |sum, phase| sum.saturating_add(phase.lasts))
    }

    /// Runs the scenario with breakers of this policy.
    ///
    /// # Panics
    ///
    /// If a setting of the policy is out of range; [`try_run`](Self::try_run) returns
    /// that.
    #[must_use]
    pub fn run(&self, policy: impl Policy) -> Run {
        self.try_run(policy)
            .unwrap_or_else(|error| panic!("the policy can't be simulated: {error}"))
    }

    /// Runs the scenario with breakers of this policy.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every setting of the policy that is out of range.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "closures are given as they are"
    )]
    pub fn try_run(&self, policy: impl Policy) -> Result<Run, ConfigError> {
        simulation::run(self, &policy, &mut |_| ())
    }

    /// Runs the scenario as [`try_run`](Self::try_run) does, and tells `watch` up to 240
    /// times which share of it is done, from 0 to 1: for a progress bar.
    ///
    /// ```
    /// use fluxgate::{Builder, sim::Scenario};
    ///
    /// let mut done = 0.0;
    /// let outage = Scenario::ready("error-spike").expect("a known name");
    /// outage.try_run_watched(|breaker: Builder| breaker, |share| done = share)?;
    /// assert_eq!(done, 1.0);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_run`](Self::try_run).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "closures are given as they are"
    )]
    pub fn try_run_watched(
        &self,
        policy: impl Policy,
        mut watch: impl FnMut(f64),
    ) -> Result<Run, ConfigError> {
        simulation::run(self, &policy, &mut watch)
    }
}
