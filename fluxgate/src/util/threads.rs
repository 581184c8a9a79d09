//! Threads that end by themselves: how many there are, and waiting for their end.

#[cfg(not(fluxgate_loom))]
pub(crate) use real::{spawn, wait};

#[cfg(not(fluxgate_loom))]
mod real {
    use std::{
        cell::Cell,
        sync::{Condvar, Mutex, MutexGuard, PoisonError},
        thread,
        time::Instant,
    };

    /// So many there are at a time in the process.
    const MOST: usize = 8;

    struct Threads {
        /// The numbers of those that run.
        running: Vec<u64>,
        next: u64,
    }

    static THREADS: Mutex<Threads> = Mutex::new(Threads {
        running: Vec::new(),
        next: 0,
    });
    /// Notified when one ends.
    static ENDED: Condvar = Condvar::new();

    thread_local! {
        static IS_ONE: Cell<bool> = const { Cell::new(false) };
    }

    fn threads() -> MutexGuard<'static, Threads> {
        THREADS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that runs, until it is dropped.
    struct RunningThread(u64);

    impl Drop for RunningThread {
        fn drop(&mut self) {
            threads().running.retain(|number| *number != self.0);
            ENDED.notify_all();
        }
    }

    /// Runs `f` on a thread of its own. Returns whether there is one: there are at most
    /// a few at a time in the process, and on some platforms none.
    pub(crate) fn spawn(f: impl FnOnce() + Send + 'static) -> bool {
        let mut threads = threads();
        if threads.running.len() >= MOST {
            return false;
        }
        threads.next += 1;
        let guard = RunningThread(threads.next);
        threads.running.push(guard.0);
        drop(threads);
        let thread = thread::Builder::new().name("fluxgate-signals".into());
        let spawned = thread.spawn(move || {
            let _guard = guard;
            IS_ONE.set(true);
            f();
        });
        spawned.is_ok()
    }

    /// Waits until those have ended that run now. Returns whether they did so in time;
    /// `None` is for ever. One of them does not wait for itself: `false` at once.
    pub(crate) fn wait(until: Option<Instant>) -> bool {
        if IS_ONE.get() {
            return false;
        }
        let mut threads = threads();
        let last = threads.next;
        while threads.running.iter().any(|number| *number <= last) {
            threads = match until {
                None => ENDED.wait(threads).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = ENDED.wait_timeout(threads, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

#[cfg(fluxgate_loom)]
pub(crate) fn spawn(f: impl FnOnce() + Send + 'static) -> bool {
    loom::thread::spawn(f);
    true
}

#[cfg(fluxgate_loom)]
pub(crate) fn wait(_until: Option<std::time::Instant>) -> bool {
    true
}
