//! Code of listeners that panics wherever the crate calls it.

use std::{
    error::Error,
    fmt,
    future::{Future, pending, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    task::{Context, Poll},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Listener, Signal, State, StaticBreaker, WeakBreaker,
    keyed::CircuitBreakers,
    listener::{self, AsyncListener},
};

use crate::reports;

const SOON: Duration = Duration::from_secs(30);

/// Panics when it is dropped, unless a panic is under way.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

/// Fails its first delivery and panics when it is asked for its name then.
struct Nameless {
    names: AtomicUsize,
    told: Sender<u64>,
}

impl AsyncListener for Nameless {
    async fn on_signal(&self, _: &Signal) {}

    async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.told.send(signal.sequence).unwrap();
        if signal.sequence == 1 {
            return Err("down".into());
        }
        Ok(())
    }

    fn name(&self) -> &str {
        match self.names.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("no name"),
            _ => "Nameless",
        }
    }
}

#[test]
fn async_name_panics_delivery_goes_on() {
    let (told, received) = mpsc::channel();
    let names = AtomicUsize::new(0);
    let breaker = CircuitBreaker::builder("contained::async_name")
        .listener(Nameless { names, told })
        .build()
        .unwrap();
    for _ in 0..3 {
        breaker.disable();
    }
    assert!(listener::flush(SOON));
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    let listener = &breaker.info().listeners[0];
    assert_eq!((listener.failures, listener.waiting), (1, 0));
}

/// What a future of [`Misbehaves`] does.
#[derive(Clone, Copy)]
enum Fault {
    PanicsBefore,
    PanicsWhenPolled,
    PanicsWhenDropped,
    WaitsForNothing,
    ErrorPanics,
}

#[derive(Debug)]
struct ErrorPanics;

impl Error for ErrorPanics {}

impl fmt::Display for ErrorPanics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

struct DropPanics<F>(F, #[allow(dead_code)] Bomb);

impl<F: Future + Unpin> Future for DropPanics<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

type Boxed = Pin<Box<dyn Future<Output = Result<(), ErrorPanics>> + Send>>;

fn misbehaves(fault: Fault, told: Sender<u64>) -> impl AsyncListener {
    move |signal: Signal| -> Boxed {
        if signal.sequence > 1 {
            told.send(signal.sequence).unwrap();
            return Box::pin(ready(Ok(())));
        }
        match fault {
            Fault::PanicsBefore => panic!("before"),
            Fault::PanicsWhenPolled => Box::pin(async { panic!("polled") }),
            Fault::PanicsWhenDropped => Box::pin(DropPanics(ready(Ok(())), Bomb)),
            Fault::WaitsForNothing => Box::pin(pending()),
            Fault::ErrorPanics => Box::pin(ready(Err(ErrorPanics))),
        }
    }
}

#[test]
fn async_future_misbehaves_next_signal_follows() {
    for fault in [
        Fault::PanicsBefore,
        Fault::PanicsWhenPolled,
        Fault::PanicsWhenDropped,
        Fault::WaitsForNothing,
        Fault::ErrorPanics,
    ] {
        let (told, received) = mpsc::channel();
        let breaker = CircuitBreaker::builder("contained::future")
            .listener(misbehaves(fault, told))
            .build()
            .unwrap();
        breaker.disable();
        assert!(listener::flush(SOON));
        assert_eq!(breaker.info().listeners[0].failures, 1);
        breaker.reset();
        breaker.disable();
        assert!(listener::flush(SOON));
        assert_eq!(received.try_iter().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(breaker.info().listeners[0].failures, 1);
    }
}

/// An error that panics when it is displayed, and when it is dropped.
#[derive(Debug)]
struct Worst(#[allow(dead_code)] Bomb);

impl fmt::Display for Worst {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl Error for Worst {}

/// Refuses, and panics wherever it can.
struct Refuses(#[allow(dead_code)] Bomb);

impl Listener for Refuses {
    fn on_signal(&self, _: &Signal) {
        panic!("told")
    }

    fn name(&self) -> &str {
        panic!("no name")
    }

    fn attach(&self, _: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Box::new(Worst(Bomb)))
    }
}

static REFUSED: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("contained::refused_static")
        .listener(Refuses(Bomb))
        .listener(Err::<Refuses, _>(Worst(Bomb)))
        .try_listener("Pager", Err::<Refuses, _>(Worst(Bomb)))
});

#[test]
fn build_returns_with_panics_all_over_listener() {
    let error = CircuitBreaker::builder("contained::refused")
        .listener(Refuses(Bomb))
        .build()
        .unwrap_err();
    assert_eq!(error.faults().count(), 1, "{error}");
    let (_, missing) = reports::of(|| REFUSED.info().missing_listeners);
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(missing.iter().all(|one| !one.reason.is_empty()));
    assert!(missing.iter().all(|one| !one.name.is_empty()));
}

/// Panics when told, when asked for its name, and when dropped.
struct Panics(#[allow(dead_code)] Bomb);

impl Listener for Panics {
    fn on_signal(&self, _: &Signal) {
        panic!("told")
    }

    fn name(&self) -> &str {
        panic!("no name")
    }
}

#[test]
fn panicking_listener_without_name_is_reported() {
    let breaker = CircuitBreaker::builder("contained::no_name")
        .listener(Panics(Bomb))
        .build()
        .unwrap();
    let (reports, ()) = reports::of(|| breaker.force_open());
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("'contained::no_name' panicked"));
    let info = breaker.info();
    assert_eq!((info.state, info.listener_failures), (State::ForcedOpen, 1));
    let (reports, ()) = reports::of(|| drop(breaker));
    assert_eq!(reports.len(), 1, "{reports:?}");
}

#[test]
fn panic_in_listener_drop_never_reaches_callers() {
    drop(CircuitBreaker::builder("contained::unbuilt").listener(Panics(Bomb)));
    let refused = CircuitBreaker::builder("contained::refused_setting")
        .close_after(0)
        .listener(Panics(Bomb));
    assert!(refused.build().is_err());
    let set = CircuitBreakers::<u8>::builder("contained::set")
        .listener(Panics(Bomb))
        .settings(|builder| builder.listener(Panics(Bomb)))
        .build()
        .unwrap();
    drop(set.get(&1));
    drop(set);
    let shared = Arc::new(Panics(Bomb));
    let breaker = CircuitBreaker::builder("contained::shared").listener(shared);
    drop(breaker.build().unwrap());
}

#[test]
fn async_listener_drop_panics_others_are_served() {
    struct Drops(#[allow(dead_code)] Bomb, Arc<AtomicBool>);

    impl AsyncListener for Drops {
        async fn on_signal(&self, _: &Signal) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    let told: Arc<AtomicBool> = Arc::default();
    let breaker = CircuitBreaker::builder("contained::async_drop")
        .listener(Drops(Bomb, Arc::clone(&told)))
        .build()
        .unwrap();
    breaker.disable();
    drop(breaker);
    let count: Arc<Mutex<u32>> = Arc::default();
    let counter = Arc::clone(&count);
    let other = CircuitBreaker::builder("contained::async_beside")
        .listener(move |_: Signal| {
            *counter.lock().unwrap() += 1;
            ready(())
        })
        .build()
        .unwrap();
    other.disable();
    assert!(listener::flush(SOON));
    crate::eventually(|| told.load(Ordering::Relaxed));
    assert_eq!(*count.lock().unwrap(), 1);
}
