//! Every interleaving of a few threads on the real code, by loom. Run with
//! `RUSTFLAGS="--cfg fluxgate_loom" cargo test -p fluxgate --lib engine::tests::loom`,
//! in a target directory of its own.
//!
//! What a listener finds is looked at when the threads are done: a panic inside
//! one would be contained.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex as StdMutex, atomic::AtomicU32 as StdCount},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};

use loom::{
    sync::atomic::{AtomicBool, AtomicUsize},
    thread,
};

use crate::{
    Builder, CircuitBreaker, Outcome, RuleKind, Signal, State,
    choose::{AcquireReady, OwnedGuard},
    clock::ManualClock,
    engine::CallEnd,
    permit,
    retry::{Cooldown, Opening},
    throttle::Adaptive,
    tripper::FailureStreak,
    util::sync::Ordering::{Acquire, Relaxed, Release, SeqCst},
    window::CountWindow,
};

/// All interleavings with at most this many preemptions, which is what it takes
/// to find most bugs; one more takes minutes.
const PREEMPTIONS: usize = 2;

pub(super) fn explore(f: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(f);
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Opens at the first failure; its clock stands still.
pub(super) fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("loom")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(10 * SECOND))
        .permit(permit::All)
        .max_half_open_calls(1)
        .clock(clock.clone())
}

pub(super) fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH)
}

pub(super) fn fail(breaker: &CircuitBreaker) {
    if let Ok(guard) = breaker.acquire() {
        guard.failure();
    }
}

/// A listener's notes.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<StdMutex<Vec<Signal>>>);

impl Heard {
    fn listener(&self) -> impl Fn(&Signal) + Send + Sync + 'static {
        let heard = self.clone();
        move |signal| heard.0.lock().unwrap().push(signal.clone())
    }

    /// The states entered, if every signal came once and in order.
    fn chain(&self) -> Vec<State> {
        let mut state = State::Closed;
        for (i, signal) in self.0.lock().unwrap().iter().enumerate() {
            assert_eq!(signal.sequence, i as u64 + 1);
            assert_eq!(signal.old_state, state);
            state = signal.new_state;
        }
        let heard = self.0.lock().unwrap();
        heard.iter().map(|signal| signal.new_state).collect()
    }
}

#[test]
fn one_of_several_failures_trips() {
    explore(|| {
        let heard = Heard::default();
        let breaker = builder(&clock())
            .listener(heard.listener())
            .build()
            .unwrap();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let breaker = breaker.clone();
                thread::spawn(move || fail(&breaker))
            })
            .collect();
        fail(&breaker);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(heard.chain(), [State::Open]);
        let info = breaker.info();
        // Those that ended while the first transition was prepared were in time.
        assert!(info.late + info.rejected <= 2);
        assert_eq!(info.metrics.total_count, 0);
    });
}

#[test]
fn one_caller_half_opens_after_the_wait() {
    explore(|| {
        let (clock, heard) = (clock(), Heard::default());
        let breaker = builder(&clock).listener(heard.listener()).build().unwrap();
        fail(&breaker);
        clock.advance(10 * SECOND);
        let running = Arc::new(AtomicUsize::new(0));
        let probe = {
            let (breaker, running) = (breaker.clone(), Arc::clone(&running));
            move || {
                let Ok(guard) = breaker.acquire() else {
                    return 0;
                };
                assert_eq!(running.fetch_add(1, SeqCst), 0, "two probes at once");
                running.fetch_sub(1, SeqCst);
                guard.ignore();
                1
            }
        };
        let threads = [thread::spawn(probe.clone()), thread::spawn(probe.clone())];
        let mut probes = probe();
        for thread in threads {
            probes += thread.join().unwrap();
        }
        assert!(probes >= 1);
        assert_eq!(heard.chain(), [State::Open, State::HalfOpen]);
        let info = breaker.info();
        assert_eq!((info.probes_in_flight, info.ignored), (0, probes));
        assert_eq!(info.rejected, 3 - probes);
    });
}

