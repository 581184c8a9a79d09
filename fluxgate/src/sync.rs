//! The primitives behind the breaker: the standard library's, or loom's when
//! the interleavings are explored.

#[cfg(not(fluxgate_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, fence},
};

#[cfg(fluxgate_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, fence},
};

pub(crate) use std::sync::atomic::Ordering;

/// Locks, and goes on after a panic elsewhere: what the breaker's locks guard
/// is whole between any two statements, so poisoning has nothing to tell.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
