//! Every interleaving of a change of settings with calls that begin, end and are
//! refused, by loom. See [`super::loom`].

use std::{
    sync::{Arc, Mutex as StdMutex},
    time::Duration,
};

use loom::thread;

use super::loom::{SECOND, builder, clock, explore, fail};
use crate::{
    CircuitBreaker, Listener, RuleKind, Signal, State,
    engine::{CallEnd, policies::Policies},
    listener::SettingsChange,
    retry::Cooldown,
    tripper::{FailureStreak, MinRequests, SlowRate},
    window::CountWindow,
};

fn change(breaker: &CircuitBreaker, f: impl FnOnce(&mut Policies)) {
    let mut policies = breaker.core.policies();
    f(&mut policies);
    breaker.core.replace_policies(policies);
}

fn spawn(
    breaker: &CircuitBreaker,
    f: impl FnOnce(&CircuitBreaker) + Send + 'static,
) -> thread::JoinHandle<()> {
    let breaker = breaker.clone();
    thread::spawn(move || f(&breaker))
}

fn streak(failures: u64) -> impl FnOnce(&mut Policies) + Send + 'static {
    move |it| it.tripper = FailureStreak::new(failures).into()
}

/// A success that the fast path settles is in the window, before the change or after it.
#[test]
fn healthy_call_is_recorded_once() {
    explore(|| {
        let breaker = builder(&clock())
            .tripper(FailureStreak::new(9))
            .window(CountWindow::new(1))
            .build()
            .unwrap();
        breaker.acquire().unwrap().success();
        let [one, other] = [(); 2].map(|()| breaker.core.admit_fast().unwrap());
        let changing = spawn(&breaker, |breaker| {
            change(breaker, |it| it.window = CountWindow::new(3).into());
        });
        let settling = spawn(&breaker, move |breaker| {
            breaker.core.settle(other, CallEnd::Failure);
        });
        breaker.core.settle(one, CallEnd::Success);
        changing.join().unwrap();
        settling.join().unwrap();
        let info = breaker.info();
        // One call was there before. What left the window of one before the change does
        // not come back.
        let metrics = &info.metrics;
        assert!((1..=3).contains(&metrics.total_count));
        assert!(metrics.failure_count <= 1 && info.failure_streak <= metrics.failure_count);
        assert_eq!((info.failed, info.late), (1, 0));
    });
}

/// What begins under settings without a clock has no duration under those with one.
#[test]
fn untimed_call_is_never_slow() {
    explore(|| {
        let clock = clock();
        clock.advance(3600 * SECOND);
        let breaker = builder(&clock)
            .tripper(FailureStreak::new(9))
            .build()
            .unwrap();
        let changing = spawn(&breaker, |breaker| {
            change(breaker, |it| {
                it.tripper = MinRequests::new(1) & SlowRate::new(0.1, SECOND);
            });
        });
        let settling = spawn(&breaker, |breaker| breaker.acquire().unwrap().success());
        breaker.acquire().unwrap().success();
        changing.join().unwrap();
        settling.join().unwrap();
        let info = breaker.info();
        assert_eq!((info.state, info.late), (State::Closed, 0));
        assert!(info.metrics.total_count <= 2);
        assert_eq!(info.metrics.slow_counts, [(SECOND, 0)]);
    });
}

/// A call that was slow by a threshold that is gone is not slow by another one.
#[test]
fn timed_call_is_judged_by_one_threshold() {
    explore(|| {
        let clock = clock();
        let slow = |threshold: u32| MinRequests::new(9) & SlowRate::new(0.1, threshold * SECOND);
        let breaker = builder(&clock)
            .tripper(slow(1))
            .window(CountWindow::new(1))
            .build()
            .unwrap();
        breaker.acquire().unwrap().success();
        let ticket = breaker.core.admit_without_fast().unwrap();
        clock.advance(10 * SECOND);
        let changing = spawn(&breaker, move |breaker| {
            change(breaker, |it| it.tripper = slow(5));
            change(breaker, |it| it.tripper = slow(20));
        });
        breaker.core.settle(ticket, CallEnd::Success);
        changing.join().unwrap();
        let metrics = breaker.info().metrics;
        assert!(metrics.total_count <= 1);
        assert_eq!(metrics.slow_counts, [(20 * SECOND, 0)]);
    });
}

