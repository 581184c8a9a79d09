//! The queue between a breaker and an async listener.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use crate::listener::{
    AsyncListener, CallEvent, DeliveryCounts, Listener, ListenerNeeds,
    async_listener::executor,
    owned::{describe, label},
};
use crate::{
    Signal, diagnostics,
    listener::owned::Droppable,
    util::{
        consult::{Consulted, consult},
        panic::catch_panic,
        pending::{self, Pending},
    },
};

/// How many signals may wait for one listener, and how many call events.
const CAPACITY: usize = 1024;

/// An async listener as a sync one: told means queued.
pub(in crate::listener) struct Background<L> {
    queue: Arc<Queue<L>>,
}

struct Queue<L> {
    listener: Droppable<L>,
    /// Whether the listener may need a tokio runtime that is not there.
    lacks_tokio: bool,
    /// Signals that came in a process forked from that of the background thread.
    orphaned: AtomicU64,
    /// And call events.
    orphaned_calls: AtomicU64,
    state: Mutex<QueueState>,
    /// Notified when a signal is done with.
    progress: Condvar,
}

/// What a listener is told.
enum News {
    Signal(Signal),
    Call(CallEvent),
}

#[derive(Default)]
struct QueueState {
    /// These and the calls are numbered together, from 1.
    waiting: VecDeque<(u64, Signal)>,
    calls: VecDeque<(u64, CallEvent)>,
    accepted: u64,
    /// The number of what the listener is at.
    present: Option<u64>,
    dropped: u64,
    dropped_calls: u64,
    /// Whether a panic in telling of a call was reported.
    said: bool,
    failures: u64,
    /// Whether the task exists that empties the queue.
    spawned: bool,
    /// Whether the breaker is gone.
    closed: bool,
    /// Of the task that waits for a signal.
    waker: Option<Waker>,
}

impl QueueState {
    /// Returns the number up to which everything is delivered or given up.
    fn done(&self) -> u64 {
        let signal = self.waiting.front().map(|(number, _)| *number);
        let call = self.calls.front().map(|(number, _)| *number);
        let next = signal.into_iter().chain(call).min();
        let unfinished = self.present.or(next);
        unfinished.map_or(self.accepted, |number| number - 1)
    }

    /// Returns how much waits.
    fn len(&self) -> usize {
        self.waiting.len() + self.calls.len()
    }

    /// Takes what came first.
    fn take(&mut self) -> Option<(u64, News)> {
        let signal = self.waiting.front().map(|(number, _)| *number);
        let call = self.calls.front().map(|(number, _)| *number);
        if call.is_some_and(|call| signal.is_none_or(|signal| call < signal)) {
            let (number, event) = self.calls.pop_front()?;
            Some((number, News::Call(event)))
        } else {
            let (number, signal) = self.waiting.pop_front()?;
            Some((number, News::Signal(signal)))
        }
    }

    /// Adds something. Returns whether the oldest was given up for it.
    fn put(&mut self, news: News) -> bool {
        self.accepted += 1;
        let number = self.accepted;
        match news {
            News::Signal(signal) => {
                let is_full = self.waiting.len() == CAPACITY;
                if is_full {
                    self.waiting.pop_front();
                    self.dropped += 1;
                }
                self.waiting.push_back((number, signal));
                is_full
            }
            News::Call(event) => {
                let is_full = self.calls.len() == CAPACITY;
                if is_full {
                    self.calls.pop_front();
                    self.dropped_calls += 1;
                }
                self.calls.push_back((number, event));
                is_full
            }
        }
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
            listener: Droppable::new(listener),
            lacks_tokio,
            orphaned: AtomicU64::new(0),
            orphaned_calls: AtomicU64::new(0),
            state: Mutex::default(),
            progress: Condvar::new(),
        };
        Self {
            queue: Arc::new(queue),
        }
    }

    /// Leaves something to the background thread.
    fn put(&self, news: News) {
        let mut state = self.queue.lock();
        let gave_up = state.put(news);
        let waker = state.waker.take();
        let is_first = !state.spawned;
        state.spawned = true;
        drop(state);
        if gave_up {
            self.queue.progress.notify_all();
        }
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
}

