//! The waiters of a breaker: wakers of futures, in the order of arrival.
//!
//! An event (a slot that comes back, a state that was entered, an alarm) wakes the first
//! waiter alone, which leaves the queue. It asks the breaker. If it is admitted it wakes
//! the next, since there may be room for more; if not, it takes its old place again, and
//! whatever admitted another in its stead will be an event in turn. One that is dropped
//! after it was woken passes its wake on. So no number of waiters asks at once, and none
//! is forgotten: while there are waiters and room, one of them is on its way.
//!
//! Invariant: a waiter enters the queue before it asks. An event before its answer
//! therefore either lets it in or wakes the first in the queue.
//!
//! A waiter that was woken may not be polled for long: its task awaits something else
//! first, or its future was leaked. So while others wait behind it an alarm is set,
//! which wakes the next of them a little later.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, Weak},
    task::Waker,
    time::Duration,
};

use super::Core;
use crate::{
    clock::Alarm,
    util::{
        panic::catch_panic,
        sync::{Mutex, MutexGuard},
    },
};

#[derive(Default)]
pub(crate) struct Waiters(Mutex<WaitQueue>);

#[derive(Default)]
struct WaitQueue {
    /// The waiters by their turn.
    waiting: BTreeMap<u64, Waker>,
    turns: u64,
    /// When the alarm rings that was set last, unless it rang.
    alarm_at: Option<Duration>,
    /// Whom it wakes.
    core: Weak<Core>,
}

impl Waiters {
    fn queue(&self) -> MutexGuard<'_, WaitQueue> {
        // Wakers are code of the user's: they are cloned, woken and dropped without
        // this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the queue, or stays there with this waker. Returns the waiter's turn.
    pub(crate) fn enter(&self, turn: Option<u64>, waker: Waker, core: &Arc<Core>) -> u64 {
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
    pub(crate) fn leave(&self, turn: u64) -> bool {
        let waker = self.queue().waiting.remove(&turn);
        waker.is_some()
    }

    /// Wakes the first waiter, if there is one. Returns whether others wait behind it.
    pub(super) fn wake_next(&self) -> bool {
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
    pub(super) fn alarm(&self, at: Duration) -> Option<Alarm> {
        let mut queue = self.queue();
        if queue.alarm_at.is_some_and(|set| set <= at) {
            return None;
        }
        queue.alarm_at = Some(at);
        let core: Weak<Core> = queue.core.clone();
        Some(Alarm::new(core))
    }

    /// Takes note that an alarm rang.
    pub(super) fn rang(&self) {
        self.queue().alarm_at = None;
    }
}
