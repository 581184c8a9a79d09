//! Async listeners: delivered in the background, in order, each on its own.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    task::Poll,
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Signal, State,
    listener::{self, AsyncListener, DynAsyncListener},
};
use tokio::sync::Semaphore;

use crate::eventually;

/// Far more than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// What an async listener was told, by sequence number.
fn recorder() -> (impl AsyncListener, Receiver<u64>) {
    let (sender, receiver) = mpsc::channel();
    let listener = move |signal: Signal| {
        let sender = sender.clone();
        async move {
            // The receiver may be gone: not all tests look.
            let _ = sender.send(signal.sequence);
        }
    };
    (listener, receiver)
}

fn flip(breaker: &CircuitBreaker, times: usize) {
    for i in 0..times {
        if i % 2 == 0 {
            breaker.disable();
        } else {
            breaker.reset();
        }
    }
}

#[test]
fn async_signals_arrive_in_order_off_thread() {
    let (listener, told) = recorder();
    let (sender, threads) = mpsc::channel();
    let breaker = CircuitBreaker::builder("async_order")
        .listener(listener)
        .listener(move |_: Signal| {
            let sender = sender.clone();
            async move {
                let _ = sender.send(thread::current().id());
            }
        })
        .build()
        .unwrap();
    flip(&breaker, 500);
    assert!(listener::flush(SOON));
    assert_eq!(
        told.try_iter().collect::<Vec<_>>(),
        (1..=500).collect::<Vec<_>>()
    );
    let mut threads: Vec<_> = threads.try_iter().collect();
    threads.dedup();
    assert_eq!(threads.len(), 1, "one thread for all");
    assert_ne!(threads, [thread::current().id()]);
}

/// A listener that waits at the gate before each signal.
struct Gated {
    gate: Arc<Semaphore>,
    told: Mutex<Vec<(u64, State)>>,
}

impl Gated {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Arc::new(Semaphore::new(0)),
            told: Mutex::default(),
        })
    }

    fn open(&self) {
        self.gate.add_permits(100_000);
    }
}

impl AsyncListener for Gated {
    async fn on_signal(&self, signal: &Signal) {
        self.gate.acquire().await.unwrap().forget();
        let told = (signal.sequence, signal.new_state);
        self.told.lock().unwrap().push(told);
    }

    fn name(&self) -> &'static str {
        "Gated"
    }
}

#[test]
fn a_listener_that_waits_holds_up_no_other() {
    let gated = Gated::new();
    let (listener, told) = recorder();
    let breaker = CircuitBreaker::builder("async_slow")
        .listener(Arc::clone(&gated))
        .listener(listener)
        .build()
        .unwrap();
    flip(&breaker, 3);
    let received: Vec<_> = (0..3).map(|_| told.recv_timeout(SOON).unwrap()).collect();
    assert_eq!(received, [1, 2, 3]);
    assert!(!listener::flush(Duration::ZERO), "one still waits");
    assert_eq!(breaker.info().listeners[0].waiting, 3);

    gated.open();
    assert!(listener::flush(SOON));
    assert_eq!(gated.told.lock().unwrap().len(), 3);
    assert_eq!(breaker.info().listeners[0].waiting, 0);
}

#[test]
fn full_queue_drops_and_counts_the_oldest() {
    const CAPACITY: u64 = 1024;
    let gated = Gated::new();
    let (listener, told) = recorder();
    let breaker = CircuitBreaker::builder("async_overflow")
        .listener(Arc::clone(&gated))
        .listener(listener)
        .build()
        .unwrap();
    breaker.disable();
    for _ in 0..4 {
        flip(&breaker, 500);
        // The other keeps up, since it is not outrun.
        for _ in 0..500 {
            told.recv_timeout(SOON).unwrap();
        }
    }
    breaker.force_open();
    let info = breaker.info();
    let [slow, fast] = &info.listeners[..] else {
        panic!("{info:?}")
    };
    assert_eq!(slow.name, "Gated");
    assert_eq!(slow.waiting + slow.dropped, 2002);
    // One of them is in the listener's hands, if it has come that far.
    let in_hand = slow.waiting - CAPACITY;
    assert!(in_hand <= 1, "{slow:?}");
    assert_eq!(fast.dropped, 0, "the other is not concerned");

    gated.open();
    assert!(listener::flush(SOON));
    let told = gated.told.lock().unwrap();
    assert_eq!(told.len() as u64 + slow.dropped, 2002);
    assert_eq!(told.last(), Some(&(2002, State::ForcedOpen)));
    let newest: Vec<_> = told.iter().rev().take(1024).map(|(n, _)| *n).collect();
    assert_eq!(newest, (979..=2002).rev().collect::<Vec<_>>());
}

#[test]
fn waiting_signals_outlive_the_breaker() {
    let gated = Gated::new();
    let breaker = CircuitBreaker::builder("async_dropped")
        .listener(Arc::clone(&gated))
        .build()
        .unwrap();
    flip(&breaker, 7);
    drop(breaker);
    gated.open();
    // No caller is left to flush for, but the listener is dropped in the end.
    eventually(|| Arc::strong_count(&gated) == 1);
    assert_eq!(gated.told.lock().unwrap().len(), 7);
}

