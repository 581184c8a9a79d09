//! How many bytes a breaker takes, what it has on the heap included.

use std::mem;

use fluxgate::{Builder, window::CountWindow};

use crate::{
    peer::{AsyncPeer, Peer},
    peers::ours,
    runtime::RUNTIME,
    service::Traffic,
    suite::Suite,
};

/// As many as make what lists of breakers allocate ahead negligible.
const BREAKERS: usize = 1024;

fn each<P>(make: impl Fn() -> P) -> usize {
    let allocated = allocation_counter::measure(|| {
        for _ in 0..BREAKERS {
            mem::forget(make());
        }
    });
    let heap = usize::try_from(allocated.bytes_current).unwrap_or(0) / BREAKERS;
    heap + size_of::<P>()
}

/// After a call, because some build themselves then.
pub fn of<P: Peer>(make: fn() -> P) -> usize {
    each(|| {
        let mut peer = make();
        let _ = peer.get(Traffic::Healthy.request(1));
        peer
    })
}

/// [`of`] for a breaker that has async calls only.
pub fn of_async<P: AsyncPeer>(make: fn() -> P) -> usize {
    each(|| {
        let mut peer = make();
        let _ = RUNTIME.block_on(peer.get(Traffic::Healthy.request(1)));
        peer
    })
}

/// Ours with other policies.
pub fn add(suite: &mut Suite) {
    let policies: [(_, fn() -> Builder); 4] = [
        ("fluxgate, CountWindow(10 000)", || {
            ours::plain().window(CountWindow::new(10_000))
        }),
        ("fluxgate, SlowRate", ours::slow_rate),
        ("fluxgate, AvgLatency", ours::avg_latency),
        ("fluxgate, TimeWindow(1 min)", ours::time_window),
    ];
    for (name, build) in policies {
        let bytes = move || each(|| build().build().expect("the settings are allowed"));
        suite.memory.push((name, Box::new(bytes)));
    }
}
