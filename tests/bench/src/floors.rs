//! What no breaker can beat: the call alone, and the primitives breakers are
//! made of.

use std::{
    convert::Infallible,
    future::Future,
    hint::black_box,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{
    peer::{self, AsyncPeer, Batch, Peer},
    service::{ApiError, Traffic, fetch, fetch_async},
    suite::{Case, Role, Subject, Suite},
};

const BARE: Subject = Subject::new("no breaker", Role::Floor);
const LOOP: Subject = Subject::new("the loop alone", Role::Floor);

/// The protected call without protection.
#[derive(Clone)]
pub struct Bare;

impl Peer for Bare {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, ApiError> {
        fetch(request)
    }

    fn is_rejection(_: &ApiError) -> bool {
        false
    }
}

impl AsyncPeer for Bare {
    type Error = ApiError;

    #[inline]
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, ApiError>> {
        fetch_async(request)
    }

    fn is_rejection(_: &ApiError) -> bool {
        false
    }
}

/// Does nothing: what the loop itself costs.
#[derive(Clone)]
struct Nothing;

impl Peer for Nothing {
    type Error = Infallible;

    #[inline]
    fn get(&mut self, request: u64) -> Result<u64, Infallible> {
        Ok(request)
    }

    fn is_rejection(_: &Infallible) -> bool {
        false
    }
}

fn repeated(f: impl Fn() + Send + Sync + 'static) -> Batch {
    Box::new(move |calls| {
        for _ in 0..calls {
            f();
        }
    })
}

fn increment() -> Batch {
    let count = Arc::new(AtomicU64::new(0));
    repeated(move || {
        black_box(count.fetch_add(1, Ordering::Relaxed));
    })
}

fn mutex() -> Batch {
    let count = Arc::new(Mutex::new(0_u64));
    repeated(move || *count.lock().unwrap_or_else(PoisonError::into_inner) += 1)
}

pub fn add(suite: &mut Suite) {
    let healthy = || peer::looped(Bare, Traffic::Healthy);
    let mixed = || peer::looped(Bare, Traffic::OneInFourFails);
    let nothing = || peer::looped(Nothing, Traffic::Healthy);
    suite
        .add(Case::Healthy, BARE, healthy)
        .add(Case::HealthyPair, BARE, healthy)
        .add(Case::Mixed, BARE, mixed)
        .add(Case::MixedPair, BARE, mixed)
        .add(Case::Open, LOOP, nothing)
        .add(Case::OpenPair, LOOP, nothing)
        .add(Case::Timed, BARE, healthy)
        .add(Case::Throttle, BARE, healthy)
        .asynchronous(BARE, || Bare);

    let floor = |name| Subject::new(name, Role::Floor);
    suite
        .add(Case::Floor, floor("atomic load"), || {
            let word = AtomicU64::new(0);
            repeated(move || {
                black_box(word.load(Ordering::Acquire));
            })
        })
        .add(Case::Floor, floor("fetch_add"), increment)
        .add(Case::Floor, floor("uncontended Mutex"), mutex)
        .add(Case::Floor, floor("Instant::now"), || {
            repeated(|| {
                black_box(Instant::now());
            })
        })
        .add(Case::Floor, floor("Instant::now twice"), || {
            repeated(|| {
                black_box(Instant::now());
                black_box(Instant::now());
            })
        })
        .add(Case::FloorPair, floor("fetch_add, 2 threads"), increment)
        .add(Case::FloorPair, floor("Mutex, 2 threads"), mutex);
}
