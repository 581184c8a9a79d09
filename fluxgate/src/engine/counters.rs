//! What a breaker counts: some totals always, others only when a listener reads them.
//!
//! No decision depends on a counter, so these atomics are the standard library's also
//! where loom explores the interleavings, and their accesses are relaxed.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

#[cfg(feature = "sim")]
use crate::listener::Recorders;
use crate::{
    Histogram, LifetimeTotals, State,
    engine::{sharded::ShardedCounters, ticket::CallEnd},
    listener::{CallEventNeeds, ListenerNeeds},
    util::duration::nanos,
};

/// Totals that only ever go up, and that survive transitions.
#[derive(Debug, Default)]
pub(crate) struct CallCounters {
    pub(crate) rejected: Count,
    pub(crate) throttled: Count,
    pub(crate) ignored: Count,
    pub(crate) alive: Count,
    pub(crate) overloaded: Count,
    pub(crate) cancelled: Count,
    pub(crate) panicked: Count,
    pub(crate) lost_probes: Count,
    pub(crate) late: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

impl CallCounters {
    /// Sets all counters to zero, between two tests.
    pub(crate) fn clear(&self) {
        let Self {
            rejected,
            throttled,
            ignored,
            alive,
            overloaded,
            cancelled,
            panicked,
            lost_probes,
            late,
        } = self;
        rejected.clear();
        throttled.clear();
        ignored.clear();
        alive.clear();
        overloaded.clear();
        cancelled.clear();
        panicked.clear();
        lost_probes.clear();
        late.clear();
    }
}

/// The counters behind [`Lifetime`].
pub(crate) struct ListenerCounters {
    failures: AtomicU64,
    late: AtomicU64,
    probes: AtomicU64,
    /// By the discriminant of the state.
    rejected: [AtomicU64; State::ALL.len()],
    /// In nanoseconds, by the discriminant of the state; the present one not
    /// included.
    spent: [AtomicU64; State::ALL.len()],
    counts_successes: bool,
    /// The bounds of the histogram, ascending, in nanoseconds.
    bounds: Box<[u64]>,
    calls: ShardedCounters,
    /// The calls that listeners are told of one by one.
    call_events: CallEventNeeds,
    /// Whether those that are rejected are among them, or recorded.
    tells_refusals: bool,
    /// Who records single calls.
    #[cfg(feature = "sim")]
    recorders: Recorders,
}

/// The places in a stripe.
const SUCCESSES: usize = 0;
const NANOS: usize = 1;
const FIRST_BUCKET: usize = 2;

impl ListenerCounters {
    /// Returns the counters, or `None` when no listener reads anything.
    pub(crate) fn new(needs: ListenerNeeds) -> Option<Box<Self>> {
        let ListenerNeeds {
            lifetime,
            successes,
            durations,
            call_events,
            #[cfg(feature = "sim")]
            recorders,
        } = needs;
        #[cfg(feature = "sim")]
        let records = !recorders.is_empty();
        #[cfg(not(feature = "sim"))]
        let records = false;
        let tells = call_events.rejections || call_events.times_calls();
        if !lifetime && !successes && durations.is_empty() && !tells && !records {
            return None;
        }
        let bounds: Box<[u64]> = durations.into_iter().map(nanos).collect();
        let places = match (successes, bounds.len()) {
            (false, 0) => 0,
            (true, 0) => SUCCESSES + 1,
            (_, buckets) => FIRST_BUCKET + buckets + 1,
        };
        Some(Box::new(Self {
            failures: AtomicU64::default(),
            late: AtomicU64::default(),
            probes: AtomicU64::default(),
            rejected: Default::default(),
            spent: Default::default(),
            counts_successes: successes,
            bounds,
            calls: ShardedCounters::new(places),
            call_events,
            tells_refusals: call_events.rejections || records,
            #[cfg(feature = "sim")]
            recorders,
        }))
    }

    /// Returns whether a listener wants every call counted, healthy ones too.
    pub(crate) fn counts_every_call(&self) -> bool {
        self.counts_successes || self.needs_elapsed()
    }

    /// Returns whether a listener wants to know how long calls took.
    pub(crate) fn needs_elapsed(&self) -> bool {
        #[cfg(feature = "sim")]
        if !self.recorders.is_empty() {
            return true;
        }
        self.keeps_histogram() || self.call_events.times_calls()
    }

