//! Waiting for a breaker that admits a call.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Command, State,
    choose::{AcquireReady, OwnedGuard},
    clock::ManualClock,
    permit::All,
    retry::Cooldown,
    throttle::Adaptive,
    tripper::FailureStreak,
    window::{self, Record, Totals, Window},
};

use super::{MINUTE, SECOND, breaker, fail};

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A waiter that is polled by hand, when it was woken.
struct Waiter {
    ready: Pin<Box<AcquireReady>>,
    woken: Arc<Woken>,
    seen: usize,
    polls: usize,
}

impl Waiter {
    fn new(breaker: &CircuitBreaker) -> Self {
        Self {
            ready: Box::pin(breaker.acquire_ready()),
            woken: Arc::default(),
            seen: 0,
            polls: 0,
        }
    }

    fn poll(&mut self) -> Option<OwnedGuard> {
        self.seen = self.woken.0.load(Relaxed);
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.ready.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Relaxed) > self.seen
    }
}

#[test]
fn waiters_of_a_slot_do_not_stampede() {
    const WAITERS: usize = 10_000;
    let clock = ManualClock::new();
    let one = breaker("crowd", &clock, 1);
    fail(&one);
    let mut waiters: Vec<Option<Waiter>> = (0..WAITERS).map(|_| Some(Waiter::new(&one))).collect();
    for waiter in waiters.iter_mut().flatten() {
        assert!(waiter.poll().is_none());
    }
    clock.advance(MINUTE);
    let mut woken: Vec<usize> = (0..WAITERS)
        .filter(|&i| waiters[i].as_ref().is_some_and(Waiter::is_woken))
        .collect();
    assert_eq!(woken, [0], "the end of the wait wakes one");
    // Every third goes away, some of them after they were woken.
    for i in (0..WAITERS).step_by(3) {
        waiters[i] = None;
    }
    assert_eq!(one.info().rejected, 0);
    let (mut served, mut polls) = (0, 0);
    // A waiter that is woken asks; a call ends before the next is looked for.
    let mut at = 0;
    loop {
        woken = (at..WAITERS.min(at + 64))
            .filter(|&i| waiters[i].as_ref().is_some_and(Waiter::is_woken))
            .collect();
        let Some(&first) = woken.first() else {
            at += 1;
            if at == WAITERS {
                break;
            }
            continue;
        };
        polls += 1;
        if let Some(guard) = waiters[first].as_mut().unwrap().poll() {
            waiters[first] = None;
            served += 1;
            guard.success();
        }
    }
    assert_eq!(served, WAITERS - WAITERS.div_ceil(3), "none is forgotten");
    assert!(polls <= 2 * WAITERS, "{polls} polls");
}

#[test]
fn wake_of_a_waiter_that_goes_passes_on() {
    let clock = ManualClock::new();
    let one = breaker("passes", &clock, 1);
    one.half_open();
    let probe = one.acquire().unwrap();
    let mut waiters = [Waiter::new(&one), Waiter::new(&one), Waiter::new(&one)];
    for waiter in &mut waiters {
        assert!(waiter.poll().is_none());
    }
    drop(probe);
    let [first, second, mut third] = waiters;
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken() && !third.is_woken());
    drop(second);
    assert!(third.is_woken());
    assert!(third.poll().is_some());
}

#[test]
fn waiter_is_woken_by_reset_and_reopening() {
    let clock = ManualClock::new();
    let one = breaker("commands", &clock, 1);
    one.force_open();
    let mut waiter = Waiter::new(&one);
    assert!(waiter.poll().is_none());
    one.open_for(SECOND);
    assert!(waiter.is_woken() && waiter.poll().is_none());
    clock.advance(SECOND);
    assert!(waiter.is_woken());
    let guard = waiter.poll().unwrap();
    let mut next = Waiter::new(&one);
    assert!(next.poll().is_none());
    guard.failure();
    assert!(next.is_woken() && next.poll().is_none(), "reopened");
    one.reset();
    assert!(next.is_woken() && next.poll().is_some());
}

