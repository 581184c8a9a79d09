//! Policies of the user's own: what they are told, and that they are heard.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use fluxgate::{
    Builder, CircuitBreaker, Fault, Outcome, State,
    clock::ManualClock,
    permit::{self, Permit},
    random::Random,
    retry::{self, Opening, Retry},
    tripper::{self, Context, Needs, Tripper},
    window::{self, Record, Totals, Window},
};

use crate::kit::{Error, SECOND, WAIT, builder, fail, make_due, succeed};

/// What a tripper saw.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    calls: (u64, u64, u64),
    rate: Option<f64>,
    durations: (Option<Duration>, Option<Duration>),
    slow: (Option<u64>, Option<f64>),
    in_flight: Option<u64>,
    unknown: (Option<u64>, Option<f64>, Option<u64>),
}

/// Never fires, and takes notes.
struct Notes(Needs, Arc<Mutex<Vec<Seen>>>);

impl Tripper for Notes {
    fn should_trip(&self, seen: &Context<'_>) -> bool {
        assert_eq!(seen.state(), State::Closed);
        self.1.lock().unwrap().push(Seen {
            calls: (
                seen.total_count(),
                seen.failure_count(),
                seen.failure_streak(),
            ),
            rate: seen.failure_rate(),
            durations: (seen.total_duration(), seen.avg_duration()),
            slow: (seen.slow_count(SECOND), seen.slow_rate(SECOND)),
            in_flight: seen.in_flight(2 * SECOND),
            unknown: (
                seen.slow_count(7 * SECOND),
                seen.slow_rate(7 * SECOND),
                seen.in_flight(7 * SECOND),
            ),
        });
        false
    }

    fn needs(&self) -> Needs {
        self.0.clone()
    }
}

fn notes(clock: &ManualClock, needs: Needs) -> (CircuitBreaker, Arc<Mutex<Vec<Seen>>>) {
    let seen = Arc::default();
    let rule = tripper::Custom::new(Notes(needs, Arc::clone(&seen)));
    (builder(clock).tripper(rule).build().unwrap(), seen)
}

#[test]
fn a_tripper_sees_what_it_needs() {
    let clock = ManualClock::new();
    let needs = Needs::counts()
        .slow(SECOND)
        .durations()
        .in_flight(2 * SECOND);
    let (breaker, seen) = notes(&clock, needs);
    let hung = breaker.acquire().unwrap();
    clock.advance(2 * SECOND);
    succeed(&breaker);
    let slow = || {
        clock.advance(2 * SECOND);
        Err::<(), _>(Error::Down)
    };
    assert!(breaker.call(slow).is_err());
    let unknown = (None, None, None);
    let expected = [
        // Asked as a call began and another had grown old: nothing ended yet.
        Seen {
            calls: (0, 0, 0),
            rate: None,
            durations: (Some(Duration::ZERO), None),
            slow: (Some(0), None),
            in_flight: Some(1),
            unknown,
        },
        Seen {
            calls: (1, 0, 0),
            rate: Some(0.0),
            durations: (Some(Duration::ZERO), Some(Duration::ZERO)),
            slow: (Some(0), Some(0.0)),
            in_flight: Some(1),
            unknown,
        },
        Seen {
            calls: (2, 1, 1),
            rate: Some(0.5),
            durations: (Some(2 * SECOND), Some(SECOND)),
            slow: (Some(1), Some(0.5)),
            in_flight: Some(1),
            unknown,
        },
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    hung.success();
    let last = seen.lock().unwrap().pop().unwrap();
    assert_eq!((last.calls, last.in_flight), ((3, 1, 0), Some(0)));
    assert_eq!(last.durations.0, Some(6 * SECOND));
}

#[test]
fn a_tripper_does_not_see_what_nothing_measures() {
    let (breaker, seen) = notes(&ManualClock::new(), Needs::counts());
    fail(&breaker);
    let seen = seen.lock().unwrap().pop().unwrap();
    assert_eq!(seen.calls, (1, 1, 1));
    assert_eq!((seen.durations, seen.slow), ((None, None), (None, None)));
    assert_eq!(seen.in_flight, None);
}

#[test]
fn closures_are_rules_policies_and_permits() {
    let clock = ManualClock::new();
    let breaker = builder(&clock)
        .tripper(tripper::Custom::from_fn(|seen| seen.failure_count() >= 2))
        .retry(retry::Custom::from_fn(|opening| {
            Some(WAIT * (u32::try_from(opening.reopens).unwrap() + 1))
        }))
        .permit(permit::Custom::from_fn(|elapsed| elapsed >= SECOND))
        .build()
        .unwrap();
    fail(&breaker);
    assert_eq!(breaker.state(), State::Closed);
    fail(&breaker);
    assert_eq!(breaker.info().retry_after, Some(WAIT));
    clock.advance(WAIT);
    assert!(breaker.acquire().is_err(), "no permit yet");
    assert_eq!(breaker.state(), State::HalfOpen);
    clock.advance(SECOND);
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.info().retry_after, Some(2 * WAIT));
}

/// Says no until told otherwise, and that it waits an hour at most.
struct Hesitant(Arc<AtomicBool>);

impl Retry for Hesitant {
    fn wait(&self, _opening: &Opening, _random: &mut dyn Random) -> Option<Duration> {
        Some(WAIT)
    }

    fn ready(&self, opening: &Opening, elapsed: Duration) -> bool {
        assert_eq!((opening.reopens, elapsed >= WAIT), (0, true));
        self.0.load(SeqCst)
    }

    fn longest(&self) -> Duration {
        3600 * SECOND
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        if self.0.load(SeqCst) {
            Err(vec![Fault::new("it must begin hesitant")])
        } else {
            Ok(())
        }
    }
}

