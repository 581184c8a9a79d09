//! Early probes: when nothing else admits a call.

use std::{
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, OnCancel, Outcome, State,
    choose::{self, AllOpen, FailoverError},
    clock::ManualClock,
    keyed::CircuitBreakers,
    permit::All,
    retry::Never,
    tripper::FailureStreak,
};

use super::{MINUTE, SECOND, breaker, down, fail, set};

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
fn early_probe_changes_nothing_unless_it_passes() {
    let endings = [
        Outcome::Failure,
        Outcome::UnavailableFor(1000 * SECOND),
        Outcome::Overloaded,
        Outcome::OverloadedFor(1000 * SECOND),
        Outcome::Ignored,
        Outcome::Alive,
        Outcome::Success,
    ];
    for outcome in endings {
        let clock = ManualClock::new();
        let one = breaker("endings", &clock, 1);
        fail(&one);
        let before = one.info();
        let _ = choose::failover([&one])
            .when_all_open(AllOpen::LeastWait)
            .with_classifier(|_: &io::Result<()>| outcome)
            .call(|_| Ok(()));
        let after = one.info();
        if matches!(outcome, Outcome::Success | Outcome::Alive) {
            assert_eq!(after.state, State::Closed, "{outcome:?}");
            continue;
        }
        assert_eq!(
            (after.state, after.retry_after, after.reopens, after.failed),
            (State::Open, Some(MINUTE), before.reopens, before.failed),
            "{outcome:?}"
        );
        assert_eq!((after.probes_in_flight, after.early_probes), (0, 1));
        clock.advance(MINUTE);
        fail(&one);
        assert_eq!(one.info().retry_after, Some(MINUTE), "{outcome:?}");
    }
}

#[test]
fn dropped_early_probe_changes_nothing() {
    for on_cancel in [OnCancel::Ignore, OnCancel::Fail] {
        let clock = ManualClock::new();
        let one = CircuitBreaker::builder("gone")
            .tripper(FailureStreak::new(1))
            .permit(All)
            .on_cancel(on_cancel)
            .clock(clock.clone())
            .build()
            .unwrap();
        fail(&one);
        let failover = || choose::failover([&one]).when_all_open(AllOpen::LeastWait);
        {
            let call = pin!(failover().call_async(|_| std::future::pending::<io::Result<()>>()));
            assert!(
                call.poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            assert_eq!(one.info().probes_in_flight, 1);
        }
        clock.advance(SECOND);
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            failover().call(|_| -> io::Result<()> { std::panic::resume_unwind(Box::new(())) })
        }));
        assert!(unwound.is_err());
        let info = one.info();
        assert_eq!((info.cancelled, info.panicked), (1, 1));
        assert_eq!((info.state, info.failed, info.reopens), (State::Open, 1, 0));
        assert_eq!((info.probes_in_flight, info.early_probes), (0, 2));
        assert_eq!(info.retry_after, Some(59 * SECOND));
    }
}

#[test]
fn hung_early_probe_blocks_others_for_its_lease() {
    let clock = ManualClock::new();
    let own = clock.clone();
    let set = CircuitBreakers::<String>::builder("hung")
        .settings(move |builder| {
            builder
                .tripper(FailureStreak::new(1))
                .permit(All)
                .max_half_open_calls(1)
                .probe_lease(10 * SECOND)
                .clock(own.clone())
        })
        .build()
        .unwrap();
    let list = [
        breaker("hung one", &clock, 1),
        breaker("hung two", &clock, 1),
    ];
    for key in ["a", "b"] {
        fail(&set.get(key));
    }
    list.iter().for_each(fail);
    let mut leaked = Vec::new();
    let mut hang = |keys: bool| {
        let hangs = || std::future::pending::<io::Result<()>>();
        let mut call: std::pin::Pin<Box<dyn Future<Output = bool>>> = if keys {
            let failover = set.failover(["a", "b"]).when_all_open(AllOpen::LeastWait);
            Box::pin(async move { failover.call_async(|_| hangs()).await.is_ok() })
        } else {
            let failover = choose::failover(list.clone()).when_all_open(AllOpen::LeastWait);
            Box::pin(async move { failover.call_async(|_| hangs()).await.is_ok() })
        };
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        leaked.push(call);
        polled.is_pending()
    };
    assert!(hang(true) && hang(false));
    clock.advance(9 * SECOND);
    assert!(!hang(true) && !hang(false), "one is in flight");
    clock.advance(SECOND);
    assert!(hang(true), "its lease is over");
    assert!(!hang(false), "this one's is a minute");
    // The first ends at last: the place is another's by now.
    drop(leaked.remove(0));
    clock.advance(SECOND);
    let again = set
        .failover(["a", "b"])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()));
    assert!(matches!(again, Err(FailoverError::Refused { .. })));
}

#[test]
fn each_breaker_of_a_list_has_its_own_clock() {
    let clocks = [ManualClock::new(), ManualClock::new()];
    clocks[1].advance(100_000 * SECOND);
    let list = [
        breaker("slow clock", &clocks[0], 1),
        breaker("late clock", &clocks[1], 1),
    ];
    list.iter().for_each(fail);
    let early = || {
        choose::failover(&list)
            .when_all_open(AllOpen::LeastWait)
            .call(|_| Err::<(), _>(down()))
            .is_err_and(|error| matches!(error, FailoverError::Failed { .. }))
    };
    assert!(early());
    assert!(!early(), "one a second");
    clocks[0].advance(SECOND);
    assert!(!early(), "the other's second is not over");
    clocks[1].advance(SECOND);
    assert!(early());
}

#[test]
fn early_probe_asks_next_if_no_slot_is_free() {
    let clock = ManualClock::new();
    let [full, free] = ["full", "free"].map(|name| breaker(name, &clock, 1));
    full.half_open();
    let hangs = full.acquire_owned().unwrap();
    full.open();
    clock.advance(SECOND);
    free.open();
    let answer = choose::failover([&full, &free])
        .when_all_open(AllOpen::LeastWait)
        .call(|_| Ok::<_, io::Error>(()))
        .unwrap();
    assert_eq!(answer.key.name(), "free", "the least wait has no slot");
    assert_eq!(answer.passed_over.len(), 1);
    drop(hangs);
}
