//! Breakers as OpenTelemetry instruments.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use ::opentelemetry::{
    KeyValue, StringValue, Value,
    metrics::{AsyncInstrument, Histogram, Meter},
};
use once_cell::sync::OnceCell;

use super::{
    CallEvent, Listener, ListenerNeeds,
    exported::{CIRCUIT, Circuits, Family, MetricGroup, MetricKind, Readings, Sample, Settings},
};
use crate::{Info, Signal, WeakBreaker};

/// Exports breakers through a meter of OpenTelemetry. Needs the feature `opentelemetry`.
///
/// The instruments are those that `PrometheusListener` documents, without the ending
/// `_total`, which exporters to Prometheus add: `circuit_breaker_calls`,
/// `circuit_breaker_state_transition`, and so on. Their labels are attributes of the same
/// names, counters are observable counters, and gauges observable gauges. Everything is
/// read when the SDK collects; see `PrometheusListener` for what that costs, and for
/// what becomes of a breaker that is gone.
///
/// Breakers of one name share their series. Any number of listeners serve any number of
/// breakers; clones of a listener, and all that [`new`](Self::new) returns, count a
/// breaker once.
///
/// An SDK bounds the attribute sets of an instrument, most often to 2000. Each breaker
/// has 6 in `circuit_breaker_state` and up to 8 in the other instruments: with more than
/// some hundred breakers set a higher limit with a view.
///
/// Only the crate `opentelemetry` 0.33 is used, which
/// [`fluxgate::opentelemetry`](crate::opentelemetry) is; SDK and exporter are the
/// program's.
///
/// ```
/// use fluxgate::{CircuitBreaker, listener::OpenTelemetryListener};
/// use opentelemetry::global;
///
/// // … global::set_meter_provider(provider) …
/// let metrics = OpenTelemetryListener::with_meter(global::meter("shop"));
/// let breaker = CircuitBreaker::builder("payments").listener(metrics).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct OpenTelemetryListener {
    exporter: Arc<Exporter>,
    settings: Settings,
}

impl OpenTelemetryListener {
    /// Exports through the meter `fluxgate` of the global meter provider.
    ///
    /// That provider has to be set before the first breaker with such a listener is
    /// built: OpenTelemetry's own default exports nothing, and what is registered with
    /// it stays there.
    #[must_use]
    pub fn new() -> Self {
        static GLOBAL: OnceCell<Arc<Exporter>> = OnceCell::new();
        let exporter = GLOBAL.get_or_init(|| Arc::new(Exporter::new(None)));
        Self::over(Arc::clone(exporter))
    }

    /// Exports through a meter. A meter should have one such listener, and its clones:
    /// a breaker with two of them is counted twice.
    #[must_use]
    pub fn with_meter(meter: Meter) -> Self {
        Self::over(Arc::new(Exporter::new(Some(meter))))
    }

    fn over(exporter: Arc<Exporter>) -> Self {
        Self {
            exporter,
            settings: Settings::all(),
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

    /// Records how long each call takes in the histogram
    /// `circuit_breaker_call_duration_seconds` with these upper bounds; none switches it
    /// off again. Every call then looks at the clock twice, and the SDK is told of it on
    /// the thread of the call. The bounds are those of the first breaker of the meter.
    ///
    /// ```
    /// # use fluxgate::listener::OpenTelemetryListener;
    /// use std::time::Duration;
    ///
    /// let metrics = OpenTelemetryListener::new()
    ///     .durations([10, 50, 250, 1000].map(Duration::from_millis));
    /// ```
    #[must_use]
    pub fn durations(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.settings.bounds = bounds.into_iter().collect();
        self
    }

    /// Exports only state and transitions.
    #[must_use]
    pub fn only_states(mut self) -> Self {
        self.settings.clear();
        self
    }
}

impl Default for OpenTelemetryListener {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener for OpenTelemetryListener {
    fn on_signal(&self, signal: &Signal) {
        self.exporter.circuits.signal(signal, &self.settings);
    }

    fn name(&self) -> &'static str {
        "OpenTelemetryListener"
    }

    /// Refuses the breaker if a thread can't be started, which registers the
    /// instruments.
    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.exporter.enrol()?;
        if !self.settings.bounds.is_empty() {
            self.exporter.enrol_durations(&self.settings.bounds)?;
        }
        self.exporter.circuits.attach(breaker, &self.settings);
        Ok(())
    }

    fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        self.exporter.circuits.detach(breaker, last);
    }

    fn on_call(&self, event: &CallEvent) {
        if let Some(duration) = event.duration
            && let Some(histogram) = self.exporter.durations.get()
        {
            let circuit = event.name.share::<StringValue>();
            let circuit = KeyValue::new(CIRCUIT, Value::String(circuit));
            histogram.record(duration.as_secs_f64(), &[circuit]);
        }
    }

    fn needs(&self) -> ListenerNeeds {
        let mut needs = self.settings.needs();
        // Buckets can't be handed over: the SDK is told of each call.
        needs.call_events.all_calls = !needs.durations.is_empty();
        needs.durations.clear();
        needs
    }

    fn call_sink(&self) -> usize {
        Arc::as_ptr(&self.exporter).addr()
    }
}

impl fmt::Debug for OpenTelemetryListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetryListener")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The circuits of one meter.
struct Exporter {
    circuits: Arc<Circuits>,
    /// `None` for that of the global provider.
    meter: Option<Meter>,
    /// Whether the instruments are registered, or being registered.
    is_enrolled: AtomicBool,
    /// The same of the histogram.
    has_durations: AtomicBool,
    durations: Arc<OnceCell<Histogram<f64>>>,
}

