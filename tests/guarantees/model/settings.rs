//! Settings as plain data, which both the breaker and the model are made from.
//!
//! Times are nanoseconds; ratios and random numbers are eighths, and the
//! durations that policies multiply are multiples of 1/8 s, so that the
//! breaker's floating-point formulas have exact results to compare with.

use std::time::Duration;

use fluxgate::{
    Builder, CircuitBreaker, Listener, OnCancel, Signal, SlowProbes, State, listener, permit,
    retry,
    throttle::Adaptive,
    tripper::{self, Context, Needs, Tripper},
    window,
};

pub(crate) const EIGHTH: u64 = 125_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) window: Window,
    pub(crate) tripper: Rule,
    pub(crate) retry: Retry,
    pub(crate) permit: Permit,
    pub(crate) probes: u32,
    pub(crate) close_after: u64,
    pub(crate) reopen_after: Option<u64>,
    pub(crate) lease: u64,
    pub(crate) on_cancel: OnCancel,
    pub(crate) slow_probes_fail: bool,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) durations: bool,
    pub(crate) initial_state: State,
    /// What a listener reads beyond its signals.
    pub(crate) reads: Option<Reads>,
}

/// The margin and the floor are eighths.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    pub(crate) k: u64,
    pub(crate) window: u64,
    pub(crate) min: u64,
    pub(crate) floor: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pub(crate) successes: bool,
    /// The bounds of the histogram, ascending.
    pub(crate) bounds: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Window {
    Count(u64),
    /// A duration and, if not the default, a number of slots.
    Time(u64, Option<u64>),
}

#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Closed,
    HalfOpened,
    MinRequests(u64),
    FailureRate(u64),
    AvgLatency(u64),
    SlowRate(u64, u64),
    FailureStreak(u64),
    /// How many calls, and how long each of them has run at least.
    InFlight(u64, u64),
    Custom(EveryNth),
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
}

/// A rule of the user's own: fires on every n-th call if any failed.
#[derive(Clone, Debug)]
pub(crate) struct EveryNth {
    pub(crate) n: u64,
    /// Whether it admits to reading nothing but counts.
    pub(crate) counts_only: bool,
}

impl Tripper for EveryNth {
    fn should_trip(&self, seen: &Context<'_>) -> bool {
        seen.total_count().is_multiple_of(self.n) && seen.failure_count() > 0
    }