#[test]
fn last_slot_goes_to_one_probe() {
    explore(|| {
        let clock = clock();
        let breaker = builder(&clock).max_half_open_calls(2).build().unwrap();
        fail(&breaker);
        clock.advance(10 * SECOND);
        let running = Arc::new(AtomicUsize::new(1));
        let first = breaker.acquire().unwrap();
        let probe = {
            let (breaker, running) = (breaker.clone(), Arc::clone(&running));
            move || {
                if let Ok(guard) = breaker.acquire() {
                    assert!(running.fetch_add(1, SeqCst) < 2, "three probes at once");
                    running.fetch_sub(1, SeqCst);
                    drop(guard);
                }
            }
        };
        let threads = [thread::spawn(probe.clone()), thread::spawn(probe)];
        running.fetch_sub(1, SeqCst);
        first.ignore();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.info().probes_in_flight, 0);
    });
}

#[test]
fn a_late_result_never_overrides_an_operator() {
    explore(|| {
        let heard = Heard::default();
        let breaker = builder(&clock())
            .listener(heard.listener())
            .build()
            .unwrap();
        let failing = {
            let breaker = breaker.clone();
            thread::spawn(move || fail(&breaker))
        };
        let operator = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.force_open())
        };
        failing.join().unwrap();
        operator.join().unwrap();
        assert_eq!(breaker.state(), State::ForcedOpen);
        let info = breaker.info();
        let chain = heard.chain();
        if chain != [State::ForcedOpen] {
            assert_eq!(chain, [State::Open, State::ForcedOpen]);
            assert_eq!(info.late + info.rejected, 0);
        }
    });
}

#[test]
fn probe_of_earlier_half_open_never_closes() {
    explore(|| {
        let (clock, heard) = (clock(), Heard::default());
        let breaker = builder(&clock)
            .max_half_open_calls(2)
            .listener(heard.listener())
            .build()
            .unwrap();
        fail(&breaker);
        clock.advance(10 * SECOND);
        let [one, other] = [(); 2].map(|()| breaker.core.admit_without_fast().unwrap());
        let succeeding = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.core.settle(one, CallEnd::Success))
        };
        breaker.core.settle(other, CallEnd::Failure);
        clock.advance(10 * SECOND);
        drop(breaker.acquire());
        succeeding.join().unwrap();

        let first = [State::Open, State::HalfOpen];
        let chain = heard.chain();
        // None is late if both ended before either transition was made: then one of
        // the two transitions is given up.
        assert!(breaker.info().late <= 1);
        assert_eq!(chain[..2], first);
        match chain[2] {
            State::Closed => assert_eq!(chain.len(), 3),
            _ => assert_eq!(chain[2..], first),
        }
    });
}

#[test]
fn unrecorded_success_changed_nothing() {
    explore(|| {
        let clock = clock();
        let breaker = builder(&clock)
            .tripper(FailureStreak::new(9))
            .window(CountWindow::new(1))
            .build()
            .unwrap();
        breaker.acquire().unwrap().success();
        // Both find the window clean as they begin.
        let [one, other] = [(); 2].map(|()| breaker.core.admit_without_fast().unwrap());
        let failed = Arc::new(AtomicBool::new(false));
        let failing = {
            let (breaker, failed) = (breaker.clone(), Arc::clone(&failed));
            thread::spawn(move || {
                fail(&breaker);
                failed.store(true, Release);
            })
        };
        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.core.settle(other, CallEnd::Success))
        };
        let saw = failed.load(Acquire);
        breaker.core.settle(one, CallEnd::Success);
        failing.join().unwrap();
        other.join().unwrap();
        let info = breaker.info();
        // One came last, and the window and the streak agree which.
        assert_eq!(info.metrics.total_count, 1);
        assert_eq!(info.metrics.failure_count, info.failure_streak);
        if saw {
            assert_eq!(info.failure_streak, 0, "the success came after the failure");
        }
    });
}

