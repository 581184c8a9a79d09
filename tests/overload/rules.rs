//! What counts, and when.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fluxgate::{
    Builder, CircuitBreaker, Outcome, RejectionKind, State,
    clock::ManualClock,
    permit::All,
    random::Seeded,
    retry::Cooldown,
    throttle::Adaptive,
    tripper::{FailureStreak, InFlight, MinRequests, SlowRate},
};

fn builder(clock: &ManualClock) -> Builder {
    CircuitBreaker::builder("busy")
        .tripper(FailureStreak::new(3))
        .retry(Cooldown::new(Duration::from_secs(10)))
        .permit(All)
        .clock(clock.clone())
        .random(Seeded::new(1))
        .throttle(Adaptive::new(1.5))
}

fn throttled(clock: &ManualClock) -> CircuitBreaker {
    builder(clock).build().expect("sound settings")
}

fn end(breaker: &CircuitBreaker, outcome: Outcome) -> bool {
    let guard = breaker.acquire();
    guard.map(|guard| guard.record(outcome)).is_ok()
}

fn counts(breaker: &CircuitBreaker) -> (u64, u64) {
    let throttle = breaker.info().throttle.expect("there is a throttle");
    (throttle.offered, throttle.accepted)
}

/// Overloads, with an answer in between, until calls are refused.
fn overload(breaker: &CircuitBreaker) {
    for n in 0..100 {
        let outcome = if n % 10 == 0 {
            Outcome::Success
        } else {
            Outcome::Overloaded
        };
        end(breaker, outcome);
    }
}

#[test]
fn an_overload_is_no_failure() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    end(&breaker, Outcome::Failure);
    end(&breaker, Outcome::Failure);
    for _ in 0..10 {
        end(&breaker, Outcome::Overloaded);
    }
    let info = breaker.info();
    assert_eq!((info.state, info.failure_streak), (State::Closed, 2));
    assert_eq!((info.overloaded, info.failed), (10, 2));
    assert_eq!(info.metrics.total_count, 2);
}

#[test]
fn without_a_throttle_an_overload_is_a_failure() {
    let breaker = CircuitBreaker::builder("busy")
        .tripper(FailureStreak::new(3))
        .clock(ManualClock::new())
        .build()
        .expect("sound settings");
    for _ in 0..3 {
        end(&breaker, Outcome::Overloaded);
    }
    let info = breaker.info();
    assert_eq!((info.state, info.throttle), (State::Open, None));
}

#[test]
fn rejections_are_throttled_in_the_closed_state() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    overload(&breaker);
    let rejection = (0..100).find_map(|_| breaker.acquire().err());
    let rejection = rejection.expect("nine in ten are overloaded");
    assert_eq!(rejection.kind(), RejectionKind::Throttled);
    assert_eq!(rejection.kind().as_str(), "throttled");
    assert_eq!(
        (rejection.state(), rejection.retry_after()),
        (State::Closed, None)
    );
    let share = rejection.share().expect("the throttle refused it");
    assert!((0.5..=0.99).contains(&share), "{share}");
    assert!(rejection.reason().is_none());
    let text = rejection.to_string();
    assert!(
        text.starts_with("circuit breaker 'busy' is closed, and throttles "),
        "{text}"
    );
    let info = breaker.info();
    assert_eq!(info.state, State::Closed);
    assert!(info.throttled > 0 && info.rejected == info.throttled);
    breaker.force_open();
    assert_eq!(breaker.acquire().unwrap_err().share(), None);
}

#[test]
fn nothing_is_counted_before_and_after_attention() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    for _ in 0..50 {
        end(&breaker, Outcome::Success);
    }
    assert_eq!(counts(&breaker), (0, 0));
    overload(&breaker);
    assert!(counts(&breaker).0 > 50);
    clock.advance(Duration::from_secs(10));
    assert_eq!(counts(&breaker), (0, 0));
    assert!((0..1000).all(|_| end(&breaker, Outcome::Success)));
    assert_eq!(counts(&breaker), (0, 0));
}

#[test]
fn only_what_says_something_is_counted() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    end(&breaker, Outcome::Overloaded);
    assert_eq!(counts(&breaker), (1, 0));
    end(&breaker, Outcome::Ignored);
    drop(breaker.acquire());
    assert_eq!(counts(&breaker), (1, 0));
    for (n, outcome) in [Outcome::Success, Outcome::Failure, Outcome::Alive]
        .into_iter()
        .enumerate()
    {
        end(&breaker, outcome);
        assert_eq!(counts(&breaker), (2 + n as u64, 1 + n as u64));
    }
    let panicking = std::panic::AssertUnwindSafe(|| {
        breaker.call(|| -> std::io::Result<()> { panic!("in the call") })
    });
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(counts(&breaker), (5, 4));
}

