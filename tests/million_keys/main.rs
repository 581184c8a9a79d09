//! A million keys through the defaults of the attribute, beside hot ones and one that
//! fails: in bounded memory, and to an end.
//!
//! ```sh
//! cargo run --release --manifest-path tests/million_keys/Cargo.toml
//! ```

#![allow(unsafe_code, reason = "the allocator counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use fluxgate::{Command, State, circuit_breaker, registry};

struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's; the rest only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KEYS: usize = 1_000_000;
/// The default of `max_keys`.
const KEPT: usize = 10_000;
const HOT: [&str; 3] = ["hot-0", "hot-1", "hot-2"];
/// All breakers are looked at and commanded until so many keys came.
const COMMANDS: usize = 100_000;
/// From here on memory stays as it is.
const FILLED: usize = COMMANDS + 5 * KEPT;
/// The default rule opens at so many failures, however many keys come between them.
const FAILURES: usize = 100;

#[circuit_breaker(key = tenant, handle = quotes)]
fn quote(tenant: &str) -> io::Result<usize> {
    if tenant == "failing" {
        return Err(io::Error::other("down"));
    }
    Ok(tenant.len())
}

fn main() {
    // What hangs ends: this takes seconds.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(300));
        eprintln!("a million keys come to no end");
        std::process::abort();
    });
    let start = Instant::now();
    let mut filled = 0;
    let mut failures = 0;
    for key in 0..KEYS {
        assert!(quote(&format!("outside-{key}")).is_ok());
        assert!(quote(HOT[key % HOT.len()]).is_ok());
        if key >= COMMANDS && key % ((KEYS - COMMANDS) / FAILURES) == 0 {
            assert_eq!(state("failing"), State::Closed, "after {failures} failures");
            assert!(quote("failing").is_err());
            failures += 1;
        }
        if key == FILLED {
            filled = BYTES.load(Relaxed);
        }
        if key % KEPT == 0 && key < COMMANDS {
            quotes().command_all(Command::Disable);
            quotes().command_all(Command::Reset);
            assert!(!registry::snapshot().is_empty());
            assert!(quotes().all().len() <= KEPT);
        }
    }
    let took = start.elapsed();
    assert_eq!((failures, state("failing")), (FAILURES, State::Open));
    let stats = quotes().stats();
    assert_eq!((stats.keys, stats.without_room), (KEPT, 0));
    assert_eq!(stats.evicted, (KEYS + HOT.len() + 1 - KEPT) as u64);
    for hot in HOT {
        // The commands forgot what was before.
        let breaker = quotes().find(hot).expect("it is asked for all the time");
        assert_eq!(breaker.info().metrics.total_count, 100);
    }
    let bytes = BYTES.load(Relaxed);
    println!(
        "{KEYS} keys and as many calls of hot ones took {took:.1?}, and {bytes} bytes are kept"
    );
    assert!(
        bytes < filled + filled / 20,
        "{filled} bytes after the first {} keys, {bytes} in the end",
        FILLED
    );
}

fn state(key: &str) -> State {
    let breaker = quotes().find(key);
    breaker.map_or(State::Closed, |breaker| breaker.state())
}
