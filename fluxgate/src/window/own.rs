//! A custom window in a breaker, and what it is to be told.

use std::{collections::VecDeque, fmt, time::Duration};

use super::{Record, Window};

/// How many things may wait to be told, and how many one caller tells. While a
/// window hangs, outcomes beyond this number don't count, and are counted as
/// late. What a caller leaves is told by the next, or by `info()`.
pub(crate) const MOST: usize = 1024;

/// What a user's window is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WindowTask {
    /// An outcome, of the period with this generation.
    Record {
        generation: u64,
        record: Record,
        now: Duration,
    },
    Expire(Duration),
    Clear,
}

/// What waits for a user's window.
#[derive(Debug, Default)]
pub(crate) struct Tasks(pub(crate) VecDeque<WindowTask>);

impl Tasks {
    /// Leaves a task for the window. Returns whether there was room.
    pub(crate) fn put(&mut self, task: WindowTask) -> bool {
        let fits = self.0.len() < MOST;
        if fits {
            self.0.push_back(task);
        }
        fits
    }

    /// The window is to be emptied. The outcomes that wait belong to a period that
    /// is over; they stay to be counted as late.
    pub(crate) fn clear(&mut self) {
        self.0
            .retain(|task| matches!(task, WindowTask::Record { .. }));
        self.0.push_front(WindowTask::Clear);
    }
}

/// A window of the user's own, in a breaker: it is never asked here, but by the
/// engine, without the lock.
pub(crate) struct OwnWindow {
    /// Taken out while it is asked.
    pub(crate) window: Option<Box<dyn Window>>,
    /// What it is to be told.
    pub(crate) tasks: Tasks,
    name: &'static str,
}

impl OwnWindow {
    pub(super) fn new(window: Box<dyn Window>, name: &'static str) -> Self {
        Self {
            window: Some(window),
            tasks: Tasks::default(),
            name,
        }
    }
}

/// Writes `Custom(…)` with the name of the window's type.
impl fmt::Display for OwnWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", self.name)
    }
}

impl fmt::Debug for OwnWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").finish_non_exhaustive()
    }
}
