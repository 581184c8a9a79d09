//! A cell that is filled at its first use, and notices when that needs itself.
//!
//! Filling a cell runs user code: the expressions of listeners and of constants.
//! If that code uses the same cell, or a cell whose filling waits for this one on
//! another thread, a plain once-cell waits for ever. So every cell that is being
//! filled is listed with its thread, and every thread that waits for one; a wait
//! that would close a circle is refused. What is listed changes under one lock,
//! so of the threads of a circle the last one sees all others. No user code runs
//! under it.

use std::{
    fmt,
    panic::Location,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use once_cell::sync::OnceCell;

use crate::{Name, diagnostics};

/// A cell in a static.
pub(crate) struct FirstUse<T> {
    cell: OnceCell<T>,
    /// Where the static is defined.
    place: &'static Location<'static>,
}

impl<T> FirstUse<T> {
    pub(crate) const fn new(place: &'static Location<'static>) -> Self {
        Self {
            cell: OnceCell::new(),
            place,
        }
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.place
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    /// Fills the cell if it is empty. Waits while another thread does so.
    ///
    /// # Errors
    ///
    /// If it is this thread that fills it, or one that waits for this one.
    pub(crate) fn get_or_fill(&self, fill: impl FnOnce() -> T) -> Result<&T, Circle> {
        let turn = self.enter()?;
        if let Some(value) = self.cell.get() {
            return Ok(value);
        }
        let value = fill();
        let value = self.cell.get_or_init(|| value);
        // The cell is filled by now: a thread that finds it unlisted finds it so.
        drop(turn);
        Ok(value)
    }

    /// Waits for the right to fill the cell; `None` if it is filled.
    fn enter(&self) -> Result<Option<Turn>, Circle> {
        let cell = std::ptr::from_ref(&self.cell).addr();
        let thread = thread::current().id();
        let mut listed = lock();
        loop {
            if self.cell.get().is_some() {
                return Ok(None);
            }
            let Some(at) = listed.fills.iter().position(|fill| fill.cell == cell) else {
                listed.fills.push(Fill {
                    cell,
                    thread,
                    place: self.place,
                    name: None,
                });
                FILLS.store(listed.fills.len(), Ordering::Relaxed);
                return Ok(Some(Turn(cell)));
            };
            if let Some(circle) = listed.circle(at, thread) {
                return Err(circle);
            }
            listed.waits.push((thread, cell));
            let (woken, waited) = CHANGED
                .wait_timeout(listed, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            listed = woken;
            listed.waits.retain(|(waiting, _)| *waiting != thread);
            if waited.timed_out() {
                let slow = listed.fills.iter().find(|fill| fill.cell == cell);
                let slow = slow.map(ToString::to_string);
                drop(listed);
                if let Some(slow) = slow {
                    diagnostics::slow_first_use(&slow);
                }
                listed = lock();
            }
        }
    }
}

/// After this time a thread that waits for another one says so.
const PATIENCE: Duration = Duration::from_secs(10);

static LISTED: Mutex<Listed> = Mutex::new(Listed {
    fills: Vec::new(),
    waits: Vec::new(),
});
/// Notified when a cell is no longer being filled.
static CHANGED: Condvar = Condvar::new();
/// How many cells are being filled, for a look without the lock. A thread sees
/// its own.
static FILLS: AtomicUsize = AtomicUsize::new(0);

fn lock() -> MutexGuard<'static, Listed> {
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Listed {
    /// In the order they began.
    fills: Vec<Fill>,
    /// The cell that each waiting thread waits for.
    waits: Vec<(ThreadId, usize)>,
}

/// A cell that is being filled.
struct Fill {
    /// Its address.
    cell: usize,
    thread: ThreadId,
    place: &'static Location<'static>,
    /// Once its builder has one.
    name: Option<Name>,
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "'{name}' ")?;
        }
        write!(f, "(defined at {})", self.place)
    }
}

impl Listed {
    /// Returns the circle that `thread` would close if it waited for this cell.
    fn circle(&self, at: usize, thread: ThreadId) -> Option<Circle> {
        let mut at = at;
        let mut circle = Vec::new();
        // Ends, since there is no circle among those that wait already.
        loop {
            let fill = &self.fills[at];
            // What it began to fill later, it needs for this.
            let needed = self.fills[at..].iter();
            let needed = needed.filter(|later| later.thread == fill.thread);
            circle.extend(needed.map(ToString::to_string));
            if fill.thread == thread {
                return Some(Circle(circle));
            }
            let waits = self.waits.iter().find(|(other, _)| *other == fill.thread);
            let (_, cell) = waits?;
            at = self.fills.iter().position(|fill| fill.cell == *cell)?;
        }
    }
}

/// The right to fill a cell, and the entry in the list.
struct Turn(usize);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut listed = lock();
        listed.fills.retain(|fill| fill.cell != self.0);
        FILLS.store(listed.fills.len(), Ordering::Relaxed);
        drop(listed);
        CHANGED.notify_all();
    }
}

/// Gives the cell that this thread is filling, if any, the name of the breaker
/// that is about to be built, for messages.
pub(crate) fn name(name: &Name) {
    if FILLS.load(Ordering::Relaxed) == 0 {
        return;
    }
    let thread = thread::current().id();
    let mut listed = lock();
    let own = listed.fills.iter_mut().rfind(|fill| fill.thread == thread);
    if let Some(fill) = own {
        fill.name.get_or_insert_with(|| name.clone());
    }
}

/// The cells whose first uses need each other.
#[derive(Debug)]
pub(crate) struct Circle(Vec<String>);

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way_out = "Use it in `on_signal`, when it is built, or build what uses it there";
        match &*self.0 {
            [only] => write!(
                f,
                "the circuit breaker {only} is used while it is being built: the expression of a \
                 listener, or of another setting, uses it. {way_out}"
            ),
            all => write!(
                f,
                "circuit breakers need each other to be built: {}. The expression of a listener, \
                 or of another setting, uses the next one of them. {way_out}",
                all.join(", ")
            ),
        }
    }
}
