//! The rows: names and meaning as in `tests/guarantees/field_bugs.rs`.

use std::{
    future::{Future, pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::sleep,
};

use crate::{
    WAIT,
    peers::{Down, Maker, Peer, Ran, Work},
};

pub enum Verdict {
    Holds,
    /// And how, if there is more to say.
    Fails(String),
    /// What should fail without the fault does not, or the other way round.
    Unclear,
}

pub type Check = fn(Maker) -> Verdict;

pub struct Row {
    pub promise: &'static str,
    pub check: Check,
}

pub const ROWS: &[Row] = &[
    Row {
        promise: "opens at the n-th failure, not one later",
        check: threshold_is_reached_by_the_nth_call,
    },
    Row {
        promise: "after 1000 good calls, ten bad ones in a window of ten open it",
        check: count_window_slides,
    },
    Row {
        promise: "a panic is a failure",
        check: panic_is_a_failure,
    },
    Row {
        promise: "half-open with one probe admits one of 100 callers",
        check: half_open_takes_no_crowd,
    },
    Row {
        promise: "a cancelled probe gives its slot back",
        check: cancelled_probe_gives_its_slot_back,
    },
    Row {
        promise: "a probe that hangs does not block recovery for ever",
        check: hung_probe_loses_its_slot,
    },
    Row {
        promise: "a probe that panics does not block recovery",
        check: panicking_probe_gives_its_slot_back,
    },
    Row {
        promise: "a success from before the opening does not close it",
        check: late_success_does_not_close,
    },
];

type Running<'a> = Pin<Box<dyn Future<Output = Ran> + 'a>>;

fn poll(running: &mut Running<'_>) -> Poll<Ran> {
    running
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// Makes a call that ends at once.
fn run(peer: &dyn Peer, work: Work) -> Ran {
    let mut running = peer.call(work);
    for _ in 0..100 {
        if let Poll::Ready(ran) = poll(&mut running) {
            return ran;
        }
    }
    panic!("it waits for something");
}

fn succeed(peer: &dyn Peer) -> Ran {
    run(peer, Box::pin(ready(Ok(()))))
}

fn fail(peer: &dyn Peer) -> Ran {
    run(peer, Box::pin(ready(Err(Down))))
}

/// A call that hangs, if it is let in.
fn hang(peer: &dyn Peer) -> Option<Running<'_>> {
    let mut running = peer.call(Box::pin(pending()));
    poll(&mut running).is_pending().then_some(running)
}

fn panics(peer: &dyn Peer) {
    let work = Box::pin(poll_fn(|_| panic_any("a bug in the call")));
    let _ = catch_unwind(AssertUnwindSafe(|| run(peer, work)));
}

/// Fails until calls are rejected.
fn open(peer: &dyn Peer) {
    for _ in 0..100 {
        if fail(peer) == Ran::Rejected {
            return;
        }
    }
    panic!("it never opens");
}

fn holds(holds: bool) -> Verdict {
    if holds {
        Verdict::Holds
    } else {
        Verdict::Fails(String::new())
    }
}

fn threshold_is_reached_by_the_nth_call(make: Maker) -> Verdict {
    let peer = make(4);
    let failed = (0..4).all(|_| fail(&*peer) == Ran::Failed);
    holds(failed && fail(&*peer) == Ran::Rejected)
}

fn count_window_slides(make: Maker) -> Verdict {
    let peer = make(10);
    for _ in 0..1000 {
        succeed(&*peer);
    }
    for _ in 0..10 {
        fail(&*peer);
    }
    holds(fail(&*peer) == Ran::Rejected)
}

fn panic_is_a_failure(make: Maker) -> Verdict {
    let peer = make(4);
    (0..10).for_each(|_| panics(&*peer));
    holds(succeed(&*peer) == Ran::Rejected)
}

fn half_open_takes_no_crowd(make: Maker) -> Verdict {
    let peer = make(4);
    open(&*peer);
    sleep(2 * WAIT);
    let admitted: Vec<_> = (0..100).filter_map(|_| hang(&*peer)).collect();
    match admitted.len() {
        1 => Verdict::Holds,
        admitted => Verdict::Fails(format!(": {admitted}")),
    }
}

/// Whether a success is let in within a few waits.
fn recovers(peer: &dyn Peer) -> bool {
    (0..6).any(|_| {
        sleep(WAIT);
        succeed(peer) == Ran::Ok
    })
}

fn cancelled_probe_gives_its_slot_back(make: Maker) -> Verdict {
    let peer = make(4);
    open(&*peer);
    sleep(2 * WAIT);
    drop(hang(&*peer));
    holds(recovers(&*peer))
}

fn hung_probe_loses_its_slot(make: Maker) -> Verdict {
    let peer = make(4);
    open(&*peer);
    sleep(2 * WAIT);
    let _hung = hang(&*peer);
    holds(recovers(&*peer))
}

fn panicking_probe_gives_its_slot_back(make: Maker) -> Verdict {
    let peer = make(4);
    open(&*peer);
    sleep(2 * WAIT);
    panics(&*peer);
    holds(recovers(&*peer))
}

/// Half-open by a probe that hangs; then, perhaps, the early success; then the
/// probe's failure must open the circuit again.
fn late_success_does_not_close(make: Maker) -> Verdict {
    let reopens = |with_late_success: bool| {
        let peer = make(4);
        let ends = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let start = |end: &Arc<AtomicBool>, result: fn() -> Result<(), Down>| {
            let end = Arc::clone(end);
            let work = poll_fn(move |_| {
                if end.load(Ordering::Relaxed) {
                    Poll::Ready(result())
                } else {
                    Poll::Pending
                }
            });
            let mut running = peer.call(Box::pin(work));
            let admitted = poll(&mut running).is_pending();
            (running, admitted)
        };
        let (mut early, _) = start(&ends[0], || Ok(()));
        open(&*peer);
        sleep(2 * WAIT);
        let (mut probe, admitted) = start(&ends[1], || Err(Down));
        assert!(admitted, "the wait is over");
        if with_late_success {
            ends[0].store(true, Ordering::Relaxed);
            let _ = poll(&mut early);
        }
        ends[1].store(true, Ordering::Relaxed);
        let _ = poll(&mut probe);
        succeed(&*peer) == Ran::Rejected
    };
    match (reopens(false), reopens(true)) {
        (true, reopened) => holds(reopened),
        (false, _) => Verdict::Unclear,
    }
}