/// A failure opens the circuit by the rule that it meets, or by none.
#[test]
fn failure_is_judged_by_one_rule() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        let failing = spawn(&breaker, fail);
        change(&breaker, streak(9));
        failing.join().unwrap();
        let info = breaker.info();
        match info.state {
            State::Open => {
                let reason = info.reason.unwrap();
                assert_eq!(reason.rule, RuleKind::FailureStreak);
                assert_eq!((reason.measured, reason.threshold), (1.0, 1.0));
            }
            _ => assert_eq!((info.state, info.failure_streak), (State::Closed, 1)),
        }
        assert_eq!((info.failed, info.late), (1, 0));
    });
}

/// A rule that gets stricter meets the failure, or the next one.
#[test]
fn stricter_rule_fires_at_the_next_failure() {
    explore(|| {
        let breaker = builder(&clock())
            .tripper(FailureStreak::new(9))
            .build()
            .unwrap();
        let failing = spawn(&breaker, fail);
        change(&breaker, streak(1));
        failing.join().unwrap();
        assert_eq!(breaker.info().failed, 1);
        fail(&breaker);
        let info = breaker.info();
        assert_eq!(info.state, State::Open);
        assert_eq!(info.reason.unwrap().threshold, 1.0);
    });
}

/// Reason and wait of a rejection are of one opening, under whatever settings.
#[test]
fn rejection_is_of_one_opening() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        fail(&breaker);
        let changing = spawn(&breaker, |breaker| {
            change(breaker, |it| {
                it.retry = Arc::new(Cooldown::new(5 * SECOND));
                it.tripper = FailureStreak::new(2).into();
            });
            breaker.reset();
            fail(breaker);
            fail(breaker);
        });
        if let Err(rejection) = breaker.acquire() {
            let wait = rejection.retry_after().unwrap();
            assert!([10 * SECOND, 5 * SECOND].contains(&wait), "{wait:?}");
            if let Some(reason) = rejection.reason() {
                assert_eq!(reason.measured, reason.threshold, "of one rule");
                assert!(reason.threshold < 2.0 || wait == 5 * SECOND);
            }
        }
        changing.join().unwrap();
    });
}

/// A wait that gets shorter lets the next call in, and a call that does not see it yet is
/// rejected by the longer one.
#[test]
fn wait_that_is_over_admits_a_probe() {
    explore(|| {
        let clock = clock();
        let breaker = builder(&clock).build().unwrap();
        fail(&breaker);
        clock.advance(5 * SECOND);
        let changing = spawn(&breaker, |breaker| {
            change(breaker, |it| {
                it.retry = Arc::new(Cooldown::new(Duration::ZERO))
            });
        });
        match breaker.acquire() {
            Ok(probe) => probe.ignore(),
            Err(rejection) => assert_eq!(rejection.retry_after(), Some(5 * SECOND)),
        }
        changing.join().unwrap();
        breaker.acquire().unwrap().ignore();
        assert_eq!(breaker.state(), State::HalfOpen);
    });
}

/// Slots of a limit that is gone are given back to the present one.
#[test]
fn lower_limit_and_a_probe() {
    explore(|| {
        let breaker = builder(&clock()).max_half_open_calls(2).build().unwrap();
        breaker.half_open();
        let first = breaker.acquire().unwrap();
        let changing = spawn(&breaker, |breaker| {
            change(breaker, |it| it.max_half_open_calls = 1);
            assert!(breaker.acquire().is_err(), "one at least is in flight");
        });
        let second = breaker.acquire();
        changing.join().unwrap();
        assert!(breaker.acquire().is_err());
        if let Ok(second) = second {
            second.ignore();
            assert!(breaker.acquire().is_err(), "the limit is one");
        }
        first.ignore();
        breaker.acquire().unwrap().ignore();
        assert_eq!(breaker.info().probes_in_flight, 0);
    });
}

/// What a listener was told of settings.
#[derive(Clone, Default)]
struct Told(Arc<StdMutex<Vec<(String, String)>>>);

impl Listener for Told {
    fn on_signal(&self, _: &Signal) {}

    fn on_settings(&self, change: &SettingsChange) {
        let mut told = self.0.lock().unwrap();
        for change in &change.changes {
            told.push((change.old.clone(), change.new.clone()));
        }
    }
}

/// Each change is made from what is in force, and listeners hear them in order.
#[test]
fn two_changes_come_one_after_the_other() {
    explore(|| {
        let told = Told::default();
        let breaker = builder(&clock()).listener(told.clone()).build().unwrap();
        let changing = spawn(&breaker, |breaker| change(breaker, |it| it.close_after = 2));
        change(&breaker, |it| it.close_after = 3);
        changing.join().unwrap();
        let told = told.0.lock().unwrap();
        assert_eq!((told.len(), &*told[0].0), (2, "1"));
        assert_eq!(told[0].1, told[1].0);
        assert_eq!(told[1].1, breaker.info().settings.close_after.to_string());
    });
}
