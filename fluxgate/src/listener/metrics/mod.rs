//! Breakers through the facade `metrics`.

mod publisher;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use ::metrics::Recorder;

use self::publisher::Publishing;
use super::{
    CallEvent, Listener, ListenerNeeds,
    exported::{MetricGroup, Settings},
};
use crate::{Info, Signal, WeakBreaker};

/// Publishes breakers through the facade [`metrics`](https://docs.rs/metrics), for
/// whatever exporter the program has installed. Needs the feature `metrics`.
///
/// Names, labels and groups are those that `PrometheusListener` documents, and the
/// series of a breaker begin at zero as it is built. Four things differ, since the
/// facade is told of values, and can't take them back:
///
/// - A background thread reads the breakers and publishes them: a tenth of a second
///   after a breaker is built or changes its state, and [every](Self::every) 5 seconds.
///   [`publish`](Self::publish) does so at once.
/// - A gauge that Prometheus would do without, such as the time to the next attempt of
///   a circuit that is closed again, is 0.
/// - Its counters are whole numbers: the time spent in a state is in whole seconds.
/// - [How long calls take](Self::durations) is told as each call ends, and its buckets or
///   quantiles are the exporter's.
///
/// Counters never go down. What is counted of breakers that are gone is kept for the
/// 1000 names that lost their last breaker most recently. To drop series of names that
/// are gone is up to the exporter (an idle timeout, most often).
///
/// Breakers of one name share their series. Any number of listeners serve any number
/// of breakers; those of one recorder count a breaker once.
///
/// ```
/// use fluxgate::{CircuitBreaker, listener::MetricsListener};
///
/// let breaker = CircuitBreaker::builder("payments")
///     .listener(MetricsListener::new())
///     .build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MetricsListener {
    publishing: Arc<Publishing>,
    settings: Settings,
    durations: bool,
}

impl MetricsListener {
    /// Publishes to the global recorder: the one that is installed when values are
    /// published.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Publishing::to_the_global_recorder())
    }

    /// Publishes to a recorder of its own.
    #[must_use]
    pub fn with_recorder(recorder: impl Recorder + Send + Sync + 'static) -> Self {
        Self::over(Arc::new(Publishing::new(Some(Box::new(recorder)))))
    }

    fn over(publishing: Arc<Publishing>) -> Self {
        Self {
            publishing,
            settings: Settings::all(),
            durations: false,
        }
    }

    /// Switches a group of metrics on. For breakers that are built later; of several
    /// breakers that share a name the first decides.
    #[must_use]
    pub fn with(mut self, group: MetricGroup) -> Self {
        self.settings.set(group, true);
        self
    }

    /// Switches a group of metrics off.
    #[must_use]
    pub fn without(mut self, group: MetricGroup) -> Self {
        self.settings.set(group, false);
        self
    }

    /// Publishes only state and transitions.
    #[must_use]
    pub fn only_states(mut self) -> Self {
        self.settings.clear();
        self
    }

    /// Records how long each call takes in the histogram
    /// `circuit_breaker_call_duration_seconds`, whose buckets or quantiles are the
    /// exporter's. Off by default: every call then looks at the clock twice, and the
    /// recorder is told of it on the thread of the call.
    #[must_use]
    pub fn durations(mut self, on: bool) -> Self {
        self.durations = on;
        self
    }

    /// Sets how often the breakers are published, at least every millisecond and at most
    /// every hour. Default: 5 seconds. It holds for every listener of this recorder.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        self.publishing.publisher.set_interval(interval);
        self
    }

    /// Publishes all breakers of this recorder at once, on this thread: before a scrape,
    /// or at the end of the program.
    pub fn publish(&self) {
        self.publishing.publisher.publish();
    }
}

impl Default for MetricsListener {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener for MetricsListener {
    fn on_signal(&self, signal: &Signal) {
        let publisher = &self.publishing.publisher;
        publisher.circuits.signal(signal, &self.settings);
        publisher.publish_soon();
    }

    fn name(&self) -> &'static str {
        "MetricsListener"
    }

    /// Refuses the breaker if the background thread can't be started.
    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.publishing.start()?;
        let publisher = &self.publishing.publisher;
        publisher.circuits.attach(breaker, &self.settings);
        publisher.publish_soon();
        Ok(())
    }

    fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        self.publishing.publisher.circuits.detach(breaker, last);
    }

    fn on_call(&self, event: &CallEvent) {
        if let Some(duration) = event.duration {
            self.publishing.publisher.record(&event.name, duration);
        }
    }

    fn needs(&self) -> ListenerNeeds {
        let mut needs = self.settings.needs();
        needs.call_events.all_calls = self.durations;
        needs
    }

    fn call_sink(&self) -> usize {
        Arc::as_ptr(&self.publishing).addr()
    }
}

impl fmt::Debug for MetricsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsListener")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
