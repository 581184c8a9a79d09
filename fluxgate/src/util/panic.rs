//! Running code of the user's beside the protected call: a panic in it ends
//! here.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`. Returns its result, or `None` if it panicked.
pub(crate) fn catch_panic<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // Dropping what was thrown runs code of the user's once more.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

/// A value of the user's, whose drop may panic: the panic ends there, since the
/// thread that drops it need not be the one that made it.
pub(crate) struct DropContained<T> {
    /// `None` while it is dropped.
    value: Option<T>,
    /// Called after a panic.
    report: fn(),
}

impl<T> DropContained<T> {
    pub(crate) fn new(value: T, report: fn()) -> Self {
        Self {
            value: Some(value),
            report,
        }
    }
}

impl<T> std::ops::Deref for DropContained<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value.as_ref().expect("taken in `drop` alone")
    }
}

impl<T> Drop for DropContained<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        if catch_panic(|| drop(value)).is_none() {
            (self.report)();
        }
    }
}
