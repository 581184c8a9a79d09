//! Settings that change while a breaker lives.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use crate::{
    Builder, CircuitBreaker, Listener, OnCancel, Signal, SlowProbes, State,
    clock::ManualClock,
    engine::{CallEnd, policies::Policies},
    listener::SettingsChange,
    permit,
    retry::{Cooldown, Never, Opening, Retry},
    throttle::Adaptive,
    tripper::{self, AvgLatency, FailureRate, FailureStreak, InFlight, MinRequests, SlowRate},
    window::{self, CountWindow, Record, TimeWindow, Totals, Window},
};

const SECOND: Duration = Duration::from_secs(1);

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("live")
        .window(CountWindow::new(4))
        .tripper(MinRequests::new(4) & FailureRate::new(0.5))
        .retry(Cooldown::new(60 * SECOND))
        .permit(permit::All)
        .clock(clock.clone())
}

fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH)
}

fn built(clock: &ManualClock) -> CircuitBreaker {
    builder(clock).build().expect("in range")
}

fn change(breaker: &CircuitBreaker, f: impl FnOnce(&mut Policies)) -> Option<SettingsChange> {
    let mut policies = breaker.core.policies();
    f(&mut policies);
    assert!(policies.check().is_empty());
    breaker.core.replace_policies(policies)
}

fn run(breaker: &CircuitBreaker, failed: bool) {
    let guard = breaker.acquire().expect("admitted");
    if failed {
        guard.failure();
    } else {
        guard.success();
    }
}

fn counts(breaker: &CircuitBreaker) -> (u64, u64) {
    let metrics = breaker.info().metrics;
    (metrics.total_count, metrics.failure_count)
}

#[test]
fn equal_settings_change_nothing() {
    let breaker = built(&clock());
    let word = breaker.core.word();
    assert_eq!(change(&breaker, |_| ()), None);
    let same = change(&breaker, |it| {
        it.retry = Arc::new(Cooldown::new(60 * SECOND));
        it.tripper = MinRequests::new(4) & FailureRate::new(0.5);
        it.window = CountWindow::new(4).into();
    });
    assert_eq!(same, None);
    assert_eq!(breaker.core.word(), word);
}

#[test]
fn change_says_old_and_new() {
    let breaker = built(&clock());
    let change = change(&breaker, |it| {
        it.retry = Arc::new(Cooldown::new(5 * SECOND));
        it.reopen_after = Some(2);
        it.probe_lease = 7 * SECOND;
    });
    let change = change.expect("there is one");
    assert_eq!(
        change.to_string(),
        "retry: Cooldown(60s) -> Cooldown(5s); reopen_after: none -> 2; \
         probe_lease: 60s -> 7s"
    );
    assert!(!change.window_emptied);
    let settings = breaker.info().settings;
    assert_eq!(
        (&*settings.retry, settings.reopen_after),
        ("Cooldown(5s)", Some(2))
    );
    assert_eq!(settings.probe_lease, 7 * SECOND);
}

#[test]
fn windows_of_calls_keep_the_newest() {
    let breaker = built(&clock());
    for failed in [true, false, false, false] {
        run(&breaker, failed);
    }
    change(&breaker, |it| it.window = CountWindow::new(3).into());
    assert_eq!(counts(&breaker), (3, 0));
    change(&breaker, |it| it.window = CountWindow::new(5).into());
    run(&breaker, true);
    assert_eq!(counts(&breaker), (4, 1));
    let change = change(&breaker, |it| {
        it.window = TimeWindow::new(60 * SECOND).into();
    });
    assert!(change.expect("another kind").window_emptied);
    assert_eq!(counts(&breaker), (0, 0));
    run(&breaker, false);
    assert_eq!(counts(&breaker), (1, 0));
}

