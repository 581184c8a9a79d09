//! What is on the other side of the breaker.

use std::{ops::Range, time::Duration};

use crate::{
    random::{Random, Seeded},
    sim::{load::nanos, math},
};

/// How long calls take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Always the same time.
    Constant(Duration),
    /// A log-normal distribution, the usual shape of latencies: most calls near the
    /// median, a few far above it.
    LogNormal(LogNormal),
}

impl From<Duration> for Latency {
    fn from(duration: Duration) -> Self {
        Self::Constant(duration)
    }
}

impl From<LogNormal> for Latency {
    fn from(distribution: LogNormal) -> Self {
        Self::LogNormal(distribution)
    }
}

impl Latency {
    fn draw(&self, random: &mut Seeded) -> f64 {
        match self {
            Self::Constant(duration) => duration.as_nanos() as f64,
            Self::LogNormal(LogNormal { median, sigma }) => {
                // Within (0, 1), the middle of the interval that 53 bits name.
                let p = random.next_f64() + 0.5 / (1_u64 << 53) as f64;
                median.as_nanos() as f64 * math::exp(sigma * math::normal(p))
            }
        }
    }
}

/// A log-normal distribution of durations.
///
/// Half of the calls take less than the median. With a sigma of 0.5 one in a hundred
/// takes more than 3.2 times the median, with 1.0 more than 10 times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    median: Duration,
    sigma: f64,
}

impl LogNormal {
    /// Starts with the median, and a sigma of 0.5.
    #[must_use]
    pub const fn median(median: Duration) -> Self {
        Self { median, sigma: 0.5 }
    }

    /// Sets the standard deviation of the logarithm: 0 is constant.
    #[must_use]
    pub const fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }
}

/// A dependency: how long it takes, how often it fails, and its capacity.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::sim::{Dependency, LogNormal};
///
/// let quotes = Dependency::latency(LogNormal::median(Duration::from_millis(20)).sigma(0.5))
///     .capacity(500.0)
///     .refusal_costs(0.3);
/// # let _ = quotes;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    latency: Latency,
    failing: f64,
    failures_take: Option<Latency>,
    slower: f64,
    timeout: Option<Duration>,
    capacity: Option<f64>,
    refusal_costs: f64,
    retry_after: Option<Duration>,
    /// What some instances see instead.
    seen_by: Option<(Range<usize>, Box<Self>)>,
}

impl Dependency {
    /// Starts with a healthy dependency that answers every call after this time.
    #[must_use]
    pub fn latency(latency: impl Into<Latency>) -> Self {
        Self {
            latency: latency.into(),
            failing: 0.0,
            failures_take: None,
            slower: 1.0,
            timeout: None,
            capacity: None,
            refusal_costs: 0.0,
            retry_after: None,
            seen_by: None,
        }
    }

    /// Answers every call, in its usual time and within its capacity.
    #[must_use]
    pub fn healthy(mut self) -> Self {
        self.failing = 0.0;
        self.slower = 1.0;
        self.seen_by = None;
        self
    }

    /// Fails this share of the calls, from 0 to 1; at 1 the dependency is down.
    #[must_use]
    pub fn fails(mut self, ratio: f64) -> Self {
        self.failing = ratio.clamp(0.0, 1.0);
        self
    }

    /// Lets failing calls take this time, in place of the usual one: a refused
    /// connection takes less, a timeout more.
    #[must_use]
    pub fn failures_take(mut self, latency: impl Into<Latency>) -> Self {
        self.failures_take = Some(latency.into());
        self
    }

    /// Makes every call take this many times as long.
    #[must_use]
    pub fn slower(mut self, factor: f64) -> Self {
        self.slower = factor.max(0.0);
        self
    }

    /// Fails the calls that would take longer than this, when the time is over.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Serves this many calls a second and refuses the others as overloaded.
    #[must_use]
    pub fn capacity(mut self, per_second: f64) -> Self {
        self.capacity = Some(per_second.max(0.0));
        self
    }

    /// Charges each refusal this share of a call's capacity, from 0 to 1: refusing
    /// is work, too.
    #[must_use]
    pub fn refusal_costs(mut self, share: f64) -> Self {
        self.refusal_costs = share.clamp(0.0, 1.0);
        self
    }