/// A call counts when it ends, whenever it began.
#[test]
fn calls_from_before_attention_count_as_they_end() {
    let clock = ManualClock::new();
    for rule in 0..3 {
        let builder = builder(&clock);
        let breaker = match rule {
            0 => builder,
            1 => builder.tripper(InFlight::new(100, Duration::from_secs(1))),
            _ => builder.tripper(MinRequests::new(20) & SlowRate::new(0.5, Duration::from_secs(1))),
        };
        let breaker = breaker.build().expect("sound settings");
        let before = breaker.acquire().expect("closed");
        let alive = breaker.acquire().expect("closed");
        end(&breaker, Outcome::Overloaded);
        before.record(Outcome::Success);
        alive.record(Outcome::Alive);
        assert_eq!(counts(&breaker), (3, 2), "rule {rule}");
        assert!(end(&breaker, Outcome::Success));
        assert_eq!(counts(&breaker), (4, 3), "rule {rule}");
        overload(&breaker);
        assert!(breaker.info().throttled > 0, "rule {rule}");
        assert_eq!(breaker.state(), State::Closed, "rule {rule}");
    }
}

#[test]
fn an_overload_of_another_period_begins_nothing() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    let old = breaker.acquire().expect("closed");
    breaker.reset();
    old.record(Outcome::Overloaded);
    assert_eq!(counts(&breaker), (0, 0));
    assert_eq!(breaker.info().late, 1);
}

#[test]
fn attention_outlives_transitions() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    overload(&breaker);
    let before = counts(&breaker);
    let commands: [fn(&CircuitBreaker); 6] = [
        CircuitBreaker::force_open,
        CircuitBreaker::open,
        // From open to open.
        CircuitBreaker::open,
        CircuitBreaker::half_open,
        CircuitBreaker::metrics_only,
        CircuitBreaker::reset,
    ];
    for command in commands {
        command(&breaker);
        assert_eq!(counts(&breaker), before, "{}", breaker.state());
    }
    assert!((0..100).any(|_| breaker.acquire().is_err()));
}

#[test]
fn an_overloaded_probe_closes() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    for _ in 0..3 {
        end(&breaker, Outcome::Failure);
    }
    clock.advance(Duration::from_secs(10));
    assert!(end(&breaker, Outcome::Overloaded));
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(counts(&breaker), (0, 0), "probes are not counted");
    assert!(end(&breaker, Outcome::Success));
    assert_eq!(counts(&breaker), (1, 1), "the throttle goes on");
}

#[test]
fn a_dead_backend_opens_the_circuit() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    let tenth = Duration::from_millis(100);
    let mut opened = None;
    for n in 0..300 {
        end(&breaker, Outcome::Overloaded);
        end(&breaker, Outcome::Overloaded);
        clock.advance(tenth);
        if breaker.state() == State::Open {
            opened = Some(n);
            break;
        }
    }
    let opened = opened.expect("nothing but overload");
    assert!(
        (100..200).contains(&opened),
        "after {opened} tenths of a second"
    );
}

#[test]
fn one_answer_keeps_a_busy_backend_alive() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    for n in 0..600 {
        let outcome = if n % 40 == 0 {
            Outcome::Alive
        } else {
            Outcome::Overloaded
        };
        while !end(&breaker, outcome) {}
        clock.advance(Duration::from_millis(100));
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.info().failed, 0);
}

#[test]
fn a_wait_is_told_and_lengthens_attention() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    overload(&breaker);
    while !end(&breaker, Outcome::OverloadedFor(Duration::from_secs(30))) {}
    let rejection = (0..100).find_map(|_| breaker.acquire().err());
    let wait = rejection.expect("throttled").retry_after();
    assert_eq!(
        wait,
        Some(Cooldown::new(Duration::from_secs(10)).longest_wait())
    );
    clock.advance(Duration::from_secs(4));
    let rejection = (0..1000).find_map(|_| breaker.acquire().err());
    let left = rejection.expect("throttled").retry_after();
    assert_eq!(
        left,
        wait.map(|wait| wait.saturating_sub(Duration::from_secs(4)))
    );
}

trait Longest {
    fn longest_wait(&self) -> Duration;
}

impl Longest for Cooldown {
    fn longest_wait(&self) -> Duration {
        use fluxgate::retry::Retry as _;
        self.longest().min(Duration::from_secs(30))
    }
}

#[test]
fn metrics_only_shows_share_without_refusing() {
    let clock = ManualClock::new();
    let breaker = throttled(&clock);
    breaker.metrics_only();
    for _ in 0..200 {
        assert!(end(&breaker, Outcome::Overloaded));
    }
    end(&breaker, Outcome::Success);
    let throttle = breaker.info().throttle.expect("there is one");
    assert_eq!((throttle.offered, throttle.accepted), (201, 1));
    assert!(throttle.share > 0.9, "{throttle:?}");
    assert_eq!(breaker.info().throttled, 0);
}

