//! The way of one listener into its registry.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use ::prometheus::{Error, Registry};
use once_cell::sync::OnceCell;

use super::{
    super::exported::{Circuits, Family, Settings},
    registrar,
};
use crate::Name;

/// A registry, and the circuits that are exported to it.
///
/// A listener and its clones share one. Those of other listeners with this
/// registry end in the same [`Circuits`]: the first enrolment finds them.
pub(super) struct Exporter {
    pub(super) registry: Registry,
    pub(super) circuits: Arc<Circuits>,
    /// The metrics that are known to be enrolled, a bit for each family.
    enrolled: AtomicU32,
    /// Those whose enrolment was asked for and is not over.
    requested: AtomicU32,
    /// Whether an enrolment takes longer than its builder waited.
    is_late: AtomicBool,
}

/// Metrics as bits, in the order of [`Family::ALL`].
pub(super) type MetricBits = u32;

const _: () = assert!(Family::ALL.len() <= MetricBits::BITS as usize);

/// Returns the metrics that these settings export.
pub(super) fn wanted(settings: &Settings) -> MetricBits {
    let families = Family::ALL.iter().enumerate();
    families
        .filter(|(_, family)| settings.wants(family))
        .fold(0, |all, (i, _)| all | 1 << i)
}

/// A registry does not take our metrics.
#[derive(Debug)]
pub(super) enum Clash {
    Taken { metric: &'static str, error: Error },
    NoThread(std::io::Error),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken {
                metric,
                error: Error::AlreadyReg,
            } => write!(
                f,
                "the registry holds another metric named `{metric}`, which this listener did not register; rename that one, or give the listener a registry of its own"
            ),
            Self::Taken { metric, .. } => write!(
                f,
                "the registry holds, or held, another metric named `{metric}`, with other labels or another help text; rename that one, or give the listener a registry of its own"
            ),
            Self::NoThread(error) => write!(
                f,
                "its metrics can't be registered, since a thread can't be started: {error}"
            ),
        }
    }
}

impl std::error::Error for Clash {}

impl Exporter {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            registry,
            circuits: Arc::default(),
            enrolled: AtomicU32::new(0),
            requested: AtomicU32::new(0),
            is_late: AtomicBool::new(false),
        }
    }

    /// Returns the one over the crate's default registry.
    pub(super) fn of_default_registry() -> Arc<Self> {
        static DEFAULT: OnceCell<Arc<Exporter>> = OnceCell::new();
        let exporter = DEFAULT.get_or_init(|| {
            let registry = ::prometheus::default_registry().clone();
            Arc::new(Self::new(registry))
        });
        Arc::clone(exporter)
    }

    /// Sees to it that the registry collects these metrics. After the first time
    /// it takes no lock.
    ///
    /// # Errors
    ///
    /// Another metric has one of the names.
    pub(super) fn enrol(self: &Arc<Self>, wanted: MetricBits, circuit: &Name) -> Result<(), Clash> {
        let lacks = |bits: &AtomicU32| wanted & !bits.load(Ordering::Acquire) != 0;
        if !lacks(&self.enrolled) {
            return Ok(());
        }
        if !lacks(&self.requested) && self.is_late.load(Ordering::Relaxed) {
            // On its way.
            return Ok(());
        }
        self.requested.fetch_or(wanted, Ordering::Relaxed);
        registrar::enrol(self, wanted, circuit)
    }

    /// Takes note that these metrics are in the registry.
    pub(super) fn enrolled(&self, metrics: MetricBits) {
        // Pairs with the load in `enrol`: who sees the bits needs no registry.
        self.enrolled.fetch_or(metrics, Ordering::Release);
    }

    /// Takes note that the registry keeps an enrolment waiting.
    pub(super) fn enrolment_is_late(&self) {
        self.is_late.store(true, Ordering::Relaxed);
    }

    /// Takes note of the end of an enrolment, good or bad.
    pub(super) fn enrolment_ended(&self, wanted: MetricBits) {
        self.requested.fetch_and(!wanted, Ordering::Relaxed);
        self.is_late.store(false, Ordering::Relaxed);
    }
}
