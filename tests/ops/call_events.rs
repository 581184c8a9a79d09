//! Single calls, told to the listeners that ask for them.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, Listener, OnCancel, Outcome, RejectionKind, Signal, State, choose,
    choose::AllOpen,
    clock::ManualClock,
    keyed::CircuitBreakers,
    listener::{
        self, AsyncListener, CallEvent, CallEventNeeds, CallOutcome, DynAsyncListener,
        ListenerNeeds,
    },
    permit::All,
    random::Seeded,
    retry::Cooldown,
    throttle::Adaptive,
    tower::CircuitBreakerLayer,
    tripper::FailureStreak,
};
use tower::{ServiceBuilder, ServiceExt};

use crate::reports;

const SECOND: Duration = Duration::from_secs(1);

/// What a listener was told, in order.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Entered(State),
    Call(CallOutcome, Option<Duration>, State),
}

/// Keeps what it is told of the calls that it asks for.
#[derive(Clone)]
struct Journal {
    asks: CallEventNeeds,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Journal {
    fn asking(ask: impl FnOnce(&mut CallEventNeeds)) -> Self {
        let mut asks = CallEventNeeds::default();
        ask(&mut asks);
        Self {
            asks,
            told: Arc::default(),
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    fn outcomes(&self) -> Vec<CallOutcome> {
        let told = self.take().into_iter();
        told.filter_map(|told| match told {
            Told::Call(outcome, ..) => Some(outcome),
            Told::Entered(_) => None,
        })
        .collect()
    }
}

impl Listener for Journal {
    fn on_signal(&self, signal: &Signal) {
        let told = Told::Entered(signal.new_state);
        self.told.lock().unwrap().push(told);
    }

    fn on_call(&self, event: &CallEvent) {
        let told = Told::Call(event.outcome, event.duration, event.state);
        self.told.lock().unwrap().push(told);
    }

    fn needs(&self) -> ListenerNeeds {
        let mut needs = ListenerNeeds::default();
        needs.call_events = self.asks;
        needs
    }
}

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("watched")
        .tripper(FailureStreak::new(3))
        .retry(Cooldown::new(10 * SECOND))
        .permit(All)
        .random(Seeded::new(1))
        .clock(clock.clone())
}

fn end(breaker: &CircuitBreaker, clock: &ManualClock, took: Duration, outcome: Outcome) {
    if let Ok(guard) = breaker.acquire() {
        clock.advance(took);
        guard.record(outcome);
    }
}

#[test]
fn each_listener_is_told_of_what_it_asks_for() {
    use CallOutcome::{Alive, Cancelled, Failure, Ignored, Overloaded, Rejected, Success};

    let clock = ManualClock::new();
    let journals = [
        Journal::asking(|_| {}),
        Journal::asking(|asks| asks.failures = true),
        Journal::asking(|asks| asks.slow = Some(2 * SECOND)),
        Journal::asking(|asks| asks.rejections = true),
        Journal::asking(|asks| asks.all_calls = true),
    ];
    let mut builder = builder(&clock).on_cancel(OnCancel::FailAfter(SECOND));
    for journal in &journals {
        builder = builder.listener(journal.clone());
    }
    let breaker = builder.build().unwrap();
    let outcomes = [
        (Outcome::Success, 0),
        (Outcome::Failure, 1),
        (Outcome::Success, 2),
        (Outcome::Ignored, 3),
        (Outcome::Alive, 1),
        (Outcome::Overloaded, 2),
        (Outcome::UnavailableFor(SECOND), 1),
    ];
    for (outcome, took) in outcomes {
        end(&breaker, &clock, took * SECOND, outcome);
        breaker.reset();
    }
    for took in [0, 1] {
        let guard = breaker.acquire();
        clock.advance(took * SECOND);
        drop(guard);
    }
    breaker.force_open();
    end(&breaker, &clock, SECOND, Outcome::Success);

    let [nothing, failures, slow, rejections, all] = journals.map(|journal| journal.outcomes());
    assert_eq!(nothing, []);
    assert_eq!(failures, [Failure, Overloaded, Failure, Cancelled]);
    assert_eq!(slow, [Success, Ignored, Overloaded]);
    assert_eq!(rejections, [Rejected(RejectionKind::ForcedOpen)]);
    let every = [
        Success, Failure, Success, Ignored, Alive, Overloaded, Failure, Cancelled, Cancelled,
    ];
    assert_eq!(all, every);
}

#[test]
fn rejections_say_what_rejected() {
    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| asks.rejections = true);
    let builder = builder(&clock).max_half_open_calls(1);
    let builder = builder.throttle(Adaptive::new(1.5).min(1).floor(0.0));
    let breaker = builder.listener(journal.clone()).build().unwrap();
    while breaker.info().throttled == 0 {
        end(&breaker, &clock, Duration::ZERO, Outcome::Overloaded);
    }
    breaker.open();
    breaker.acquire().unwrap_err();
    clock.advance(10 * SECOND);
    let probe = breaker.acquire().unwrap();
    breaker.acquire().unwrap_err();
    drop(probe);
    breaker.force_open();
    breaker.acquire().unwrap_err();
    let kinds = [
        RejectionKind::Throttled,
        RejectionKind::Open,
        RejectionKind::HalfOpen,
        RejectionKind::ForcedOpen,
    ];
    assert_eq!(journal.outcomes(), kinds.map(CallOutcome::Rejected));
}

/// After its signal, and when the breaker counts it.
#[test]
fn call_is_told_after_what_it_caused() {
    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| asks.all_calls = true);
    let breaker = builder(&clock).listener(journal.clone()).build().unwrap();
    for _ in 0..3 {
        end(&breaker, &clock, SECOND, Outcome::Failure);
    }
    clock.advance(10 * SECOND);
    end(&breaker, &clock, 2 * SECOND, Outcome::Success);
    let call = |outcome, took: Duration, state| Told::Call(outcome, Some(took), state);
    let failed = call(CallOutcome::Failure, SECOND, State::Closed);
    assert_eq!(
        journal.take(),
        [
            failed.clone(),
            failed.clone(),
            Told::Entered(State::Open),
            failed,
            Told::Entered(State::HalfOpen),
            Told::Entered(State::Closed),
            call(CallOutcome::Success, 2 * SECOND, State::HalfOpen),
        ]
    );
}