#[test]
fn windows_of_time_keep_what_is_not_too_old() {
    let clock = clock();
    let window = TimeWindow::new(10 * SECOND);
    let breaker = builder(&clock).window(window).build().expect("in range");
    for _ in 0..6 {
        run(&breaker, false);
        clock.advance(SECOND);
    }
    change(&breaker, |it| {
        it.window = TimeWindow::new(3 * SECOND).into();
    });
    assert_eq!(counts(&breaker), (2, 0));
    change(&breaker, |it| {
        it.window = TimeWindow::new(60 * SECOND).into();
    });
    assert_eq!(
        counts(&breaker),
        (2, 0),
        "what was forgotten does not come back"
    );
    clock.advance(30 * SECOND);
    run(&breaker, true);
    assert_eq!(counts(&breaker), (3, 1));
}

#[test]
fn other_measures_begin_empty() {
    let slow = || MinRequests::new(4) & SlowRate::new(0.5, SECOND);
    let changes: [fn(&mut Policies); 4] = [
        |it| it.tripper = MinRequests::new(4) & SlowRate::new(0.5, 2 * SECOND),
        |it| it.durations = true,
        |it| {
            it.tripper =
                MinRequests::new(4) & SlowRate::new(0.5, SECOND) | InFlight::new(9, SECOND);
        },
        |it| it.tripper = MinRequests::new(4) & FailureRate::new(0.5),
    ];
    for other in changes {
        let breaker = builder(&clock()).tripper(slow()).build().expect("in range");
        run(&breaker, false);
        assert!(change(&breaker, other).expect("another").window_emptied);
        assert_eq!(counts(&breaker), (0, 0));
        run(&breaker, true);
        assert_eq!(counts(&breaker), (1, 1));
    }
}

