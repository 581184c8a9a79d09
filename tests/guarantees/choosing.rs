//! Choosing among breakers: questions without consequence, guards that travel,
//! waiting, early probes, and opening by hand.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, State,
    choose::{self, AcquireReady, AllOpen, FailoverError, OwnedGuard},
    clock::ManualClock,
    keyed::CircuitBreakers,
    permit::All,
    retry::{Cooldown, Never, Opening},
    tripper::{FailureStreak, MinRequests, SlowRate},
};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn breaker(name: &'static str, clock: &ManualClock, slots: u32) -> CircuitBreaker {
    CircuitBreaker::builder(name)
        .tripper(FailureStreak::new(1))
        .permit(All)
        .max_half_open_calls(slots)
        .clock(clock.clone())
        .build()
        .unwrap()
}

fn set(clock: &ManualClock) -> CircuitBreakers<String> {
    let clock = clock.clone();
    CircuitBreakers::builder("set")
        .settings(move |builder| {
            builder
                .tripper(FailureStreak::new(1))
                .permit(All)
                .max_half_open_calls(1)
                .clock(clock.clone())
        })
        .build()
        .unwrap()
}

fn fail(breaker: &CircuitBreaker) {
    breaker.acquire().unwrap().failure();
}

fn down() -> io::Error {
    io::Error::other("down")
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A waiter that is polled by hand, when it was woken.
struct Waiter {
    ready: Pin<Box<AcquireReady>>,
    woken: Arc<Woken>,
    seen: usize,
    polls: usize,
}

impl Waiter {
    fn new(breaker: &CircuitBreaker) -> Self {
        Self {
            ready: Box::pin(breaker.acquire_ready()),
            woken: Arc::default(),
            seen: 0,
            polls: 0,
        }
    }

    fn poll(&mut self) -> Option<OwnedGuard> {
        self.seen = self.woken.0.load(Relaxed);
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.ready.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Relaxed) > self.seen
    }
}

#[test]
fn question_counts_and_reserves_nothing() {
    let clock = ManualClock::new();
    let breaker = breaker("question", &clock, 1);
    assert!(breaker.is_call_permitted());
    fail(&breaker);
    assert!(!breaker.is_call_permitted());
    clock.advance(MINUTE);
    assert!(breaker.is_call_permitted(), "due");
    assert_eq!(breaker.state(), State::Open, "asking does not half-open");
    let probe = breaker.acquire().unwrap();
    assert!(!breaker.is_call_permitted(), "the slot is taken");
    drop(probe);
    assert!(breaker.is_call_permitted());
    breaker.force_open();
    assert!(!breaker.is_call_permitted());
    breaker.disable();
    assert!(breaker.is_call_permitted());
    let info = breaker.info();
    assert_eq!((info.rejected, info.passed_over), (0, 0));
}

#[test]
fn lost_slot_is_free_to_the_question() {
    let clock = ManualClock::new();
    let breaker = breaker("lease", &clock, 1);
    breaker.half_open();
    let hangs = breaker.acquire_owned().unwrap();
    assert!(!breaker.is_call_permitted());
    clock.advance(MINUTE);
    assert!(breaker.is_call_permitted());
    drop(hangs);
}

#[test]
fn question_asks_the_retry_policy_when_due() {
    struct Unready;
    impl fluxgate::retry::Retry for Unready {
        fn wait(&self, _: &Opening, _: &mut dyn fluxgate::random::Random) -> Option<Duration> {
            Some(Duration::ZERO)
        }
        fn ready(&self, opening: &Opening, _: Duration) -> bool {
            assert_eq!(opening.failure_rate(), Some(1.0));
            assert!(opening.reason.is_some());
            false
        }
    }
    let breaker = CircuitBreaker::builder("unready")
        .tripper(FailureStreak::new(1))
        .retry(Unready)
        .build()
        .unwrap();
    fail(&breaker);
    assert!(!breaker.is_call_permitted());
    assert!(breaker.acquire().is_err());
}

#[test]
fn owned_guard_is_static_and_send() {
    fn is<T: Send + Sync + 'static>() {}
    is::<OwnedGuard>();
    is::<AcquireReady>();
}