impl<L: AsyncListener + 'static> Listener for Background<L> {
    fn on_signal(&self, signal: &Signal) {
        if executor::is_orphaned() {
            // Without the lock: a thread that is gone may hold it.
            self.queue.orphaned.fetch_add(1, Ordering::Relaxed);
            diagnostics::forked();
            return;
        }
        self.put(News::Signal(signal.clone()));
    }

    fn on_call(&self, event: &CallEvent) {
        if executor::is_orphaned() {
            self.queue.orphaned_calls.fetch_add(1, Ordering::Relaxed);
            diagnostics::forked();
            return;
        }
        // The listener itself may have made the call, while it was told of another.
        let put = consult(&*self.queue, || self.put(News::Call(event.clone())));
        if put == Consulted::Within {
            self.queue.lock().dropped_calls += 1;
        }
    }

    fn needs(&self) -> ListenerNeeds {
        let listener = self.queue.listener.get();
        ListenerNeeds {
            call_events: listener.call_events(),
            ..ListenerNeeds::default()
        }
    }

    fn name(&self) -> &str {
        self.queue.listener.get().name()
    }

    fn delivery_counts(&self) -> DeliveryCounts {
        let orphaned = self.queue.orphaned.load(Ordering::Relaxed);
        let orphaned_calls = self.queue.orphaned_calls.load(Ordering::Relaxed);
        let lacks_tokio = self.queue.lacks_tokio;
        if executor::is_orphaned() {
            return DeliveryCounts {
                dropped: orphaned,
                dropped_calls: orphaned_calls,
                lacks_tokio,
                ..DeliveryCounts::default()
            };
        }
        let state = self.queue.lock();
        DeliveryCounts {
            waiting: state.len() as u64 + u64::from(state.present.is_some()),
            dropped: state.dropped + orphaned,
            dropped_calls: state.dropped_calls + orphaned_calls,
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
    while let Some(news) = poll_fn(|context| queue.poll_next(context)).await {
        let delivered = queue.tell(&news).await;
        let mut state = queue.lock();
        state.present = None;
        state.failures += u64::from(delivered != Some(Ok(())));
        let is_call = matches!(news, News::Call(_));
        let reported = delivered.is_none() && is_call && mem::replace(&mut state.said, true);
        drop(state);
        queue.progress.notify_all();
        let name = || label(|| queue.listener.get().name());
        let (News::Signal(Signal { name: breaker, .. })
        | News::Call(CallEvent { name: breaker, .. })) = &news;
        match delivered {
            Some(Ok(())) => {}
            Some(Err(error)) => diagnostics::listener_failed(breaker, &name(), &error),
            None if reported => {}
            None if is_call => diagnostics::listener_panicked_at_a_call(breaker, &name()),
            None => diagnostics::async_listener_panicked(breaker, &name()),
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
        state.spawned = state.len() > 0;
        let goes_on = state.spawned;
        drop(state);
        queue.progress.notify_all();
        diagnostics::listener_abandoned(&label(|| queue.listener.get().name()));
        if goes_on {
            executor::spawn(deliver(Arc::clone(queue)));
        }
    }
}

impl<L: AsyncListener> Queue<L> {
    fn poll_next(&self, context: &Context<'_>) -> Poll<Option<News>> {
        let mut state = self.lock();
        match state.take() {
            Some((number, news)) => {
                state.present = Some(number);
                Poll::Ready(Some(news))
            }
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Tells of one signal or call. Returns how that went, or `None` if the listener
    /// panicked.
    async fn tell(&self, news: &News) -> Option<Result<(), String>> {
        let listener = self.listener.get();
        let mut future = Box::pin(async {
            match news {
                News::Signal(signal) => listener.deliver(signal).await,
                News::Call(event) => {
                    listener.on_call(event).await;
                    Ok(())
                }
            }
        });
        let is_call = matches!(news, News::Call(_));
        let delivered = poll_fn(|context| {
            let polled = if is_call {
                // Calls that it makes meanwhile are not told.
                match consult(self, || future.as_mut().poll(context)) {
                    Consulted::Given(polled) => Some(polled),
                    Consulted::Panicked | Consulted::Within => None,
                }
            } else {
                catch_panic(|| future.as_mut().poll(context))
            };
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
