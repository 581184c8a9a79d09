//! Alarms in real time: a thread that sleeps until the next one.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::panic::catch_panic;

struct PendingAlarm {
    at: Instant,
    ring: Box<dyn FnOnce() + Send>,
}

/// The heap has the earliest first.
impl Ord for PendingAlarm {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for PendingAlarm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PendingAlarm {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PendingAlarm {}

struct Alarms {
    pending: BinaryHeap<PendingAlarm>,
    /// Whether the thread runs. It ends when it has had nothing to do for a while.
    runs: bool,
}

static ALARMS: Mutex<Option<Alarms>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

/// The thread ends when it has had nothing to do for so long.
const IDLE: Duration = Duration::from_secs(10);
/// Waits are cut to this length, so that an instant can hold their end.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

fn alarms() -> MutexGuard<'static, Option<Alarms>> {
    ALARMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rings an alarm after this time, or at once if there is no thread to be had. An
/// alarm may ring too early: its waiter looks at its clock and sets another.
pub(crate) fn ring_after(wait: Duration, ring: impl FnOnce() + Send + 'static) {
    let ring = Box::new(ring);
    let now = Instant::now();
    let at = now.checked_add(wait.min(LONGEST)).unwrap_or(now);
    let mut guard = alarms();
    let alarms = guard.get_or_insert_with(|| Alarms {
        pending: BinaryHeap::new(),
        runs: false,
    });
    let is_next = alarms.pending.peek().is_none_or(|next| at < next.at);
    alarms.pending.push(PendingAlarm { at, ring });
    if alarms.runs {
        drop(guard);
        if is_next {
            CHANGED.notify_one();
        }
        return;
    }
    let thread = thread::Builder::new().name("fluxgate-alarms".into());
    alarms.runs = thread.spawn(run).is_ok();
    if !alarms.runs {
        let pending = std::mem::take(&mut alarms.pending);
        drop(guard);
        for pending in pending {
            (pending.ring)();
        }
    }
}

fn run() {
    let mut guard = alarms();
    loop {
        let Some(alarms) = guard.as_mut() else {
            return;
        };
        let now = Instant::now();
        let next = alarms.pending.peek().map(|next| next.at);
        match next {
            Some(at) if at <= now => {
                let rings = alarms.pending.pop();
                drop(guard);
                catch_panic(|| rings.map(|pending| (pending.ring)()));
                guard = self::alarms();
            }
            _ => {
                let wait = next.map_or(IDLE, |at| at - now);
                let (woken, waited) = CHANGED
                    .wait_timeout(guard, wait)
                    .unwrap_or_else(PoisonError::into_inner);
                guard = woken;
                if let Some(alarms) = guard.as_mut()
                    && waited.timed_out()
                    && alarms.pending.is_empty()
                {
                    alarms.runs = false;
                    return;
                }
            }
        }
    }
}
