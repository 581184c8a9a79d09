//! What a thread has of its own while a test isolates it: a clock, cells in place of
//! those of statics, and a registry.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::KnownBreakers;
use crate::{breaker::first_use::FirstUse, clock::Clock};

thread_local! {
    static WORLD: RefCell<Option<Arc<IsolatedWorld>>> = const { RefCell::new(None) };
}

/// What an isolated thread has of its own.
pub(crate) struct IsolatedWorld {
    pub(crate) clock: Arc<dyn Clock>,
    /// In place of the cells of statics, by their addresses.
    cells: Mutex<HashMap<usize, &'static (dyn Any + Send + Sync)>>,
    pub(super) known: KnownBreakers,
}

/// Gives this thread breakers of its own, by this clock.
pub(crate) fn enter(clock: Arc<dyn Clock>) {
    let world = IsolatedWorld {
        clock,
        cells: Mutex::default(),
        known: KnownBreakers::new(),
    };
    WORLD.set(Some(Arc::new(world)));
}

/// Takes from this thread what it had of its own.
pub(crate) fn leave() {
    // Dropped when the cell is no longer borrowed: that may run user code.
    let world = WORLD.take();
    drop(world);
}

/// Returns what this thread has of its own.
pub(crate) fn world() -> Option<Arc<IsolatedWorld>> {
    WORLD
        .try_with(|world| world.borrow().clone())
        .ok()
        .flatten()
}

/// Returns this thread's cell in place of a static's.
pub(crate) fn cell<T>(shared: &FirstUse<T>) -> Option<&'static FirstUse<T>>
where
    T: Send + Sync + 'static,
{
    let world = world()?;
    let mut cells = world.cells.lock().unwrap_or_else(PoisonError::into_inner);
    let own = *cells
        .entry(std::ptr::from_ref(shared).addr())
        .or_insert_with(|| Box::leak(Box::new(FirstUse::<T>::new(shared.place()))));
    own.downcast_ref()
}
