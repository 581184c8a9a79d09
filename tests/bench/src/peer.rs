//! What a breaker must do to be measured, and the loops that call it.

use std::{future::Future, hint::black_box};

use crate::{runtime::RUNTIME, service::Traffic};

/// A breaker around [`fetch`](crate::service::fetch).
pub trait Peer: Clone + Send + Sync + 'static {
    type Error;

    /// One protected call.
    fn get(&mut self, request: u64) -> Result<u64, Self::Error>;

    fn is_rejection(error: &Self::Error) -> bool;
}

/// A breaker around [`fetch_async`](crate::service::fetch_async).
pub trait AsyncPeer: Clone + Send + Sync + 'static {
    type Error;

    /// One protected call.
    fn get(&mut self, request: u64) -> impl Future<Output = Result<u64, Self::Error>>;

    fn is_rejection(error: &Self::Error) -> bool;
}

/// Makes that many calls, one after the other. Each thread that runs it has its
/// own handle of one breaker.
pub type Batch = Box<dyn Fn(u64) + Send + Sync>;

/// Enough to fill every window, and to trip what is to be open.
const SETTLED: u64 = 2000;

/// A loop over a breaker that has seen enough traffic.
///
/// # Panics
///
/// Panics if the breaker rejects traffic that it must let through.
pub fn closed<P: Peer>(peer: P, traffic: Traffic) -> Batch {
    let rejected = rejections(&peer, traffic);
    assert_eq!(rejected, 0, "a closed breaker must let every call through");
    looped(peer, traffic)
}

/// A loop over a breaker that has tripped.
///
/// # Panics
///
/// Panics if it has not.
pub fn open<P: Peer>(peer: P) -> Batch {
    rejections(&peer, Traffic::Failing);
    let rejected = rejections(&peer, Traffic::Healthy);
    assert_eq!(rejected, SETTLED, "an open breaker must reject every call");
    looped(peer, Traffic::Healthy)
}

fn rejections<P: Peer>(peer: &P, traffic: Traffic) -> u64 {
    let mut peer = peer.clone();
    let rejected =
        |n| matches!(peer.get(traffic.request(n)), Err(error) if P::is_rejection(&error));
    (0..SETTLED).map(rejected).map(u64::from).sum()
}

/// The loop alone. Which traffic it is, is known outside of it.
pub fn looped<P: Peer>(peer: P, traffic: Traffic) -> Batch {
    match traffic {
        Traffic::Healthy => looped_over(peer, |n| Traffic::Healthy.request(n)),
        Traffic::OneInFourFails => looped_over(peer, |n| Traffic::OneInFourFails.request(n)),
        Traffic::Failing => looped_over(peer, |n| Traffic::Failing.request(n)),
    }
}

fn looped_over<P: Peer>(peer: P, request: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Batch {
    Box::new(move |calls| {
        let mut peer = peer.clone();
        for n in 0..calls {
            let result = peer.get(request(black_box(n)));
            receive(result, P::is_rejection);
        }
    })
}

/// What a caller does with a result: it looks which it is. To look at the whole
/// in memory would measure how it was moved there.
#[inline]
fn receive<E>(result: Result<u64, E>, is_rejection: impl FnOnce(&E) -> bool) {
    match result {
        Ok(value) => {
            black_box(value);
        }
        Err(error) => {
            black_box(is_rejection(&error));
        }
    }
}

/// [`closed`] for async calls.
///
/// # Panics
///
/// As `closed`.
pub fn closed_async<P: AsyncPeer>(peer: P, traffic: Traffic) -> Batch {
    let rejected = rejections_async(&peer, traffic);
    assert_eq!(rejected, 0, "a closed breaker must let every call through");
    looped_async(peer, traffic)
}

/// [`open`] for async calls.
///
/// # Panics
///
/// As `open`.
pub fn open_async<P: AsyncPeer>(peer: P) -> Batch {
    rejections_async(&peer, Traffic::Failing);
    let rejected = rejections_async(&peer, Traffic::Healthy);
    assert_eq!(rejected, SETTLED, "an open breaker must reject every call");
    looped_async(peer, Traffic::Healthy)
}

fn rejections_async<P: AsyncPeer>(peer: &P, traffic: Traffic) -> u64 {
    let mut peer = peer.clone();
    RUNTIME.block_on(async {
        let mut rejected = 0;
        for n in 0..SETTLED {
            let result = peer.get(traffic.request(n)).await;
            rejected += u64::from(matches!(result, Err(error) if P::is_rejection(&error)));
        }
        rejected
    })
}

/// [`looped`] for async calls, awaited one after the other in one task.
pub fn looped_async<P: AsyncPeer>(peer: P, traffic: Traffic) -> Batch {
    match traffic {
        Traffic::Healthy => awaited_over(peer, |n| Traffic::Healthy.request(n)),
        Traffic::OneInFourFails => awaited_over(peer, |n| Traffic::OneInFourFails.request(n)),
        Traffic::Failing => awaited_over(peer, |n| Traffic::Failing.request(n)),
    }
}

fn awaited_over<P: AsyncPeer>(
    peer: P,
    request: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> Batch {
    Box::new(move |calls| {
        let mut peer = peer.clone();
        RUNTIME.block_on(async {
            for n in 0..calls {
                let result = peer.get(request(black_box(n))).await;
                receive(result, P::is_rejection);
            }
        });
    })
}
