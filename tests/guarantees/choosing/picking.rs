//! The first target that admits a call, and the walk along them.

use std::{
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Outcome, State,
    choose::{self, AllOpen, FailoverError},
    clock::ManualClock,
    throttle::Adaptive,
};

use super::{MINUTE, SECOND, breaker, down, fail, set};

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

#[test]
fn panicked_attempt_is_settled_after_its_future() {
    /// Panics when polled, and looks at the breaker as it is dropped.
    struct Bomb(CircuitBreaker, Arc<AtomicUsize>);

    impl Future for Bomb {
        type Output = io::Result<()>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            std::panic::resume_unwind(Box::new(()))
        }
    }

    impl Drop for Bomb {
        fn drop(&mut self) {
            self.1.store(self.0.info().probes_in_flight + 1, Relaxed);
        }
    }

    let clock = ManualClock::new();
    let target = breaker("bomb", &clock, 1);
    target.half_open();
    let seen = Arc::new(AtomicUsize::new(0));
    let mut call = Box::pin(
        choose::failover([target.clone()]).call_async(|target| Bomb(target, Arc::clone(&seen))),
    );
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }));
    assert!(polled.is_err());
    assert_eq!(seen.load(Relaxed), 2, "the slot was still held");
    let info = target.info();
    assert_eq!((info.probes_in_flight, info.panicked), (0, 1));
    assert_eq!(info.state, State::Open);
}

#[test]
fn throttled_target_is_passed_over() {
    let clock = ManualClock::new();
    let busy = CircuitBreaker::builder("busy")
        .throttle(Adaptive::new(1.1).min(1).floor(0.0))
        .clock(clock.clone())
        .build()
        .unwrap();
    let other = breaker("other", &clock, 1);
    for _ in 0..50 {
        if let Ok(guard) = busy.acquire() {
            guard.overloaded();
        }
    }
    let before = busy.info();
    assert!(before.throttled > 0 && before.throttled == before.rejected);
    let mut passed_over = 0;
    for _ in 0..50 {
        let chosen = choose::pick([&busy, &other]).unwrap();
        passed_over += chosen.passed_over as u64;
        chosen.guard.ignore();
    }
    assert!(passed_over > 0);
    let after = busy.info();
    assert_eq!(after.passed_over, passed_over);
    assert_eq!(after.rejected, before.rejected);
    assert_eq!(after.throttled, before.throttled + passed_over);
}

#[test]
fn thousand_targets_are_named_in_few_words() {
    let clock = ManualClock::new();
    let all: Vec<_> = (0..1000)
        .map(|_| breaker("one of many", &clock, 1))
        .collect();
    all.iter().for_each(fail);
    let error = choose::failover(&all)
        .idempotent(true)
        .call(|_| Ok::<_, io::Error>(()))
        .unwrap_err();
    assert_eq!(error.passed_over().len(), 1000);
    assert_eq!(error.retry_after(), Some(MINUTE));
    let text = error.to_string();
    assert!(
        text.len() < 1500 && text.ends_with("; and 992 more"),
        "{text}"
    );
    assert!(all.iter().all(|target| target.info().passed_over == 1));
    // Of an endless list no more than 1 024 are asked.
    let error = choose::pick(all.iter().cycle()).unwrap_err();
    assert_eq!(error.passed_over().len(), 1024);
    let early = choose::failover(&all)
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()))
        .unwrap();
    assert_eq!(early.passed_over.len(), 999);
    all[999].reset();
    let chosen = choose::pick(&all[1..]).unwrap();
    assert_eq!(chosen.passed_over, 998);
    chosen.guard.success();
}

#[test]
fn overloaded_target_moves_on_like_a_failed_one() {
    let clock = ManualClock::new();
    for outcome in [
        Outcome::Overloaded,
        Outcome::OverloadedFor(SECOND),
        Outcome::Failure,
    ] {
        let set = set(&clock);
        let failover = || {
            set.failover(["a", "b"])
                .with_classifier(|result: &io::Result<&str>| match result {
                    Ok("a") => outcome,
                    _ => Outcome::Success,
                })
        };
        let answer = failover().call(Ok).unwrap();
        assert_eq!(
            answer.key, "a",
            "its value, though it counts as {outcome:?}"
        );
        set.get("a").reset();
        let answer = failover().idempotent(true).call(Ok).unwrap();
        assert_eq!((answer.key, answer.value), ("b", "b"));
        assert!(matches!(
            answer.passed_over[0].reason,
            choose::PassedOverReason::FailedValue
        ));
    }
}

#[test]
fn passed_over_are_in_the_order_of_asking() {
    let clock = ManualClock::new();
    let set = set(&clock);
    for key in ["b", "d"] {
        set.get(key).force_open();
    }
    let failed = |asked: &mut Vec<&'static str>, last: &'static str| {
        set.failover(["a", "b", "c", "d", "e"])
            .idempotent(true)
            .call(|key| {
                asked.push(key);
                if key == last { Ok(key) } else { Err(down()) }
            })
    };
    let mut asked = Vec::new();
    let answer = failed(&mut asked, "e").unwrap();
    let order: Vec<&str> = answer.passed_over.iter().map(|passed| passed.key).collect();
    assert_eq!((order, answer.key), (vec!["a", "b", "c", "d"], "e"));
    assert_eq!(asked, ["a", "c", "e"]);
    assert_eq!(set.get("a").info().passed_over, 0, "it was asked");
    let error = failed(&mut asked, "none").unwrap_err();
    let order: Vec<&str> = error
        .passed_over()
        .iter()
        .map(|passed| passed.key)
        .collect();
    assert_eq!(order, ["a", "b", "c", "d"], "a and c are open now");
    assert!(matches!(error, FailoverError::Failed { key: "e", .. }));
    let error = failed(&mut asked, "none").unwrap_err();
    assert_eq!(error.passed_over().len(), 5, "all are open");
    assert_eq!(set.get("a").info().passed_over, 2);
}

#[test]
fn cancelled_failover_settles_its_attempt() {
    let clock = ManualClock::new();
    let set = set(&clock);
    fail(&set.get("a"));
    {
        let mut call = Box::pin(
            set.failover(["a", "b"])
                .call_async(|_| std::future::pending::<io::Result<()>>()),
        );
        let waker = Waker::noop();
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
        assert_eq!(set.get("b").info().cancelled, 0);
    }
    assert_eq!(set.get("b").info().cancelled, 1);
    // One that is never polled asks nothing.
    drop(
        set.failover(["a", "b"])
            .call_async(|_| async { Ok::<_, io::Error>(()) }),
    );
    assert_eq!(set.get("a").info().passed_over, 1);
}

#[test]
fn panic_of_a_candidate_list_loses_no_slot() {
    let clock = ManualClock::new();
    let target = breaker("list panics", &clock, 1);
    target.half_open();
    let list = || {
        std::iter::once(&target).chain(std::iter::once_with(|| -> &CircuitBreaker {
            std::panic::resume_unwind(Box::new(()))
        }))
    };
    let chosen = choose::pick(list()).unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| choose::pick(list()).is_ok()));
    assert!(unwound.is_err(), "the first is taken, the second panics");
    chosen.guard.ignore();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        choose::failover(list())
            .idempotent(true)
            .call(|_| Err::<(), _>(down()))
            .is_ok()
    }));
    assert!(unwound.is_err());
    assert_eq!(target.info().probes_in_flight, 0);
}
