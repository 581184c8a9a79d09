//! Statics whose first use needs itself: a panic with a way out, never a wait.

use std::{
    any::Any,
    cell::Cell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier, mpsc},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Signal, State, StaticBreaker, circuit_breaker,
    keyed::{CircuitBreakers, StaticBreakers},
    registry, testing,
};

/// Far more than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// Runs a test on a thread of its own: one that waits for ever fails.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, waiting) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    let ended = waiting.recv_timeout(SOON) != Err(mpsc::RecvTimeoutError::Timeout);
    assert!(ended, "it hangs");
    thread.join().unwrap();
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(f()))).unwrap_err();
    message(&*panic)
}

fn quiet(_: &Signal) {}

static ITSELF: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("first_use::itself").listener({
        ITSELF.reset();
        quiet
    })
});

#[test]
fn static_used_by_its_listener_expression_panics() {
    in_time(|| {
        for _ in 0..2 {
            let said = panic_of(|| ITSELF.state());
            assert!(said.contains("'first_use::itself' (defined at "), "{said}");
            assert!(said.contains("first_use.rs:"), "{said}");
            assert!(said.contains("used while it is being built"), "{said}");
            assert!(said.contains("Use it in `on_signal`"), "{said}");
        }
    });
}

static UNNAMED: StaticBreaker = StaticBreaker::new(|| {
    let name = UNNAMED.name().clone();
    CircuitBreaker::builder(name)
});

static SET: StaticBreakers<u8> = StaticBreakers::new(|| {
    CircuitBreakers::builder("first_use::set").listener({
        SET.get(&1).reset();
        quiet
    })
});

#[test]
fn every_kind_of_static_panics_alike() {
    in_time(|| {
        let said = panic_of(|| UNNAMED.state());
        assert!(said.contains("circuit breaker (defined at "), "{said}");
        let said = panic_of(|| SET.get(&1).state());
        assert!(said.contains("'first_use::set' (defined at "), "{said}");
    });
}

thread_local! {
    /// Only the tests here break the function below.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

#[circuit_breaker(handle = annotated_breaker, listeners = [{
    if ARMED.get() {
        let _ = annotated();
    }
    quiet
}])]
fn annotated() -> io::Result<()> {
    Ok(())
}

#[test]
fn annotated_function_recovers_with_its_name() {
    in_time(|| {
        let _own = testing::isolate();
        ARMED.set(true);
        let said = panic_of(annotated);
        assert!(said.contains("'ops::first_use::annotated'"), "{said}");
        assert!(said.contains("tests/ops/first_use.rs:"), "{said}");
        ARMED.set(false);
        annotated().unwrap();
        assert_eq!(annotated_breaker().name(), "ops::first_use::annotated");
    });
}

static LEFT: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("first_use::left").listener({
        RIGHT.reset();
        quiet
    })
});
static RIGHT: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("first_use::right").listener({
        LEFT.reset();
        quiet
    })
});

#[test]
fn two_statics_that_need_each_other_panic() {
    in_time(|| {
        let said = panic_of(|| LEFT.state());
        assert!(said.starts_with("circuit breakers need each other to be built: "));
        let (left, right) = (
            said.find("'first_use::left'"),
            said.find("'first_use::right'"),
        );
        assert!(left.unwrap() < right.unwrap(), "{said}");
    });
}

thread_local! {
    /// Where a thread waits for the others once it builds its first static.
    static MEETING: Cell<Option<Arc<Barrier>>> = const { Cell::new(None) };
}

fn meet() {
    if let Some(barrier) = MEETING.take() {
        barrier.wait();
    }
}

macro_rules! ring {
    ($($name:ident needs $next:ident)*) => {$(
        static $name: StaticBreaker = StaticBreaker::new(|| {
            CircuitBreaker::builder(concat!("ring::", stringify!($name))).listener({
                meet();
                $next.reset();
                quiet
            })
        });
    )*};
}

ring! { ONE needs TWO TWO needs THREE THREE needs ONE }

#[test]
fn ring_across_threads_panics_on_each() {
    in_time(|| {
        let barrier = Arc::new(Barrier::new(3));
        let threads = [&ONE, &TWO, &THREE].map(|breaker| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                MEETING.set(Some(barrier));
                panic_of(|| breaker.state())
            })
        });
        for thread in threads {
            let said = thread.join().unwrap();
            for name in ["'ring::ONE'", "'ring::TWO'", "'ring::THREE'"] {
                assert!(said.contains(name), "{said}");
            }
        }
    });
}

static SLOW: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("first_use::slow").listener({
        meet();
        meet();
        quiet
    })
});

#[test]
fn threads_beside_a_first_use_wait_and_share() {
    in_time(|| {
        let barrier = Arc::new(Barrier::new(2));
        let first = Arc::clone(&barrier);
        let first = thread::spawn(move || {
            MEETING.set(Some(first));
            SLOW.force_open();
        });
        barrier.wait();
        let others = [(); 4].map(|()| thread::spawn(|| SLOW.name().clone()));
        first.join().unwrap();
        for other in others {
            assert_eq!(other.join().unwrap(), "first_use::slow");
        }
        assert_eq!(SLOW.state(), State::ForcedOpen);
        let listed = registry::all();
        let named = |breaker: &&CircuitBreaker| breaker.name() == "first_use::slow";
        assert_eq!(listed.iter().filter(named).count(), 1);
    });
}

fluxgate::breaker! {
    /// Looks at the registry while it is built.
    static LISTING = {
        name = "first_use::listing",
        listeners = [{
            assert!(!registry::all().iter().any(|breaker| breaker.name() == "first_use::listing"));
            assert!(registry::find("first_use::listing").is_none());
            quiet
        }],
    };
}

#[test]
fn registry_answers_listener_expression() {
    in_time(|| {
        let _own = testing::isolate();
        assert_eq!(LISTING.state(), State::Closed);
        assert!(registry::find("first_use::listing").is_some());
    });
    in_time(|| assert!(registry::find("first_use::listing").is_some()));
}
