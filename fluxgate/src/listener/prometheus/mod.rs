//! Breakers as Prometheus metrics.

mod circuit;
mod exporter;
mod families;
mod reading;

use std::{
    collections::BTreeSet,
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::prometheus::Registry;

use self::exporter::Exporter;
#[cfg(feature = "slack-core")]
pub(crate) use self::families::exposed;
use super::{Listener, Reads};
use crate::{Name, Signal, WeakBreaker};

/// Exports breakers to a registry of the `prometheus` crate. Needs the feature
/// `prometheus`.
///
/// | metric | type | labels beside `circuit_name` | group |
/// |---|---|---|---|
/// | `circuit_breaker_state` | gauge | `state`: 1 for the present one, else 0 | always |
/// | `circuit_breaker_state_transition_total` | counter | `old_state`, `new_state` | always |
/// | `circuit_breaker_calls_total` | counter | `outcome`: `success`, `failure`, `ignored`, `cancelled`, `panicked`, `late` | [`Calls`] |
/// | `circuit_breaker_rejections_total` | counter | `reason`: `open`, `half_open`, `forced_open` | [`Rejections`] |
/// | `circuit_breaker_probes_total` | counter | | [`Probes`] |
/// | `circuit_breaker_probes_lost_total` | counter | | [`Probes`] |
/// | `circuit_breaker_probes_in_flight` | gauge | | [`Probes`] |
/// | `circuit_breaker_time_in_state_seconds_total` | counter | `state` | [`TimeInState`] |
/// | `circuit_breaker_window_calls` | gauge | | [`Rates`] |
/// | `circuit_breaker_failure_rate` | gauge, absent without calls | | [`Rates`] |
/// | `circuit_breaker_slow_rate` | gauge, absent without calls | `threshold`, in seconds | [`Rates`] |
/// | `circuit_breaker_retry_after_seconds` | gauge, only while open | | [`RetryAfter`] |
/// | `circuit_breaker_listener_failures_total` | counter | `listener` | [`Listeners`] |
/// | `circuit_breaker_listener_dropped_signals_total` | counter | `listener` | [`Listeners`] |
/// | `circuit_breaker_missing_listeners` | gauge | | [`Listeners`] |
/// | `circuit_breaker_call_duration_seconds` | histogram | | [`durations`](Self::durations) |
///
/// A breaker is there, `closed`, as soon as it is built, and leaves with its last
/// handle. State and transitions follow its signals; everything else is read when
/// the registry is scraped and costs the protected calls nothing, but for
/// [`Calls`]: a healthy call then costs one counter, striped over the threads;
/// and for the histogram, which is off unless asked for.
///
/// The breaker of an annotated function is built at its first call, or when
/// breakers are listed: with the feature `inventory`, a call of
/// [`registry::all`](crate::registry::all) at the start of `main` puts every
/// breaker into the first scrape.
///
/// One listener and its clones serve any number of breakers. Breakers of one name
/// share their series: counters add up, and the state is that of the latest
/// signal.
///
/// ```
/// use fluxgate::{CircuitBreaker, listener::PrometheusListener};
/// use prometheus::{Registry, TextEncoder};
///
/// let registry = Registry::new();
/// let metrics = PrometheusListener::with_registry(registry.clone());
/// let payments = CircuitBreaker::builder("payments").listener(metrics.clone()).build()?;
/// let quotes = CircuitBreaker::builder("quotes").listener(metrics).build()?;
///
/// quotes.force_open();
/// let page = TextEncoder::new().encode_to_string(&registry.gather())?;
/// assert!(page.contains(r#"circuit_breaker_state{circuit_name="payments",state="closed"} 1"#));
/// assert!(page.contains(r#"circuit_breaker_state{circuit_name="quotes",state="forced_open"} 1"#));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// [`Calls`]: PrometheusMetric::Calls
/// [`Rejections`]: PrometheusMetric::Rejections
/// [`Probes`]: PrometheusMetric::Probes
/// [`TimeInState`]: PrometheusMetric::TimeInState
/// [`Rates`]: PrometheusMetric::Rates
/// [`RetryAfter`]: PrometheusMetric::RetryAfter
/// [`Listeners`]: PrometheusMetric::Listeners
#[derive(Clone)]
pub struct PrometheusListener {
    exporter: Arc<Exporter>,
    settings: Settings,
    /// The breakers that this listener or a clone of it serves.
    served: Arc<Mutex<BTreeSet<Name>>>,
}

/// A group of metrics beyond state and transitions, to be switched on and off;
/// [`PrometheusListener`] lists what is in each. All are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrometheusMetric {
    /// Calls by how they ended.
    Calls,
    /// Rejected calls, by the state that rejected them.
    Rejections,
    /// Probes: those that ran, were lost, and are in flight.
    Probes,
    /// The time spent in each state.
    TimeInState,
    /// Failure and slow rate of the window.
    Rates,
    /// The time to the next attempt.
    RetryAfter,
    /// Listeners that fail, drop signals or are missing.
    Listeners,
}

