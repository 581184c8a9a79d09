//! The queue between a breaker and an async listener.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use crate::listener::{
    AsyncListener, DeliveryCounts, Listener,
    async_listener::executor,
    owned::{contained, describe, label},
};
use crate::{
    Signal, diagnostics,
    util::{
        panic::{DropContained, catch_panic},
        pending::{self, Pending},
    },
};

/// How many signals may wait for one listener.
const CAPACITY: usize = 1024;

/// An async listener as a sync one: told means queued.
pub(in crate::listener) struct Background<L> {
    queue: Arc<Queue<L>>,
}

struct Queue<L> {
    listener: DropContained<L>,
    /// Whether the listener may need a tokio runtime that is not there.
    lacks_tokio: bool,
    /// Signals that came in a process forked from that of the background thread.
    orphaned: AtomicU64,
    state: Mutex<QueueState>,
    /// Notified when a signal is done with.
    progress: Condvar,
}

#[derive(Default)]
struct QueueState {
    /// Numbered from 1.
    waiting: VecDeque<(u64, Signal)>,
    accepted: u64,
    /// The number of the signal that the listener is at.
    present: Option<u64>,
    dropped: u64,
    failures: u64,
    /// Whether the task exists that empties the queue.
    spawned: bool,
    /// Whether the breaker is gone.
    closed: bool,
    /// Of the task that waits for a signal.
    waker: Option<Waker>,
}

impl QueueState {
    /// Returns the number up to which every signal is delivered or given up.
    fn done(&self) -> u64 {
        let next = self.waiting.front().map(|(number, _)| *number);
        let unfinished = self.present.or(next);
        unfinished.map_or(self.accepted, |number| number - 1)
    }
}

impl<L> Queue<L> {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: AsyncListener + 'static> Background<L> {
    pub(in crate::listener) fn new(listener: L) -> Self {
        let lacks_tokio =
            !cfg!(feature = "tokio") && catch_panic(|| listener.needs_tokio()).unwrap_or(true);
        let queue = Queue {
            listener: contained(listener),
            lacks_tokio,
            orphaned: AtomicU64::new(0),
            state: Mutex::default(),
            progress: Condvar::new(),
        };
        Self {
            queue: Arc::new(queue),
        }
    }
}

impl<L: AsyncListener + 'static> Listener for Background<L> {
    fn on_signal(&self, signal: &Signal) {
        if executor::is_orphaned() {
            // Without the lock: a thread that is gone may hold it.
            self.queue.orphaned.fetch_add(1, Ordering::Relaxed);
            diagnostics::forked();
            return;
        }
        let mut state = self.queue.lock();
        if state.waiting.len() == CAPACITY {
            state.waiting.pop_front();
            state.dropped += 1;
            self.queue.progress.notify_all();
        }
        state.accepted += 1;
        let number = state.accepted;
        state.waiting.push_back((number, signal.clone()));
        let waker = state.waker.take();
        let is_first = !state.spawned;
        state.spawned = true;
        drop(state);
        if is_first {
            let queue: Weak<Queue<L>> = Arc::downgrade(&self.queue);
            pending::watch(queue);
            executor::spawn(deliver(Arc::clone(&self.queue)));
            return;
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        executor::ensure_running();
    }

    fn name(&self) -> &str {
        self.queue.listener.name()
    }

    fn delivery_counts(&self) -> DeliveryCounts {
        let orphaned = self.queue.orphaned.load(Ordering::Relaxed);
        let lacks_tokio = self.queue.lacks_tokio;
        if executor::is_orphaned() {
            return DeliveryCounts {
                dropped: orphaned,
                lacks_tokio,
                ..DeliveryCounts::default()
            };
        }
        let state = self.queue.lock();
        DeliveryCounts {
            waiting: state.waiting.len() as u64 + u64::from(state.present.is_some()),
            dropped: state.dropped + orphaned,
            failures: state.failures,
            lacks_tokio,
        }
    }
}

impl<L> Drop for Background<L> {
    /// Closes the queue; the signals that wait in it are still delivered.
    fn drop(&mut self) {
        if executor::is_orphaned() {
            return;
        }
        let mut state = self.queue.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Delivers the signals of one listener, one after the other, until its queue is
/// closed.
async fn deliver<L: AsyncListener + 'static>(queue: Arc<Queue<L>>) {
    let mut task = DrainTask {
        queue,
        finished: false,
    };
    let queue = Arc::clone(&task.queue);
    while let Some(signal) = poll_fn(|context| queue.poll_next(context)).await {
        let delivered = queue.tell(&signal).await;
        let mut state = queue.lock();
        state.present = None;
        state.failures += u64::from(delivered != Some(Ok(())));
        drop(state);
        queue.progress.notify_all();
        let name = || label(|| queue.listener.name());
        match delivered {
            Some(Ok(())) => {}
            Some(Err(error)) => diagnostics::listener_failed(&signal.name, &name(), &error),
            None => diagnostics::async_listener_panicked(&signal.name, &name()),
        }
    }
    task.finished = true;
}

/// The task that empties a queue. One that is dropped before its end has been
/// abandoned by a listener's future that nothing can wake; the signals behind
/// that one get a new task.
struct DrainTask<L: AsyncListener + 'static> {
    queue: Arc<Queue<L>>,
    finished: bool,
}

impl<L: AsyncListener + 'static> Drop for DrainTask<L> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let queue = &self.queue;
        let mut state = queue.lock();
        state.failures += u64::from(state.present.take().is_some());
        state.waker = None;
        state.spawned = !state.waiting.is_empty();
        let goes_on = state.spawned;
        drop(state);
        queue.progress.notify_all();
        diagnostics::listener_abandoned(&label(|| queue.listener.name()));
        if goes_on {
            executor::spawn(deliver(Arc::clone(queue)));
        }
    }
}

impl<L: AsyncListener> Queue<L> {
    fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Signal>> {
        let mut state = self.lock();
        match state.waiting.pop_front() {
            Some((number, signal)) => {
                state.present = Some(number);
                Poll::Ready(Some(signal))
            }
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Delivers one signal. Returns how that went, or `None` if the listener
    /// panicked.
    async fn tell(&self, signal: &Signal) -> Option<Result<(), String>> {
        let mut future = Box::pin(catch_panic(|| self.listener.deliver(signal))?);
        let delivered = poll_fn(|context| {
            let polled = catch_panic(|| future.as_mut().poll(context));
            polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
        })
        .await;
        let delivered = delivered.map(|result| result.map_err(describe));
        catch_panic(|| drop(future)).and(delivered)
    }
}

impl<L: Send + Sync> Pending for Queue<L> {
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut state = self.lock();
        let target = state.accepted;
        while state.done() < target {
            state = match until {
                None => self
                    .progress
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.progress.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_lacks_tokio_without_the_feature() {
        struct Free;

        impl AsyncListener for Free {
            async fn on_signal(&self, _: &Signal) {}

            fn needs_tokio(&self) -> bool {
                false
            }
        }

        let closure = Background::new(|_: Signal| async {});
        assert_eq!(
            closure.delivery_counts().lacks_tokio,
            !cfg!(feature = "tokio")
        );
        assert!(
            !Background::new(Arc::new(Free))
                .delivery_counts()
                .lacks_tokio
        );
        let boxed: Box<dyn super::super::DynAsyncListener> = Box::new(Free);
        assert!(!Background::new(boxed).delivery_counts().lacks_tokio);
    }
}