#[test]
fn owned_guard_dropped_while_unwinding_is_cancelled() {
    let clock = ManualClock::new();
    let breaker = breaker("unwinding", &clock, 1);
    let guard = breaker.acquire_owned().unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    let info = breaker.info();
    assert_eq!((info.cancelled, info.panicked), (1, 0));
    assert_eq!(info.state, State::Closed);
}

#[test]
fn measured_duration_replaces_the_own_one() {
    // The clock has just begun: the call took longer than the clock has run.
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("measured")
        .tripper(MinRequests::new(2) & SlowRate::new(0.5, SECOND))
        .durations(true)
        .clock(clock.clone())
        .build()
        .unwrap();
    let guard = breaker.acquire_owned().unwrap();
    clock.advance(10 * SECOND);
    guard.with_duration(Duration::from_millis(5)).success();
    let total = breaker.info().metrics.total_duration;
    assert_eq!(total, Some(Duration::from_millis(5)));
    let guard = breaker.acquire_owned().unwrap();
    guard.with_duration(MINUTE).failure();
    assert_eq!(breaker.state(), State::Open, "half of the calls were slow");
    let opened_with = breaker.info().opened_with.unwrap();
    let total = MINUTE + Duration::from_millis(5);
    assert_eq!(opened_with.total_duration, Some(total));
}

#[test]
fn pick_never_skips_one_that_would_admit() {
    // All states of three breakers, in all orders of asking.
    let states: [fn(&CircuitBreaker, &ManualClock); 8] = [
        |_, _| {},
        |breaker, _| breaker.force_open(),
        |breaker, _| breaker.open(),
        |breaker, _| breaker.open_for(Duration::ZERO),
        |breaker, _| breaker.half_open(),
        |breaker, _| {
            breaker.half_open();
            std::mem::forget(breaker.acquire_owned());
        },
        |breaker, _| breaker.disable(),
        |breaker, _| breaker.metrics_only(),
    ];
    let clock = ManualClock::new();
    for case in 0..8 * 8 * 8 {
        let picks = [case % 8, case / 8 % 8, case / 64];
        let breakers = picks.map(|state| {
            let breaker = breaker("one of three", &clock, 1);
            states[state](&breaker, &clock);
            breaker
        });
        let first = breakers.iter().position(CircuitBreaker::is_call_permitted);
        let picked = choose::pick(breakers.iter().enumerate().map(|(i, b)| (b, i)));
        match (first, picked) {
            (Some(first), Ok(picked)) => {
                assert_eq!(
                    (picked.key.1, picked.passed_over),
                    (first, first),
                    "{picks:?}"
                );
                for (i, breaker) in breakers.iter().enumerate() {
                    let info = breaker.info();
                    assert_eq!(info.passed_over, u64::from(i < first), "{picks:?}");
                    assert_eq!(info.rejected, 0);
                    assert!(info.probes_in_flight <= 1);
                }
                picked.guard.success();
            }
            (None, Err(error)) => assert_eq!(error.passed_over().len(), 3),
            (first, picked) => panic!("{picks:?}: {first:?}, {picked:?}"),
        }
    }
}

#[test]
fn one_probe_goes_to_one_of_two_pickers() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("a"));
    clock.advance(MINUTE);
    let first = set.pick(["a", "b"]).unwrap();
    let second = set.pick(["a", "b"]).unwrap();
    assert_eq!((first.key, second.key), ("a", "b"));
    drop(first);
    let third = set.pick(["a", "b"]).unwrap();
    assert_eq!(third.key, "a", "the slot is back");
    third.guard.success();
    assert_eq!(set.get("a").state(), State::Closed);
    second.guard.success();
}

#[test]
fn refusal_names_every_target_and_the_earliest() {
    let clock = ManualClock::new();
    let set = set(&clock);
    set.get("a").open_for(10 * SECOND);
    set.get("b").open_for(3 * SECOND);
    set.get("c").force_open();
    let error = set.pick(["a", "b", "c"]).unwrap_err();
    assert_eq!(error.retry_after(), Some(3 * SECOND));
    let text = error.to_string();
    for part in ["set/a", "set/b", "set/c", "10.0s", "3.0s", "forced open"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let none: [&str; 0] = [];
    let error = set.pick(none).unwrap_err().to_string();
    assert!(error.contains("the list is empty"), "{error}");
}

#[test]
fn callable_leaves_out_what_would_refuse() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("b"));
    let callable: Vec<&str> = set.callable(["a", "b", "c"]).collect();
    assert_eq!(callable, ["a", "c"]);
    assert_eq!(set.get("b").info().passed_over, 0);
}