/// Whatever way a call comes in and ends.
#[tokio::test]
async fn every_way_in_is_watched() {
    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| asks.all_calls = true);
    let settings = || builder(&clock).listener(journal.clone());
    let breaker = settings().build().unwrap();

    let guard = breaker.acquire().unwrap().with_duration(7 * SECOND);
    guard.success();
    let took_seven = Told::Call(CallOutcome::Success, Some(7 * SECOND), State::Closed);
    assert_eq!(journal.take(), [took_seven]);

    let fails = || Err::<(), _>(io::Error::other("down"));
    breaker.call(fails).unwrap_err();
    breaker.call_async(async { fails() }).await.unwrap_err();
    drop(
        tokio::time::timeout(
            Duration::ZERO,
            breaker.call_async(std::future::pending::<io::Result<()>>()),
        )
        .await,
    );
    let panicking =
        std::panic::AssertUnwindSafe(|| breaker.call(|| -> io::Result<()> { panic!() }));
    std::panic::catch_unwind(panicking).unwrap_err();
    let outcomes = [
        CallOutcome::Failure,
        CallOutcome::Failure,
        CallOutcome::Cancelled,
        CallOutcome::Panicked,
    ];
    assert_eq!(journal.outcomes(), outcomes);

    // The circuit is open by now: an early probe.
    assert_eq!(breaker.state(), State::Open);
    choose::failover([&breaker])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()))
        .unwrap();
    let probe = Told::Call(CallOutcome::Success, Some(Duration::ZERO), State::Open);
    assert_eq!(journal.take().last(), Some(&probe));

    let service = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::new(settings().build().unwrap()))
        .service_fn(async |()| Ok::<_, io::Error>(()));
    service.oneshot(()).await.unwrap();
    assert_eq!(journal.outcomes(), [CallOutcome::Success]);

    let each = journal.clone();
    let set = CircuitBreakers::<String>::builder("tenants")
        .settings(move |builder| builder.listener(each.clone()))
        .build()
        .unwrap();
    set.get("one").acquire().unwrap().alive();
    assert_eq!(journal.outcomes(), [CallOutcome::Alive]);

    breaker.disable();
    breaker.call(fails).unwrap_err();
    breaker.metrics_only();
    assert_eq!(journal.outcomes(), [], "nothing is recorded in `disabled`");
    breaker.call(fails).unwrap_err();
    assert_eq!(journal.outcomes(), [CallOutcome::Failure]);
}

