//! A window of the user's, asked without the lock.
//!
//! A window can't be copied, and is asked one thing at a time, in order. What it
//! is to be told waits in a queue that the lock guards. The caller that finds the
//! window in its place takes it out, tells it what waits, one thing after the
//! other and each without the lock, and puts it back; a caller that finds it gone
//! leaves its own in the queue and goes on. So no caller waits for a window, and a
//! window that calls its breaker, or whose panic hook does, finds it usable.

use std::time::Duration;

use super::{Core, Shared, lock::Held};
use crate::{
    diagnostics,
    util::panic::catch_panic,
    window::{MOST, OwnWindow, Record, Window, WindowTask},
};

impl Core {
    /// Leaves an outcome for the user's window. Whether there was room.
    pub(super) fn leave_record(held: &mut Held<'_, Shared>, record: Record, now: Duration) -> bool {
        let generation = held.word().generation();
        let task = WindowTask::Record {
            generation,
            record,
            now,
        };
        let own = held.get().machine.own_window();
        own.is_some_and(|(own, _)| own.tasks.put(task))
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
        match held.get().machine.own_window() {
            Some((own, _)) if !own.tasks.0.is_empty() => {}
            _ => return held,
        }
        let taken = own(&mut held).and_then(|own| own.window.take());
        let Some(mut window) = taken else {
            return held;
        };
        for _ in 0..MOST {
            let Some(task) = own(&mut held).and_then(|own| own.tasks.0.pop_front()) else {
                break;
            };
            held = self.tell(held, &mut *window, task);
        }
        if let Some(own) = own(&mut held) {
            own.window = Some(window);
        }
        held
    }

    fn tell<'a>(
        &'a self,
        mut held: Held<'a, Shared>,
        window: &mut dyn Window,
        task: WindowTask,
    ) -> Held<'a, Shared> {
        let present = held.word();
        let late = || self.counts.late.add(1);
        if let WindowTask::Record { generation, .. } = task
            && present.generation() != generation
        {
            late();
            return held;
        }
        let totals = held.get().machine.own_window().map(|(_, totals)| totals);
        let mut totals = totals.map(|totals| totals.clone()).unwrap_or_default();
        drop(held);
        let told = catch_panic(|| match task {
            WindowTask::Record { record, now, .. } => window.record(record, now, &mut totals),
            WindowTask::Expire(now) => window.expire(now, &mut totals),
            WindowTask::Clear => window.clear(),
        });
        if told.is_none() {
            diagnostics::policy_panicked("window");
        }
        let mut held = self.shared.lock();
        let stays = held.word().same_period(present);
        match (held.get().machine.own_window(), task) {
            (Some(_), WindowTask::Record { .. }) if !stays => late(),
            (Some((_, own)), WindowTask::Record { .. } | WindowTask::Expire(_)) if stays => {
                *own = totals;
            }
            _ => {}
        }
        if let (true, WindowTask::Record { record, now, .. }) = (stays, task) {
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

fn own<'h>(held: &'h mut Held<'_, Shared>) -> Option<&'h mut OwnWindow> {
    held.get().machine.own_window().map(|(own, _)| own)
}