#[test]
fn failure_stays_unless_the_call_is_idempotent() {
    let clock = ManualClock::new();
    let set = set(&clock);
    let mut asked = Vec::new();
    let error = set
        .failover(["a", "b"])
        .call(|key| {
            asked.push(key);
            Err::<(), _>(down())
        })
        .unwrap_err();
    assert_eq!(asked, ["a"]);
    assert!(matches!(&error, FailoverError::Failed { key: "a", .. }));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "down");
    set.get("a").reset();
    let answer = set
        .failover(["a", "b"])
        .idempotent(true)
        .call(|key| if key == "a" { Err(down()) } else { Ok(7) })
        .unwrap();
    assert_eq!(
        (answer.key, answer.value, answer.passed_over.len()),
        ("b", 7, 1)
    );
    assert_eq!(answer.passed_over[0].key, "a");
    assert_eq!(answer.passed_over[0].retry_after, Some(MINUTE));
}

#[test]
fn ignored_and_alive_return_at_once() {
    use fluxgate::Outcome;
    let clock = ManualClock::new();
    for outcome in [Outcome::Ignored, Outcome::Alive] {
        let set = set(&clock);
        let error = set
            .failover(["a", "b"])
            .idempotent(true)
            .with_classifier(move |_: &Result<(), io::Error>| outcome)
            .call(|_| Err(down()))
            .unwrap_err();
        assert!(matches!(error, FailoverError::Failed { key: "a", .. }));
    }
}

#[test]
fn panicking_closure_is_a_failure() {
    let clock = ManualClock::new();
    let set = set(&clock);
    let failover = set.failover(["a", "b"]).idempotent(true);
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        failover.call(|_| -> io::Result<()> { std::panic::resume_unwind(Box::new(())) })
    }));
    assert!(unwound.is_err());
    let info = set.get("a").info();
    assert_eq!((info.panicked, info.state), (1, State::Open));
    assert_eq!(set.get("b").info().panicked, 0);
}

#[tokio::test]
async fn attempt_drops_its_future_before_its_guard() {
    struct Seen(CircuitBreaker, Arc<AtomicUsize>);
    impl Drop for Seen {
        fn drop(&mut self) {
            self.1.store(self.0.info().probes_in_flight + 1, Relaxed);
        }
    }
    let clock = ManualClock::new();
    let target = breaker("order", &clock, 1);
    target.half_open();
    let seen = Arc::new(AtomicUsize::new(0));
    let mut call = Box::pin(choose::failover([target.clone()]).call_async(|target| {
        let held = Seen(target, Arc::clone(&seen));
        async move {
            let _held = held;
            std::future::pending::<io::Result<()>>().await
        }
    }));
    let waker = Waker::noop();
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
    );
    drop(call);
    assert_eq!(seen.load(Relaxed), 2, "the slot was still held");
    let info = target.info();
    assert_eq!((info.probes_in_flight, info.cancelled), (0, 1));
}

#[tokio::test]
async fn failover_runs_in_spawned_tasks() {
    async fn ask(provider: &str, prompt: &str) -> io::Result<usize> {
        tokio::task::yield_now().await;
        Ok(provider.len() + prompt.len())
    }
    let clock = ManualClock::new();
    let providers = set(&clock);
    let prompt = String::from("why");
    // Borrows the prompt.
    let set = providers.clone();
    let task = tokio::spawn(async move {
        set.failover(["openai", "local"])
            .idempotent(true)
            .call_async(|provider| ask(provider, &prompt))
            .await
            .map(|answer| answer.value)
    });
    assert_eq!(task.await.unwrap().unwrap(), 9);
    // Clones it, and borrows the list.
    let prompt: Arc<str> = "why".into();
    let task = tokio::spawn(async move {
        let names = vec![String::from("openai"), String::from("local")];
        let answer = providers
            .failover(&names)
            .call_async(|provider| {
                let prompt = prompt.clone();
                async move { ask(provider, &prompt).await }
            })
            .await;
        answer
            .map(|answer| answer.value)
            .map_err(|error| error.to_string())
    });
    assert_eq!(task.await.unwrap().unwrap(), 9);
}

