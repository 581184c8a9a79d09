//! The queue: what its senders and its worker share.

pub(crate) mod bucket;
mod lane;
pub(crate) mod outcome;
pub(crate) mod scheduler;
pub(crate) mod worker;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant as Real},
};

use tokio::{sync::Notify, time::Instant};

use scheduler::{Scheduler, Step};

use super::{
    DeliveryPolicy, DeliveryStats, FlushReport, Message, SendError, api::transport::Transport,
    redact::Redactor, report,
};

pub(crate) struct QueueShared {
    pub(crate) policy: DeliveryPolicy,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) redactor: Arc<Redactor>,
    state: Mutex<DeliveryState>,
    /// Times count from here.
    origin: OnceLock<Instant>,
    /// Tells the worker of a new message, or of the end.
    pub(crate) wake: Notify,
    /// Tells who waits for messages to be done with.
    progress: (Condvar, Notify),
}

struct DeliveryState {
    scheduler: Scheduler,
    phase: QueuePhase,
    running: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum QueuePhase {
    Open,
    /// Takes nothing more; ends when empty, or after so long.
    Draining(Option<Duration>),
    Ended,
}

/// What the worker is to do.
pub(crate) enum NextStep {
    Step(Step),
    /// End, giving these up.
    End(Vec<Message>),
}

impl QueueShared {
    pub(crate) fn new(
        policy: DeliveryPolicy,
        transport: Box<dyn Transport>,
        redactor: Arc<Redactor>,
    ) -> Self {
        Self {
            state: Mutex::new(DeliveryState {
                scheduler: Scheduler::new(policy.clone()),
                phase: QueuePhase::Open,
                running: false,
            }),
            policy,
            transport,
            redactor,
            origin: OnceLock::new(),
            wake: Notify::new(),
            progress: (Condvar::new(), Notify::new()),
        }
    }

    /// Creates a queue whose worker is run by a test.
    #[cfg(test)]
    pub(crate) fn manual(policy: DeliveryPolicy, transport: Box<dyn Transport>) -> Self {
        let shared = Self::new(policy, transport, Arc::default());
        shared.lock().running = true;
        shared
    }

    /// Returns the time since the origin. Only the worker asks: on a sender's
    /// thread tokio's clock may be another one, paused by a test.
    pub(crate) fn now(&self) -> Duration {
        self.origin.get_or_init(Instant::now).elapsed()
    }

    /// Returns that time as an instant, if it can be represented.
    pub(crate) fn instant(&self, time: Duration) -> Option<Instant> {
        self.origin.get_or_init(Instant::now).checked_add(time)
    }