#[test]
fn rule_that_would_fire_does_at_the_next_outcome() {
    let breaker = built(&clock());
    for _ in 0..4 {
        run(&breaker, false);
    }
    assert!(breaker.core.word().is_clean());
    change(&breaker, |it| it.tripper = MinRequests::new(3).into());
    assert_eq!(breaker.state(), State::Closed);
    // No outcome: it says nothing of the rule.
    breaker
        .acquire()
        .expect("closed")
        .record(crate::Outcome::Alive);
    assert_eq!(breaker.state(), State::Closed);
    run(&breaker, false);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn lower_streak_fires_at_the_next_failure() {
    let clock = clock();
    let streak = FailureStreak::new(9);
    let with = |failures| {
        let breaker = builder(&clock).tripper(streak).build().expect("in range");
        for _ in 0..failures {
            run(&breaker, true);
        }
        change(&breaker, |it| it.tripper = FailureStreak::new(3).into());
        assert_eq!(
            (breaker.state(), breaker.info().failure_streak),
            (State::Closed, failures)
        );
        breaker
    };
    let breaker = with(5);
    run(&breaker, true);
    assert_eq!(breaker.state(), State::Open);
    let breaker = with(5);
    run(&breaker, false);
    assert_eq!(
        (breaker.state(), breaker.info().failure_streak),
        (State::Closed, 0)
    );
}

#[test]
fn opening_keeps_its_rule_until_the_next() {
    let clock = clock();
    let breaker = built(&clock);
    for _ in 0..4 {
        run(&breaker, true);
    }
    let rejection = breaker.acquire().expect_err("it is open");
    let reason = rejection.reason().expect("a rule opened it");
    change(&breaker, |it| it.tripper = FailureStreak::new(2).into());
    let after = breaker.acquire().expect_err("it is open").reason();
    assert_eq!((after, breaker.info().reason), (Some(reason), Some(reason)));
    assert_eq!(rejection.reason(), Some(reason));
    assert_eq!(breaker.info().opened_with.expect("kept").total_count, 4);
    breaker.reset();
    assert_eq!(rejection.reason(), Some(reason), "until the next opening");
    for _ in 0..2 {
        run(&breaker, true);
    }
    assert_eq!(rejection.reason(), None, "never of another rule");
    let reason = breaker.info().reason.expect("a rule opened it");
    assert_eq!(reason.rule, crate::RuleKind::FailureStreak);
}

#[test]
fn wait_gets_shorter_and_never_longer() {
    let clock = clock();
    let breaker = built(&clock);
    for _ in 0..4 {
        run(&breaker, true);
    }
    let wait = |breaker: &CircuitBreaker| {
        let rejected = breaker.acquire().expect_err("it is open").retry_after();
        assert_eq!(rejected, breaker.info().retry_after);
        rejected
    };
    clock.advance(10 * SECOND);
    for (retry, expected) in [(90, 50), (40, 30), (45, 30), (35, 25)] {
        change(&breaker, |it| {
            it.retry = Arc::new(Cooldown::new(retry * SECOND));
        });
        assert_eq!(wait(&breaker), Some(expected * SECOND), "{retry}");
    }
    change(&breaker, |it| it.retry = Arc::new(Never));
    assert_eq!(wait(&breaker), Some(25 * SECOND));
    change(&breaker, |it| {
        it.retry = Arc::new(Cooldown::new(5 * SECOND));
    });
    let probe = breaker.acquire().expect("its wait is over");
    assert_eq!(breaker.state(), State::HalfOpen);
    probe.success();
}

#[test]
fn what_was_asked_for_is_waited() {
    let clock = clock();
    let breaker = builder(&clock)
        .tripper(FailureStreak::new(1))
        .build()
        .expect("in range");
    let short = |breaker: &CircuitBreaker| {
        change(breaker, |it| it.retry = Arc::new(Cooldown::new(SECOND)));
        let wait = breaker.info().retry_after;
        change(breaker, |it| {
            it.retry = Arc::new(Cooldown::new(60 * SECOND));
        });
        wait
    };
    breaker.open_for(200 * SECOND);
    assert_eq!(short(&breaker), Some(200 * SECOND));
    breaker.open();
    assert_eq!(short(&breaker), Some(SECOND));
    breaker.reset();
    let outcome = |_: &Result<(), ()>| crate::Outcome::UnavailableFor(40 * SECOND);
    let _ = breaker
        .with_classifier(outcome)
        .try_call(|| Err::<(), ()>(()));
    assert_eq!(breaker.info().retry_after, Some(60 * SECOND));
    assert_eq!(short(&breaker), Some(40 * SECOND));
}

#[test]
fn calls_of_other_settings_have_no_duration() {
    let clock = clock();
    let breaker = built(&clock);
    clock.advance(3600 * SECOND);
    let call = breaker.acquire().expect("closed");
    change(&breaker, |it| {
        it.tripper = AvgLatency::new(SECOND) | SlowRate::new(0.1, SECOND);
        it.on_cancel = OnCancel::FailAfter(SECOND);
    });
    let cancelled = breaker.acquire().expect("closed");
    clock.advance(10 * SECOND);
    call.success();
    assert_eq!((breaker.state(), counts(&breaker)), (State::Closed, (1, 0)));
    // Timed, but by settings that are gone.
    change(&breaker, |it| {
        it.on_cancel = OnCancel::FailAfter(2 * SECOND);
    });
    drop(cancelled);
    assert_eq!(counts(&breaker), (1, 0));
    let call = breaker.acquire().expect("closed");
    clock.advance(10 * SECOND);
    call.success();
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn calls_in_flight_are_known_as_long_as_the_ages_stay() {
    let clock = clock();
    let rule = InFlight::new(2, SECOND) | FailureStreak::new(9);
    let breaker = builder(&clock).tripper(rule).build().expect("in range");
    let old = [(); 2].map(|()| breaker.acquire().expect("closed"));
    change(&breaker, |it| {
        it.retry = Arc::new(Cooldown::new(5 * SECOND));
    });
    let [one, other] = old;
    one.success();
    let third = breaker.acquire().expect("closed");
    clock.advance(2 * SECOND);
    assert!(breaker.acquire().is_err(), "two have been running for long");
    assert_eq!(breaker.state(), State::Open);
    drop((other, third));

    breaker.reset();
    let slots = [(); 3].map(|()| breaker.acquire().expect("closed"));
    change(&breaker, |it| {
        it.tripper = InFlight::new(2, 2 * SECOND) | FailureStreak::new(9);
    });
    clock.advance(5 * SECOND);
    // They are in no list, and have none to leave.
    let new = breaker.acquire().expect("closed");
    for slot in slots {
        slot.success();
    }
    new.success();
    change(&breaker, |it| it.tripper = FailureStreak::new(9).into());
    assert_eq!((breaker.state(), breaker.info().late), (State::Closed, 0));
}

#[test]
fn lower_limit_of_probes_holds_at_once() {
    let clock = clock();
    let breaker = builder(&clock)
        .max_half_open_calls(3)
        .build()
        .expect("in range");
    breaker.half_open();
    let probes = [(); 3].map(|()| breaker.acquire().expect("a slot"));
    change(&breaker, |it| {
        it.max_half_open_calls = 1;
        it.close_after = 4;
    });
    assert_eq!(breaker.info().probes_in_flight, 3);
    for (probe, left) in probes.into_iter().zip([2, 1, 0]) {
        assert!(breaker.acquire().is_err());
        probe.success();
        assert_eq!(breaker.info().probes_in_flight, left);
    }
    run(&breaker, false);
    assert_eq!(
        breaker.state(),
        State::Closed,
        "four in a row, three of them from before"
    );
}

#[test]
fn slow_probes_of_other_settings_pass() {
    let clock = clock();
    let breaker = builder(&clock)
        .tripper(FailureStreak::new(1) | SlowRate::new(0.5, SECOND))
        .build()
        .expect("in range");
    breaker.half_open();
    let probe = breaker.acquire().expect("a slot");
    change(&breaker, |it| it.slow_probes = SlowProbes::Fail);
    let other = breaker.acquire().expect("a slot");
    clock.advance(2 * SECOND);
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
    other.success();
    assert_eq!(breaker.info().late, 1);
}

#[test]
fn throttle_comes_changes_and_goes() {
    let clock = clock();
    let breaker = built(&clock);
    let overload = || {
        let guard = breaker.acquire().expect("closed");
        guard.record(crate::Outcome::Overloaded);
    };
    overload();
    assert_eq!((counts(&breaker), breaker.info().throttle), ((1, 1), None));
    change(&breaker, |it| it.throttle = Some(Adaptive::new(2.0).min(1)));
    overload();
    assert_eq!(counts(&breaker), (1, 1));
    assert_eq!(breaker.info().throttle.expect("there is one").offered, 1);
    // What was counted stays, unless the window is another.
    change(&breaker, |it| it.throttle = Some(Adaptive::new(1.5).min(1)));
    assert_eq!(breaker.info().throttle.expect("there is one").offered, 1);
    let other = Adaptive::new(1.5).min(1).window(30 * SECOND);
    change(&breaker, |it| it.throttle = Some(other));
    assert_eq!(breaker.info().throttle.expect("there is one").offered, 0);
    assert!(breaker.core.word().has_attention());
    change(&breaker, |it| it.throttle = None);
    assert!(!breaker.core.word().has_attention());
    assert_eq!(breaker.info().settings.throttle, None);
    overload();
    assert_eq!(counts(&breaker), (2, 2));
}

#[test]
fn revisions_that_begin_anew_are_another_generation() {
    let clock = clock();
    let breaker = built(&clock);
    let call = breaker.core.admit_without_fast().expect("closed");
    let mut probes = 0;
    while breaker.core.word().same_period(call.word) {
        probes += 1;
        change(&breaker, |it| it.max_half_open_calls = 1 + probes % 2);
    }
    assert!(probes > 30_000);
    breaker.core.settle(call, CallEnd::Failure);
    let info = breaker.info();
    assert_eq!(
        (info.state, info.late, info.failure_streak),
        (State::Closed, 1, 0)
    );
    run(&breaker, true);
    assert_eq!(counts(&breaker), (1, 1));
}

/// Notes what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Listener for Notes {
    fn on_signal(&self, signal: &Signal) {
        let text = format!("{} {}", signal.sequence, signal.new_state);
        self.0.lock().expect("no panic").push(text);
    }

    fn on_settings(&self, change: &SettingsChange) {
        let text = format!("{} {change}", change.sequence);
        self.0.lock().expect("no panic").push(text);
    }
}

#[test]
fn listeners_are_told_in_order() {
    let notes = Notes::default();
    let breaker = builder(&clock())
        .listener(notes.clone())
        .build()
        .expect("in range");
    breaker.force_open();
    change(&breaker, |it| it.close_after = 3);
    breaker.reset();
    change(&breaker, |it| it.close_after = 1);
    assert_eq!(
        *notes.0.lock().expect("no panic"),
        [
            "1 forced_open",
            "1 close_after: 1 -> 3",
            "2 closed",
            "2 close_after: 3 -> 1"
        ]
    );
}

/// Says when it is dropped, calls its breaker then, and panics.
struct Loud {
    dropped: Arc<AtomicUsize>,
    breaker: crate::WeakBreaker,
}

impl Retry for Loud {
    fn wait(&self, _: &Opening, _: &mut dyn crate::random::Random) -> Option<Duration> {
        Some(SECOND)
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Relaxed);
        if let Some(breaker) = self.breaker.upgrade() {
            let _ = breaker.info();
        }
        panic!("in a drop");
    }
}