#[test]
fn success_of_earlier_generation_is_not_recorded() {
    explore(|| {
        let breaker = builder(&clock())
            .window(CountWindow::new(2))
            .build()
            .unwrap();
        for _ in 0..2 {
            breaker.acquire().unwrap().success();
        }
        let ticket = breaker.core.admit_without_fast().unwrap();
        let operator = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.reset();
                breaker.acquire().unwrap().success();
            })
        };
        breaker.core.settle(ticket, CallEnd::Success);
        operator.join().unwrap();
        assert_eq!(breaker.info().metrics.total_count, 1);
    });
}

#[test]
fn a_rejection_never_mixes_two_openings() {
    explore(|| {
        let openings = Arc::new(StdCount::new(0));
        let breaker = builder(&clock())
            .retry(move |_: &Opening| {
                let earlier = openings.fetch_add(1, Relaxed);
                Some((earlier + 1) * 10 * SECOND)
            })
            .build()
            .unwrap();
        fail(&breaker);
        let reopening = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.reset();
                if let Ok(guard) = breaker.acquire() {
                    guard.success();
                }
                fail(&breaker);
            })
        };
        match breaker.acquire() {
            Ok(guard) => guard.ignore(),
            Err(rejection) => {
                let reason = rejection.reason().unwrap();
                assert_eq!(reason.rule, RuleKind::FailureStreak);
                let opening = rejection.retry_after().unwrap().as_secs() / 10;
                assert_eq!(reason.calls, opening, "reason and wait of one opening");
            }
        }
        reopening.join().unwrap();
    });
}

#[test]
fn listeners_hear_transitions_once_in_order() {
    explore(|| {
        let heard = [Heard::default(), Heard::default()];
        let breaker = builder(&clock())
            .listener(heard[0].listener())
            .listener(heard[1].listener())
            .build()
            .unwrap();
        let threads = [State::Disabled, State::ForcedOpen].map(|state| {
            let breaker = breaker.clone();
            thread::spawn(move || match state {
                State::Disabled => breaker.disable(),
                _ => breaker.force_open(),
            })
        });
        breaker.metrics_only();
        for thread in threads {
            thread.join().unwrap();
        }
        let chain = heard[0].chain();
        assert_eq!(chain.len(), 3);
        assert_eq!(chain.last(), Some(&breaker.state()));
        assert_eq!(heard[1].chain(), chain);
    });
}

#[test]
fn listener_causing_transition_keeps_order() {
    explore(|| {
        let heard = Heard::default();
        let own: Arc<StdMutex<Option<CircuitBreaker>>> = Arc::default();
        let caller = Arc::clone(&own);
        let breaker = builder(&clock())
            .listener(move |signal: &Signal| {
                if signal.new_state == State::ForcedOpen {
                    let breaker = caller.lock().unwrap().clone();
                    breaker.unwrap().reset();
                }
            })
            .listener(heard.listener())
            .build()
            .unwrap();
        *own.lock().unwrap() = Some(breaker.clone());
        let threads = [(); 2].map(|()| {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.force_open())
        });
        for thread in threads {
            thread.join().unwrap();
        }
        own.lock().unwrap().take();
        let chain = heard.chain();
        assert_eq!(chain.len(), 4);
        assert_eq!(chain.last(), Some(&State::Closed));
    });
}

#[test]
fn info_is_of_one_moment() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        let failing = {
            let breaker = breaker.clone();
            thread::spawn(move || fail(&breaker))
        };
        let info = breaker.info();
        if info.state == State::Closed {
            assert_eq!((info.reason, info.retry_after), (None, None));
            // Recorded, while the transition that it leads to is prepared.
            assert!(info.metrics.total_count <= 1);
        } else {
            assert_eq!(info.metrics.total_count, 0);
            assert_eq!(info.retry_after, Some(10 * SECOND));
            assert_eq!(info.reason.unwrap().calls, 1);
        }
        failing.join().unwrap();
    });
}

