//! Extreme settings, extreme times, and clocks that misbehave.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, OnCancel, State,
    clock::{Clock, ManualClock},
    permit,
    random::Seeded,
    retry::{Backoff, Cooldown},
    tripper::{AvgLatency, FailureRate, FailureStreak, MinRequests, Rule, SlowRate},
    window::{CountWindow, TimeWindow},
};
use proptest::{collection::vec, prelude::*};

use crate::kit::{Heard, SECOND, builder, fail, make_due, succeed};

/// A clock that goes where it is told, back as well as forward.
#[derive(Clone, Default)]
struct Wild(Arc<AtomicU64>);

impl Clock for Wild {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(SeqCst))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

#[test]
fn standing_clock_stops_waits_alone() {
    let breaker = builder(&ManualClock::new())
        .window(TimeWindow::new(SECOND))
        .build()
        .unwrap();
    for _ in 0..1000 {
        succeed(&breaker);
    }
    assert_eq!(breaker.info().metrics.total_count, 1000);
    fail(&breaker);
    for _ in 0..1000 {
        assert!(breaker.acquire().is_err());
    }
    breaker.reset();
    succeed(&breaker);
}

#[test]
fn clock_jumping_back_ends_no_wait_early() {
    let clock = Wild::default();
    let set = |seconds: u64| clock.0.store(seconds * 1_000_000_000, SeqCst);
    let breaker = CircuitBreaker::builder("wild")
        .tripper(FailureStreak::new(1))
        .retry(Cooldown::new(10 * SECOND))
        .permit(permit::All)
        .max_half_open_calls(1)
        .clock(clock.clone())
        .build()
        .unwrap();
    set(1000);
    fail(&breaker);
    set(5);
    assert!(breaker.acquire().is_err());
    set(1010);
    let probe = breaker.acquire().unwrap();
    set(3);
    assert!(
        breaker.acquire().is_err(),
        "the slot is taken, whatever the time"
    );
    assert_eq!(breaker.info().probes_in_flight, 1);
    probe.success();
    assert_eq!(breaker.state(), State::Closed);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// With a clock gone mad no promise about time can hold, but all the others.
    #[test]
    fn a_clock_gone_mad_breaks_no_other_promise(
        steps in vec((any::<prop::sample::Index>(), prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0..10_000_000_000_u64], 0..7_u8), 1..60),
        timed in any::<bool>(),
    ) {
        let (clock, heard) = (Wild::default(), Heard::default());
        let builder = CircuitBreaker::builder("mad")
            .tripper(FailureStreak::new(2) | MinRequests::new(3) & AvgLatency::new(SECOND))
            .retry(Cooldown::new(SECOND).jitter_ratio(0.5))
            .permit(permit::RampUp::new(0.5, 1.0, SECOND))
            .max_half_open_calls(2)
            .on_cancel(OnCancel::FailAfter(SECOND))
            .clock(clock.clone())
            .random(Seeded::new(3))
            .listener(heard.listener());
        let breaker = if timed {
            builder.window(TimeWindow::new(SECOND)).build().unwrap()
        } else {
            builder.window(CountWindow::new(3)).build().unwrap()
        };
        let mut guards = Vec::new();
        for (which, time, what) in steps {
            match what {
                0 => clock.0.store(time, SeqCst),
                1..4 => guards.extend(breaker.acquire().ok()),
                _ if guards.is_empty() => {}
                what => {
                    let guard = guards.swap_remove(which.index(guards.len()));
                    match what {
                        4 => guard.success(),
                        5 => guard.failure(),
                        _ => drop(guard),
                    }
                }
            }
            let info = breaker.info();
            prop_assert!(info.metrics.failure_count <= info.metrics.total_count);
            let most = if timed { 60 } else { 3 };
            prop_assert!(info.metrics.total_count <= most);
            prop_assert!(info.probes_in_flight <= 2);
        }
        drop(guards);
        prop_assert_eq!(breaker.info().probes_in_flight, 0);
        prop_assert_eq!(heard.chain().last().copied().unwrap_or(State::Closed), breaker.state());
    }
}