/// What to export.
#[derive(Clone, Debug)]
struct Settings {
    /// A bit for each group.
    groups: u8,
    /// The bounds of the histogram.
    bounds: Arc<[Duration]>,
}

impl Settings {
    fn has(&self, group: PrometheusMetric) -> bool {
        self.groups & bit(group) != 0
    }
}

fn bit(group: PrometheusMetric) -> u8 {
    1 << group as u8
}

impl PrometheusListener {
    /// Exports to the `prometheus` crate's default registry.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Exporter::of_default_registry())
    }

    /// Exports to a registry. Each call makes a listener that knows nothing of
    /// the others, and so must be given breakers of other names; clones may share
    /// them.
    #[must_use]
    pub fn with_registry(registry: Registry) -> Self {
        Self::over(Arc::new(Exporter::new(registry)))
    }

    fn over(exporter: Arc<Exporter>) -> Self {
        Self {
            exporter,
            settings: Settings {
                groups: u8::MAX,
                bounds: Arc::new([]),
            },
            served: Arc::default(),
        }
    }

    /// Switches a group of metrics on. For breakers that are built later; of
    /// several breakers that share a name the first decides.
    #[must_use]
    pub fn with(mut self, group: PrometheusMetric) -> Self {
        self.settings.groups |= bit(group);
        self
    }

    /// Switches a group of metrics off.
    #[must_use]
    pub fn without(mut self, group: PrometheusMetric) -> Self {
        self.settings.groups &= !bit(group);
        self
    }

    /// Only state and transitions, as the original had it.
    #[must_use]
    pub fn only_states(mut self) -> Self {
        self.settings.groups = 0;
        self
    }

    /// Exports a histogram of durations with these upper bounds; none switches it
    /// off again. Every call then looks at the clock twice.
    ///
    /// ```
    /// # use fluxgate::listener::PrometheusListener;
    /// use std::time::Duration;
    ///
    /// let metrics = PrometheusListener::new()
    ///     .durations([10, 50, 250, 1000].map(Duration::from_millis));
    /// ```
    #[must_use]
    pub fn durations(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.settings.bounds = bounds.into_iter().collect();
        self
    }

    /// Drops the series of every breaker that this listener or a clone of it
    /// serves; calling it again does nothing. With its next signal a breaker is
    /// back, its transitions counted from zero.
    pub fn close(&self) {
        let served = std::mem::take(&mut *self.served());
        for name in &served {
            self.exporter.close(name);
        }
    }

    fn served(&self) -> std::sync::MutexGuard<'_, BTreeSet<Name>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for PrometheusListener {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener for PrometheusListener {
    fn on_signal(&self, signal: &Signal) {
        self.exporter.signal(signal, &self.settings);
        self.served().insert(signal.name.clone());
    }

    fn name(&self) -> &'static str {
        "PrometheusListener"
    }

    /// Refuses the breaker if the registry holds another metric of one of the
    /// names.
    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.exporter.attach(breaker, &self.settings)?;
        self.served().insert(breaker.name().clone());
        Ok(())
    }

    fn reads(&self) -> Reads {
        let has = |group| self.settings.has(group);
        Reads {
            lifetime: has(PrometheusMetric::Rejections)
                || has(PrometheusMetric::Probes)
                || has(PrometheusMetric::TimeInState),
            successes: has(PrometheusMetric::Calls),
            durations: self.settings.bounds.to_vec(),
        }
    }
}

impl fmt::Debug for PrometheusListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusListener")
            .field("settings", &self.settings)
            .field("served", &*self.served())
            .finish_non_exhaustive()
    }
}