fn early(set: &CircuitBreakers<String>, result: io::Result<u8>) -> Option<&'static str> {
    let mut result = Some(result);
    let mut asked = None;
    let _ = set
        .failover(["a", "b"])
        .when_all_open(AllOpen::LeastWait)
        .call(|key| {
            asked = Some(key);
            result.take().unwrap()
        });
    asked
}

#[test]
fn early_probe_goes_to_the_least_wait_and_closes() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("b"));
    clock.advance(SECOND);
    fail(&set.get("a"));
    assert_eq!(early(&set, Ok(1)), Some("b"));
    assert_eq!(set.get("b").state(), State::Closed);
    let info = set.get("b").info();
    assert_eq!((info.early_probes, info.passed_over), (1, 0));
    assert_eq!(set.get("a").info().passed_over, 1);
    assert_eq!(set.get("a").state(), State::Open);
}

#[test]
fn failed_early_probe_changes_nothing() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("a"));
    fail(&set.get("b"));
    let before = set.get("a").info();
    assert_eq!(early(&set, Err(down())), Some("a"));
    let after = set.get("a").info();
    assert_eq!(after.state, State::Open);
    assert_eq!((after.retry_after, after.reopens), (before.retry_after, 0));
    assert_eq!(
        (after.metrics.total_count, after.failed),
        (0, before.failed)
    );
    assert_eq!(after.opened_with, before.opened_with);
    assert_eq!(
        (after.probes_in_flight, after.changed_at),
        (0, before.changed_at)
    );
}

#[test]
fn early_probes_are_one_a_second_for_the_set() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("a"));
    fail(&set.get("b"));
    assert!(early(&set, Err(down())).is_some());
    assert_eq!(early(&set, Err(down())), None);
    clock.advance(Duration::from_millis(999));
    assert_eq!(early(&set, Err(down())), None);
    clock.advance(Duration::from_millis(1));
    assert!(early(&set, Err(down())).is_some());
}

#[test]
fn early_probe_is_the_only_one_of_its_list() {
    let clock = ManualClock::new();
    let one = breaker("list one", &clock, 2);
    let two = breaker("list two", &clock, 2);
    fail(&one);
    fail(&two);
    let inner = |error: &mut bool| {
        let again = choose::failover([&two, &one])
            .when_all_open(AllOpen::LeastWait)
            .call(|_| Ok::<_, io::Error>(()));
        *error = matches!(again, Err(FailoverError::Refused { .. }));
    };
    let mut refused = false;
    let answer = choose::failover([&one, &two])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| {
            clock.advance(10 * SECOND);
            inner(&mut refused);
            Ok::<_, io::Error>(())
        });
    assert!(refused, "one is in flight");
    assert_eq!(answer.unwrap().key.name(), "list one");
}

#[test]
fn no_early_probe_where_none_may_be() {
    let clock = ManualClock::new();
    let never = CircuitBreaker::builder("never")
        .tripper(FailureStreak::new(1))
        .retry(Never)
        .build()
        .unwrap();
    fail(&never);
    let by_hand = breaker("by hand", &clock, 1);
    by_hand.open_for(MINUTE);
    let forced = breaker("forced", &clock, 1);
    forced.force_open();
    let answer = choose::failover([&never, &by_hand, &forced])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()));
    assert!(matches!(answer, Err(FailoverError::Refused { .. })));
    for breaker in [&never, &by_hand, &forced] {
        assert_eq!(breaker.info().early_probes, 0);
    }
}

#[test]
fn early_probe_after_the_wait_is_late() {
    let clock = ManualClock::new();
    let one = breaker("late", &clock, 1);
    fail(&one);
    choose::failover([&one])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| {
            clock.advance(MINUTE);
            Ok::<_, io::Error>(())
        })
        .unwrap();
    let info = one.info();
    assert_eq!((info.state, info.late), (State::Open, 1));
    assert_eq!(info.probes_in_flight, 0);
}

#[test]
fn early_probe_of_another_generation_is_late() {
    let clock = ManualClock::new();
    let one = breaker("generation", &clock, 1);
    fail(&one);
    choose::failover([&one])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| {
            one.open();
            Ok::<_, io::Error>(())
        })
        .unwrap();
    let info = one.info();
    assert_eq!((info.state, info.late), (State::Open, 1));
}