#[test]
fn longest_durations_overflow_nothing() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .window(TimeWindow::new(Duration::MAX))
        .tripper(
            FailureStreak::new(2)
                | MinRequests::new(2) & AvgLatency::new(Duration::MAX)
                | SlowRate::new(f64::MIN_POSITIVE, Duration::MAX),
        )
        .retry(Cooldown::new(Duration::MAX).jitter_ratio(0.999))
        .permit(permit::RampUp::new(f64::MIN_POSITIVE, 1.0, Duration::MAX))
        .probe_lease(Duration::MAX)
        .on_cancel(OnCancel::FailAfter(Duration::MAX))
        .durations(true)
        .build()
        .unwrap();
    for _ in 0..3 {
        let guard = breaker.acquire().unwrap();
        clock.advance(Duration::from_secs(40 * 365 * 86_400));
        guard.success();
    }
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.state(), State::Open);
    assert!(breaker.acquire().is_err());
    clock.advance(Duration::MAX);
    drop(breaker.acquire());
    assert!(!format!("{:?}", breaker.info()).is_empty());
    breaker.reset();
    let guard = breaker.acquire().unwrap();
    clock.advance(Duration::MAX);
    guard.success();
    assert_eq!(breaker.info().metrics.total_count, 1);
}

#[test]
fn thousands_of_reopenings_wait_the_longest() {
    for multiplier in [1.000_001, 2.0, 1e200, f64::MAX] {
        let clock = ManualClock::new();
        let longest = 100 * SECOND;
        let breaker = builder(&clock)
            .retry(
                Backoff::new(SECOND)
                    .multiplier(multiplier)
                    .max_duration(longest)
                    .jitter_ratio(0.25),
            )
            .random(Seeded::new(5))
            .build()
            .unwrap();
        make_due(&breaker, &clock);
        for reopens in 1..=5000 {
            clock.advance(2 * longest);
            fail(&breaker);
            let info = breaker.info();
            assert_eq!(info.reopens, reopens);
            let wait = info.retry_after.unwrap();
            assert!(wait <= longest.mul_f64(1.25) && wait >= SECOND.mul_f64(0.75));
            if multiplier >= 2.0 && reopens > 7 {
                assert!(wait >= longest.mul_f64(0.75), "{wait:?} after {reopens}");
            }
        }
    }
}

#[test]
fn ratios_at_their_edges_decide_exactly() {
    // The smallest ratio: one failure among many; the largest: no success.
    for (ratio, calls, failures) in [
        (f64::MIN_POSITIVE, 100, 1),
        (1.0, 100, 100),
        (0.3, 10, 3),
        (0.7, 10, 7),
        (1.0 / 3.0, 9, 3),
        (0.29, 100, 29),
    ] {
        let breaker = builder(&ManualClock::new())
            .window(CountWindow::new(calls))
            .tripper(MinRequests::new(calls) & FailureRate::new(ratio))
            .build()
            .unwrap();
        for call in 1..=calls {
            assert_eq!(breaker.state(), State::Closed, "{ratio} after {call} calls");
            if call <= failures {
                fail(&breaker);
            } else {
                succeed(&breaker);
            }
        }
        assert_eq!(
            breaker.state(),
            State::Open,
            "{failures} of {calls} reach {ratio}"
        );
    }
}

