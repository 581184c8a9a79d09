//! What is counted for listeners that read it, and only for them.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    task::{Context, Waker},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, LifetimeTotals, Listener, OnCancel, Signal, State, clock::ManualClock,
    listener::ListenerNeeds, permit, retry::Cooldown, tracker::Custom, tripper::FailureStreak,
    window::CountWindow,
};

/// A listener that needs.
struct Reader(ListenerNeeds);

impl Listener for Reader {
    fn on_signal(&self, _: &Signal) {}

    fn needs(&self) -> ListenerNeeds {
        self.0.clone()
    }
}

fn everything() -> ListenerNeeds {
    let mut needs = ListenerNeeds::default();
    needs.lifetime = true;
    needs.successes = true;
    needs
}

fn durations(millis: &[u64]) -> ListenerNeeds {
    let mut needs = ListenerNeeds::default();
    needs.durations = millis.iter().copied().map(Duration::from_millis).collect();
    needs
}

fn lifetime(breaker: &CircuitBreaker) -> LifetimeTotals {
    breaker.info().lifetime.expect("a listener reads it")
}

fn succeed(breaker: &CircuitBreaker) {
    breaker.call(|| Ok::<_, io::Error>(())).unwrap();
}

fn fail(breaker: &CircuitBreaker) {
    breaker
        .call(|| Err::<(), _>(io::Error::other("down")))
        .unwrap_err();
}

#[test]
fn nothing_is_kept_unless_a_listener_asks() {
    let builder = CircuitBreaker::builder("unread").listener(|_: &Signal| {});
    let breaker = builder.build().unwrap();
    succeed(&breaker);
    assert_eq!(breaker.info().lifetime, None);
}

#[test]
fn healthy_successes_of_all_threads_are_counted() {
    const THREADS: usize = 8;
    const CALLS: usize = 5_000;
    let builder = CircuitBreaker::builder("healthy").window(CountWindow::new(10));
    let breaker = builder.listener(Reader(everything())).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..CALLS).for_each(|_| succeed(&breaker)));
        }
    });
    assert_eq!(lifetime(&breaker).successes, Some((THREADS * CALLS) as u64));
    // The window is what it is without a reader.
    let metrics = breaker.info().metrics;
    assert_eq!((metrics.total_count, metrics.failure_count), (10, 0));
    assert_eq!(metrics.total_duration, None);
}

#[test]
fn without_successes_only_the_rest_is_counted() {
    let mut needs = ListenerNeeds::default();
    needs.lifetime = true;
    let builder = CircuitBreaker::builder("failures").listener(Reader(needs));
    let breaker = builder.build().unwrap();
    (0..200).for_each(|_| succeed(&breaker));
    (0..3).for_each(|_| fail(&breaker));
    let lifetime = lifetime(&breaker);
    assert_eq!((lifetime.successes, lifetime.failures), (None, 3));
}

#[test]
fn every_call_has_exactly_one_outcome() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("outcomes")
        .on_cancel(OnCancel::Fail)
        .listener(Reader(everything()))
        .clock(clock)
        .build()
        .unwrap();
    let never = Custom::new(|_: &io::Error| false);

    (0..4).for_each(|_| succeed(&breaker));
    (0..3).for_each(|_| fail(&breaker));
    let _ignored = breaker
        .with_tracker(never)
        .call(|| Err::<(), _>(io::Error::other("404")));
    {
        let mut cancelled = pin!(breaker.call_async(std::future::pending::<io::Result<()>>()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(cancelled.as_mut().poll(&mut context).is_pending());
    }
    let call = || breaker.call(|| -> io::Result<()> { panic!("call") });
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    // Two that end after the state moved on, and one that panics then.
    let late = (breaker.acquire().unwrap(), breaker.acquire().unwrap());
    let call = || {
        breaker.call(|| -> io::Result<()> {
            breaker.reset();
            panic!("call")
        })
    };
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    late.0.success();
    late.1.failure();

    let info = breaker.info();
    let lifetime = lifetime(&breaker);
    assert_eq!(lifetime.successes, Some(4));
    assert_eq!(lifetime.failures, 3);
    assert_eq!(lifetime.late, 2);
    assert_eq!((info.ignored, info.cancelled, info.panicked), (1, 1, 2));
    // Here it counts as well what panicked or was cancelled.
    assert_eq!(info.late, 3);
}

#[test]
fn probes_rejections_and_the_time_in_each_state() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("probes")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(Duration::from_secs(30)))
        .permit(permit::All)
        .max_half_open_calls(1)
        .listener(Reader(everything()))
        .clock(clock.clone())
        .build()
        .unwrap();
    clock.advance(Duration::from_secs(100));
    fail(&breaker);
    clock.advance(Duration::from_secs(29));
    (0..2).for_each(|_| fail(&breaker));
    clock.advance(Duration::from_secs(1));
    let probe = breaker.acquire().unwrap();
    clock.advance(Duration::from_secs(5));
    (0..3).for_each(|_| fail(&breaker));
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
    breaker.force_open();
    fail(&breaker);
    clock.advance(Duration::from_millis(1500));

    let lifetime = lifetime(&breaker);
    assert_eq!(lifetime.probes, 1);
    let rejected = [
        (State::Open, 2),
        (State::HalfOpen, 3),
        (State::ForcedOpen, 1),
    ];
    assert_eq!(lifetime.rejected, rejected.into());
    let millis = |state| lifetime.time_in_state[&state].as_millis();
    assert_eq!(
        State::ALL.map(millis),
        [100_000, 30_000, 5_000, 0, 0, 1_500]
    );
}

#[test]
fn histogram_holds_every_call_beside_the_window() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("histogram")
        .window(CountWindow::new(2))
        .listener(Reader(durations(&[100, 10])))
        .listener(Reader(durations(&[50, 10])))
        .clock(clock.clone())
        .build()
        .unwrap();
    let takes = |millis: u64| {
        let call = breaker.call(|| {
            clock.advance(Duration::from_millis(millis));
            if millis.is_multiple_of(2) {
                Ok(())
            } else {
                Err(io::Error::other("odd"))
            }
        });
        drop(call);
    };
    for millis in [4, 10, 11, 50, 51, 100, 101, 1000] {
        takes(millis);
    }

    let info = breaker.info();
    let histogram = info.lifetime.unwrap().durations.unwrap();
    let buckets = [(10, 2), (50, 4), (100, 6)];
    let buckets = buckets.map(|(bound, n)| (Duration::from_millis(bound), n));
    assert_eq!(histogram.buckets, buckets);
    assert_eq!(histogram.count, 8);
    assert_eq!(histogram.sum, Duration::from_millis(1327));
    assert_eq!(info.metrics.total_duration, None, "no rule reads it");
    assert_eq!(info.metrics.total_count, 2);
}