#[test]
fn delivery_is_handed_over_without_loss() {
    explore(|| {
        let heard = Heard::default();
        let breaker = builder(&clock())
            .listener(heard.listener())
            .build()
            .unwrap();
        let core = &breaker.core;
        let command = |core: &crate::engine::Core, state| {
            let entry = core.entry(state, crate::flight::Trigger::Command);
            let mut held = core.shared.lock();
            core.enter(&mut held, entry);
            core.unlock_within(held, 1);
        };
        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || command(&breaker.core, State::Disabled))
        };
        command(core, State::ForcedOpen);
        other.join().unwrap();
        // No other caller comes: the thread that took over delivers what is left.
        while heard.chain().len() < 2 {
            thread::yield_now();
        }
        assert_eq!(heard.chain().last(), Some(&breaker.state()));
    });
}

/// Two calls meet overload at the same time: attention begins once, both are counted,
/// and an answer meanwhile is counted or came before.
#[test]
fn attention_begins_once_for_two_overloads() {
    explore(|| {
        let breaker = builder(&clock())
            .throttle(Adaptive::new(1.5))
            .build()
            .unwrap();
        let answered = breaker.acquire().unwrap();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let breaker = breaker.clone();
                thread::spawn(move || {
                    if let Ok(guard) = breaker.acquire() {
                        guard.record(Outcome::Overloaded);
                    }
                })
            })
            .collect();
        answered.record(Outcome::Success);
        for thread in threads {
            thread.join().unwrap();
        }
        let info = breaker.info();
        let throttle = info.throttle.unwrap();
        assert_eq!((info.state, info.overloaded), (State::Closed, 2));
        assert_eq!(throttle.offered, 2 + throttle.accepted);
        assert!(throttle.accepted <= 1 && info.late == 0);
    });
}

/// Attention is over: one call ends it while another meets overload, which begins a
/// new one. The overload is never lost with the old one.
#[test]
fn attention_that_begins_anew_is_not_ended() {
    explore(|| {
        let clock = clock();
        let breaker = builder(&clock)
            .throttle(Adaptive::new(1.5))
            .build()
            .unwrap();
        breaker.acquire().unwrap().record(Outcome::Overloaded);
        clock.advance(10 * SECOND);
        let overloaded = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                if let Ok(guard) = breaker.acquire() {
                    guard.record(Outcome::Overloaded);
                }
            })
        };
        if let Ok(guard) = breaker.acquire() {
            guard.record(Outcome::Success);
        }
        overloaded.join().unwrap();
        assert!(breaker.core.word().has_attention());
        let throttle = breaker.info().throttle.unwrap();
        assert_eq!(throttle.offered, 1 + throttle.accepted);
        assert!(throttle.accepted <= 1);
    });
}

/// A command while an overload begins attention: it outlives the transition, or the
/// overload is late and begins none.
#[test]
fn attention_and_a_transition_know_each_other() {
    explore(|| {
        let breaker = builder(&clock())
            .throttle(Adaptive::new(1.5))
            .build()
            .unwrap();
        let guard = breaker.acquire().unwrap();
        let command = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.reset())
        };
        guard.record(Outcome::Overloaded);
        command.join().unwrap();
        let info = breaker.info();
        let is_counted = info.throttle.unwrap().offered == 1;
        assert_eq!((info.state, info.overloaded), (State::Closed, 1));
        assert_eq!(breaker.core.word().has_attention(), is_counted);
        assert!(!is_counted || info.late == 0);
    });
}

/// A waiter that is polled by hand.
struct Waiter {
    ready: AcquireReady,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(StdCount);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Waiter {
    fn new(breaker: &CircuitBreaker) -> Self {
        Self {
            ready: breaker.acquire_ready(),
            woken: Arc::default(),
        }
    }

    fn poll(&mut self) -> Option<OwnedGuard> {
        let waker = Waker::from(Arc::clone(&self.woken));
        match Pin::new(&mut self.ready).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Relaxed) > 0
    }
}