    /// Returns whether a listener is told of calls that end.
    pub(crate) fn tells_ends(&self) -> bool {
        self.call_events.times_calls()
    }

    /// Returns whether a listener is told of single calls that are rejected.
    #[inline]
    pub(crate) fn is_told_of_refusals(&self) -> bool {
        self.tells_refusals
    }

    fn keeps_histogram(&self) -> bool {
        !self.bounds.is_empty()
    }

    /// Hands a call that ended to the recorders of calls.
    #[cfg(feature = "sim")]
    pub(crate) fn record_call(&self, ended: CallEnd, now: Duration, elapsed: u64) {
        for recorder in self.recorders.iter() {
            recorder.record_call(ended, now, Duration::from_nanos(elapsed));
        }
    }

    /// Hands a call that was refused to the recorders of calls.
    #[cfg(feature = "sim")]
    pub(crate) fn record_refusal(&self, now: impl Fn() -> Duration) {
        for recorder in self.recorders.iter() {
            recorder.record_refusal(now());
        }
    }

    /// Counts a call that ended after `elapsed` nanoseconds; `late` if the state had moved
    /// on.
    #[inline]
    pub(crate) fn ended(&self, ended: CallEnd, late: bool, elapsed: u64) {
        match ended {
            CallEnd::Success | CallEnd::Failure if late => bump(&self.late, 1),
            CallEnd::Success if self.counts_successes => self.calls.add(SUCCESSES, 1),
            CallEnd::Failure => bump(&self.failures, 1),
            // The breaker counts these whether a listener reads them or not.
            CallEnd::Success
            | CallEnd::Ignored
            | CallEnd::Alive
            | CallEnd::Overloaded
            | CallEnd::Cancelled
            | CallEnd::Panicked => {}
        }
        if self.keeps_histogram() {
            let bucket = self.bounds.partition_point(|bound| *bound < elapsed);
            self.calls.add(NANOS, elapsed);
            self.calls.add(FIRST_BUCKET + bucket, 1);
        }
    }

    pub(crate) fn probe(&self) {
        bump(&self.probes, 1);
    }

    pub(crate) fn rejected(&self, by: State) {
        bump(&self.rejected[by as usize], 1);
    }

    pub(crate) fn left(&self, state: State, after: Duration) {
        bump(&self.spent[state as usize], nanos(after));
    }

    /// Returns the totals, `since` being how long the present state has lasted.
    pub(crate) fn lifetime(&self, state: State, since: Duration) -> LifetimeTotals {
        let read = |count: &AtomicU64| count.load(Relaxed);
        let rejecting = [State::Open, State::HalfOpen, State::ForcedOpen];
        LifetimeTotals {
            successes: self.counts_successes.then(|| self.calls.sum(SUCCESSES)),
            failures: read(&self.failures),
            late: read(&self.late),
            probes: read(&self.probes),
            rejected: rejecting
                .map(|state| (state, read(&self.rejected[state as usize])))
                .into(),
            time_in_state: State::ALL
                .map(|each| {
                    let before = Duration::from_nanos(read(&self.spent[each as usize]));
                    let present = if each == state { since } else { Duration::ZERO };
                    (each, before.saturating_add(present))
                })
                .into(),
            durations: self.keeps_histogram().then(|| self.histogram()),
        }
    }

    fn histogram(&self) -> Histogram {
        let sum = Duration::from_nanos(self.calls.sum(NANOS));
        let mut count = 0;
        let mut next = (FIRST_BUCKET..).map(|place| {
            count += self.calls.sum(place);
            count
        });
        let buckets = self
            .bounds
            .iter()
            .zip(&mut next)
            .map(|(bound, below)| (Duration::from_nanos(*bound), below))
            .collect();
        let count = next.next().unwrap_or_default();
        Histogram {
            buckets,
            count,
            sum,
        }
    }

    pub(crate) fn clear(&self) {
        let alone = [&self.failures, &self.late, &self.probes];
        for count in alone.into_iter().chain(&self.rejected).chain(&self.spent) {
            count.store(0, Relaxed);
        }
        self.calls.clear();
    }
}

fn bump(count: &AtomicU64, by: u64) {
    count.fetch_add(by, Relaxed);
}