#[test]
fn early_probe_holds_one_of_the_slots() {
    let clock = ManualClock::new();
    let one = breaker("slots", &clock, 1);
    fail(&one);
    choose::failover([&one])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| {
            assert_eq!(one.info().probes_in_flight, 1);
            // The circuit half-opens meanwhile: its only slot is taken.
            clock.advance(Duration::from_secs(59));
            one.half_open();
            assert!(one.acquire().is_err());
            Ok::<_, io::Error>(())
        })
        .unwrap();
    assert!(one.acquire().is_ok());
}

#[test]
fn early_pass_counts_towards_close_after() {
    let clock = ManualClock::new();
    let one = CircuitBreaker::builder("two passes")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .close_after(2)
        .clock(clock.clone())
        .build()
        .unwrap();
    fail(&one);
    choose::failover([&one])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()))
        .unwrap();
    assert_eq!(one.state(), State::HalfOpen);
    one.acquire().unwrap().success();
    assert_eq!(one.state(), State::Closed);
}

#[test]
fn opening_by_hand_recovers() {
    let clock = ManualClock::new();
    let one = breaker("by hand", &clock, 1);
    one.open();
    assert_eq!(one.info().retry_after, Some(MINUTE));
    assert!(one.acquire().is_err());
    clock.advance(MINUTE);
    one.acquire().unwrap().success();
    assert_eq!(one.state(), State::Closed);
    one.open_for(1000 * MINUTE);
    assert_eq!(one.info().retry_after, Some(1000 * MINUTE), "not clamped");
    one.open_for(SECOND);
    assert_eq!(one.info().retry_after, Some(SECOND), "a new opening");
    assert_eq!(one.info().reopens, 0);
}

#[test]
fn half_opening_keeps_reopens() {
    let clock = ManualClock::new();
    let one = breaker("half", &clock, 1);
    fail(&one);
    clock.advance(MINUTE);
    fail(&one);
    assert_eq!(one.info().reopens, 1);
    one.half_open();
    assert_eq!((one.state(), one.info().reopens), (State::HalfOpen, 1));
    one.acquire().unwrap().success();
    assert_eq!(one.state(), State::Closed);
}

#[test]
fn commands_open_and_half_open() {
    let clock = ManualClock::new();
    let one = breaker("commands", &clock, 1);
    one.command("open".parse().unwrap());
    assert_eq!(
        (one.state(), one.info().retry_after),
        (State::Open, Some(MINUTE))
    );
    one.command("half_open".parse().unwrap());
    assert_eq!(one.state(), State::HalfOpen);
    let set = set(&clock);
    set.get("a");
    set.command_all(fluxgate::Command::Open);
    assert_eq!(set.get("a").state(), State::Open);
    assert_eq!(set.get("later").state(), State::Closed);
}

#[test]
fn retry_policy_is_told_why() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let one = CircuitBreaker::builder("told")
        .tripper(MinRequests::new(4) & fluxgate::tripper::FailureRate::new(0.5))
        .retry(move |opening: &Opening| {
            tell.lock().unwrap().push(*opening);
            Some(MINUTE)
        })
        .build()
        .unwrap();
    one.acquire().unwrap().success();
    for _ in 0..3 {
        one.acquire().unwrap().failure();
    }
    one.open();
    let told = told.lock().unwrap();
    assert_eq!(told[0].failure_rate(), Some(0.75));
    assert_eq!((told[0].total_count, told[0].failure_count), (4, 3));
    let reason = told[0].reason.unwrap();
    assert_eq!(reason.rule, fluxgate::RuleKind::FailureRate);
    assert!(told[1].reason.is_none(), "by hand");
}

#[test]
fn initial_state_is_entered_and_left() {
    let clock = ManualClock::new();
    for state in State::ALL {
        let one = CircuitBreaker::builder("initial")
            .initial_state(state)
            .permit(All)
            .retry(Cooldown::new(SECOND))
            .clock(clock.clone())
            .build()
            .unwrap();
        assert_eq!(one.state(), state);
    }
}

