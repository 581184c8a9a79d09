//! A fleet in a scenario: agents, a store in memory, and the network between them.

mod net;
#[cfg(test)]
mod tests;

use std::{ops::Range, time::Duration};

pub(super) use net::Net;

use crate::fleet::Quorum;

/// The network between the instances of a scenario and the store of their fleet, and what
/// goes wrong in it; for [`Scenario::fleet`](super::Scenario::fleet).
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{
///     Builder,
///     fleet::{Member, Quorum},
///     sim::{Load, Network, Scenario},
///     tripper::FailureStreak,
/// };
///
/// let secs = Duration::from_secs;
/// let scenario = Scenario::new(Load::poisson(100.0))
///     .instances(100)
///     .phase(secs(30), |dependency| dependency.healthy())
///     .phase(secs(20), |dependency| dependency.fails(1.0));
/// let policy = |breaker: Builder| {
///     breaker
///         .tripper(FailureStreak::new(5))
///         .fleet(Member::new().suspect(FailureStreak::new(2)))
/// };
///
/// let alone = scenario.run(policy);
/// let together = scenario.fleet(Network::new(Quorum::share(0.05))).run(policy);
/// assert_eq!(alone.reached_while_down(), 500);
/// assert!(together.reached_while_down() < 80);
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) quorum: Quorum,
    pub(super) zones: usize,
    pub(super) delay: Range<Duration>,
    pub(super) loss: f64,
    pub(super) duplicates: f64,
    pub(super) cuts: Vec<(Range<usize>, Range<Duration>)>,
    pub(super) failovers: Vec<Duration>,
    pub(super) flushes: Vec<Duration>,
    pub(super) clock_shifts: Vec<(Duration, i64)>,
    pub(super) restarts: Vec<(Range<usize>, Duration)>,
    pub(super) heals: Duration,
    pub(super) bystanders: usize,
}

impl Network {
    /// Starts with a network that takes from 0.5 to 2 ms for each way, and loses nothing.
    #[must_use]
    pub fn new(quorum: Quorum) -> Self {
        Self {
            quorum,
            zones: 1,
            delay: Duration::from_micros(500)..Duration::from_millis(2),
            loss: 0.0,
            duplicates: 0.0,
            cuts: Vec::new(),
            failovers: Vec::new(),
            flushes: Vec::new(),
            clock_shifts: Vec::new(),
            restarts: Vec::new(),
            heals: Duration::MAX,
            bystanders: 0,
        }
    }

    /// Divides the instances into so many zones of the same size, which open apart.
    #[must_use]
    pub fn zones(mut self, zones: usize) -> Self {
        self.zones = zones.max(1);
        self
    }

    /// Sets how long a message takes. Later messages may come earlier.
    #[must_use]
    pub fn delay(mut self, delay: Range<Duration>) -> Self {
        self.delay = delay;
        self
    }

    /// Loses this share of the messages.
    #[must_use]
    pub fn loses(mut self, share: f64) -> Self {
        self.loss = share;
        self
    }

    /// Delivers this share of the messages twice.
    #[must_use]
    pub fn doubles(mut self, share: f64) -> Self {
        self.duplicates = share;
        self
    }

    /// Adds instances that have the breaker and never call it, after the others. A quorum
    /// is of those that do.
    #[must_use]
    pub fn bystanders(mut self, instances: usize) -> Self {
        self.bystanders = instances;
        self
    }

    /// Loses and doubles no message from then on.
    #[must_use]
    pub fn heals(mut self, at: Duration) -> Self {
        self.heals = at;
        self
    }

    /// Cuts these instances off during this time.
    #[must_use]
    pub fn cut(mut self, instances: Range<usize>, during: Range<Duration>) -> Self {
        self.cuts.push((instances, during));
        self
    }

    /// Lets a replica take over that has not seen the last 100 ms.
    #[must_use]
    pub fn failover(mut self, at: Duration) -> Self {
        self.failovers.push(at);
        self
    }

    /// Lets the store lose everything.
    #[must_use]
    pub fn flush(mut self, at: Duration) -> Self {
        self.flushes.push(at);
        self
    }

    /// Sets the clock of the store forward, or back, by this many milliseconds.
    #[must_use]
    pub fn shift_clock(mut self, at: Duration, millis: i64) -> Self {
        self.clock_shifts.push((at, millis));
        self
    }

    /// Lets these instances crash and start anew.
    #[must_use]
    pub fn restart(mut self, instances: Range<usize>, at: Duration) -> Self {
        self.restarts.push((instances, at));
        self
    }
}
