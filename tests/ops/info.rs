//! What `info()` tells about settings and openings.

use std::{
    fmt, io,
    time::{Duration, SystemTime},
};

use fluxgate::{
    CircuitBreaker, Metrics, OnCancel, State,
    clock::ManualClock,
    permit,
    random::Random,
    retry::{Cooldown, Opening, Retry},
    tripper::{self, FailureRate, FailureStreak, MinRequests},
    window::{Record, TimeWindow, Totals, Window},
};

/// Asserts that what the attribute was given is what `info()` shows.
macro_rules! shown {
    ($($key:ident: $($text:literal)+;)*) => {$($({
        #[fluxgate::circuit_breaker($key = $text, handle = breaker)]
        fn call() -> io::Result<()> {
            Ok(())
        }
        call().unwrap();
        assert_eq!(breaker().info().settings.$key, $text);
    })+)*};
}

#[test]
fn policies_show_what_the_attribute_was_given() {
    shown! {
        window:
            "CountWindow(100)"
            "TimeWindow(30s)"
            "TimeWindow(1.5s)"
            "TimeWindow(250ms)"
            "TimeWindow(12.5us)"
            "TimeWindow(100ns)";
        tripper:
            "FailureStreak(5)"
            "MinRequests(20) & FailureRate(0.5)"
            "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)"
            "MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))"
            "Closed & FailureRate(1.0) | HalfOpened & FailureStreak(1)"
            "InFlight(10, older_than = 2s) | AvgLatency(500ms) & MinRequests(3)";
        retry:
            "Never"
            "Always"
            "Cooldown(60s)"
            "Cooldown(500ms, jitter_ratio = 0.25)"
            "Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s)"
            "Backoff(initial = 1s, multiplier = 1.5, max_duration = 1s, jitter_ratio = 0.1)";
        permit:
            "All"
            "Random(0.0)"
            "Random(1e-7)"
            "RampUp(initial = 0.1, final = 0.8, duration = 60s)";
    }
}

#[test]
fn info_tells_every_setting() {
    let breaker = CircuitBreaker::builder("settings")
        .window(TimeWindow::new(Duration::from_secs(30)).slots(7))
        .tripper(MinRequests::new(20) & FailureRate::new(0.5))
        .permit(permit::All)
        .max_half_open_calls(3)
        .close_after(2)
        .reopen_after(4)
        .probe_lease(Duration::from_millis(1500))
        .on_cancel(OnCancel::FailAfter(Duration::from_secs(2)))
        .durations(true)
        .build()
        .unwrap();
    let settings = breaker.info().settings;
    assert_eq!(settings.window, "TimeWindow(30s, slots = 7)");
    assert_eq!(settings.tripper, "MinRequests(20) & FailureRate(0.5)");
    assert_eq!(settings.retry, "Cooldown(60s)");
    assert_eq!(settings.permit, "All");
    assert_eq!(settings.max_half_open_calls, 3);
    assert_eq!(settings.close_after, 2);
    assert_eq!(settings.reopen_after, Some(4));
    assert_eq!(settings.probe_lease, Duration::from_millis(1500));
    assert_eq!(settings.on_cancel.to_string(), "FailAfter(2s)");
    assert!(settings.durations);
}

struct Own;

impl Window for Own {
    fn record(&mut self, record: Record, _: Duration, totals: &mut Totals) {
        totals.add(&record);
    }

    fn clear(&mut self) {}
}

impl Retry for Own {
    fn wait(&self, _: &Opening, _: &mut dyn Random) -> Option<Duration> {
        None
    }

    fn describe(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it can't say")
    }
}

impl permit::Permit for Own {
    fn admits(&self, _: Duration, _: &mut dyn Random) -> bool {
        false
    }

    fn share(&self, _: Duration) -> Option<f64> {
        panic!("it can't say")
    }

    fn describe(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl tripper::Tripper for Own {
    fn should_trip(&self, _: &tripper::Context<'_>) -> bool {
        false
    }
}

#[test]
fn own_policies_show_their_types() {
    let breaker = CircuitBreaker::builder("own")
        .window(fluxgate::window::Custom::new(Own))
        .tripper(FailureStreak::new(2) & tripper::Custom::new(Own))
        .retry(Own)
        .permit(Own)
        .build()
        .unwrap();
    let settings = breaker.info().settings;
    assert_eq!(settings.window, "Custom(ops::info::Own)");
    assert_eq!(
        settings.tripper,
        "FailureStreak(2) & Custom(ops::info::Own)"
    );
    // Neither a panic nor an error in the description reaches the caller.
    assert_eq!(settings.retry, "Custom(…)");
    assert_eq!(settings.permit, "Custom(…)");
    let wrapped = CircuitBreaker::builder("wrapped")
        .retry(fluxgate::retry::Custom::new(Cooldown::default()))
        .build()
        .unwrap();
    assert_eq!(wrapped.info().settings.retry, "Cooldown(60s)");
}

fn fail(breaker: &CircuitBreaker) {
    let down = breaker.call(|| Err::<(), _>(io::Error::other("down")));
    assert!(down.is_err());
}

#[test]
fn open_circuit_shows_the_window_it_opened_with() {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    let breaker = CircuitBreaker::builder("opened_with")
        .tripper(MinRequests::new(4) & FailureRate::new(0.75))
        .permit(permit::All)
        .reopen_after(1)
        .clock(clock.clone())
        .build()
        .unwrap();
    breaker.call(|| Ok::<_, io::Error>(())).unwrap();
    assert_eq!(breaker.info().opened_with, None);
    assert_eq!(breaker.info().failure_rate(), Some(0.0));
    for _ in 0..3 {
        fail(&breaker);
    }
    let counts = |metrics: &Metrics| (metrics.total_count, metrics.failure_count);
    let info = breaker.info();
    assert_eq!(info.state, State::Open);
    assert_eq!(counts(&info.metrics), (0, 0));
    assert_eq!(counts(info.last_window()), (4, 3));
    assert_eq!(info.failure_rate(), Some(0.75));

    // The probe that fails opens it with a window of its own.
    clock.advance(Duration::from_secs(60));
    fail(&breaker);
    let info = breaker.info();
    assert_eq!((info.state, info.reopens), (State::Open, 1));
    assert_eq!(counts(info.last_window()), (1, 1));
    assert_eq!(info.reason.unwrap().calls, 1);

    clock.advance(Duration::from_secs(60));
    breaker.call(|| Ok::<_, io::Error>(())).unwrap();
    let info = breaker.info();
    assert_eq!((info.state, info.opened_with), (State::Closed, None));

    // A command opens it with nothing.
    breaker.force_open();
    assert_eq!(breaker.info().opened_with, None);
}