#[test]
fn panic_of_a_listener_is_contained_and_counted() {
    struct Clumsy;

    impl Listener for Clumsy {
        fn on_signal(&self, _: &Signal) {}

        fn on_call(&self, _: &CallEvent) {
            panic!("clumsy");
        }

        fn needs(&self) -> ListenerNeeds {
            Journal::asking(|asks| asks.all_calls = true).needs()
        }

        fn name(&self) -> &'static str {
            "Clumsy"
        }
    }

    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| asks.all_calls = true);
    let breaker = builder(&clock)
        .listener(Clumsy)
        .listener(journal.clone())
        .build()
        .unwrap();
    let (said, ()) = reports::of(|| {
        for _ in 0..100 {
            end(&breaker, &clock, SECOND, Outcome::Success);
        }
    });
    assert_eq!(journal.take().len(), 100);
    let info = breaker.info();
    assert_eq!(
        (info.listeners[0].failures, info.listeners[1].failures),
        (100, 0)
    );
    let said: Vec<_> = said.iter().filter(|said| said.contains("Clumsy")).collect();
    assert_eq!(said.len(), 1, "once is enough: {said:?}");
}

/// Looks at the breaker and uses it, each time that it is told of a call.
struct Nosy {
    breaker: Mutex<Option<CircuitBreaker>>,
    told: Mutex<Vec<(CallOutcome, u64)>>,
}

impl Listener for Nosy {
    fn on_signal(&self, _: &Signal) {}

    fn on_call(&self, event: &CallEvent) {
        let breaker = self.breaker.lock().unwrap().clone();
        let Some(breaker) = breaker else { return };
        let calls = breaker.info().metrics.total_count;
        self.told.lock().unwrap().push((event.outcome, calls));
        if let Ok(guard) = breaker.acquire() {
            guard.success();
        }
        breaker.force_open();
        assert!(breaker.acquire().is_err());
        breaker.reset();
    }

    fn needs(&self) -> ListenerNeeds {
        Journal::asking(|asks| {
            asks.all_calls = true;
            asks.rejections = true;
        })
        .needs()
    }
}

#[test]
fn listener_may_use_the_breaker_and_is_not_told_of_that() {
    let clock = ManualClock::new();
    let nosy = Arc::new(Nosy {
        breaker: Mutex::default(),
        told: Mutex::default(),
    });
    let journal = Journal::asking(|asks| asks.failures = true);
    let breaker = builder(&clock)
        .listener(Arc::clone(&nosy))
        .listener(journal.clone())
        .build()
        .unwrap();
    *nosy.breaker.lock().unwrap() = Some(breaker.clone());
    end(&breaker, &clock, SECOND, Outcome::Failure);
    end(&breaker, &clock, SECOND, Outcome::Success);
    assert_eq!(
        *nosy.told.lock().unwrap(),
        [(CallOutcome::Failure, 1), (CallOutcome::Success, 1)],
        "the call counts when it is told"
    );
    let listeners = breaker.info().listeners;
    // Each time a call that succeeded and one that was rejected.
    assert_eq!(listeners[0].dropped_calls, 4);
    assert_eq!(listeners[1].dropped_calls, 0, "it did not ask for these");
    assert_eq!(journal.outcomes(), [CallOutcome::Failure]);
    *nosy.breaker.lock().unwrap() = None;
}