#[test]
fn a_waiter_misses_no_slot_that_comes_back() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        breaker.half_open();
        let probe = breaker.acquire_owned().unwrap();
        let mut waiter = Waiter::new(&breaker);
        let giving_back = thread::spawn(move || probe.ignore());
        let guard = waiter.poll();
        giving_back.join().unwrap();
        let guard = guard.or_else(|| {
            assert!(waiter.is_woken(), "the slot is free, and nothing said so");
            waiter.poll()
        });
        guard.expect("the slot is free").ignore();
        assert_eq!(breaker.info().probes_in_flight, 0);
    });
}

#[test]
fn a_waiter_that_goes_takes_no_wake_along() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        breaker.half_open();
        let probe = breaker.acquire_owned().unwrap();
        let mut goes = Waiter::new(&breaker);
        let mut stays = Waiter::new(&breaker);
        assert!(goes.poll().is_none() && stays.poll().is_none());
        let going = thread::spawn(move || drop(goes));
        probe.ignore();
        going.join().unwrap();
        assert!(stays.is_woken());
        stays.poll().expect("the slot is free").ignore();
    });
}

#[test]
fn reset_admits_waiter_that_enters_meanwhile() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        breaker.force_open();
        let mut waiter = Waiter::new(&breaker);
        let operator = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.reset())
        };
        let guard = waiter.poll();
        operator.join().unwrap();
        if guard.is_none() {
            assert!(waiter.is_woken());
            assert!(waiter.poll().is_some());
        }
    });
}

#[test]
fn early_probe_and_operator_half_open_in_turn() {
    explore(|| {
        let heard = Heard::default();
        let breaker = builder(&clock())
            .max_half_open_calls(2)
            .close_after(2)
            .listener(heard.listener())
            .build()
            .unwrap();
        fail(&breaker);
        let early = breaker.core.admit_early().unwrap();
        let passing = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.core.settle_early(early, CallEnd::Success, None))
        };
        breaker.half_open();
        passing.join().unwrap();
        let chain = heard.chain();
        let late = breaker.info().late;
        match chain.len() {
            2 => assert_eq!(late, 1, "it is of an earlier period"),
            _ => assert_eq!((chain.len(), late), (3, 0)),
        }
        assert!(chain[1..].iter().all(|state| *state == State::HalfOpen));
        assert_eq!(breaker.info().probes_in_flight, 0);
    });
}

#[test]
fn early_probes_and_others_share_the_slots() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        fail(&breaker);
        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.half_open();
                breaker.acquire_owned().ok()
            })
        };
        let early = breaker.core.admit_early();
        let probe = other.join().unwrap();
        assert!(
            early.is_none() || probe.is_none(),
            "two with a limit of one"
        );
        if let Some(early) = early {
            breaker.core.settle_early(early, CallEnd::Failure, None);
        }
        drop(probe);
        assert_eq!(breaker.info().probes_in_flight, 0);
    });
}

#[test]
fn a_rejection_never_mixes_two_openings_by_hand() {
    explore(|| {
        let breaker = builder(&clock()).build().unwrap();
        fail(&breaker);
        let operator = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.open_for(20 * SECOND))
        };
        if let Err(rejection) = breaker.acquire() {
            match rejection.retry_after() {
                // Between the two it is half-open for an instant.
                None => assert!(rejection.reason().is_none()),
                Some(wait) => {
                    let by_rule = wait == 10 * SECOND;
                    assert!(by_rule || wait == 20 * SECOND, "{wait:?}");
                    assert_eq!(rejection.reason().is_some(), by_rule);
                }
            }
        }
        operator.join().unwrap();
        assert_eq!(breaker.state(), State::Open);
    });
}