#[test]
fn waiters_of_a_slot_do_not_stampede() {
    const WAITERS: usize = 10_000;
    let clock = ManualClock::new();
    let one = breaker("crowd", &clock, 1);
    fail(&one);
    let mut waiters: Vec<Option<Waiter>> = (0..WAITERS).map(|_| Some(Waiter::new(&one))).collect();
    for waiter in waiters.iter_mut().flatten() {
        assert!(waiter.poll().is_none());
    }
    clock.advance(MINUTE);
    let mut woken: Vec<usize> = (0..WAITERS)
        .filter(|&i| waiters[i].as_ref().is_some_and(Waiter::is_woken))
        .collect();
    assert_eq!(woken, [0], "the end of the wait wakes one");
    // Every third goes away, some of them after they were woken.
    for i in (0..WAITERS).step_by(3) {
        waiters[i] = None;
    }
    assert_eq!(one.info().rejected, 0);
    let (mut served, mut polls) = (0, 0);
    // Whoever is woken asks; a call ends before the next is looked for.
    let mut at = 0;
    loop {
        woken = (at..WAITERS.min(at + 64))
            .filter(|&i| waiters[i].as_ref().is_some_and(Waiter::is_woken))
            .collect();
        let Some(&first) = woken.first() else {
            at += 1;
            if at == WAITERS {
                break;
            }
            continue;
        };
        polls += 1;
        if let Some(guard) = waiters[first].as_mut().unwrap().poll() {
            waiters[first] = None;
            served += 1;
            guard.success();
        }
    }
    assert_eq!(served, WAITERS - WAITERS.div_ceil(3), "none is forgotten");
    assert!(polls <= 2 * WAITERS, "{polls} polls");
}

#[test]
fn wake_of_a_waiter_that_goes_passes_on() {
    let clock = ManualClock::new();
    let one = breaker("passes", &clock, 1);
    one.half_open();
    let probe = one.acquire().unwrap();
    let mut waiters = [Waiter::new(&one), Waiter::new(&one), Waiter::new(&one)];
    for waiter in &mut waiters {
        assert!(waiter.poll().is_none());
    }
    drop(probe);
    let [first, second, mut third] = waiters;
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken() && !third.is_woken());
    drop(second);
    assert!(third.is_woken());
    assert!(third.poll().is_some());
}

#[test]
fn waiter_is_woken_by_reset_and_reopening() {
    let clock = ManualClock::new();
    let one = breaker("commands", &clock, 1);
    one.force_open();
    let mut waiter = Waiter::new(&one);
    assert!(waiter.poll().is_none());
    one.open_for(SECOND);
    assert!(waiter.is_woken() && waiter.poll().is_none());
    clock.advance(SECOND);
    assert!(waiter.is_woken());
    let guard = waiter.poll().unwrap();
    let mut next = Waiter::new(&one);
    assert!(next.poll().is_none());
    guard.failure();
    assert!(next.is_woken() && next.poll().is_none(), "reopened");
    one.reset();
    assert!(next.is_woken() && next.poll().is_some());
}

#[tokio::test]
async fn waiter_is_woken_in_real_time() {
    let one = CircuitBreaker::builder("real time")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .retry(Cooldown::new(Duration::from_millis(20)))
        .build()
        .unwrap();
    fail(&one);
    one.acquire_ready().await.success();
    assert_eq!(one.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn waiter_follows_the_paused_time_of_tokio() {
    let one = CircuitBreaker::builder("paused")
        .tripper(FailureStreak::new(1))
        .permit(All)
        .retry(Cooldown::new(100 * MINUTE))
        .clock(fluxgate::clock::TokioClock::new())
        .build()
        .unwrap();
    fail(&one);
    one.acquire_ready().await.success();
    assert_eq!(one.state(), State::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tasks_wait_and_none_is_forgotten() {
    let clock = ManualClock::new();
    let one = breaker("tasks", &clock, 3);
    one.force_open();
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..10_000)
        .map(|i| {
            let one = one.clone();
            let inside = Arc::clone(&inside);
            tokio::spawn(async move {
                let guard = one.acquire_ready().await;
                assert!(inside.fetch_add(1, Relaxed) < 10_000);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Relaxed);
                if i % 2 == 0 {
                    guard.success();
                } else {
                    guard.ignore();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    for task in tasks.iter().step_by(7) {
        task.abort();
    }
    one.half_open();
    for (i, task) in tasks.into_iter().enumerate() {
        let ended = task.await;
        assert!(ended.is_ok() || i % 7 == 0, "{i}");
    }
    assert_eq!(one.info().probes_in_flight, 0);
}