/// A listener of each of two breakers that uses the other one.
#[test]
fn listeners_that_use_each_others_breakers_come_to_an_end() {
    let clock = ManualClock::new();
    let nosy = [(), ()].map(|()| {
        Arc::new(Nosy {
            breaker: Mutex::default(),
            told: Mutex::default(),
        })
    });
    let breakers = nosy
        .clone()
        .map(|nosy| builder(&clock).listener(nosy).build().unwrap());
    *nosy[0].breaker.lock().unwrap() = Some(breakers[1].clone());
    *nosy[1].breaker.lock().unwrap() = Some(breakers[0].clone());
    end(&breakers[0], &clock, SECOND, Outcome::Success);
    let told = [0, 1].map(|i| nosy[i].told.lock().unwrap().len());
    assert_eq!(told, [1, 2]);
    assert_eq!(breakers[0].info().listeners[0].dropped_calls, 4);
    for nosy in nosy {
        *nosy.breaker.lock().unwrap() = None;
    }
}

/// Waits in its first call until it is let go.
struct Slow {
    gate: Mutex<mpsc::Receiver<()>>,
    told: Arc<Mutex<Vec<Duration>>>,
    entered: AtomicBool,
}

impl AsyncListener for Slow {
    async fn on_signal(&self, _: &Signal) {}

    fn call_events(&self) -> CallEventNeeds {
        Journal::asking(|asks| asks.failures = true).asks
    }

    async fn on_call(&self, event: &CallEvent) {
        if !self.entered.swap(true, Ordering::Relaxed) {
            self.gate.lock().unwrap().recv().unwrap();
        }
        self.told.lock().unwrap().extend(event.duration);
    }
}

#[test]
fn queue_of_an_async_listener_is_bounded() {
    let clock = ManualClock::new();
    let (open, gate) = mpsc::channel();
    let told = Arc::default();
    let slow = Slow {
        gate: Mutex::new(gate),
        told: Arc::clone(&told),
        entered: AtomicBool::new(false),
    };
    let boxed: Box<dyn DynAsyncListener> = Box::new(Arc::new(slow));
    let breaker = builder(&clock)
        .tripper(FailureStreak::new(1_000_000))
        .listener(boxed)
        .build()
        .unwrap();
    let fail = |millis| {
        let took = Duration::from_millis(millis);
        end(&breaker, &clock, took, Outcome::Failure);
        end(&breaker, &clock, took, Outcome::Success);
    };
    fail(1);
    crate::eventually(|| breaker.info().listeners[0].waiting == 1);
    // It is at the first by now, or will be.
    thread::yield_now();
    for millis in 2..=2000 {
        fail(millis);
    }
    let info = &breaker.info().listeners[0];
    // The first may have been in the queue.
    assert!((1024..=1025).contains(&info.waiting), "{info:?}");
    assert_eq!(info.dropped_calls + info.waiting, 2000);
    assert_eq!(info.dropped, 0, "no signal");
    open.send(()).unwrap();
    assert!(listener::flush(Duration::from_secs(30)));
    let told = told.lock().unwrap();
    let info = &breaker.info().listeners[0];
    assert_eq!(told.len() as u64 + info.dropped_calls, 2000);
    assert!(told.is_sorted() && told.last() == Some(&(2 * SECOND)));
    assert_eq!((info.waiting, info.failures), (0, 0));
}