impl Exporter {
    fn new(meter: Option<Meter>) -> Self {
        Self {
            circuits: Arc::default(),
            meter,
            is_enrolled: AtomicBool::new(false),
            has_durations: AtomicBool::new(false),
            durations: Arc::default(),
        }
    }

    /// Registers the instruments that are read, the first time.
    fn enrol(&self) -> Result<(), String> {
        let collected = Arc::new(Collected::new(Arc::clone(&self.circuits)));
        self.register_once(&self.is_enrolled, move |meter| {
            for (i, family) in Family::ALL.iter().enumerate() {
                register(meter, family, i, &collected);
            }
        })
    }

    /// Registers the histogram, the first time.
    fn enrol_durations(&self, bounds: &[Duration]) -> Result<(), String> {
        let bounds = bounds.iter().map(Duration::as_secs_f64).collect();
        let durations = Arc::clone(&self.durations);
        self.register_once(&self.has_durations, move |meter| {
            if let Some(family) = Family::durations() {
                let histogram = meter.f64_histogram(family.name).with_unit("s");
                let histogram = histogram.with_description(family.help);
                let _ = durations.set(histogram.with_boundaries(bounds).build());
            }
        })
    }

    /// Registers something, unless it is registered.
    ///
    /// An SDK calls callbacks under its lock, and registering takes that lock. A callback
    /// of the user's may call a protected function for the first time, and so build a
    /// breaker with this listener: on that thread registering would wait for itself. So
    /// another thread registers, and this one waits for it no longer than [`PATIENCE`].
    fn register_once(
        &self,
        is_registered: &AtomicBool,
        register: impl FnOnce(&Meter) + Send + 'static,
    ) -> Result<(), String> {
        if is_registered.swap(true, Relaxed) {
            return Ok(());
        }
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let job = {
            let (done, meter) = (Arc::clone(&done), self.meter.clone());
            move || {
                let meter = meter.unwrap_or_else(|| ::opentelemetry::global::meter("fluxgate"));
                register(&meter);
                *lock(&done.0) = true;
                done.1.notify_all();
            }
        };
        let thread = thread::Builder::new().name("fluxgate-opentelemetry".into());
        if let Err(error) = thread.spawn(job) {
            is_registered.store(false, Relaxed);
            return Err(format!(
                "its instruments can't be registered, since a thread can't be started: {error}"
            ));
        }
        let waits = |done: &mut bool| !*done;
        let waited = done.1.wait_timeout_while(lock(&done.0), PATIENCE, waits);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// How long the builder of a breaker waits. Registering takes microseconds unless the
/// SDK is collecting.
const PATIENCE: Duration = Duration::from_secs(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(meter: &Meter, family: &'static Family, index: usize, collected: &Arc<Collected>) {
    let name = family.name.strip_suffix("_total").unwrap_or(family.name);
    let unit = if family.is_in_seconds() { "s" } else { "" };
    let observe = {
        let collected = Arc::clone(collected);
        move |observer: &dyn AsyncInstrument<f64>| {
            let readings = collected.readings(index);
            for sample in family.samples(&readings) {
                observer.observe(sample.value, &attributes(&sample));
            }
        }
    };
    match family.kind {
        MetricKind::Counter => {
            let counter = meter.f64_observable_counter(name).with_unit(unit);
            let counter = counter.with_description(family.help);
            counter.with_callback(observe).build();
        }
        MetricKind::Gauge => {
            let gauge = meter.f64_observable_gauge(name).with_unit(unit);
            let gauge = gauge.with_description(family.help);
            gauge.with_callback(observe).build();
        }
        MetricKind::Histogram => {}
    }
}

fn attributes(sample: &Sample<'_>) -> Vec<KeyValue> {
    let circuit = sample
        .circuit
        .map(|name| KeyValue::new(CIRCUIT, name.to_string()));
    let others = sample.labels.iter();
    let others = others.map(|(label, value)| KeyValue::new(*label, value.clone()));
    circuit.into_iter().chain(others).collect()
}

/// The circuits as they were read last.
///
/// An SDK asks for each instrument by itself. So that one collection reads the circuits
/// once, a reading serves each instrument once: an instrument that is asked again begins
/// the next collection. One that is not asked for a while, since a view drops it, finds
/// a reading that is no older than [`AGE`].
struct Collected {
    circuits: Arc<Circuits>,
    last: Mutex<Option<Last>>,
}

struct Last {
    readings: Arc<Readings>,
    at: Instant,
    /// The instruments that were served, a bit for each.
    served: u64,
}

const AGE: Duration = Duration::from_secs(1);

const _: () = assert!(Family::ALL.len() <= u64::BITS as usize);

impl Collected {
    fn new(circuits: Arc<Circuits>) -> Self {
        Self {
            circuits,
            last: Mutex::new(None),
        }
    }

    /// Returns a reading for the instrument of this number.
    fn readings(&self, instrument: usize) -> Arc<Readings> {
        let bit = 1 << instrument;
        if let Some(last) = &mut *lock(&self.last)
            && last.served & bit == 0
            && last.at.elapsed() < AGE
        {
            last.served |= bit;
            return Arc::clone(&last.readings);
        }
        // Without the lock: this runs code of the user's, such as clocks.
        let at = Instant::now();
        let readings = Arc::new(self.circuits.read());
        *lock(&self.last) = Some(Last {
            readings: Arc::clone(&readings),
            at,
            served: bit,
        });
        readings
    }
}
