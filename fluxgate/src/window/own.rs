//! A custom window in a breaker, and what it is to be told.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Record, Window};

/// How many things may wait to be told, and how many one caller tells. While a
/// window hangs, outcomes beyond this number don't count, and are counted as
/// late. What a caller leaves is told by the next, or by `info()`.
pub(crate) const MOST: usize = 1024;

/// What a user's window is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WindowTask {
    /// An outcome, to be counted unless the window is emptied before.
    Record {
        filling: u64,
        record: Record,
        now: Duration,
    },
    Expire(Duration),
    Clear,
    /// After a change of settings, with what is measured.
    #[cfg(feature = "settings")]
    Prepare {
        thresholds: usize,
        durations: bool,
    },
}

/// What waits for a user's window.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    waiting: VecDeque<WindowTask>,
    /// How often the window was emptied.
    filling: u64,
}

impl Tasks {
    /// Leaves a task for the window. Returns whether there was room.
    pub(crate) fn put(&mut self, task: WindowTask) -> bool {
        let fits = self.waiting.len() < MOST;
        if fits {
            self.waiting.push_back(task);
        }
        fits
    }

    /// Leaves an outcome for the window. Returns whether there was room.
    pub(crate) fn put_record(&mut self, record: Record, now: Duration) -> bool {
        let filling = self.filling;
        self.put(WindowTask::Record {
            filling,
            record,
            now,
        })
    }

    /// Takes the next task.
    pub(crate) fn take(&mut self) -> Option<WindowTask> {
        self.waiting.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns how often the window was emptied.
    pub(crate) fn filling(&self) -> u64 {
        self.filling
    }

    /// The window is to be emptied. The outcomes that wait belong to what is over;
    /// they stay to be counted as late.
    pub(crate) fn clear(&mut self) {
        self.filling += 1;
        self.waiting
            .retain(|task| matches!(task, WindowTask::Record { .. }));
        self.waiting.push_front(WindowTask::Clear);
    }

    /// The window is to be emptied, since other things are measured.
    #[cfg(feature = "settings")]
    pub(crate) fn prepare(&mut self, thresholds: usize, durations: bool) {
        self.clear();
        let prepare = WindowTask::Prepare {
            thresholds,
            durations,
        };
        self.waiting.insert(1, prepare);
    }

    /// Returns how many outcomes wait.
    #[cfg(feature = "settings")]
    pub(crate) fn records(&self) -> u64 {
        let is_record = |task: &&WindowTask| matches!(task, WindowTask::Record { .. });
        self.waiting.iter().filter(is_record).count() as u64
    }
}

/// Where a user's window is kept, also while other settings are in force.
#[derive(Clone)]
pub(crate) struct WindowCell(Arc<Mutex<Option<Box<dyn Window>>>>);

impl WindowCell {
    fn window(&self) -> MutexGuard<'_, Option<Box<dyn Window>>> {
        // No code of the user's runs under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the window out, to be asked; `None` while another caller asks it.
    pub(crate) fn take(&self) -> Option<Box<dyn Window>> {
        self.window().take()
    }

    /// Puts the window back.
    pub(crate) fn put(&self, window: Box<dyn Window>) {
        *self.window() = Some(window);
    }

    /// Asks the window, unless another caller does so. It is put back if that panics.
    pub(crate) fn ask<R>(&self, f: impl FnOnce(&mut dyn Window) -> R) -> Option<R> {
        struct Taken<'a>(&'a WindowCell, Option<Box<dyn Window>>);

        impl Drop for Taken<'_> {
            fn drop(&mut self) {
                if let Some(window) = self.1.take() {
                    self.0.put(window);
                }
            }
        }

        let mut taken = Taken(self, self.take());
        let window = taken.1.as_mut()?;
        Some(f(&mut **window))
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A window of the user's own, in a breaker: it is never asked here, but by the
/// engine, without the lock.
pub(crate) struct OwnWindow {
    pub(crate) cell: WindowCell,
    /// What it is to be told.
    pub(crate) tasks: Tasks,
    name: &'static str,
}

impl OwnWindow {
    pub(super) fn new(window: Box<dyn Window>, name: &'static str) -> Self {
        Self {
            cell: WindowCell(Arc::new(Mutex::new(Some(window)))),
            tasks: Tasks::default(),
            name,
        }
    }

    /// Returns the same window with nothing to be told.
    #[cfg(feature = "settings")]
    pub(super) fn fresh(&self) -> Self {
        Self {
            cell: self.cell.clone(),
            tasks: Tasks::default(),
            name: self.name,
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