#[test]
fn out_of_range_settings_name_every_fault() {
    type Setting = fn(Builder) -> Builder;
    let refused: [(&str, Setting); 17] = [
        ("0", |b| b.window(CountWindow::new(0))),
        ("4294967296", |b| b.window(CountWindow::new(1 << 32))),
        ("zero", |b| b.window(TimeWindow::new(Duration::ZERO))),
        ("slots", |b| b.window(TimeWindow::new(SECOND).slots(0))),
        ("slots", |b| {
            b.window(TimeWindow::new(SECOND).slots(u64::MAX))
        }),
        ("NaN", |b| b.tripper(FailureRate::new(f64::NAN))),
        ("1.0000000000000002", |b| {
            b.tripper(FailureRate::new(1.0 + f64::EPSILON))
        }),
        ("-0.0", |b| b.tripper(FailureRate::new(-0.0))),
        ("zero", |b| b.tripper(SlowRate::new(0.5, Duration::ZERO))),
        ("at least 1", |b| {
            b.tripper(MinRequests::new(0) & FailureRate::new(0.5))
        }),
        ("inf", |b| {
            b.retry(Backoff::new(SECOND).multiplier(f64::INFINITY))
        }),
        ("less than", |b| {
            b.retry(Backoff::new(SECOND).max_duration(SECOND / 2))
        }),
        ("1.0", |b| b.retry(Cooldown::new(SECOND).jitter_ratio(1.0))),
        ("NaN", |b| b.permit(permit::Random::new(f64::NAN))),
        ("final is 0.1", |b| {
            b.permit(permit::RampUp::new(0.2, 0.1, SECOND))
        }),
        ("max_half_open_calls", |b| b.max_half_open_calls(0)),
        ("probe_lease", |b| b.probe_lease(Duration::ZERO)),
    ];
    for (names, setting) in refused {
        let error = setting(CircuitBreaker::builder("bad")).build().unwrap_err();
        let text = error.to_string();
        assert_eq!(error.faults().count(), 1, "{text}");
        assert!(text.contains(names), "{text} should name {names}");
    }
    let several = CircuitBreaker::builder("bad")
        .close_after(0)
        .reopen_after(0)
        .permit(permit::RampUp::new(0.0, 2.0, Duration::ZERO));
    assert_eq!(several.build().unwrap_err().faults().count(), 4);
}

#[test]
fn fail_after_zero_is_refused() {
    let error = CircuitBreaker::builder("zero")
        .on_cancel(OnCancel::FailAfter(Duration::ZERO))
        .build()
        .unwrap_err();
    let faults: Vec<_> = error.faults().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "the duration of `FailAfter` must be greater than zero, but is 0ns; \
             `Fail` counts every cancelled call"
        ]
    );
}

#[test]
fn rule_of_too_many_parts_is_refused() {
    fn wide(parts: u32) -> Rule {
        match parts {
            1 => FailureStreak::new(1).into(),
            _ => wide(parts / 2) & wide(parts - parts / 2),
        }
    }
    let rule = wide(70_000);
    let built = CircuitBreaker::builder("wide").tripper(rule).build();
    let error = built.unwrap_err().to_string();
    assert!(
        error.contains("at most 10000 parts, but has 70000"),
        "{error}"
    );
}

#[test]
fn clock_far_from_its_origin_measures_waits() {
    for century in [0, 1, 5, 6, 50, 1_000_000] {
        let clock = ManualClock::new();
        clock.advance(Duration::from_secs(century * 100 * 366 * 86_400));
        let breaker = CircuitBreaker::builder("far")
            .tripper(FailureStreak::new(1))
            .permit(permit::All)
            .window(TimeWindow::new(Duration::from_secs(10)))
            .clock(clock.clone())
            .build()
            .unwrap();
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.info().metrics.total_count, 1);
        clock.advance(Duration::from_secs(11));
        assert_eq!(breaker.info().metrics.total_count, 0, "{century}");
        breaker.acquire().unwrap().failure();
        clock.advance(Duration::from_secs(59));
        assert!(breaker.acquire().is_err(), "{century}");
        clock.advance(Duration::from_secs(1));
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.state(), State::Closed, "{century}");
    }
}

#[test]
fn clock_at_the_end_of_time_still_half_opens() {
    for wait in [
        Duration::from_nanos(1),
        Duration::from_secs(60),
        Duration::MAX,
    ] {
        let clock = ManualClock::new();
        let breaker = CircuitBreaker::builder("end")
            .tripper(FailureStreak::new(1))
            .permit(permit::All)
            .retry(Cooldown::new(wait))
            .clock(clock.clone())
            .build()
            .unwrap();
        breaker.acquire().unwrap().failure();
        clock.advance(Duration::MAX);
        assert!(breaker.acquire().is_ok(), "{wait:?}");
    }
}
