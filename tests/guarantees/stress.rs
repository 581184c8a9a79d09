//! Real threads, seconds long, seeded; invariants checked while they run and
//! when they are done.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use fluxgate::{
    CircuitBreaker, State,
    clock::ManualClock,
    permit,
    random::{Random, Seeded},
    retry::{Always, Cooldown},
    tripper::{Closed, FailureRate, FailureStreak, MinRequests},
    window::{CountWindow, TimeWindow},
};

use crate::kit::{Error, Heard, SECOND, tracked};

const SEEDS: [u64; 6] = [2, 3, 5, 7, 11, 13];
const THREADS: u64 = SEEDS.len() as u64;
const CALLS: u64 = 60_000;

/// Runs `f` on several threads, each with random numbers of its own.
fn crowd(f: impl Fn(&mut Seeded) + Sync) {
    let start = Barrier::new(SEEDS.len());
    thread::scope(|scope| {
        for seed in SEEDS {
            let (f, start) = (&f, &start);
            scope.spawn(move || {
                start.wait();
                let mut random = Seeded::new(seed);
                for _ in 0..CALLS {
                    f(&mut random);
                }
            });
        }
    });
}

/// A number below `n`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn below(random: &mut Seeded, n: u64) -> u64 {
    (random.next_f64() * n as f64) as u64
}

#[test]
fn g1_bounded_probes_on_real_threads() {
    const LIMIT: u32 = 3;
    let (clock, running) = (ManualClock::new(), AtomicU64::new(0));
    // Once half-open, nothing closes or reopens it: every call is a probe.
    let breaker = CircuitBreaker::builder("stress")
        .tripper(Closed & FailureStreak::new(1))
        .retry(Always)
        .permit(permit::All)
        .max_half_open_calls(LIMIT)
        .close_after(u64::MAX)
        .clock(clock)
        .build()
        .unwrap();
    breaker.acquire().unwrap().failure();
    let ran = AtomicU64::new(0);
    crowd(|random| {
        let Ok(guard) = breaker.acquire() else { return };
        let others = running.fetch_add(1, SeqCst);
        assert!(others < u64::from(LIMIT), "{others} others in flight");
        ran.fetch_add(1, SeqCst);
        if below(random, 4) == 0 {
            thread::yield_now();
        }
        running.fetch_sub(1, SeqCst);
        match below(random, 4) {
            0 => guard.success(),
            1 => guard.failure(),
            2 => guard.ignore(),
            _ => drop(guard),
        }
    });
    let info = breaker.info();
    assert_eq!((info.state, info.probes_in_flight), (State::HalfOpen, 0));
    assert_eq!(info.rejected + ran.load(SeqCst), THREADS * CALLS);
}

#[test]
fn g6_window_holds_exactly_the_last_outcomes() {
    let breaker = CircuitBreaker::builder("stress")
        .window(CountWindow::new(1000))
        .tripper(FailureStreak::new(u64::MAX))
        .build()
        .unwrap();
    // More successes than the window holds, unless the last ones fail.
    crowd(|random| {
        let fails = below(random, 4) == 0;
        let _ = breaker.call(|| if fails { Err(Error::Down) } else { Ok(()) });
    });
    assert_eq!(breaker.info().metrics.total_count, 1000);
    crowd(|_| {
        let _ = breaker.call(|| Ok::<_, Error>(()));
    });
    let info = breaker.info();
    assert_eq!(info.metrics.total_count, 1000);
    assert_eq!((info.metrics.failure_count, info.failure_streak), (0, 0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..100 {
                    let _ = breaker.call(|| Err::<(), _>(Error::Down));
                }
            });
        }
    });
    let info = breaker.info();
    let failed = THREADS * 100;
    assert_eq!(info.metrics.failure_count, failed);
    assert_eq!(
        (info.metrics.total_count, info.failure_streak),
        (1000, failed)
    );
}

#[test]
fn g6_counters_equal_outcomes_of_all_threads() {
    let failures = AtomicU64::new(0);
    let recorded = AtomicU64::new(0);
    let ignored = AtomicU64::new(0);
    for window in [true, false] {
        let builder = CircuitBreaker::builder("stress")
            .tripper(FailureStreak::new(u64::MAX))
            .clock(ManualClock::new());
        let breaker = if window {
            builder.window(CountWindow::new(THREADS * CALLS))
        } else {
            builder.window(TimeWindow::new(60 * SECOND))
        };
        let breaker = breaker.build().unwrap();
        for count in [&failures, &recorded, &ignored] {
            count.store(0, SeqCst);
        }
        crowd(|random| {
            let (error, count) = match below(random, 4) {
                0 => (Some(Error::Untracked), &ignored),
                1 => (Some(Error::Down), &failures),
                _ => (None, &recorded),
            };
            count.fetch_add(1, SeqCst);
            let result = error.map_or(Ok(()), Err);
            let _ = breaker.with_tracker(tracked).call(|| result);
        });
        let info = breaker.info();
        let failed = failures.load(SeqCst);
        assert_eq!(info.metrics.failure_count, failed);
        assert_eq!(info.metrics.total_count, failed + recorded.load(SeqCst));
        assert_eq!(info.ignored, ignored.load(SeqCst));
        assert_eq!((info.late, info.rejected), (0, 0));
    }
}

