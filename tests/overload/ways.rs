//! Ways into a breaker that throttles, and what else looks at it.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, Classify, Outcome, RejectionKind, State, StaticBreaker, choose,
    choose::AllOpen,
    clock::{Clock, ManualClock},
    keyed::CircuitBreakers,
    permit::All,
    random::Seeded,
    retry::Cooldown,
    testing,
    throttle::Adaptive,
    tripper::FailureStreak,
};

const SECOND: Duration = Duration::from_secs(1);

fn settings(builder: Builder, clock: &ManualClock) -> Builder {
    builder
        .tripper(FailureStreak::new(3))
        .retry(Cooldown::new(10 * SECOND))
        .permit(All)
        .random(Seeded::new(1))
        .throttle(Adaptive::new(1.5).floor(0.0))
        .clock(clock.clone())
}

fn breaker(clock: &ManualClock) -> CircuitBreaker {
    let builder = settings(CircuitBreaker::builder("busy"), clock);
    builder.build().expect("sound settings")
}

/// The dependency refuses everything, until nearly every call is throttled.
fn overload(breaker: &CircuitBreaker) {
    for _ in 0..1000 {
        if let Ok(guard) = breaker.acquire() {
            guard.record(Outcome::Overloaded);
        }
    }
}

#[test]
fn wait_of_a_measured_call_is_told() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    for _ in 0..30 {
        if let Ok(guard) = breaker.acquire_owned() {
            let guard = guard.with_duration(SECOND);
            guard.record(Outcome::OverloadedFor(7 * SECOND));
        }
    }
    let rejection = (0..100).find_map(|_| breaker.acquire_owned().err());
    let rejection = rejection.expect("everything is refused");
    assert_eq!(rejection.kind(), RejectionKind::Throttled);
    assert_eq!(rejection.retry_after(), Some(7 * SECOND));
    // It is no opening, and lengthens none.
    breaker.open();
    assert_eq!(breaker.info().retry_after, Some(10 * SECOND));
}

/// A wait that the first overload brings is not lost, in whatever way it ends.
#[test]
fn first_overloads_wait_lengthens_attention() {
    for is_measured in [false, true] {
        let clock = ManualClock::new();
        let breaker = settings(CircuitBreaker::builder("busy"), &clock)
            .retry(Cooldown::new(60 * SECOND))
            .build()
            .expect("sound settings");
        let guard = breaker.acquire_owned().expect("closed");
        let guard = if is_measured {
            guard.with_duration(SECOND)
        } else {
            guard
        };
        guard.record(Outcome::OverloadedFor(30 * SECOND));
        clock.advance(29 * SECOND);
        breaker.acquire().expect("one call").success();
        let info = breaker.info().throttle.expect("there is one");
        assert_eq!(info.accepted, 1, "attention goes on");
        clock.advance(2 * SECOND);
        breaker.acquire().expect("one call").success();
        assert_eq!(breaker.info().throttle.map(|it| it.offered), Some(0));
    }
}

/// A waiter does not wait for ever: chance is drawn anew ten times a second.
#[test]
fn waiter_gets_through_a_throttle() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    overload(&breaker);
    let mut waiting = (0..1000)
        .map(|_| Box::pin(breaker.acquire_ready()))
        .find_map(|mut ready| {
            let mut context = Context::from_waker(Waker::noop());
            let poll = ready.as_mut().poll(&mut context);
            poll.is_pending().then_some(ready)
        })
        .expect("nearly all are throttled");
    let rejected = breaker.info().rejected;
    let mut context = Context::from_waker(Waker::noop());
    let came = (0..20).any(|_| {
        clock.advance(SECOND / 10);
        waiting.as_mut().poll(&mut context).is_ready()
    });
    assert!(came, "one call a second passes");
    assert_eq!(breaker.info().rejected, rejected, "waiting is no rejection");
}