/// Refuses its settings.
struct Unset;

impl Permit for Unset {
    fn admits(&self, _elapsed: Duration, _random: &mut dyn Random) -> bool {
        true
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        Err(vec![Fault::new("it must be set")])
    }
}

#[test]
fn retry_policy_decides_readiness_and_limit() {
    let (clock, ready) = (ManualClock::new(), Arc::new(AtomicBool::new(false)));
    let breaker = builder(&clock)
        .retry(retry::Custom::new(Hesitant(Arc::clone(&ready))))
        .build()
        .unwrap();
    make_due(&breaker, &clock);
    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(
        (rejection.state(), rejection.retry_after()),
        (State::Open, None)
    );
    assert_eq!(breaker.state(), State::Open);
    ready.store(true, SeqCst);
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Closed);

    let asked = Outcome::UnavailableFor(7200 * SECOND);
    breaker.acquire().unwrap().record(asked);
    assert_eq!(breaker.info().retry_after, Some(3600 * SECOND));
}

#[test]
fn retry_policy_bounds_what_dependency_asks() {
    type Setting = fn(Builder) -> Builder;
    let rows: [(Setting, Option<u64>); 5] = [
        (|b| b.retry(retry::Cooldown::new(WAIT)), Some(300)),
        (|b| b.retry(retry::Cooldown::new(400 * SECOND)), Some(400)),
        (
            |b| b.retry(retry::Backoff::new(WAIT).max_duration(70 * SECOND)),
            Some(70),
        ),
        (|b| b.retry(retry::Always), Some(0)),
        (|b| b.retry(retry::Never), None),
    ];
    for (setting, longest) in rows {
        let breaker = setting(builder(&ManualClock::new())).build().unwrap();
        let asked = Outcome::UnavailableFor(7200 * SECOND);
        breaker.acquire().unwrap().record(asked);
        let expected = longest.map(Duration::from_secs);
        assert_eq!(breaker.info().retry_after, expected);
    }
}

#[test]
fn a_policy_may_refuse_its_settings() {
    let ready = Arc::new(AtomicBool::new(true));
    let error = builder(&ManualClock::new())
        .retry(retry::Custom::new(Hesitant(ready)))
        .permit(permit::Custom::new(Unset))
        .build()
        .unwrap_err();
    let faults: Vec<_> = error.faults().map(ToString::to_string).collect();
    assert_eq!(faults, ["it must begin hesitant", "it must be set"]);
}

/// The duration of each record, and the counts of the window after it.
type Looks = Arc<Mutex<Vec<(Duration, (u64, u64))>>>;

/// Holds failures alone, and forgets them after a second.
#[derive(Default)]
struct Failures {
    held: Vec<(Duration, Record)>,
    prepared: Option<(usize, bool)>,
    seen: Looks,
}

impl Window for Failures {
    fn record(&mut self, record: Record, now: Duration, totals: &mut Totals) {
        assert_eq!(self.prepared, Some((0, true)));
        self.expire(now, totals);
        if record.failed() {
            totals.add(&record);
            self.held.push((now, record));
        }
        // A panic here would be contained.
        let sums = (totals.calls(), totals.failures());
        self.seen.lock().unwrap().push((record.duration(), sums));
    }

    fn expire(&mut self, now: Duration, totals: &mut Totals) {
        self.held.retain(|(at, record)| {
            let young = now < *at + SECOND;
            if !young {
                totals.remove(record);
            }
            young
        });
    }

    fn clear(&mut self) {
        self.held.clear();
    }

    fn prepare(&mut self, thresholds: usize, durations: bool) {
        self.prepared = Some((thresholds, durations));
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        match self.prepared {
            None => Ok(()),
            Some(_) => Err(vec![Fault::new("it was prepared before it was checked")]),
        }
    }
}

#[test]
fn a_custom_window_decides_what_counts() {
    let clock = ManualClock::new();
    let window = Failures::default();
    let seen = Arc::clone(&window.seen);
    let breaker = builder(&clock)
        .window(window::Custom::new(window))
        .tripper(tripper::MinRequests::new(3))
        .durations(true)
        .build()
        .unwrap();
    for _ in 0..10 {
        succeed(&breaker);
    }
    assert_eq!(breaker.info().metrics.total_count, 0);
    let fails = || {
        let down = || {
            clock.advance(SECOND / 10);
            Err::<(), _>(Error::Down)
        };
        assert_eq!(breaker.call(down), Err(Error::Down));
    };
    fails();
    fails();
    assert_eq!(breaker.info().metrics.failure_count, 2);
    clock.advance(SECOND);
    assert_eq!(breaker.info().metrics.total_count, 0, "expired on read");
    for _ in 0..3 {
        fails();
    }
    assert_eq!(breaker.state(), State::Open);
    let seen = seen.lock().unwrap();
    let sums = [0, 1, 2, 1, 2, 3].map(|held| (held, held));
    let expected = [(Duration::ZERO, sums[0])].into_iter().cycle().take(10);
    let expected = expected.chain(sums[1..].iter().map(|sums| (SECOND / 10, *sums)));
    assert!(seen.iter().copied().eq(expected), "{seen:?}");
}

#[test]
fn custom_policies_have_a_debug_form() {
    let rule = tripper::Custom::new(Notes(Needs::counts(), Arc::default()));
    assert!(format!("{rule:?}").contains("Notes"));
    let retry = retry::Custom::from_fn(|_| None);
    let permit = permit::Custom::from_fn(|_| true);
    let window = window::Custom::new(Failures::default());
    for form in [
        format!("{retry:?}"),
        format!("{permit:?}"),
        format!("{window:?}"),
    ] {
        assert_eq!(form, "Custom { .. }");
    }
}
