//! The runtime that async calls are made on.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// With a worker for each of two cores, and timers: some peers sleep.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime without I/O needs two threads only")
});
