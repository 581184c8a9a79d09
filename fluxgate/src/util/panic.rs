//! Running code of the user's beside the protected call: a panic in it ends
//! here.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of `f`, or `None` if it panicked.
pub(crate) fn contained<R>(f: impl FnOnce() -> R) -> Option<R> {
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
