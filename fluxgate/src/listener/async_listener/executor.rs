//! The background thread of all async listeners.

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    pin::Pin,
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use once_cell::sync::OnceCell;

use crate::{diagnostics, util::panic::catch_panic};

/// Runs a future on the background thread, which is started if need be.
pub(super) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    let task = Task {
        future: Mutex::new(Some(Box::pin(future))),
        is_queued: AtomicBool::new(true),
    };
    push(Arc::new(task));
}

/// Starts the background thread if there is none: one that could not be had for
/// the signals before may be had now.
pub(super) fn ensure_running() {
    if let Err(error) = THREAD.get_or_try_init(start) {
        diagnostics::no_background(&error);
    }
}

/// Returns whether this process was forked from the one that has the background
/// thread.
pub(super) fn is_orphaned() -> bool {
    let owner = OWNER.load(Ordering::Relaxed);
    owner != 0 && owner != process::id()
}

/// Returns whether the caller runs on the background thread.
pub(super) fn is_current() -> bool {
    IS_BACKGROUND.get()
}

thread_local! {
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

struct Task {
    /// `None` when it is finished.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    is_queued: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            push(self);
        }
    }
}

struct Ready {
    tasks: VecDeque<Arc<Task>>,
    /// Of the thread, when it waits for tasks.
    waker: Option<Waker>,
}

static READY: Mutex<Ready> = Mutex::new(Ready {
    tasks: VecDeque::new(),
    waker: None,
});

static THREAD: OnceCell<()> = OnceCell::new();

/// The process that started the thread; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn push(task: Arc<Task>) {
    let mut ready = lock(&READY);
    ready.tasks.push_back(task);
    let waker = ready.waker.take();
    drop(ready);
    if let Some(waker) = waker {
        waker.wake();
    }
    ensure_running();
}

fn start() -> io::Result<()> {
    let thread = thread::Builder::new().name("fluxgate-listeners".into());
    thread.spawn(run).map(drop)?;
    OWNER.store(process::id(), Ordering::Relaxed);
    Ok(())
}

fn run() {
    IS_BACKGROUND.set(true);
    // Panics of listeners are contained where they arise.
    while catch_panic(host).is_none() {}
}

#[cfg(feature = "tokio")]
fn host() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(std::future::poll_fn(drive)),
        Err(error) => {
            diagnostics::no_runtime(&error);
            park();
        }
    }
}

#[cfg(not(feature = "tokio"))]
use park as host;

/// Drives the tasks by parking and unparking this thread.
fn park() {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    while drive(&mut context).is_pending() {
        thread::park();
    }
}

/// Polls every task that is ready, once. Never ready itself.
fn drive(context: &mut Context<'_>) -> Poll<()> {
    let tasks = {
        let mut ready = lock(&READY);
        ready.waker = Some(context.waker().clone());
        std::mem::take(&mut ready.tasks)
    };
    for task in tasks {
        // The last one to hold a task drops its future, which runs user code.
        catch_panic(|| {
            poll(&task);
            drop(task);
        });
    }
    Poll::Pending
}

fn poll(task: &Arc<Task>) {
    // From here on a wake queues it again. Swapped rather than stored, to
    // see what was written before the wakes until now.
    task.is_queued.swap(false, Ordering::AcqRel);
    let waker = Waker::from(Arc::clone(task));
    let mut future = lock(&task.future);
    let polled = future.as_mut().map(|future| {
        catch_panic(|| future.as_mut().poll(&mut Context::from_waker(&waker)))
            .unwrap_or(Poll::Ready(()))
    });
    if polled.is_some_and(|polled| polled.is_ready()) {
        let finished = future.take();
        drop(future);
        catch_panic(|| drop(finished));
    }
}
