//! Recording a trace from a live breaker.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Ended, Entry, Trace};
use crate::{
    Listener, Signal,
    engine::ticket::CallEnd,
    listener::{CallRecorder, ListenerNeeds, Recorders},
};

/// Records the calls of a live breaker, so that an incident can be replayed.
///
/// It is given to a breaker as a listener, keeps the latest calls, and hands them out
/// as a [`Trace`]. Clones share what was recorded. A breaker without a recorder does
/// nothing for it; with one, every call is timed, and those that are sampled go through
/// a short lock of the recorder, never while the breaker's own is held.
///
/// A call that the dependency did not answer for a stated time
/// ([`UnavailableFor`](crate::Outcome::UnavailableFor)) is recorded as a failure; the
/// time is not.
///
/// ```
/// use fluxgate::{Builder, CircuitBreaker, sim::Recorder, tripper::FailureStreak};
///
/// let recorder = Recorder::new(100_000);
/// let breaker = CircuitBreaker::builder("quotes").listener(recorder.clone()).build()?;
/// for _ in 0..20 {
///     let _ = breaker.call(|| Err::<(), _>(std::io::Error::other("down")));
/// }
///
/// let trace = recorder.take();
/// assert_eq!(trace.entries().len(), 20);
/// let replay = trace.run(|breaker: Builder| breaker.tripper(FailureStreak::new(5)));
/// assert_eq!(replay.refused().value(), 15);
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Recording>);

struct Recording {
    capacity: usize,
    one_in: u64,
    /// Calls that were offered to the sample.
    seen: AtomicU64,
    dropped: AtomicU64,
    latest: Mutex<VecDeque<Entry>>,
}

impl Recorder {
    /// Keeps the latest `capacity` calls, at least 1 and at most 10 million; each takes
    /// 40 bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::sampling(capacity, 1)
    }

    /// Keeps the latest `capacity` calls of a sample: one in `one_in`, at least 1.
    ///
    /// A replay of a sample has that much less traffic: rules that count calls, streaks
    /// among them, take that much longer to open. Record every call to tune those.
    #[must_use]
    pub fn sampling(capacity: usize, one_in: u64) -> Self {
        Self(Arc::new(Recording {
            capacity: capacity.clamp(1, Trace::MOST_CALLS),
            one_in: one_in.max(1),
            seen: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            latest: Mutex::new(VecDeque::new()),
        }))
    }

    /// Takes what was recorded until now; recording goes on. The first call is at 0.
    #[must_use]
    pub fn take(&self) -> Trace {
        // The lock is not held while the calls are sorted.
        let calls = std::mem::take(&mut *self.0.latest());
        let first = calls.iter().map(|entry| entry.at).min().unwrap_or_default();
        Trace::new(calls.into_iter().map(|mut entry| {
            entry.at -= first;
            entry
        }))
    }

    /// Returns how many recorded calls had to make room for later ones.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Relaxed)
    }
}

impl CallRecorder for Recording {
    fn record_call(&self, ended: CallEnd, now: Duration, elapsed: Duration) {
        if self.samples() {
            let ended = match ended {
                CallEnd::Success => Ended::Success,
                CallEnd::Failure | CallEnd::Panicked => Ended::Failure,
                CallEnd::Ignored => Ended::Ignored,
                CallEnd::Alive => Ended::Alive,
                CallEnd::Overloaded => Ended::Overloaded,
                CallEnd::Cancelled => Ended::Cancelled,
            };
            let at = now.saturating_sub(elapsed);
            self.keep(Entry::ran(at, elapsed, ended));
        }
    }

    fn record_refusal(&self, now: Duration) {
        if self.samples() {
            self.keep(Entry::refused(now));
        }
    }
}

impl Recording {
    fn samples(&self) -> bool {
        self.one_in == 1 || self.seen.fetch_add(1, Relaxed).is_multiple_of(self.one_in)
    }

    fn keep(&self, entry: Entry) {
        let mut latest = self.latest();
        if latest.len() == self.capacity {
            latest.pop_front();
            self.dropped.fetch_add(1, Relaxed);
        }
        latest.push_back(entry);
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Recorder {
    fn on_signal(&self, _: &Signal) {}

    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn needs(&self) -> ListenerNeeds {
        ListenerNeeds {
            recorders: Recorders::one(self.0.clone()),
            ..ListenerNeeds::default()
        }
    }
}

/// Clones of one recorder are equal.
impl PartialEq for Recorder {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Recorder {}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("capacity", &self.0.capacity)
            .field("one_in", &self.0.one_in)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
