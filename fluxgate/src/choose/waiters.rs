//! Who waits for a breaker to admit a call.
//!
//! A queue of wakers in the order of arrival. An event (a slot that comes back, a
//! state that was entered, an alarm) wakes the first waiter alone, which leaves the
//! queue. It asks the breaker. If it is admitted it wakes the next, since there may
//! be room for more; if not, it takes its old place again, and whatever admitted
//! another in its stead will be an event in turn. One that is dropped after it was
//! woken passes its wake on. So no number of waiters asks at once, and none is
//! forgotten: while there are waiters and room, one of them is on its way.
//!
//! Invariant: a waiter enters the queue before it asks. An event before its answer
//! therefore either lets it in or wakes the first in the queue.
//!
//! A waiter that was woken may not be polled for long: its task awaits something else
//! first, or its future was leaked. So while others wait behind it an alarm is set,
//! which wakes the next of them a little later.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::guard::OwnedGuard;
use crate::{
    CircuitBreaker,
    clock::Alarm,
    engine::{
        Core,
        sync::{Mutex, MutexGuard},
        ticket::Ticket,
    },
    util::panic::catch_panic,
};

#[derive(Default)]
pub(crate) struct Waiters(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    /// The waiters by their turn.
    waiting: BTreeMap<u64, Waker>,
    turns: u64,
    /// When the alarm rings that was set last, unless it rang.
    alarm_at: Option<Duration>,
    /// Whom it wakes.
    core: Weak<Core>,
}

impl Waiters {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Wakers are code of the user's: they are cloned, woken and dropped without
        // this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the queue, or stays there with this waker. Returns the waiter's turn.
    fn enter(&self, turn: Option<u64>, waker: Waker, core: &Arc<Core>) -> u64 {
        let mut queue = self.queue();
        let turn = turn.unwrap_or_else(|| {
            queue.turns += 1;
            queue.turns
        });
        if queue.core.strong_count() == 0 {
            queue.core = Arc::downgrade(core);
        }
        let before = queue.waiting.insert(turn, waker);
        drop(queue);
        drop(before);
        turn
    }

    /// Leaves the queue. Returns whether the waiter was still in it, and so was not
    /// woken.
    fn leave(&self, turn: u64) -> bool {
        let waker = self.queue().waiting.remove(&turn);
        waker.is_some()
    }

    /// Wakes the first waiter, if there is one. Returns whether others wait behind it.
    pub(crate) fn wake_next(&self) -> bool {
        let mut queue = self.queue();
        let first = queue.waiting.pop_first();
        let are_more = !queue.waiting.is_empty();
        drop(queue);
        if let Some((_, waker)) = first {
            // It runs on the thread of a call, or on that of the alarms.
            catch_panic(|| waker.wake());
        }
        are_more
    }

    /// Returns the alarm to be set for this time, unless an earlier one is.
    pub(crate) fn alarm(&self, at: Duration) -> Option<Alarm> {
        let mut queue = self.queue();
        if queue.alarm_at.is_some_and(|set| set <= at) {
            return None;
        }
        queue.alarm_at = Some(at);
        let core: Weak<Core> = queue.core.clone();
        Some(Alarm::new(core))
    }

    /// Takes note that an alarm rang.
    pub(crate) fn rang(&self) {
        self.queue().alarm_at = None;
    }
}

/// Waits for a breaker to admit a call; made by
/// [`CircuitBreaker::acquire_ready`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct AcquireReady {
    breaker: CircuitBreaker,
    turn: Option<u64>,
}

impl AcquireReady {
    pub(super) fn new(breaker: CircuitBreaker) -> Self {
        Self {
            breaker,
            turn: None,
        }
    }

    fn admitted(&mut self, ticket: Ticket) -> Poll<OwnedGuard> {
        if let Some(turn) = self.turn.take() {
            let core = &self.breaker.core;
            core.choice().waiters.leave(turn);
            // There may be room for another.
            core.wake_next();
        }
        Poll::Ready(OwnedGuard::new(self.breaker.clone(), ticket))
    }
}

impl Future for AcquireReady {
    type Output = OwnedGuard;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<OwnedGuard> {
        let this = &mut *self;
        if let Some(ticket) = this.breaker.core.admit_fast() {
            return this.admitted(ticket);
        }
        let core = &this.breaker.core;
        let waiters = &core.choice().waiters;
        this.turn = Some(waiters.enter(this.turn, context.waker().clone(), core));
        match core.try_admit() {
            Ok(ticket) => this.admitted(ticket),
            Err(refusal) => {
                if let Some(at) = core.next_look(refusal) {
                    core.look_at(at, waiters);
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for AcquireReady {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            let core = &self.breaker.core;
            if !core.choice().waiters.leave(turn) {
                core.wake_next();
            }
        }
    }
}