#[tokio::test]
async fn waiter_is_woken_in_real_time() {
    let one = CircuitBreaker::builder("real time")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .retry(Cooldown::new(Duration::from_millis(20)))
        .build()
        .unwrap();
    fail(&one);
    one.acquire_ready().await.success();
    assert_eq!(one.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn waiter_follows_the_paused_time_of_tokio() {
    let one = CircuitBreaker::builder("paused")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .retry(Cooldown::new(100 * MINUTE))
        .clock(fluxgate::clock::TokioClock::new())
        .build()
        .unwrap();
    fail(&one);
    one.acquire_ready().await.success();
    assert_eq!(one.state(), State::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tasks_wait_and_none_is_forgotten() {
    let clock = ManualClock::new();
    let one = breaker("tasks", &clock, 3);
    one.force_open();
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..10_000)
        .map(|i| {
            let one = one.clone();
            let inside = Arc::clone(&inside);
            tokio::spawn(async move {
                let guard = one.acquire_ready().await;
                assert!(inside.fetch_add(1, Relaxed) < 10_000);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Relaxed);
                if i % 2 == 0 {
                    guard.success();
                } else {
                    guard.ignore();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    for task in tasks.iter().step_by(7) {
        task.abort();
    }
    one.half_open();
    for (i, task) in tasks.into_iter().enumerate() {
        let ended = task.await;
        assert!(ended.is_ok() || i % 7 == 0, "{i}");
    }
    assert_eq!(one.info().probes_in_flight, 0);
}

#[test]
fn waiter_that_is_not_polled_holds_up_no_other() {
    const LATER: Duration = Duration::from_millis(100);
    let clock = ManualClock::new();
    for leaks in [false, true] {
        // By a slot that comes back, by a command, and by the end of a wait.
        let begins: [fn(&CircuitBreaker, &ManualClock); 3] = [
            |one, _| one.half_open(),
            |one, _| one.force_open(),
            |one, _| one.open_for(SECOND),
        ];
        let wakes: [fn(&CircuitBreaker, &ManualClock, Option<OwnedGuard>); 3] = [
            |_, _, probe| drop(probe),
            |one, _, _| one.reset(),
            |_, clock, _| clock.advance(SECOND),
        ];
        for (begin, wake) in begins.into_iter().zip(wakes) {
            let one = breaker("unpolled", &clock, 1);
            begin(&one, &clock);
            let probe = one.acquire_owned().ok();
            let mut waiters = [(); 3].map(|()| Waiter::new(&one));
            for waiter in &mut waiters {
                assert!(waiter.poll().is_none());
            }
            let [first, second, mut third] = waiters;
            wake(&one, &clock, probe);
            assert!(first.is_woken() && !second.is_woken());
            if leaks {
                std::mem::forget((first, second));
                clock.advance(LATER);
                assert!(!third.is_woken());
                clock.advance(LATER);
            } else {
                clock.advance(LATER);
                assert!(second.is_woken() && !third.is_woken());
                drop(second);
            }
            assert!(third.is_woken());
            let guard = third.poll().expect("nothing else was admitted");
            guard.success();
        }
    }
}

#[test]
fn waiter_of_a_throttled_breaker_asks_again() {
    let clock = ManualClock::new();
    let one = CircuitBreaker::builder("throttled")
        .throttle(Adaptive::new(1.1).min(1).floor(0.0))
        .clock(clock.clone())
        .build()
        .unwrap();
    for _ in 0..50 {
        if let Ok(guard) = one.acquire() {
            guard.overloaded();
        }
    }
    let before = one.info();
    let mut waiter = Waiter::new(&one);
    let mut polls = 0;
    while waiter.poll().map(OwnedGuard::success).is_none() {
        assert!(!waiter.is_woken());
        clock.advance(Duration::from_millis(100));
        assert!(waiter.is_woken());
        polls += 1;
        assert!(polls < 150, "the time of attention ends");
    }
    assert_eq!(one.info().rejected, before.rejected);
}

#[test]
fn dropped_waiter_holds_nothing_in_any_state() {
    let clock = ManualClock::new();
    let commands = [
        Command::Reset,
        Command::Open,
        Command::HalfOpen,
        Command::ForceOpen,
        Command::Disable,
        Command::MetricsOnly,
    ];
    for first in commands {
        for second in commands {
            for is_polled_again in [false, true] {
                let one = breaker("dropped", &clock, 1);
                one.half_open();
                let probe = one.acquire_owned().unwrap();
                let mut waiters = [(); 3].map(|()| Waiter::new(&one));
                for waiter in &mut waiters {
                    assert!(waiter.poll().is_none());
                }
                let [mut goes, mut stays, unpolled] = waiters;
                one.command(first);
                let admitted = if is_polled_again { goes.poll() } else { None };
                one.command(second);
                drop((goes, unpolled));
                drop((admitted, probe));
                assert_eq!(one.info().probes_in_flight, 0, "{first:?}, {second:?}");
                let admits = one.is_call_permitted();
                assert!(!admits || stays.is_woken(), "{first:?}, {second:?}");
                assert_eq!(stays.poll().is_some(), admits, "{first:?}, {second:?}");
                assert_eq!(one.info().rejected, 0);
            }
        }
    }
}

/// Keeps nothing, and is a window of the user's own.
struct Forgetful;

impl Window for Forgetful {
    fn record(&mut self, record: Record, _: Duration, totals: &mut Totals) {
        totals.add(&record);
        totals.remove(&record);
    }

    fn clear(&mut self) {}
}

#[test]
fn waiters_are_served_beside_custom_window() {
    let clock = ManualClock::new();
    let one = CircuitBreaker::builder("own window")
        .window(window::Custom::new(Forgetful))
        .tripper(FailureStreak::new(1))
        .permit(All)
        .max_half_open_calls(1)
        .close_after(3)
        .clock(clock.clone())
        .build()
        .unwrap();
    fail(&one);
    let mut waiters: Vec<_> = (0..6).map(|_| Waiter::new(&one)).collect();
    for waiter in &mut waiters {
        assert!(waiter.poll().is_none());
    }
    clock.advance(MINUTE);
    let mut served = 0;
    for waiter in &mut waiters {
        assert!(waiter.is_woken());
        let guard = waiter.poll().expect("the slot is free");
        served += 1;
        match served {
            // The second reopens, and the next wait has to be waited.
            2 => {
                guard.failure();
                assert_eq!(one.state(), State::Open);
                clock.advance(MINUTE);
            }
            _ => guard.success(),
        }
    }
    assert_eq!(one.state(), State::Closed);
}

#[test]
fn waker_that_panics_or_asks_harms_nothing() {
    struct Rude(CircuitBreaker);

    impl Wake for Rude {
        fn wake(self: Arc<Self>) {
            let _ = self.0.info();
            drop(self.0.acquire());
            std::panic::resume_unwind(Box::new(()));
        }
    }

    let clock = ManualClock::new();
    let one = breaker("rude", &clock, 1);
    one.half_open();
    let probe = one.acquire().unwrap();
    let mut rude = Box::pin(one.acquire_ready());
    let waker = Waker::from(Arc::new(Rude(one.clone())));
    assert!(
        rude.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let mut polite = Waiter::new(&one);
    assert!(polite.poll().is_none());
    probe.ignore();
    assert!(polite.is_woken(), "the other's waker gave a slot back");
    drop(polite.poll().unwrap());
    drop(rude);
    assert_eq!(one.info().probes_in_flight, 0);
}

#[test]
fn waiters_on_threads_get_every_slot() {
    const WAITERS: usize = 200;
    let clock = ManualClock::new();
    let one = breaker("slots on threads", &clock, 2);
    one.half_open();
    let inside = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (one, inside) = (one.clone(), Arc::clone(&inside));
            thread::spawn(move || {
                for _ in 0..WAITERS / 4 {
                    let guard = block_on(one.acquire_ready());
                    assert!(inside.fetch_add(1, Relaxed) < 2);
                    inside.fetch_sub(1, Relaxed);
                    guard.ignore();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let info = one.info();
    assert_eq!((info.ignored, info.probes_in_flight), (WAITERS as u64, 0));
    assert_eq!(info.rejected, 0);
}

fn block_on(mut ready: AcquireReady) -> OwnedGuard {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        let polled = Pin::new(&mut ready).poll(&mut Context::from_waker(&waker));
        match polled {
            Poll::Ready(guard) => return guard,
            Poll::Pending => thread::park(),
        }
    }
}