    fn needs(&self) -> Needs {
        if self.counts_only {
            Needs::counts()
        } else {
            Needs::default()
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Retry {
    Never,
    Always,
    /// Duration, and jitter in quarters.
    Cooldown(u64, u64),
    /// Initial, the multiplier doubled, longest, and jitter in quarters.
    Backoff(u64, u64, u64, u64),
    /// A duration, and a gate that the steps open and shut.
    Gated(u64),
}

#[derive(Clone, Debug)]
pub(crate) enum Permit {
    All,
    Random(u64),
    /// Initial, final, duration.
    RampUp(u64, u64, u64),
    /// A user's own: admits from this time on.
    From(u64),
}

pub(crate) fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

pub(crate) fn ratio(eighths: u64) -> f64 {
    eighths as f64 / 8.0
}

impl Settings {
    /// A builder with these settings; `gate` answers for `Retry::Gated`.
    pub(crate) fn builder(&self, gate: impl Fn() -> bool + Send + Sync + 'static) -> Builder {
        let builder = CircuitBreaker::builder("model")
            .tripper(self.tripper.build())
            .max_half_open_calls(self.probes)
            .close_after(self.close_after)
            .probe_lease(nanos(self.lease))
            .on_cancel(self.on_cancel)
            .durations(self.durations)
            .initial_state(self.initial_state)
            .listener(Reader(self.reads.clone()));
        let builder = if self.slow_probes_fail {
            builder.slow_probes(SlowProbes::Fail)
        } else {
            builder
        };
        let builder = match &self.throttle {
            Some(throttle) => builder.throttle(throttle.build()),
            None => builder,
        };
        let builder = match self.reopen_after {
            Some(failures) => builder.reopen_after(failures),
            None => builder,
        };
        let builder = match self.window {
            Window::Count(size) => builder.window(window::CountWindow::new(size)),
            Window::Time(duration, None) => {
                builder.window(window::TimeWindow::new(nanos(duration)))
            }
            Window::Time(duration, Some(slots)) => {
                builder.window(window::TimeWindow::new(nanos(duration)).slots(slots))
            }
        };
        let builder = match self.permit {
            Permit::All => builder.permit(permit::All),
            Permit::Random(eighths) => builder.permit(permit::Random::new(ratio(eighths))),
            Permit::RampUp(initial, last, duration) => builder.permit(permit::RampUp::new(
                ratio(initial),
                ratio(last),
                nanos(duration),
            )),
            Permit::From(least) => builder.permit(permit::Custom::from_fn(move |elapsed| {
                elapsed >= nanos(least)
            })),
        };
        match self.retry {
            Retry::Never => builder.retry(retry::Never),
            Retry::Always => builder.retry(retry::Always),
            Retry::Cooldown(duration, jitter) => {
                builder.retry(retry::Cooldown::new(nanos(duration)).jitter_ratio(ratio(jitter * 2)))
            }
            Retry::Backoff(initial, doubled, longest, jitter) => builder.retry(
                retry::Backoff::new(nanos(initial))
                    .multiplier(doubled as f64 / 2.0)
                    .max_duration(nanos(longest))
                    .jitter_ratio(ratio(jitter * 2)),
            ),
            Retry::Gated(duration) => builder.retry(Gated {
                duration: nanos(duration),
                gate,
            }),
        }
    }
}

impl Throttle {
    fn build(&self) -> Adaptive {
        Adaptive::new(ratio(self.k))
            .window(nanos(self.window))
            .min(self.min)
            .floor(ratio(self.floor))
    }
}

struct Reader(Option<Reads>);

impl Listener for Reader {
    fn on_signal(&self, _signal: &Signal) {}

    fn needs(&self) -> listener::ListenerNeeds {
        let mut asks = listener::ListenerNeeds::default();
        if let Some(reads) = &self.0 {
            asks.lifetime = true;
            asks.successes = reads.successes;
            asks.durations = reads.bounds.iter().copied().map(nanos).collect();
        }
        asks
    }
}

struct Gated<G> {
    duration: Duration,
    gate: G,
}

impl<G: Fn() -> bool + Send + Sync> retry::Retry for Gated<G> {
    fn wait(
        &self,
        _opening: &retry::Opening,
        _random: &mut dyn fluxgate::random::Random,
    ) -> Option<Duration> {
        Some(self.duration)
    }

    fn ready(&self, _opening: &retry::Opening, _elapsed: Duration) -> bool {
        (self.gate)()
    }
}

impl Rule {
    pub(crate) fn and(self, other: Self) -> Self {
        Self::And(Box::new(self), Box::new(other))
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self::Or(Box::new(self), Box::new(other))
    }

    pub(crate) fn build(&self) -> tripper::Rule {
        match self {
            Self::Closed => tripper::Closed.into(),
            Self::HalfOpened => tripper::HalfOpened.into(),
            Self::MinRequests(count) => tripper::MinRequests::new(*count).into(),
            Self::FailureRate(eighths) => tripper::FailureRate::new(ratio(*eighths)).into(),
            Self::AvgLatency(threshold) => tripper::AvgLatency::new(nanos(*threshold)).into(),
            Self::SlowRate(eighths, slow) => {
                tripper::SlowRate::new(ratio(*eighths), nanos(*slow)).into()
            }
            Self::FailureStreak(count) => tripper::FailureStreak::new(*count).into(),
            Self::InFlight(count, age) => tripper::InFlight::new(*count, nanos(*age)).into(),
            Self::Custom(rule) => tripper::Custom::new(rule.clone()).into(),
            Self::And(a, b) => a.build() & b.build(),
            Self::Or(a, b) => a.build() | b.build(),
        }
    }
}