    /// Asks callers to wait for so long with each refusal, as `Retry-After` does.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Changes what these instances see, and no others: a bad host, a cut network.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use fluxgate::sim::Dependency;
    /// # let dependency = Dependency::latency(Duration::from_millis(5));
    /// let one_bad_path = dependency.for_instances(0..1, |seen| seen.fails(1.0));
    /// # let _ = one_bad_path;
    /// ```
    #[must_use]
    pub fn for_instances(
        mut self,
        instances: Range<usize>,
        change: impl FnOnce(Self) -> Self,
    ) -> Self {
        let mut seen = self.clone();
        seen.seen_by = None;
        self.seen_by = Some((instances, Box::new(change(seen))));
        self
    }

    fn seen_from(&self, instance: usize) -> &Self {
        match &self.seen_by {
            Some((instances, seen)) if instances.contains(&instance) => seen,
            _ => self,
        }
    }

    /// Returns whether no call of this instance is answered.
    pub(super) fn is_down_for(&self, instance: usize) -> bool {
        let seen = self.seen_from(instance);
        seen.failing >= 1.0 || seen.capacity == Some(0.0)
    }
}

/// What the dependency made of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallAnswer {
    Good,
    Failed,
    Overloaded,
    OverloadedFor(Duration),
    /// An error that proves life; only a recording has this and the next two.
    Alive,
    Ignored,
    /// The caller gave up.
    Cancelled,
}

/// The dependency while it runs: its budget of calls.
pub(super) struct Running {
    budget: f64,
    refilled: u64,
}

/// The calls that a dependency takes at once after a pause, as a time of its capacity.
const BURST_SECONDS: f64 = 0.1;

impl Running {
    pub(super) fn new() -> Self {
        Self {
            budget: 1.0,
            refilled: 0,
        }
    }

    /// Takes a call of an instance at `now`. Returns the answer, and after how many
    /// nanoseconds it comes.
    pub(super) fn take(
        &mut self,
        dependency: &Dependency,
        instance: usize,
        now: u64,
        random: &mut Seeded,
    ) -> (CallAnswer, u64) {
        let seen = dependency.seen_from(instance);
        if let Some(capacity) = seen.capacity {
            self.refill(capacity, now);
            if self.budget < 1.0 {
                self.budget = (self.budget - seen.refusal_costs).max(-capacity);
                let took = seen.latency.draw(random) * 0.1;
                let answer = seen
                    .retry_after
                    .map_or(CallAnswer::Overloaded, CallAnswer::OverloadedFor);
                return (answer, nanos(took));
            }
            self.budget -= 1.0;
        }
        let failed = seen.failing > 0.0 && random.next_f64() < seen.failing;
        let latency = match seen.failures_take {
            Some(latency) if failed => latency,
            _ => seen.latency,
        };
        let took = latency.draw(random) * seen.slower;
        match seen.timeout {
            Some(timeout) if took > timeout.as_nanos() as f64 => {
                (CallAnswer::Failed, nanos(timeout.as_nanos() as f64))
            }
            _ if failed => (CallAnswer::Failed, nanos(took)),
            _ => (CallAnswer::Good, nanos(took)),
        }
    }

    /// Returns whether the dependency would have answered this instance's call, which
    /// it does not get.
    pub(super) fn would_answer(
        &mut self,
        dependency: &Dependency,
        instance: usize,
        now: u64,
        random: &mut Seeded,
    ) -> bool {
        let seen = dependency.seen_from(instance);
        if let Some(capacity) = seen.capacity {
            self.refill(capacity, now);
            if self.budget < 1.0 {
                return false;
            }
        }
        seen.failing <= 0.0 || random.next_f64() >= seen.failing
    }

    fn refill(&mut self, capacity: f64, now: u64) {
        let passed = now.saturating_sub(self.refilled) as f64 / 1e9;
        self.refilled = now;
        // Without capacity it is down: what an earlier phase left over is gone.
        let most = if capacity > 0.0 {
            (capacity * BURST_SECONDS).max(1.0)
        } else {
            0.0
        };
        self.budget = (self.budget + capacity * passed).min(most);
    }
}