#[test]
fn at_least_one_call_a_second_passes() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .tripper(MinRequests::new(1_000_000))
        .throttle(Adaptive::new(1.5).floor(0.0))
        .build()
        .expect("sound settings");
    let mut passed = 0;
    for second in 0..60 {
        let mut this = 0;
        for _ in 0..50 {
            this += u64::from(end(&breaker, Outcome::Overloaded));
            clock.advance(Duration::from_millis(20));
        }
        assert!(second < 2 || this >= 1, "second {second}");
        passed += this;
    }
    assert!(passed < 60 * 50 / 4, "{passed}");
}

/// The chance of a throttle is drawn while no lock is held, once for each time of
/// attention, and the same seed refuses the same calls.
#[test]
fn one_seed_refuses_the_same_calls() {
    let clock = ManualClock::new();
    let drawn = Arc::new(Mutex::new(0));
    let sequence = || {
        let drawn = Arc::clone(&drawn);
        let breaker = builder(&clock)
            .random(move || {
                *drawn.lock().unwrap() += 1;
                0.25
            })
            .build()
            .expect("sound settings");
        overload(&breaker);
        (0..200)
            .map(|_| breaker.acquire().is_err())
            .collect::<Vec<_>>()
    };
    assert_eq!(sequence(), sequence());
    assert_eq!(*drawn.lock().unwrap(), 2);
}

#[test]
fn settings_out_of_range_are_refused() {
    let built = |throttle: Adaptive| {
        let built = CircuitBreaker::builder("busy").throttle(throttle).build();
        built.map(drop).map_err(|error| error.to_string())
    };
    for (throttle, said) in [
        (Adaptive::new(1.0), "at least 1.1, but is 1.0"),
        (Adaptive::new(1.09), "at least 1.1, but is 1.09"),
        (Adaptive::new(f64::NAN), "at least 1.1, but is NaN"),
        (Adaptive::new(f64::INFINITY), "at least 1.1, but is inf"),
        (
            Adaptive::new(1.5).window(Duration::from_millis(1999)),
            "from 2s to 2min, but is 1.999s",
        ),
        (
            Adaptive::new(1.5).window(Duration::from_secs(121)),
            "from 2s to 2min, but is 121s",
        ),
        (Adaptive::new(1.5).min(0), "at least 1, but is 0"),
        (Adaptive::new(1.5).floor(1.0), "less than 1, but is 1.0"),
        (
            Adaptive::new(1.5).floor(f64::NAN),
            "less than 1, but is NaN",
        ),
    ] {
        let error = built(throttle).expect_err("out of range");
        assert!(error.contains(said), "{error}");
    }
    let least = Adaptive::new(1.1)
        .window(Duration::from_secs(2))
        .min(1)
        .floor(0.0);
    assert_eq!(built(least), Ok(()));
    assert_eq!(
        built(Adaptive::new(100.0).window(Duration::from_secs(120))),
        Ok(())
    );
}

#[test]
fn settings_are_shown_as_attribute_reads_them() {
    let clock = ManualClock::new();
    let shown = throttled(&clock).info().settings.throttle;
    let written = "Adaptive(k = 1.5, window = 10s, min = 20, floor = 0.01)";
    assert_eq!(shown.as_deref(), Some(written));
}

/// What a scrape and a listing show.
#[test]
fn metrics_and_json_show_the_throttle() {
    use fluxgate::{listener::PrometheusListener, prometheus};
    let registry = prometheus::Registry::new();
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .listener(PrometheusListener::with_registry(registry.clone()))
        .build()
        .expect("sound settings");
    overload(&breaker);
    let info = breaker.info();
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&registry.gather())
        .expect("text");
    let total = format!(
        "circuit_breaker_throttled_total{{circuit_name=\"busy\"}} {}\n",
        info.throttled
    );
    assert!(info.throttled > 0 && text.contains(&total), "{text}");
    let share = info.throttle.expect("there is one").share;
    let line = format!("circuit_breaker_throttle_share{{circuit_name=\"busy\"}} {share}\n");
    assert!(text.contains(&line), "{text}");
    let json = serde_json::to_value(&info).expect("JSON");
    assert_eq!(json["throttled"], info.throttled);
    assert_eq!(json["throttle"]["share"], share);
    assert_eq!(
        json["throttle"]["offered"],
        info.throttle.expect("there is one").offered
    );
}

/// Whatever the rule registers, and whichever way the call came in.
#[test]
fn metrics_only_counts_answers_of_any_rule() {
    let clock = ManualClock::new();
    let rules: [fn(Builder) -> Builder; 2] = [
        |builder| builder,
        |builder| builder.tripper(InFlight::new(100, Duration::from_secs(1))),
    ];
    for rule in rules {
        let breaker = rule(builder(&clock)).build().expect("sound settings");
        breaker.metrics_only();
        end(&breaker, Outcome::Overloaded);
        end(&breaker, Outcome::Failure);
        breaker.acquire_owned().expect("let in").success();
        assert_eq!(counts(&breaker), (3, 2));
    }
}
