//! A pool of workers behind a balancer of the service's own.
//!
//! Needs: the balancer takes the worker with the fewest jobs among those that work. To
//! look whom to leave out must cost nothing and change nothing. A job is begun on one
//! thread and ends on another, which reports how long the worker says that it took. One
//! probe at a time goes to a worker that comes back. A worker that leaves the pool
//! takes its breaker along. When no worker has room the dispatcher waits for one.

use std::{cell::Cell, sync::mpsc, thread, time::Duration};

use fluxgate::{
    CircuitBreaker, State,
    choose::{self, OwnedGuard, Target},
    clock::ManualClock,
    tripper::{FailureStreak, MinRequests, SlowRate},
};

use crate::{MINUTE, SECOND, settings};

struct Worker {
    id: u32,
    breaker: CircuitBreaker,
    jobs: Cell<u32>,
}

impl Target for Worker {
    fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }
}

struct Pool {
    workers: Vec<Worker>,
}

impl Pool {
    fn new(clock: &ManualClock, workers: u32) -> Self {
        let worker = |id| Worker {
            id,
            breaker: settings(CircuitBreaker::builder("worker"), clock)
                .tripper(FailureStreak::new(2) | MinRequests::new(2) & SlowRate::new(1.0, SECOND))
                .durations(true)
                .build()
                .unwrap(),
            jobs: Cell::new(0),
        };
        Self {
            workers: (0..workers).map(worker).collect(),
        }
    }

    /// The least busy worker that works, with the right to give it a job.
    fn dispatch(&self) -> Option<(&Worker, OwnedGuard)> {
        let mut callable: Vec<_> = choose::callable(&self.workers).collect();
        callable.sort_by_key(|worker| (worker.jobs.get(), worker.id));
        // Another dispatcher may have been faster.
        let chosen = choose::pick(callable).ok()?;
        chosen.key.jobs.set(chosen.key.jobs.get() + 1);
        Some((chosen.key, chosen.guard))
    }
}

#[test]
fn jobs_go_to_the_least_busy_that_works() {
    let clock = ManualClock::new();
    let pool = Pool::new(&clock, 3);
    let mut guards = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..6 {
        let (worker, guard) = pool.dispatch().unwrap();
        ids.push(worker.id);
        guards.push((worker, guard));
    }
    assert_eq!(ids, [0, 1, 2, 0, 1, 2]);
    for (worker, guard) in guards {
        match worker.id {
            1 => guard.failure(),
            _ => guard.success(),
        }
    }
    let ids: Vec<_> = (0..4).map(|_| pool.dispatch().unwrap().0.id).collect();
    assert_eq!(ids, [0, 2, 0, 2], "the one that fails is left out");
}

#[test]
fn looking_whom_to_leave_out_changes_nothing() {
    let clock = ManualClock::new();
    let pool = Pool::new(&clock, 2);
    let broken = &pool.workers[0].breaker;
    broken.open();
    for _ in 0..100 {
        assert_eq!(choose::callable(&pool.workers).count(), 1);
    }
    clock.advance(MINUTE);
    for _ in 0..100 {
        assert_eq!(choose::callable(&pool.workers).count(), 2);
    }
    let info = broken.info();
    assert_eq!(
        (info.state, info.rejected, info.passed_over),
        (State::Open, 0, 0)
    );
}

#[test]
fn worker_that_comes_back_gets_one_job() {
    let clock = ManualClock::new();
    let pool = Pool::new(&clock, 2);
    pool.workers[0].breaker.open();
    clock.advance(MINUTE);
    let (probed, probe) = pool.dispatch().unwrap();
    assert_eq!(probed.id, 0);
    let others: Vec<_> = (0..3).map(|_| pool.dispatch().unwrap().0.id).collect();
    assert_eq!(others, [1, 1, 1]);
    probe.success();
    assert_eq!(pool.workers[0].breaker.state(), State::Closed);
}

#[test]
fn job_ends_on_another_thread_with_its_own_time() {
    let clock = ManualClock::new();
    let pool = Pool::new(&clock, 1);
    let (queue, jobs) = mpsc::channel::<(OwnedGuard, Duration)>();
    let reports = thread::spawn(move || {
        for (guard, took) in jobs {
            guard.with_duration(took).success();
        }
    });
    for _ in 0..2 {
        let (_, guard) = pool.dispatch().unwrap();
        queue.send((guard, 3 * SECOND)).unwrap();
    }
    drop(queue);
    reports.join().unwrap();
    let info = pool.workers[0].breaker.info();
    assert_eq!(info.state, State::Open, "too slow, by its own account");
    assert!(pool.dispatch().is_none());
}

#[test]
fn lost_job_is_cancelled_and_outlives_its_worker() {
    let clock = ManualClock::new();
    let mut pool = Pool::new(&clock, 1);
    let breaker = pool.workers[0].breaker.clone();
    let (_, guard) = pool.dispatch().unwrap();
    pool.workers.clear();
    assert!(pool.dispatch().is_none());
    drop(guard);
    assert_eq!(breaker.info().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn dispatcher_waits_for_a_worker() {
    let worker = settings(CircuitBreaker::builder("worker"), &ManualClock::new())
        .clock(fluxgate::clock::TokioClock::new())
        .build()
        .unwrap();
    worker.open();
    let waits = tokio::time::timeout(MINUTE / 2, worker.acquire_ready());
    assert!(waits.await.is_err(), "given up, and nothing is held");
    worker.acquire_ready().await.success();
    assert_eq!(worker.state(), State::Closed);
    assert_eq!(worker.info().rejected, 0);
}