#[tokio::test(start_paused = true)]
async fn waiter_is_woken_while_calls_are_throttled() {
    let clock = fluxgate::clock::TokioClock::new();
    let breaker = CircuitBreaker::builder("woken")
        .throttle(Adaptive::new(1.5).floor(0.0))
        .random(Seeded::new(1))
        .clock(clock)
        .build()
        .expect("sound settings");
    overload(&breaker);
    for _ in 0..20 {
        let ready = tokio::time::timeout(5 * SECOND, breaker.acquire_ready());
        ready
            .await
            .expect("within a second or so")
            .record(Outcome::Overloaded);
    }
}

#[test]
fn throttled_target_is_passed_over() {
    let clock = ManualClock::new();
    let (busy, idle) = (breaker(&clock), breaker(&clock));
    overload(&busy);
    let before = busy.info();
    for _ in 0..100 {
        let answer = choose::failover([&busy, &idle])
            .when_all_open(AllOpen::LeastWait)
            .call(|_| Ok::<_, io::Error>(()))
            .expect("the second is idle");
        assert!(answer.passed_over.len() <= 1);
    }
    let after = busy.info();
    let passed = after.passed_over - before.passed_over;
    assert!(passed > 50);
    assert_eq!(after.rejected, before.rejected);
    assert_eq!(after.throttled - before.throttled, passed);
    assert_eq!(after.early_probes, 0);
}

#[derive(Debug)]
struct Busy;

impl Classify for Busy {
    fn outcome(&self) -> Outcome {
        Outcome::Overloaded
    }
}

/// An early probe that meets overload is alive, as any other probe is.
#[test]
fn early_probe_that_meets_overload_half_opens() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    for _ in 0..3 {
        breaker.acquire().expect("closed").failure();
    }
    assert_eq!(breaker.state(), State::Open);
    let called = choose::failover([&breaker])
        .when_all_open(AllOpen::LeastWait)
        .with_classifier(Classify::outcome)
        .call(|_| Err::<(), _>(Busy));
    assert!(called.is_err());
    let info = breaker.info();
    assert_eq!((info.early_probes, info.overloaded), (1, 1));
    assert_eq!(info.state, State::Closed, "one passed probe closes");
    assert_eq!(
        info.throttle.map(|it| it.offered),
        Some(0),
        "probes are not counted"
    );
    breaker.acquire().expect("closed").success();
    let throttle = breaker.info().throttle.expect("there is one");
    assert_eq!(
        (throttle.offered, throttle.accepted),
        (1, 1),
        "attention lasts"
    );
}

/// A key that throttles is not forgotten to make room for a healthy one.
#[test]
fn overloaded_key_is_not_evicted() {
    let clock = ManualClock::new();
    let each = clock.clone();
    let set = CircuitBreakers::<String>::builder("tenants")
        .settings(move |builder| settings(builder, &each))
        .max_keys(4)
        .build()
        .expect("sound settings");
    overload(&set.get("busy"));
    let throttled = set.get("busy").info().throttled;
    assert!(throttled > 0);
    let crowd = |from: u32| {
        for key in from..from + 100 {
            set.get(&*key.to_string())
                .acquire()
                .expect("idle")
                .success();
        }
    };
    crowd(0);
    assert_eq!(
        set.find("busy").map(|it| it.info().throttled),
        Some(throttled)
    );
    // When it is no longer overloaded it is a key like any other.
    clock.advance(10 * SECOND);
    crowd(100);
    assert!(set.find("busy").is_none());
}

#[test]
fn renewed_breaker_has_no_attention() {
    static BUSY: StaticBreaker =
        StaticBreaker::new(|| CircuitBreaker::builder("renewed").throttle(Adaptive::new(1.5)));
    let frozen = testing::freeze();
    for state in [State::Closed, State::Open, State::ForcedOpen] {
        overload(&BUSY);
        match state {
            State::Open => BUSY.open(),
            State::ForcedOpen => BUSY.force_open(),
            _ => {}
        }
        frozen.reset_all();
        let info = BUSY.info();
        assert_eq!((info.state, info.throttled), (State::Closed, 0));
        assert!((0..1000).all(|_| BUSY.acquire().is_ok_and(|guard| {
            guard.record(Outcome::Success);
            true
        })));
        assert_eq!(BUSY.info().throttle.map(|it| it.offered), Some(0));
    }
}