#[test]
fn old_policy_is_dropped_without_the_lock() {
    let breaker = built(&clock());
    let dropped = Arc::new(AtomicUsize::new(0));
    let loud = || {
        Arc::new(Loud {
            dropped: Arc::clone(&dropped),
            breaker: breaker.downgrade(),
        })
    };
    for changes in 1..=3 {
        let retry = loud();
        change(&breaker, |it| it.retry = retry).expect("another object");
        assert_eq!(dropped.load(Relaxed), changes - 1);
    }
    // An opening keeps the settings that made it, until the next.
    for _ in 0..4 {
        run(&breaker, true);
    }
    change(&breaker, |it| it.retry = Arc::new(Never));
    assert_eq!(dropped.load(Relaxed), 2);
    breaker.open();
    assert_eq!(dropped.load(Relaxed), 3);
}

/// Counts calls, and says how often it was prepared.
struct Own(Arc<AtomicUsize>);

impl Window for Own {
    fn record(&mut self, record: Record, _: Duration, totals: &mut Totals) {
        totals.add(&record);
    }

    fn clear(&mut self) {}

    fn prepare(&mut self, _: usize, _: bool) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn own_window_goes_and_comes_back() {
    let prepared = Arc::new(AtomicUsize::new(0));
    let window = window::Custom::new(Own(Arc::clone(&prepared)));
    let breaker = builder(&clock()).window(window).build().expect("in range");
    let code = breaker.core.policies();
    run(&breaker, false);
    change(&breaker, |it| it.close_after = 2);
    assert_eq!((counts(&breaker), prepared.load(Relaxed)), ((1, 0), 1));
    change(&breaker, |it| it.durations = true);
    assert_eq!((counts(&breaker), prepared.load(Relaxed)), ((0, 0), 2));
    run(&breaker, true);
    change(&breaker, |it| it.window = CountWindow::new(3).into());
    run(&breaker, false);
    assert_eq!(counts(&breaker), (1, 0));
    breaker.core.replace_policies(code);
    run(&breaker, true);
    assert_eq!((counts(&breaker), prepared.load(Relaxed)), ((1, 1), 3));
}

#[test]
fn own_rule_that_changes_settings_is_not_obeyed_by_the_old_ones() {
    let clock = clock();
    let own: Arc<Mutex<Option<CircuitBreaker>>> = Arc::default();
    let breaker = Arc::clone(&own);
    let rule = tripper::Custom::from_fn(move |_| {
        let breaker = breaker.lock().expect("no panic").take();
        breaker.is_none_or(|breaker| {
            change(&breaker, |it| it.tripper = FailureStreak::new(9).into());
            true
        })
    });
    let breaker = builder(&clock).tripper(rule).build().expect("in range");
    *own.lock().expect("no panic") = Some(breaker.clone());
    run(&breaker, true);
    assert_eq!(breaker.state(), State::Closed, "its rule is gone");
    assert_eq!(breaker.info().settings.tripper, "FailureStreak(9)");
}
