//! Settings that change under the traffic of many threads: few enough steps for Miri.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{
    Builder, CircuitBreaker, Listener, OnCancel, RuleKind, Signal, State,
    clock::ManualClock,
    engine::policies::Policies,
    listener::{ListenerNeeds, SettingsChange},
    permit::All,
    retry::{Always, Cooldown},
    throttle::Adaptive,
    tripper::{AvgLatency, Custom, FailureRate, FailureStreak, InFlight, MinRequests, SlowRate},
    window::{self, CountWindow, Record, TimeWindow, Totals, Window},
};

const THREADS: u64 = if cfg!(miri) { 3 } else { 8 };
/// How often each setting is put in place.
const ROUNDS: u64 = if cfg!(miri) { 4 } else { 200 };

const HOUR: Duration = Duration::from_secs(3600);

type Setting = fn(&mut Policies);

/// Counts what it is asked to hold.
struct Counting;

impl Window for Counting {
    fn record(&mut self, record: Record, _: Duration, totals: &mut Totals) {
        totals.add(&record);
    }

    fn clear(&mut self) {}
}

/// Rules that no call here makes fire: the time stands still, and few calls run at once. A
/// duration that was not measured, or was by another clock reading, would be ten hours.
const HARMLESS: [Setting; 9] = [
    |it| it.tripper = FailureStreak::new(u64::MAX).into(),
    |it| it.tripper = MinRequests::new(1) & SlowRate::new(0.001, HOUR),
    |it| it.tripper = AvgLatency::new(HOUR) | SlowRate::new(0.001, 2 * HOUR),
    |it| it.tripper = InFlight::new(1, HOUR).into(),
    |it| it.tripper = InFlight::new(1, HOUR) | InFlight::new(2, 2 * HOUR),
    |it| it.tripper = Custom::from_fn(|seen| seen.avg_duration() > Some(HOUR)).into(),
    |it| it.window = TimeWindow::new(HOUR).into(),
    |it| {
        it.window = CountWindow::new(70).into();
        it.on_cancel = OnCancel::FailAfter(HOUR);
    },
    |it| {
        it.window = window::Custom::new(Counting).into();
        it.throttle = Some(Adaptive::new(2.0));
    },
];

fn builder() -> Builder {
    let clock = ManualClock::new();
    clock.advance(10 * HOUR);
    CircuitBreaker::builder("threads").clock(clock)
}

/// Changes settings, one after the other. Returns how often.
fn change(breaker: &CircuitBreaker, settings: &[Setting]) -> u64 {
    let code = breaker.core.policies();
    let mut changes = 0;
    for _ in 0..ROUNDS {
        for setting in settings {
            let mut policies = code.fresh();
            setting(&mut policies);
            changes += u64::from(breaker.core.replace_policies(policies).is_some());
            thread::yield_now();
        }
    }
    changes
}

/// How the calls of all threads ended.
#[derive(Default)]
struct Made {
    succeeded: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
}

/// Makes calls on many threads while settings change.
fn calls(breaker: &CircuitBreaker, settings: &[Setting]) -> Made {
    let (made, ended) = (Made::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (made, ended) = (&made, &ended);
            scope.spawn(move || {
                let mut call = thread;
                while !ended.load(Relaxed) {
                    call += 1;
                    if call % 8 == 0 {
                        thread::yield_now();
                    }
                    let Ok(guard) = breaker.acquire() else {
                        continue;
                    };
                    let count = match call % 29 {
                        0..6 => {
                            guard.failure();
                            &made.failed
                        }
                        6 => {
                            drop(guard);
                            &made.cancelled
                        }
                        _ => {
                            guard.success();
                            &made.succeeded
                        }
                    };
                    count.fetch_add(1, Relaxed);
                }
            });
        }
        let changes = change(breaker, settings);
        ended.store(true, Relaxed);
        assert!(changes > ROUNDS, "{changes}");
    });
    made
}

