//! Breakers as Prometheus metrics.

mod collector;
mod exporter;
mod registrar;

use std::{
    collections::HashSet,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::prometheus::Registry;

use self::exporter::{Exporter, wanted};
use super::{
    Listener, ListenerNeeds,
    exported::{MetricGroup, Settings},
};
use crate::{Info, Name, Signal, WeakBreaker, diagnostics};

/// Exports breakers to a registry of the `prometheus` crate. Needs the feature
/// `prometheus`.
///
/// | metric | type | labels beside `circuit_name` | group |
/// |---|---|---|---|
/// | `circuit_breaker_state` | gauge, only while there is a breaker | `state`: how many breakers of the name are in it, usually 1 or 0 | always |
/// | `circuit_breaker_state_transition_total` | counter | `old_state`, `new_state` | always |
/// | `circuit_breaker_would_have_opened_total` | counter: how often a circuit in `metrics_only` would have opened | | [`Rates`] |
/// | `circuit_breaker_calls_total` | counter | `outcome`: `success`, `failure`, `overloaded`, `alive`, `ignored`, `cancelled`, `panicked`, `late` | [`Calls`] |
/// | `circuit_breaker_throttled_total` | counter | | [`Rejections`] |
/// | `circuit_breaker_throttle_share` | gauge | | [`Rates`] |
/// | `circuit_breaker_rejections_total` | counter | `reason`: `open`, `half_open`, `forced_open` | [`Rejections`] |
/// | `circuit_breaker_probes_total` | counter | | [`Probes`] |
/// | `circuit_breaker_probes_lost_total` | counter | | [`Probes`] |
/// | `circuit_breaker_probes_in_flight` | gauge | | [`Probes`] |
/// | `circuit_breaker_time_in_state_seconds_total` | counter | `state` | [`TimeInState`] |
/// | `circuit_breaker_window_calls` | gauge; while open, of the window that the circuit opened with | | [`Rates`] |
/// | `circuit_breaker_failure_rate` | gauge, absent without calls; while open, of the window that the circuit opened with | | [`Rates`] |
/// | `circuit_breaker_slow_rate` | gauge, absent without calls; while open, as the failure rate | `threshold`, in seconds | [`Rates`] |
/// | `circuit_breaker_retry_after_seconds` | gauge, only while open | | [`RetryAfter`] |
/// | `circuit_breaker_listener_failures_total` | counter | `listener` | [`Listeners`] |
/// | `circuit_breaker_listener_dropped_signals_total` | counter | `listener` | [`Listeners`] |
/// | `circuit_breaker_listener_dropped_calls_total` | counter | `listener` | [`Listeners`] |
/// | `circuit_breaker_missing_listeners` | gauge | | [`Listeners`] |
/// | `circuit_breaker_call_duration_seconds` | histogram | | [`durations`](Self::durations) |
/// | `circuit_breaker_forgotten_circuits_total` | counter, from 1, without `circuit_name` | | always |
///
/// A breaker is there, `closed`, as soon as it is built, with every transition that
/// it makes by itself at zero, so that `rate` and `increase` see the first one.
/// Everything is read when the registry is scraped and costs the protected calls
/// nothing, but for [`Calls`]: a healthy call then costs one counter, striped over
/// the threads; and for the histogram, which is off unless asked for.
///
/// Counters never go down. When the last handle of a breaker is dropped its gauges
/// leave; what it counted stays, and a new breaker of the name goes on from there.
/// That is kept for the 1000 names that lost their last breaker most recently;
/// `circuit_breaker_forgotten_circuits_total` counts the names beyond, which begin
/// at zero if they come back. [`close`](Self::close) drops what is kept at once.
///
/// The breaker of an annotated function is built at its first call, or when
/// breakers are listed: with the feature `inventory`, a call of
/// [`registry::all`](crate::registry::all) at the start of `main` puts every
/// breaker into the first scrape.
///
/// Any number of listeners serve any number of breakers. Those with one registry
/// export through one collector, and a breaker that has two of them counts once.
/// Breakers of one name, such as those of keys without a label, share their
/// series: counters add up, rates are those of all their calls, and the state is
/// counted, so ask for `circuit_breaker_state{state="open"} > 0`.
///
/// The registry is one of the crate `prometheus` 0.14, which
/// [`fluxgate::prometheus`](crate::prometheus) is. An application that depends on
/// another version of that crate gathers from another default registry, and finds
/// nothing of this one.
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
/// [`Calls`]: MetricGroup::Calls
/// [`Rejections`]: MetricGroup::Rejections
/// [`Probes`]: MetricGroup::Probes
/// [`TimeInState`]: MetricGroup::TimeInState
/// [`Rates`]: MetricGroup::Rates
/// [`RetryAfter`]: MetricGroup::RetryAfter
/// [`Listeners`]: MetricGroup::Listeners
#[derive(Clone)]
pub struct PrometheusListener {
    exporter: Arc<Exporter>,
    settings: Settings,
    /// The names that this listener and its clones served.
    served: Arc<Mutex<Served>>,
}

/// Names, among them few that the circuits have forgotten.
#[derive(Default)]
struct Served {
    names: HashSet<Name>,
    /// From which number on the forgotten ones are looked for.
    limit: usize,
}

impl PrometheusListener {
    /// Exports to the `prometheus` crate's default registry.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Exporter::of_default_registry())
    }

    /// Exports to a registry.
    ///
    /// The first breaker registers the collector. If the registry is being scraped
    /// at that moment, which may be by the very thread that builds the breaker, it
    /// waits for a second at most: the breaker is then in the next scrape, and a
    /// clash of names is reported instead of refusing it.
    #[must_use]
    pub fn with_registry(registry: Registry) -> Self {
        Self::over(Arc::new(Exporter::new(registry)))
    }

    fn over(exporter: Arc<Exporter>) -> Self {
        Self {
            exporter,
            settings: Settings::all(),
            served: Arc::default(),
        }
    }

    /// Switches a group of metrics on. For breakers that are built later; of
    /// several breakers that share a name the first decides.
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

    /// Exports only state and transitions, as the original tool does.
    #[must_use]
    pub fn only_states(mut self) -> Self {
        self.settings.clear();
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
    /// serves or served; calling it again does nothing. With its next signal a
    /// breaker is back, its transitions counted from zero.
    pub fn close(&self) {
        let served = std::mem::take(&mut *self.served());
        self.exporter.circuits.close(&served.names);
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a name for [`close`](Self::close).
    fn serve(&self, name: &Name) {
        const SPARE: usize = 64;
        let mut served = self.served();
        if served.names.insert(name.clone()) && served.names.len() > served.limit {
            self.exporter.circuits.retain_known(&mut served.names);
            served.limit = 2 * served.names.len() + SPARE;
        }
    }
}

impl Default for PrometheusListener {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener for PrometheusListener {
    fn on_signal(&self, signal: &Signal) {
        let Signal { name, .. } = signal;
        if let Err(clash) = self.exporter.enrol(wanted(&self.settings), name) {
            diagnostics::not_exported(name, &clash);
        }
        self.exporter.circuits.signal(signal, &self.settings);
        self.serve(name);
    }

    fn name(&self) -> &'static str {
        "PrometheusListener"
    }

    /// Refuses the breaker if the registry holds another metric of one of the
    /// names.
    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        let name = breaker.name();
        self.exporter.enrol(wanted(&self.settings), name)?;
        self.exporter.circuits.attach(breaker, &self.settings);
        self.serve(name);
        Ok(())
    }

    fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        self.exporter.circuits.detach(breaker, last);
    }

    fn needs(&self) -> ListenerNeeds {
        self.settings.needs()
    }
}

impl fmt::Debug for PrometheusListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusListener")
            .field("settings", &self.settings)
            .field("served", &self.served().names)
            .finish_non_exhaustive()
    }
}