/// A clock that its test moves, also back.
#[derive(Clone, Default)]
struct Wild(Arc<AtomicU64>);

impl Clock for Wild {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// However the clock moves, calls get through when the dependency is well again, and
/// no count is out of bounds.
#[test]
fn jumping_clock_throttles_at_most_a_window() {
    const HOUR: u64 = 3_600_000_000_000;
    for jump in [HOUR, 1000 * HOUR, u64::MAX, 0, 2 * HOUR - 30_000_000_000] {
        let clock = Wild::default();
        clock.0.store(2 * HOUR, Relaxed);
        let breaker = CircuitBreaker::builder("wild")
            .throttle(Adaptive::new(1.5).floor(0.0))
            .tripper(FailureStreak::new(1000))
            .clock(clock.clone())
            .build()
            .expect("sound settings");
        // It stands still.
        overload(&breaker);
        let info = breaker.info().throttle.expect("there is one");
        assert!(info.share > 0.9 && info.offered == 1000, "{info:?}");
        clock.0.store(jump, Relaxed);
        let served = (0..1000).filter(|_| {
            breaker.acquire().is_ok_and(|guard| {
                guard.record(Outcome::Success);
                true
            })
        });
        assert_eq!(served.count(), 1000, "after a jump to {jump}");
        let info = breaker.info().throttle.expect("there is one");
        assert_eq!((info.offered, info.accepted), (0, 0));
        overload(&breaker);
        let info = breaker.info().throttle.expect("there is one");
        assert!(info.offered <= 1000 && info.accepted == 0, "{info:?}");
    }
}

#[test]
fn calls_past_renew_or_command_count_nowhere() {
    let clock = ManualClock::new();
    let breaker = breaker(&clock);
    let commands: [fn(&CircuitBreaker); 4] = [
        CircuitBreaker::reset,
        CircuitBreaker::force_open,
        CircuitBreaker::disable,
        CircuitBreaker::metrics_only,
    ];
    for command in commands {
        breaker.reset();
        let (ended, dropped) = (
            breaker.acquire().expect("closed"),
            breaker.acquire().expect("closed"),
        );
        let late = breaker.info().late;
        command(&breaker);
        ended.record(Outcome::OverloadedFor(SECOND));
        drop(dropped);
        let info = breaker.info();
        assert_eq!(info.throttle.map(|it| it.offered), Some(0));
        assert_eq!(info.late, late + 1);
    }
    // In `Disabled` nothing is counted, nor told.
    breaker.disable();
    let guard = breaker.acquire().expect("disabled");
    guard.record(Outcome::OverloadedFor(SECOND));
    breaker.reset();
    breaker.acquire().expect("closed").success();
    assert_eq!(breaker.info().throttle.map(|it| it.offered), Some(0));
}

#[test]
fn thousand_breakers_throttle_apart() {
    let clock = ManualClock::new();
    let breakers: Vec<_> = (0..1000).map(|_| breaker(&clock)).collect();
    for (n, breaker) in breakers.iter().enumerate() {
        for _ in 0..n % 50 {
            if let Ok(guard) = breaker.acquire() {
                guard.record(Outcome::Overloaded);
            }
        }
    }
    for (n, breaker) in breakers.iter().enumerate() {
        let info = breaker.info();
        let throttle = info.throttle.expect("there is one");
        assert_eq!(throttle.offered, (n % 50) as u64);
        assert_eq!(throttle.offered, info.overloaded + info.throttled);
        assert_eq!(throttle.share > 0.0, n % 50 >= 20);
    }
    // A future that is dropped before its first poll is no call.
    drop(breakers[0].call_async(async { Ok::<_, io::Error>(()) }));
    assert_eq!(breakers[0].info().cancelled, 0);
}