    /// Takes a message in: a push under a lock that is held for no longer.
    pub(crate) fn offer(self: &Arc<Self>, mut message: Message) -> Result<(), SendError> {
        if self.redactor.finds(&message.channel) {
            message.label = self.redactor.conceal(&message.channel).into();
        }
        let mut state = self.lock();
        if state.phase != QueuePhase::Open {
            state.scheduler.stats.refused += 1;
            return Err(SendError::Closed);
        }
        let wakes = state.scheduler.offer(message)?;
        self.start(&mut state);
        drop(state);
        if wakes {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().scheduler.is_full()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().phase == QueuePhase::Open
    }

    pub(crate) fn stats(&self) -> DeliveryStats {
        let state = self.lock();
        DeliveryStats {
            queue_size: state.scheduler.size(),
            running: state.running,
            ..state.scheduler.stats.clone()
        }
    }

    /// Returns what the worker is to do now.
    pub(crate) fn next(&self) -> NextStep {
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        let scheduler = &mut state.scheduler;
        let within = match state.phase {
            QueuePhase::Open => return NextStep::Step(scheduler.next(now)),
            QueuePhase::Ended => return NextStep::End(Vec::new()),
            QueuePhase::Draining(_) if scheduler.is_empty() => return NextStep::End(Vec::new()),
            QueuePhase::Draining(within) => within,
        };
        if let Some(within) = within
            && scheduler.deadline.is_none()
        {
            scheduler.drain_until(now.saturating_add(within), now);
        }
        let deadline = scheduler.deadline.unwrap_or(Duration::MAX);
        if now >= deadline {
            return NextStep::End(scheduler.abandon());
        }
        match scheduler.next(now) {
            // Nothing can be sent before time is up.
            Step::Wait(Some(due)) if due >= deadline && scheduler.flying == 0 => {
                NextStep::End(scheduler.abandon())
            }
            Step::Wait(due) => NextStep::Step(Step::Wait(Some(
                due.map_or(deadline, |due| due.min(deadline)),
            ))),
            step => NextStep::Step(step),
        }
    }

    pub(crate) fn with_scheduler<R>(&self, f: impl FnOnce(&mut Scheduler) -> R) -> R {
        f(&mut self.lock().scheduler)
    }

    /// Wakes the callers that wait, since some message is done with.
    pub(crate) fn progressed(&self) {
        self.progress.0.notify_all();
        self.progress.1.notify_waiters();
    }

    /// Records that the worker has ended. It is not started again if it was
    /// asked to end.
    pub(crate) fn ended(&self) {
        let mut state = self.lock();
        state.running = false;
        if state.phase != QueuePhase::Open {
            state.phase = QueuePhase::Ended;
        }
        drop(state);
        self.progressed();
    }

    /// Begins the end, within so much time. Once that has been said, it stands.
    pub(crate) fn close(&self, within: Option<Duration>) {
        let mut state = self.lock();
        match state.phase {
            QueuePhase::Open if state.running || !state.scheduler.is_empty() => {
                state.phase = QueuePhase::Draining(within);
            }
            QueuePhase::Open => state.phase = QueuePhase::Ended,
            QueuePhase::Draining(None) => state.phase = QueuePhase::Draining(within),
            QueuePhase::Draining(Some(_)) | QueuePhase::Ended => {}
        }
        drop(state);
        self.wake.notify_one();
        self.progressed();
    }

    /// Waits until every message of now is done with; `None` is for ever.
    pub(crate) fn flush(&self, until: Option<Real>) -> FlushReport {
        let state = self.lock();
        let mark = state.scheduler.mark();
        let left = |state: &DeliveryState| state.scheduler.left(mark);
        self.wait_for(state, until, |state| left(state) == 0, left)
    }

    /// Waits until the worker has ended.
    pub(crate) fn join(&self, within: Option<Duration>) -> FlushReport {
        // The worker keeps the deadline; the margin is for its last words.
        let margin = Duration::from_secs(1);
        let until =
            within.and_then(|within| Real::now().checked_add(within.saturating_add(margin)));
        let ended = |state: &DeliveryState| state.phase == QueuePhase::Ended;
        self.wait_for(self.lock(), until, ended, undelivered)
    }

    /// Waits as [`flush`](Self::flush) does, for async code.
    pub(crate) async fn flushed(&self) {
        let mark = self.lock().scheduler.mark();
        self.until(|state| state.scheduler.left(mark) == 0 || !state.running)
            .await;
    }

    /// Waits as [`join`](Self::join) does, for async code.
    pub(crate) async fn joined(&self) -> FlushReport {
        self.until(|state| state.phase == QueuePhase::Ended || !state.running)
            .await;
        FlushReport {
            left: undelivered(&self.lock()),
        }
    }

    async fn until(&self, done: impl Fn(&DeliveryState) -> bool) {
        loop {
            let progress = self.progress.1.notified();
            tokio::pin!(progress);
            // What happens after the check must not be missed.
            progress.as_mut().enable();
            if done(&self.lock()) {
                return;
            }
            progress.await;
        }
    }

    /// Blocks until then at the most. Without a worker nothing will change.
    fn wait_for(
        &self,
        mut state: MutexGuard<'_, DeliveryState>,
        until: Option<Real>,
        done: impl Fn(&DeliveryState) -> bool,
        left: impl Fn(&DeliveryState) -> usize,
    ) -> FlushReport {
        loop {
            if done(&state) || !state.running {
                return FlushReport { left: left(&state) };
            }
            let wait = until.map(|until| until.saturating_duration_since(Real::now()));
            match wait {
                Some(wait) if wait.is_zero() => return FlushReport { left: left(&state) },
                // Without a deadline too: no caller may sleep on a worker that
                // is gone.
                _ => {
                    let wait = wait.unwrap_or(Duration::from_secs(1));
                    let woken = self.progress.0.wait_timeout(state, wait);
                    state = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Starts the worker's thread if there is something for it to do.
    fn start(self: &Arc<Self>, state: &mut DeliveryState) {
        if state.running || state.scheduler.is_empty() {
            return;
        }
        match worker::spawn(self.clone()) {
            Ok(()) => state.running = true,
            Err(error) => report::not_started(&error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, DeliveryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many messages are still queued or were given up at the end.
fn undelivered(state: &DeliveryState) -> usize {
    state.scheduler.left(u64::MAX) + state.scheduler.abandoned
}
