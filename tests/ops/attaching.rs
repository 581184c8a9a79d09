//! Listeners that are missing, and what that leaves of the breaker.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, Mutex},
};

use fluxgate::{
    CircuitBreaker, Listener, MissingListener, Signal, State, StaticBreaker, WeakBreaker,
    tripper::FailureStreak,
};

use crate::{eventually, reports};

#[derive(Debug)]
struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for another breaker")
    }
}

impl Error for NoRoom {}

/// Refuses every breaker.
struct Full;

impl Listener for Full {
    fn on_signal(&self, signal: &Signal) {
        panic!("it refused, and is told of {signal:?}");
    }

    fn attach(&self, _: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Box::new(NoRoom))
    }

    fn name(&self) -> &'static str {
        "Full"
    }
}

/// Panics instead of an answer.
struct Clumsy;

impl Listener for Clumsy {
    fn on_signal(&self, _: &Signal) {}

    fn attach(&self, _: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        panic!("clumsy")
    }

    fn name(&self) -> &'static str {
        "Clumsy"
    }
}

#[test]
fn build_fails_with_every_refusing_listener() {
    let builder = CircuitBreaker::builder("refused").listener(Full);
    let error = builder.listener(Clumsy).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "circuit breaker 'refused' can't be built: \
         its listener Full refused to serve it: no room for another breaker; \
         its listener Clumsy refused to serve it: it panicked when it was attached"
    );
    assert!(fluxgate::registry::find("refused").is_none());
}

#[test]
fn a_breaker_in_a_static_goes_without() {
    static TOLD: Mutex<Vec<State>> = Mutex::new(Vec::new());
    static BREAKER: StaticBreaker = StaticBreaker::new(|| {
        CircuitBreaker::builder("goes_without")
            .tripper(FailureStreak::new(1))
            .listener(Full)
            .try_listener("Pager", Err::<fn(&Signal), _>("PAGER_URL is not set"))
            .listener(|signal: &Signal| TOLD.lock().unwrap().push(signal.new_state))
    });

    let (reports, result) = reports::of(|| BREAKER.call(|| Err::<(), _>(io::Error::other("down"))));
    assert_eq!(result.unwrap_err().to_string(), "down");
    assert_eq!(*TOLD.lock().unwrap(), [State::Open]);
    assert_eq!(
        reports,
        [
            "circuit breaker 'goes_without' goes without its listener Pager: PAGER_URL is not set",
            "circuit breaker 'goes_without' goes without its listener Full: no room for another breaker",
        ]
    );

    let info = BREAKER.info();
    assert_eq!(info.listeners.len(), 1);
    let missing = |missing: &MissingListener| (missing.name.clone(), missing.reason.clone());
    let missing: Vec<_> = info.missing_listeners.iter().map(missing).collect();
    let expected = [
        ("Pager", "PAGER_URL is not set"),
        ("Full", "no room for another breaker"),
    ];
    assert_eq!(missing, expected.map(|(a, b)| (a.into(), b.into())));
}

#[test]
fn missing_listener_does_not_fail_build() {
    let missing = || Err::<Keeper, _>(io::Error::other("no socket"));
    let made = Ok::<_, io::Error>(|_: &Signal| {});
    let made_later = Ok::<_, io::Error>(|_: Signal| async {});
    let breaker = CircuitBreaker::builder("by_hand")
        .try_listener("Socket", missing())
        .listener(missing())
        .listener(made)
        .listener(made_later)
        .build()
        .unwrap();
    let info = breaker.info();
    let names: Vec<_> = info
        .missing_listeners
        .iter()
        .map(|each| &*each.name)
        .collect();
    assert_eq!(names, ["Socket", std::any::type_name::<Keeper>()]);
    assert_eq!(info.missing_listeners[1].reason, "no socket");
    assert_eq!(info.listeners.len(), 2);
}

/// Keeps what it is attached to.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<WeakBreaker>>>);

impl Listener for Keeper {
    fn on_signal(&self, _: &Signal) {}

    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        assert!(breaker.upgrade().is_none(), "it is not built yet");
        assert!(!breaker.is_gone());
        self.0.lock().unwrap().push(breaker.clone());
        Ok(())
    }
}

#[test]
fn attached_handle_is_weak() {
    let keeper = Keeper::default();
    let builder = CircuitBreaker::builder("kept").listener(keeper.clone());
    let breaker = builder.build().unwrap();
    let kept = keeper.0.lock().unwrap().remove(0);
    assert_eq!(kept.name(), "kept");
    assert_eq!(kept.upgrade().unwrap().state(), State::Closed);
    assert_eq!(breaker.downgrade().upgrade().unwrap().name(), "kept");
    drop(breaker);
    eventually(|| kept.is_gone());
    assert!(kept.upgrade().is_none());
}

#[test]
fn one_listener_serves_several_breakers() {
    let keeper = Arc::new(Keeper::default());
    let build = |name| {
        CircuitBreaker::builder(name)
            .listener(Arc::clone(&keeper))
            .build()
    };
    let _both = (build("first"), build("second"));
    let kept = keeper.0.lock().unwrap();
    let names: Vec<_> = kept
        .iter()
        .map(|breaker| breaker.name().to_string())
        .collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn listener_panics_are_counted_by_name() {
    struct Panicking;

    impl Listener for Panicking {
        fn on_signal(&self, _: &Signal) {
            panic!("told")
        }

        fn name(&self) -> &'static str {
            "Panicking"
        }
    }

    let builder = CircuitBreaker::builder("panics").listener(|_: &Signal| {});
    let breaker = builder.listener(Panicking).build().unwrap();
    let (reports, ()) = reports::of(|| {
        breaker.force_open();
        breaker.reset();
    });
    assert_eq!(reports.len(), 2);
    assert!(reports[0].contains("listener Panicking of circuit breaker 'panics' panicked"));
    let info = breaker.info();
    let failures: Vec<_> = info.listeners.iter().map(|each| each.failures).collect();
    assert_eq!(failures, [0, 2]);
    assert_eq!(info.listener_failures, 2);
}
