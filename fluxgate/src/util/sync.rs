//! The primitives behind the breaker: the standard library's, or loom's when
//! the interleavings are explored.

#[cfg(not(fluxgate_loom))]
pub(crate) use cell::{MutPtr, UnsafeCell};
#[cfg(not(fluxgate_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, fence},
};

#[cfg(fluxgate_loom)]
pub(crate) use loom::{
    cell::{MutPtr, UnsafeCell},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, fence},
    },
};

pub(crate) use std::sync::atomic::Ordering;

/// Waits a little, the longer the more often it was tried: first for another
/// core, then for the scheduler, then for threads of lower priority.
#[cfg(not(fluxgate_loom))]
pub(crate) fn pause(tries: u32) {
    use std::{hint, thread, time::Duration};

    match tries {
        0..64 => hint::spin_loop(),
        64..96 => thread::yield_now(),
        _ => thread::sleep(Duration::from_micros(50)),
    }
}

#[cfg(fluxgate_loom)]
pub(crate) fn pause(_tries: u32) {
    loom::thread::yield_now();
}

/// The standard cell with the interface of loom's.
#[cfg(not(fluxgate_loom))]
mod cell {
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn get_mut(&self) -> MutPtr<T> {
            MutPtr(self.0.get())
        }
    }

    pub(crate) struct MutPtr<T>(*mut T);

    impl<T> MutPtr<T> {
        /// # Safety
        ///
        /// No other reference to the value may be alive.
        #[allow(unsafe_code, clippy::mut_from_ref)]
        pub(crate) unsafe fn deref(&self) -> &mut T {
            // SAFETY: the pointer is that of a cell, which its user keeps
            // alive; the caller vouches for the rest.
            unsafe { &mut *self.0 }
        }
    }
}
