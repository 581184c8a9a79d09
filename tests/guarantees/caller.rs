//! G8: what takes time is not done on the caller's thread.

use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use fluxgate::{Signal, State, clock::ManualClock, listener::flush};

use crate::kit::{builder, fail};

#[test]
fn g8_async_listener_delays_no_call() {
    let (told, threads): (Sender<ThreadId>, Receiver<ThreadId>) = channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let released = Mutex::new(Some(released));
    let breaker = builder(&ManualClock::new())
        .listener(move |_: Signal| {
            let (told, released) = (told.clone(), released.lock().unwrap().take());
            async move {
                told.send(thread::current().id()).unwrap();
                if let Some(released) = released {
                    released.await.unwrap();
                }
            }
        })
        .build()
        .unwrap();
    // The listener awaits what comes after this: the call can't have waited.
    fail(&breaker);
    assert_eq!(breaker.state(), State::Open);
    assert_ne!(threads.recv().unwrap(), thread::current().id());
    breaker.reset();
    release.send(()).unwrap();
    assert!(flush(Duration::from_secs(60)));
    assert_ne!(threads.recv().unwrap(), thread::current().id());
}
