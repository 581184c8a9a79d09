//! Listeners declared inline.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use fluxgate::{Listener, Signal, State, circuit_breaker, listener::AsyncListener, testing};

static TOLD: AtomicUsize = AtomicUsize::new(0);

struct Mine {
    weight: usize,
}

impl Listener for Mine {
    fn on_signal(&self, _: &Signal) {
        TOLD.fetch_add(self.weight, Ordering::Relaxed);
    }
}

struct Later;

impl AsyncListener for Later {
    async fn on_signal(&self, signal: &Signal) {
        assert_eq!(signal.new_state, State::Open);
    }
}

fn count(_: &Signal) {
    TOLD.fetch_add(100, Ordering::Relaxed);
}

#[circuit_breaker(
    tripper = FailureStreak(1),
    listeners = [
        LogListener,
        Mine { weight: 1 },
        count,
        // The types of these arguments are inferred.
        |signal| {
            if signal.new_state == State::Open {
                TOLD.fetch_add(10, Ordering::Relaxed);
            }
        },
        |signal| async move { assert_eq!(signal.new_state, State::Open) },
        async |signal| assert_eq!(signal.old_state, State::Closed),
        Later,
    ],
    handle = told_breaker,
)]
fn told() -> io::Result<()> {
    Err(io::Error::other("down"))
}

#[test]
fn every_kind_of_listener() {
    let _time = testing::freeze();
    TOLD.store(0, Ordering::Relaxed);
    told().unwrap_err();
    assert_eq!(TOLD.load(Ordering::Relaxed), 111);
    assert_eq!(told_breaker().info().listener_failures, 0);
}
