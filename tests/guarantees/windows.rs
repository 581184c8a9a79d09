//! G6: what a window holds, and that nothing is measured in vain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, State,
    clock::{Clock, ManualClock},
    tripper::{AvgLatency, FailureStreak, MinRequests, SlowRate},
    window::{CountWindow, TimeWindow},
};
use proptest::{collection::vec, prelude::*};

use crate::kit::{Error, SECOND, fail, succeed};

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Asked(ManualClock, Arc<AtomicU64>);

impl Clock for Asked {
    fn now(&self) -> Duration {
        self.1.fetch_add(1, SeqCst);
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }
}

fn never(clock: impl Clock + 'static) -> Builder {
    CircuitBreaker::builder("windows")
        .tripper(FailureStreak::new(u64::MAX))
        .clock(clock)
}

#[test]
fn g6_untimed_calls_read_no_clock() {
    let clock = Asked::default();
    let breaker = never(clock.clone()).build().unwrap();
    let before = clock.1.load(SeqCst);
    for _ in 0..200 {
        succeed(&breaker);
        fail(&breaker);
        breaker.acquire().unwrap().success();
    }
    assert_eq!(clock.1.load(SeqCst), before);
    let metrics = breaker.info().metrics;
    assert_eq!(
        (metrics.total_duration, metrics.slow_counts),
        (None, vec![])
    );
}

#[test]
fn g6_nothing_is_asked_or_timed_while_disabled() {
    let clock = Asked::default();
    let breaker = never(clock.clone()).durations(true).build().unwrap();
    breaker.disable();
    let before = clock.1.load(SeqCst);
    let down = || Err::<u8, _>(Error::Down);
    let asked = AtomicU64::new(0);
    let call = breaker
        .with_tracker(|_: &Error| asked.fetch_add(1, SeqCst) == 0)
        .call(down);
    assert_eq!(call, Err(Error::Down));
    let call = breaker
        .with_tracker(|_: &Error| false)
        .failure_if(|_: &u8| asked.fetch_add(1, SeqCst) == 0)
        .call(|| Ok::<_, Error>(1));
    assert_eq!((call, asked.load(SeqCst)), (Ok(1), 0));
    assert_eq!(clock.1.load(SeqCst), before);
}

#[test]
fn g6_durations_are_measured_if_read() {
    type Setting = fn(Builder) -> Builder;
    let rules: [(bool, Setting); 3] = [
        (true, |builder| builder.durations(true)),
        (true, |builder| {
            builder.tripper(MinRequests::new(9) & AvgLatency::new(9 * SECOND))
        }),
        (false, |builder| {
            builder.tripper(MinRequests::new(9) & SlowRate::new(1.0, 2 * SECOND))
        }),
    ];
    for (kept, rule) in rules {
        let clock = ManualClock::new();
        let breaker = rule(never(clock.clone())).build().unwrap();
        let slow = || {
            clock.advance(2 * SECOND);
            Err::<(), _>(Error::Down)
        };
        assert!(breaker.call(slow).is_err());
        succeed(&breaker);
        let metrics = breaker.info().metrics;
        assert_eq!(metrics.total_duration, kept.then_some(2 * SECOND));
        assert_eq!(metrics.avg_duration(), kept.then_some(SECOND));
        let slow = (!kept).then_some(0.5);
        assert_eq!(
            metrics.slow_rate(2 * SECOND),
            slow,
            "failed calls can be slow"
        );
    }
}

#[test]
fn g6_a_time_window_expires_on_read_and_on_write() {
    let clock = ManualClock::new();
    let breaker = never(clock.clone())
        .window(TimeWindow::new(3 * SECOND))
        .build()
        .unwrap();
    fail(&breaker);
    clock.advance(3 * SECOND);
    assert_eq!(breaker.info().metrics.failure_count, 0, "on read");
    fail(&breaker);
    clock.advance(3600 * SECOND);
    succeed(&breaker);
    let metrics = breaker.info().metrics;
    assert_eq!(
        (metrics.total_count, metrics.failure_count),
        (1, 0),
        "on write"
    );
}

#[test]
fn g6_a_count_window_of_one_and_of_millions() {
    for size in [1, 3_000_000_u64] {
        let breaker = never(ManualClock::new())
            .window(CountWindow::new(size))
            .durations(size == 1)
            .build()
            .unwrap();
        fail(&breaker);
        let metrics = |breaker: &CircuitBreaker| {
            let metrics = breaker.info().metrics;
            (metrics.total_count, metrics.failure_count)
        };
        assert_eq!(metrics(&breaker), (1, 1));
        for _ in 0..size {
            succeed(&breaker);
        }
        assert_eq!(metrics(&breaker), (size, 0), "the failure has left");
        assert_eq!(breaker.state(), State::Closed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Never a record older than the window, and always every record younger
    /// than the window less one slot.
    #[test]
    fn g6_time_window_covers_duration_less_a_slot(
        duration in 20..100_000_u64,
        slots in 1..20_u64,
        steps in vec((0..30_000_u64, any::<bool>()), 1..40),
    ) {
        let nanos = Duration::from_nanos;
        let clock = ManualClock::new();
        let breaker = never(clock.clone())
            .window(TimeWindow::new(nanos(duration)).slots(slots))
            .build()
            .unwrap();
        let mut calls = Vec::new();
        for (by, failed) in steps {
            clock.advance(nanos(by));
            if failed { fail(&breaker) } else { succeed(&breaker) }
            let now = clock.now();
            calls.push(now);
            let younger = |than: Duration| calls.iter().filter(|at| now < **at + than).count() as u64;
            let held = breaker.info().metrics.total_count;
            prop_assert!(held <= younger(nanos(duration)));
            prop_assert!(held >= younger(nanos(duration - duration.div_ceil(slots) + 1)));
        }
    }
}
