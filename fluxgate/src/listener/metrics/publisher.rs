//! Tells a recorder the values of all circuits, again and again.

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use ::metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit};
use once_cell::sync::OnceCell;

use super::super::exported::{CIRCUIT, Circuits, Family, MetricKind, Readings, Sample};
use crate::{
    Name, diagnostics,
    util::{duration::nanos, panic::catch_panic},
};

/// How often the circuits are published, unless something happens.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long changes are gathered before they are published. A breaker that is being
/// built can't be read before that.
const GAP: Duration = Duration::from_millis(100);

/// A publisher and the thread that drives it, which ends with this.
pub(super) struct Publishing {
    pub(super) publisher: Arc<Publisher>,
    thread: OnceCell<()>,
}

/// The circuits of one recorder.
pub(super) struct Publisher {
    pub(super) circuits: Arc<Circuits>,
    /// `None` for the global recorder.
    recorder: Option<Box<dyn Recorder + Send + Sync>>,
    /// The gauges that were published. The facade can't remove them.
    gauges: Mutex<HashSet<Key>>,
    /// In nanoseconds.
    interval: AtomicU64,
    wanted: Mutex<Wanted>,
    /// Notified when something is wanted.
    wake: Condvar,
}

/// What the thread is to do.
#[derive(Default)]
struct Wanted {
    soon: bool,
    end: bool,
}

impl Publishing {
    pub(super) fn new(recorder: Option<Box<dyn Recorder + Send + Sync>>) -> Self {
        let publisher = Publisher {
            circuits: Arc::default(),
            recorder,
            gauges: Mutex::default(),
            interval: AtomicU64::new(nanos(INTERVAL)),
            wanted: Mutex::default(),
            wake: Condvar::new(),
        };
        Self {
            publisher: Arc::new(publisher),
            thread: OnceCell::new(),
        }
    }

    /// Returns the one that all listeners of the global recorder share.
    pub(super) fn to_the_global_recorder() -> Arc<Self> {
        static GLOBAL: OnceCell<Arc<Publishing>> = OnceCell::new();
        Arc::clone(GLOBAL.get_or_init(|| Arc::new(Self::new(None))))
    }

    /// Starts the thread, unless it runs.
    pub(super) fn start(&self) -> Result<(), String> {
        let start = || {
            let publisher = Arc::clone(&self.publisher);
            let thread = thread::Builder::new().name("fluxgate-metrics".into());
            thread.spawn(move || publisher.run()).map(drop)
        };
        self.thread
            .get_or_try_init(start)
            .map(drop)
            .map_err(|error: io::Error| {
                format!("its metrics can't be published, since a thread can't be started: {error}")
            })
    }
}

impl Drop for Publishing {
    /// Leaves it to the thread to publish a last time: what breakers counted that are
    /// gone.
    fn drop(&mut self) {
        self.publisher.wanted().end = true;
        self.publisher.wake.notify_all();
    }
}

impl Publisher {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_interval(&self, interval: Duration) {
        const LEAST: Duration = Duration::from_millis(1);
        const MOST: Duration = Duration::from_secs(3600);
        self.interval
            .store(nanos(interval.clamp(LEAST, MOST)), Relaxed);
        self.publish_soon();
    }

    pub(super) fn publish_soon(&self) {
        let was_wanted = std::mem::replace(&mut self.wanted().soon, true);
        if !was_wanted {
            self.wake.notify_all();
        }
    }

    fn run(&self) {
        loop {
            let interval = Duration::from_nanos(self.interval.load(Relaxed));
            self.wait(interval, |wanted| wanted.soon || wanted.end);
            self.wait(GAP.min(interval), |wanted| wanted.end);
            let end = {
                let mut wanted = self.wanted();
                wanted.soon = false;
                wanted.end
            };
            self.publish();
            if end {
                return;
            }
        }
    }

    fn wait(&self, time: Duration, is_over: impl Fn(&Wanted) -> bool) {
        let waits = |wanted: &mut Wanted| !is_over(wanted);
        let waited = self.wake.wait_timeout_while(self.wanted(), time, waits);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Publishes every value, on this thread. No lock is held while the recorder runs.
    pub(super) fn publish(&self) {
        let readings = self.circuits.read();
        let told = catch_panic(|| match &self.recorder {
            Some(recorder) => self.tell(&readings, recorder),
            None => ::metrics::with_recorder(|recorder| self.tell(&readings, recorder)),
        });
        if told.is_none() {
            diagnostics::recorder_panicked();
        }
    }

    /// Records how long a call took, on its thread.
    pub(super) fn record(&self, circuit: &Name, took: Duration) {
        let Some(family) = Family::durations() else {
            return;
        };
        let record = |recorder: &dyn Recorder| {
            let name = KeyName::from_const_str(family.name);
            let circuit = circuit.share::<SharedString>();
            let key = Key::from_parts(name, vec![Label::new(CIRCUIT, circuit)]);
            let metadata = Metadata::new("fluxgate", Level::INFO, Some(module_path!()));
            let histogram = recorder.register_histogram(&key, &metadata);
            histogram.record(took.as_secs_f64());
        };
        match &self.recorder {
            Some(recorder) => record(recorder),
            None => ::metrics::with_recorder(record),
        }
    }

    fn gauges(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, readings: &Readings, recorder: &dyn Recorder) {
        let metadata = Metadata::new("fluxgate", Level::INFO, Some(module_path!()));
        let mut gauges = HashSet::new();
        for family in Family::ALL {
            describe(family, recorder);
            for sample in family.samples(readings) {
                let key = key(family, &sample);
                match family.kind {
                    MetricKind::Counter => recorder
                        .register_counter(&key, &metadata)
                        .absolute(whole(sample.value)),
                    MetricKind::Gauge => {
                        recorder.register_gauge(&key, &metadata).set(sample.value);
                        gauges.insert(key);
                    }
                    MetricKind::Histogram => {}
                }
            }
        }
        // Of two threads that publish at once one finds none here: what the other
        // found is 0 already, or is put back by it.
        let before = std::mem::take(&mut *self.gauges());
        for key in before.difference(&gauges) {
            recorder.register_gauge(key, &metadata).set(0.0);
        }
        self.gauges().extend(gauges);
    }
}

fn describe(family: &Family, recorder: &dyn Recorder) {
    let name = || KeyName::from_const_str(family.name);
    let unit = family.is_in_seconds().then_some(Unit::Seconds);
    let help = SharedString::const_str(family.help);
    match family.kind {
        MetricKind::Counter => recorder.describe_counter(name(), unit, help),
        MetricKind::Gauge => recorder.describe_gauge(name(), unit, help),
        MetricKind::Histogram => recorder.describe_histogram(name(), unit, help),
    }
}

fn key(family: &Family, sample: &Sample<'_>) -> Key {
    let circuit = sample
        .circuit
        .map(|name| Label::new(CIRCUIT, name.to_string()));
    let others = sample.labels.iter();
    let others = others.map(|(label, value)| Label::new(*label, value.clone()));
    let labels: Vec<Label> = circuit.into_iter().chain(others).collect();
    Key::from_parts(KeyName::from_const_str(family.name), labels)
}

/// Counters of the facade are whole numbers. Those in the table are none below zero, and
/// the times among them are cut off, so that they never go down.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
    value as u64
}