#[test]
fn no_call_is_lost_doubled_or_judged_by_a_mixture() {
    let breaker = builder().tripper(FailureStreak::new(u64::MAX)).build();
    let breaker = breaker.expect("in range");
    let made = calls(&breaker, &HARMLESS);
    let info = breaker.info();
    assert_eq!(info.state, State::Closed, "{:?}", info.flight.transitions);
    let (failed, cancelled) = (made.failed.load(Relaxed), made.cancelled.load(Relaxed));
    // What waited for a window of the user's when it went is late.
    assert!(info.failed <= failed && failed <= info.failed + info.late);
    assert_eq!(info.cancelled, cancelled);
}

/// Reads how every call ended.
struct Reads;

impl Listener for Reads {
    fn on_signal(&self, _: &Signal) {}

    fn needs(&self) -> ListenerNeeds {
        ListenerNeeds {
            successes: true,
            ..ListenerNeeds::default()
        }
    }
}

#[test]
fn every_call_is_counted_once() {
    let streak = FailureStreak::new(u64::MAX);
    let breaker = builder().tripper(streak).listener(Reads).build();
    let breaker = breaker.expect("in range");
    // Windows of the user's may drop what waits for them.
    // Without a window of the user's, whose outcomes may be late.
    let made = calls(&breaker, &HARMLESS[..8]);
    let (succeeded, failed) = (made.succeeded.load(Relaxed), made.failed.load(Relaxed));
    let info = breaker.info();
    let lifetime = info.lifetime.expect("a listener reads it");
    assert_eq!(lifetime.successes, Some(succeeded));
    assert_eq!(lifetime.failures, failed);
    assert_eq!((info.failed, info.late), (failed, 0));
    assert_eq!(info.state, State::Closed);
}

/// What a listener was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Signal>>>);

impl Listener for Told {
    fn on_signal(&self, signal: &Signal) {
        self.0
            .lock()
            .expect("no listener panics")
            .push(signal.clone());
    }

    fn on_settings(&self, change: &SettingsChange) {
        let told = self.0.lock().expect("no listener panics");
        let last = told.last().map_or(0, |signal| signal.sequence);
        assert_eq!(change.sequence, last, "out of order");
    }
}

/// Each opening names a part of one rule, with a measure that reached its threshold.
#[test]
fn openings_are_of_one_rule() {
    const OPENING: [Setting; 4] = [
        |it| it.tripper = FailureStreak::new(2).into(),
        |it| it.tripper = MinRequests::new(4) & FailureRate::new(0.25),
        |it| {
            it.tripper =
                (MinRequests::new(1_000_000) | FailureStreak::new(3)) & MinRequests::new(1);
            it.max_half_open_calls = 2;
        },
        |it| {
            it.retry = Arc::new(Cooldown::new(Duration::ZERO));
            it.close_after = 2;
            it.reopen_after = Some(1);
        },
    ];
    let told = Told::default();
    let breaker = builder()
        .tripper(FailureStreak::new(4))
        .retry(Always)
        .permit(All)
        .listener(told.clone())
        .build()
        .expect("in range");
    calls(&breaker, &OPENING);
    // At least once, however the threads took turns.
    breaker.reset();
    for _ in 0..5 {
        if let Ok(guard) = breaker.acquire() {
            guard.failure();
        }
    }
    let info = breaker.info();
    assert_eq!((info.probes_in_flight, info.listener_failures), (0, 0));
    let told = told.0.lock().expect("no listener panics");
    let mut state = State::Closed;
    for (number, signal) in (1..).zip(told.iter()) {
        assert_eq!((signal.sequence, signal.old_state), (number, state));
        state = signal.new_state;
        let Some(reason) = signal.reason else {
            continue;
        };
        assert!(reason.measured >= reason.threshold, "{reason}");
        let thresholds: &[f64] = match reason.rule {
            RuleKind::FailureStreak => &[2.0, 3.0, 4.0],
            RuleKind::FailureRate => &[0.25],
            RuleKind::ReopenAfter => &[1.0],
            other => panic!("{other:?} opens nothing"),
        };
        assert!(thresholds.contains(&reason.threshold), "{reason}");
    }
    assert_eq!(state, breaker.state());
    assert!(told.len() > 2);
}