/// Panics in every place where user code runs, each in its turn.
struct Panicking(mpsc::Sender<u64>);

impl AsyncListener for Panicking {
    fn on_signal(&self, signal: &Signal) -> impl Future<Output = ()> + Send {
        struct Bomb(bool);

        impl Drop for Bomb {
            fn drop(&mut self) {
                assert!(!self.0, "while dropped");
            }
        }

        let sequence = signal.sequence;
        assert_ne!(sequence, 1, "while called");
        let bomb = Bomb(sequence == 3);
        async move {
            let _held = &bomb;
            assert_ne!(sequence, 2, "while polled");
            self.0.send(sequence).unwrap();
        }
    }

    fn name(&self) -> &'static str {
        "Panicking"
    }
}

#[test]
fn async_panics_are_counted_and_contained() {
    let (sender, told) = mpsc::channel();
    let (healthy, others) = recorder();
    let breaker = CircuitBreaker::builder("async_panics")
        .listener(Panicking(sender))
        .listener(healthy)
        .build()
        .unwrap();
    flip(&breaker, 4);
    assert!(listener::flush(SOON));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [3, 4]);
    assert_eq!(others.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    let info = breaker.info();
    assert_eq!(info.listeners[0].failures, 3);
    assert_eq!(info.listener_failures, 3);
}

#[test]
fn closure_with_failing_future_is_reported() {
    let every_second = |signal: Signal| async move {
        if signal.sequence.is_multiple_of(2) {
            Err(format!("no answer to {}", signal.sequence))
        } else {
            Ok(())
        }
    };
    let boxed: Box<dyn DynAsyncListener> = Box::new(every_second);
    let breaker = CircuitBreaker::builder("async_failures")
        .listener(every_second)
        .listener(Arc::new(boxed))
        .build()
        .unwrap();
    flip(&breaker, 5);
    assert!(listener::flush(SOON));
    let info = breaker.info();
    let failures: Vec<_> = info.listeners.iter().map(|each| each.failures).collect();
    assert_eq!(failures, [2, 2]);
}

#[test]
fn listener_outlives_runtime_of_its_breaker() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (sender, done) = mpsc::channel();
    let breaker = runtime.block_on(async {
        let listener = move |signal: Signal| {
            let sender = sender.clone();
            async move {
                let spawned = tokio::spawn(async move { signal.new_state });
                let _ = sender.send(spawned.await.unwrap());
            }
        };
        let breaker = CircuitBreaker::builder("async_runtime").listener(listener);
        breaker.build().unwrap()
    });
    drop(runtime);
    breaker.force_open();
    assert!(listener::flush(SOON));
    assert_eq!(done.try_recv(), Ok(State::ForcedOpen));
}

#[test]
fn a_listener_that_wakes_itself_is_polled_again() {
    let (sender, done) = mpsc::channel();
    let listener = move |_: Signal| {
        let sender = sender.clone();
        async move {
            for _ in 0..100 {
                let mut yielded = false;
                poll_fn(|context| {
                    if std::mem::replace(&mut yielded, true) {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
            }
            let _ = sender.send(());
        }
    };
    let breaker = CircuitBreaker::builder("async_yields").listener(listener);
    breaker.build().unwrap().disable();
    assert_eq!(done.recv_timeout(SOON), Ok(()));
}

#[test]
fn async_listener_may_command_its_breaker() {
    let (sender, done) = mpsc::channel();
    let slot: Arc<Mutex<Option<CircuitBreaker>>> = Arc::default();
    let shared = Arc::clone(&slot);
    let listener = move |signal: Signal| {
        let (sender, shared) = (sender.clone(), Arc::clone(&shared));
        async move {
            if signal.new_state == State::ForcedOpen {
                let breaker = shared.lock().unwrap().take().unwrap();
                breaker.reset();
                let _ = sender.send(listener::flush(SOON));
            }
        }
    };
    let breaker = CircuitBreaker::builder("async_commands").listener(listener);
    let breaker = breaker.build().unwrap();
    *slot.lock().unwrap() = Some(breaker.clone());
    breaker.force_open();
    assert!(listener::flush(SOON));
    assert_eq!(done.try_recv(), Ok(false));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn call_never_waits_for_an_async_listener() {
    let gated = Gated::new();
    let breaker = CircuitBreaker::builder("async_call")
        .tripper(fluxgate::tripper::FailureStreak::new(1))
        .listener(Arc::clone(&gated))
        .build()
        .unwrap();
    // Polled once, with a listener that does not come to its end: all the same
    // it is ready.
    let call = breaker.call_async(async { Err::<(), _>(std::io::Error::other("down")) });
    let mut call = pin!(call);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_ready());
    assert_eq!(breaker.state(), State::Open);
    gated.open();
    assert!(listener::flush(SOON));
    assert_eq!(*gated.told.lock().unwrap(), [(1, State::Open)]);
}