#[test]
fn g3_signals_of_all_threads_form_one_chain() {
    let (clock, heard) = (ManualClock::new(), [Heard::default(), Heard::default()]);
    let breaker = CircuitBreaker::builder("stress")
        .window(CountWindow::new(8))
        .tripper(MinRequests::new(4) & FailureRate::new(0.5))
        .retry(Cooldown::new(SECOND).jitter_ratio(0.5))
        .permit(permit::Random::new(0.9))
        .max_half_open_calls(2)
        .close_after(2)
        .reopen_after(2)
        .probe_lease(SECOND * 3)
        .clock(clock.clone())
        .random(Seeded::new(1))
        .listener(heard[0].listener())
        .listener(heard[1].listener())
        .build()
        .unwrap();
    let done = [(); 4].map(|()| AtomicU64::new(0));
    let [ran, rejected, ignored, cancelled] = &done;
    crowd(|random| {
        let dice = below(random, 1000);
        match dice {
            0 => breaker.reset(),
            1 => breaker.force_open(),
            2 => breaker.metrics_only(),
            3..20 => clock.advance(SECOND / 4),
            20..60 => assert!(breaker.info().probes_in_flight <= 2),
            _ => match breaker.acquire() {
                Err(_) => {
                    rejected.fetch_add(1, SeqCst);
                    if breaker.state() == State::ForcedOpen {
                        breaker.reset();
                    }
                }
                Ok(guard) => match dice % 8 {
                    0 => {
                        ignored.fetch_add(1, SeqCst);
                        guard.ignore();
                    }
                    1 => {
                        cancelled.fetch_add(1, SeqCst);
                        drop(guard);
                    }
                    2..5 => {
                        ran.fetch_add(1, SeqCst);
                        guard.failure();
                    }
                    _ => {
                        ran.fetch_add(1, SeqCst);
                        guard.success();
                    }
                },
            },
        }
    });
    let info = breaker.info();
    let count = |count: &AtomicU64| count.load(SeqCst);
    assert_eq!(info.probes_in_flight, 0);
    assert_eq!(info.rejected, count(rejected));
    assert_eq!(
        (info.ignored, info.cancelled),
        (count(ignored), count(cancelled))
    );
    assert!(info.late <= count(ran) && count(ran) > CALLS);
    let (chain, merged) = heard[0].chain_and_merged();
    assert_eq!((chain.clone(), merged), heard[1].chain_and_merged());
    // Not heard, and without a number in the chain.
    let untold = info.would_have_opened - heard[0].would_have_opened();
    assert_eq!(info.listeners[0].dropped, merged + untold);
    assert_eq!(chain.last(), Some(&breaker.state()));
    for state in [State::Open, State::HalfOpen, State::Closed] {
        assert!(
            chain.iter().filter(|entered| **entered == state).count() > 10,
            "{state}"
        );
    }
}

#[test]
fn g7_one_thread_half_opens_after_each_wait() {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let breaker = CircuitBreaker::builder("stress")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(SECOND))
        .permit(permit::All)
        .max_half_open_calls(1)
        .clock(clock.clone())
        .listener(heard.listener())
        .build()
        .unwrap();
    let rounds = 300;
    for _ in 0..rounds {
        breaker.acquire().unwrap().failure();
        clock.advance(SECOND);
        let probes = AtomicU64::new(0);
        let settled = AtomicBool::new(false);
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    let admitted = breaker.acquire();
                    // All have asked before the first of them is done.
                    start.wait();
                    if let Ok(guard) = admitted {
                        probes.fetch_add(1, SeqCst);
                        guard.success();
                        settled.store(true, SeqCst);
                    }
                });
            }
        });
        assert_eq!(probes.load(SeqCst), 1);
        assert!(settled.load(SeqCst));
    }
    let round = [State::Open, State::HalfOpen, State::Closed];
    assert_eq!(heard.chain(), round.repeat(rounds));
}

#[test]
fn listener_on_other_thread_delays_no_call() {
    let clock = ManualClock::new();
    let busy = Arc::new((Barrier::new(2), Barrier::new(2)));
    let held = Arc::clone(&busy);
    let breaker = crate::kit::builder(&clock)
        .listener(move |signal: &fluxgate::Signal| {
            if signal.sequence == 1 {
                held.0.wait();
                held.1.wait();
            }
        })
        .build()
        .unwrap();
    thread::scope(|scope| {
        scope.spawn(|| breaker.disable());
        busy.0.wait();
        // The other thread is inside its listener: calls and commands go on.
        breaker.reset();
        crate::kit::fail(&breaker);
        assert_eq!(breaker.info().state, State::Open);
        busy.1.wait();
    });
}
