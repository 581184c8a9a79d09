//! What a key costs. Alone in its program: the allocator counts everything.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};

use fluxgate::{circuit_breaker, keyed::CircuitBreakers};

struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's; the rest only counts.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KEYS: usize = 100_000;

fn keys() -> Vec<String> {
    (0..KEYS).map(|key| format!("tenant-{key:06}")).collect()
}

fn fill(set: &CircuitBreakers<String>, keys: &[String]) {
    for key in keys {
        let result = set.get(key.as_str()).call(|| Ok::<_, std::io::Error>(()));
        assert!(result.is_ok());
    }
}

#[circuit_breaker(key = tenant, handle = quotes)]
fn quote(tenant: &str) -> std::io::Result<usize> {
    Ok(tenant.len())
}

#[circuit_breaker(key = request.tenant.as_str(), key_type = String)]
async fn place(request: &Request) -> std::io::Result<usize> {
    Ok(request.tenant.len())
}

struct Request {
    tenant: String,
}

/// Polls a future that is ready at once, without a runtime that allocates.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

/// Of annotated functions, once the breakers of their keys are there.
fn calls_of_annotated_functions_allocate_nothing() {
    let requests = ["a", "b"].map(|tenant| Request {
        tenant: tenant.to_owned(),
    });
    let call = || {
        for request in &requests {
            assert_eq!(quote(&request.tenant).unwrap(), 1);
            assert_eq!(now(place(request)).unwrap(), 1);
        }
    };
    call();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        call();
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    assert_eq!(quotes().get("a").info().metrics.total_count, 100);
}

#[test]
fn a_hundred_thousand_keys() {
    calls_of_annotated_functions_allocate_nothing();
    let keys = keys();
    let before = BYTES.load(Ordering::Relaxed);
    let set = CircuitBreakers::<String>::builder("tenants")
        .max_keys(KEYS)
        .build()
        .expect("valid settings");
    fill(&set, &keys);
    assert_eq!(set.len(), KEYS);
    let each = (BYTES.load(Ordering::Relaxed) - before) / KEYS;
    println!("{each} bytes for each of {KEYS} keys");
    assert!(
        each <= 1472,
        "documented as about 1.4 kB, but takes {each} bytes"
    );

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    fill(&set, &keys);
    let more = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(more, 0, "looking up allocates nothing");

    // As many keys that are new: the idle make room for them, and
    // memory stays as it is.
    let before = BYTES.load(Ordering::Relaxed);
    let others: Vec<String> = keys.iter().map(|key| format!("other-{key}")).collect();
    let names = BYTES.load(Ordering::Relaxed) - before;
    let before = BYTES.load(Ordering::Relaxed);
    fill(&set, &others);
    assert!(set.len() <= KEYS);
    let grown = BYTES.load(Ordering::Relaxed).saturating_sub(before);
    assert!(
        grown < names + KEYS * 100,
        "{grown} bytes more for keys that replaced others"
    );
}