/// Calls the breaker that it listens to, from its own future.
#[test]
fn async_listener_that_uses_the_breaker_comes_to_an_end() {
    struct Loop(Mutex<Option<CircuitBreaker>>);

    impl AsyncListener for Loop {
        async fn on_signal(&self, _: &Signal) {}

        fn call_events(&self) -> CallEventNeeds {
            Journal::asking(|asks| asks.all_calls = true).asks
        }

        async fn on_call(&self, _: &CallEvent) {
            let breaker = self.0.lock().unwrap().clone().unwrap();
            breaker.acquire().unwrap().success();
        }
    }

    let clock = ManualClock::new();
    let own = Arc::new(Loop(Mutex::default()));
    let breaker = builder(&clock).listener(Arc::clone(&own)).build().unwrap();
    *own.0.lock().unwrap() = Some(breaker.clone());
    for _ in 0..10 {
        end(&breaker, &clock, SECOND, Outcome::Success);
    }
    assert!(listener::flush(Duration::from_secs(30)));
    let info = &breaker.info().listeners[0];
    assert_eq!(
        (info.dropped_calls, info.waiting, info.failures),
        (10, 0, 0)
    );
    *own.0.lock().unwrap() = None;
}

/// Several threads at a time: each event is told once, and those of a thread in order.
#[test]
fn events_of_a_thread_come_in_order() {
    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| {
        asks.all_calls = true;
        asks.rejections = true;
    });
    let breaker = builder(&clock)
        .tripper(FailureStreak::new(u64::MAX))
        .listener(journal.clone())
        .build()
        .unwrap();
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                for n in 0..500 {
                    let took = Duration::from_nanos(thread * 1000 + n);
                    breaker.acquire().unwrap().with_duration(took).success();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let told = journal.take();
    assert_eq!(told.len(), 2000);
    for thread in 0..4_u64 {
        let own = told.iter().filter_map(|told| match told {
            Told::Call(_, Some(took), _) if took.as_nanos() / 1000 == thread.into() => Some(*took),
            _ => None,
        });
        assert!(own.clone().is_sorted());
        assert_eq!(own.count(), 500);
    }
}

/// What is told is what is counted.
#[test]
fn events_add_up_to_the_totals() {
    let clock = ManualClock::new();
    let journal = Journal::asking(|asks| {
        asks.all_calls = true;
        asks.rejections = true;
    });
    let builder = builder(&clock).tripper(FailureStreak::new(2));
    let breaker = builder.listener(journal.clone()).build().unwrap();
    let outcomes = [
        Outcome::Success,
        Outcome::Failure,
        Outcome::Alive,
        Outcome::Ignored,
        Outcome::Overloaded,
        Outcome::Failure,
    ];
    for n in 0..2000_usize {
        end(
            &breaker,
            &clock,
            Duration::from_millis(50),
            outcomes[n % 7 % 6],
        );
        clock.advance(Duration::from_millis((n % 11) as u64 * 100));
    }
    let info = breaker.info();
    let told = journal.outcomes();
    let count = |is: fn(&CallOutcome) -> bool| told.iter().filter(|told| is(told)).count() as u64;
    assert_eq!(count(|it| *it == CallOutcome::Alive), info.alive);
    assert_eq!(count(|it| *it == CallOutcome::Ignored), info.ignored);
    assert_eq!(count(|it| *it == CallOutcome::Overloaded), info.overloaded);
    assert_eq!(
        count(|it| matches!(it, CallOutcome::Rejected(_))),
        info.rejected
    );
    let failed = count(|it| matches!(it, CallOutcome::Failure | CallOutcome::Overloaded));
    assert_eq!(failed, info.failed + info.late);
    assert!(info.rejected > 100 && failed > 100);
}

#[test]
fn event_is_made_for_a_test_and_serialised() {
    let event = CallEvent::new(
        "api",
        CallOutcome::Rejected(RejectionKind::Open),
        None,
        SystemTime::UNIX_EPOCH,
    );
    let expected = serde_json::json!({
        "name": "api", "outcome": "rejected", "duration": null, "state": "closed", "timestamp": 0.0,
    });
    assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    assert_eq!(CallOutcome::Overloaded.to_string(), "overloaded");
}
