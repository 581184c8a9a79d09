//! A window of the user's, asked without the lock.
//!
//! A window can't be copied, and is asked one thing at a time, in order. What it
//! is to be told waits in a queue that the lock guards. The caller that finds the
//! window in its place takes it out, tells it what waits, one thing after the
//! other and each without the lock, and puts it back; a caller that finds it gone
//! leaves its own in the queue and goes on. So no caller waits for a window, and a
//! window that calls its breaker, or whose panic hook does, finds it usable.

use std::time::Duration;

use super::{Core, Shared, config::drop_contained, lock::Held};
use crate::{
    diagnostics,
    util::panic::catch_panic,
    window::{MOST, OwnWindow, Record, Totals, Window, WindowCell, WindowTask},
};

impl Core {
    /// Leaves an outcome for the user's window. Whether there was room.
    pub(super) fn leave_record(held: &mut Held<'_, Shared>, record: Record, now: Duration) -> bool {
        let own = held.get().machine.own_window();
        own.is_some_and(|(own, _)| own.tasks.put_record(record, now))
    }

    /// Lets the user's window, if that is what there is, forget what is too old,
    /// before a look at the totals.
    pub(super) fn expire_own<'a>(
        &'a self,
        mut held: Held<'a, Shared>,
        now: Duration,
    ) -> Held<'a, Shared> {
        match held.get().machine.own_window() {
            Some((own, _)) => {
                own.tasks.put(WindowTask::Expire(now));
                self.catch_up(held)
            }
            None => held,
        }
    }

    /// Tells the user's window what waits for it, unless that is being done.
    pub(super) fn catch_up<'a>(&'a self, mut held: Held<'a, Shared>) -> Held<'a, Shared> {
        let cell = match held.get().machine.own_window() {
            Some((own, _)) if !own.tasks.is_empty() => own.cell.clone(),
            _ => return held,
        };
        let Some(mut window) = cell.take() else {
            return held;
        };
        for _ in 0..MOST {
            let Some(task) = own(&mut held, &cell).and_then(|(own, _)| own.tasks.take()) else {
                break;
            };
            held = self.tell(held, &cell, &mut *window, task);
        }
        cell.put(window);
        if own(&mut held, &cell).is_some() {
            return held;
        }
        // Settings with another window came meanwhile. Without the lock: this may drop
        // the window.
        drop(held);
        drop_contained(cell);
        self.shared.lock()
    }

    fn tell<'a>(
        &'a self,
        mut held: Held<'a, Shared>,
        cell: &WindowCell,
        window: &mut dyn Window,
        task: WindowTask,
    ) -> Held<'a, Shared> {
        let late = || self.counts.late.add(1);
        let Some((own_window, totals)) = own(&mut held, cell) else {
            return held;
        };
        let present = own_window.tasks.filling();
        if let WindowTask::Record { filling, .. } = task
            && present != filling
        {
            late();
            return held;
        }
        let mut totals = totals.clone();
        drop(held);
        let told = catch_panic(|| match task {
            WindowTask::Record { record, now, .. } => window.record(record, now, &mut totals),
            WindowTask::Expire(now) => window.expire(now, &mut totals),
            WindowTask::Clear => window.clear(),
            #[cfg(feature = "settings")]
            WindowTask::Prepare {
                thresholds,
                durations,
            } => window.prepare(thresholds, durations),
        });
        if told.is_none() {
            diagnostics::policy_panicked("window");
        }
        let mut held = self.shared.lock();
        let known = own(&mut held, cell).filter(|(own, _)| own.tasks.filling() == present);
        match (known, task) {
            (None, WindowTask::Record { .. }) => {
                late();
                return held;
            }
            (Some((_, own)), WindowTask::Record { .. } | WindowTask::Expire(_)) => *own = totals,
            _ => {}
        }
        if let WindowTask::Record { record, now, .. } = task {
            let Shared {
                machine, config, ..
            } = held.get();
            if let Some(next) = machine.went_into(config, record.failed, now) {
                held = self.make(held, next, Some(now));
            }
        }
        held
    }
}

/// Returns the user's window, if it is that of the cell, and the totals.
fn own<'h>(
    held: &'h mut Held<'_, Shared>,
    cell: &WindowCell,
) -> Option<(&'h mut OwnWindow, &'h mut Totals)> {
    let own = held.get().machine.own_window();
    own.filter(|(own, _)| own.cell.is(cell))
}
