//! `testing::isolate`: a test with breakers of its own.

use std::{
    cell::Cell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Command, Signal, State, circuit_breaker,
    clock::{ManualClock, TokioClock},
    keyed::CircuitBreakers,
    registry, testing,
    tripper::FailureStreak,
};

#[circuit_breaker(tripper = FailureStreak(1), retry = Cooldown(60s), permit = All, handle = price_breaker)]
fn price(up: bool) -> io::Result<u32> {
    if up {
        Ok(42)
    } else {
        Err(io::Error::other("down"))
    }
}

#[circuit_breaker(tripper = FailureStreak(1), permit = All)]
async fn price_async(up: bool) -> io::Result<u32> {
    tokio::task::yield_now().await;
    price(up)
}

#[circuit_breaker(key = host, tripper = FailureStreak(1), permit = All, handle = hosts)]
fn get(host: &str, up: bool) -> io::Result<usize> {
    if up {
        Ok(host.len())
    } else {
        Err(io::Error::other("down"))
    }
}

fluxgate::breaker! {
    /// Shared by name.
    static SHARED = { name = "isolation::shared", tripper = FailureStreak(1) };
}

/// Many at once: each is sure of what it sees.
#[test]
fn parallel_tests_see_only_their_own_breakers() {
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|seconds| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                let time = testing::isolate();
                assert_eq!(price_breaker().state(), State::Closed);
                barrier.wait();
                assert!(price(false).is_err());
                assert!(get("parallel", false).is_err());
                assert_eq!(hosts().len(), 1);
                barrier.wait();
                time.advance(Duration::from_secs(seconds));
                let left = Duration::from_secs(60 - seconds);
                assert_eq!(price_breaker().info().retry_after, Some(left));
                assert_eq!(registry::command("isolation::shared", Command::Disable), 1);
                assert_eq!(SHARED.state(), State::Disabled);
                time.advance(left);
                assert!(price(true).is_ok() && get("parallel", true).is_ok());
                assert_eq!(price_breaker().state(), State::Closed);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let time = testing::freeze();
    assert_eq!(price_breaker().info().metrics.total_count, 0);
    assert!(hosts().find("parallel").is_none());
    assert_eq!(SHARED.state(), State::Closed);
    drop(time);
}

/// What the guide promises of breakers built by hand.
#[test]
fn freeze_leaves_breakers_with_own_clocks_alone() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("isolation::own_clock")
        .tripper(FailureStreak::new(2))
        .clock(clock.clone())
        .build()
        .unwrap();
    let keyed = CircuitBreakers::<u8>::builder("isolation::own_clock_keyed")
        .settings(move |builder| builder.clock(clock.clone()))
        .build()
        .unwrap();
    keyed.command_all(Command::ForceOpen);
    breaker.acquire().unwrap().failure();
    let time = testing::freeze();
    time.reset_all();
    breaker.acquire().unwrap().failure();
    assert_eq!(breaker.state(), State::Open, "the second failure in a row");
    assert_eq!(keyed.get(&1).state(), State::ForcedOpen);
    time.seed(1);
    drop(time);
    assert_eq!((breaker.state(), breaker.info().failed), (State::Open, 2));
    assert_eq!(keyed.get(&2).state(), State::ForcedOpen, "still commanded");
}

#[tokio::test]
async fn tasks_of_this_threads_runtime_are_isolated() {
    let _own = testing::isolate();
    assert!(tokio::spawn(price_async(false)).await.unwrap().is_err());
    assert_eq!(price_breaker().state(), State::Open);
    let elsewhere = tokio::task::spawn_blocking(|| price_breaker().info().failure_streak);
    assert_eq!(elsewhere.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn isolated_breakers_follow_tokios_time() {
    let own = testing::isolate_with(TokioClock::new());
    assert!(price_async(false).await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(price_async(true).await.is_ok());
    assert!(price_async(false).await.is_err());
    own.reset_all();
    assert_eq!(price_breaker().state(), State::Closed);
}

#[test]
fn names_and_handles_equal_in_every_isolation() {
    let shared = price_breaker();
    for _ in 0..3 {
        let own = testing::isolate();
        assert!(!std::ptr::eq(shared, price_breaker()));
        assert!(std::ptr::eq(price_breaker(), price_breaker()));
        assert_eq!(shared.name(), price_breaker().name());
        let built = CircuitBreaker::builder("isolation::by_hand")
            .build()
            .unwrap();
        assert!(registry::find("isolation::by_hand").is_some());
        drop(own);
        assert!(registry::find("isolation::by_hand").is_none());
        drop(built);
        assert!(std::ptr::eq(shared, price_breaker()));
    }
}

#[test]
fn guards_forget_what_all_keys_were_commanded() {
    let states = || [hosts().get("a").state(), hosts().get("new").state()];
    let time = testing::freeze();
    hosts().command_all(Command::ForceOpen);
    assert_eq!(states(), [State::ForcedOpen; 2]);
    time.reset_all();
    hosts().remove("new");
    assert_eq!(states(), [State::Closed; 2]);
    hosts().command_all(Command::Disable);
    drop(time);
    let _time = testing::freeze();
    hosts().remove("new");
    assert_eq!(states(), [State::Closed; 2]);
}

#[test]
fn isolated_random_numbers_repeat() {
    fluxgate::breaker! {
        static DRAWS = {
            name = "isolation::draws",
            tripper = FailureStreak(1),
            retry = Cooldown(60s, jitter_ratio = 0.5),
        };
    }
    let drawn = |seed: Option<u64>| {
        let own = testing::isolate();
        assert_eq!(DRAWS.state(), State::Closed);
        if let Some(seed) = seed {
            own.seed(seed);
        }
        DRAWS
            .call(|| Err::<(), _>(io::Error::other("down")))
            .unwrap_err();
        DRAWS.info().retry_after.unwrap()
    };
    assert_eq!(drawn(None), drawn(None));
    assert_eq!(drawn(Some(7)), drawn(Some(7)));
    assert_ne!(drawn(None), drawn(Some(7)));
}

#[test]
fn panicking_test_ends_its_isolation() {
    let panicked = catch_unwind(|| {
        let _own = testing::isolate();
        price_breaker().force_open();
        panic!("a failed assertion");
    });
    assert!(panicked.is_err());
    assert!(price_breaker().info().changed_at > std::time::UNIX_EPOCH);
    let _own = testing::isolate();
    assert_eq!(price_breaker().state(), State::Closed);
}

#[test]
fn second_guard_on_a_thread_panics_with_the_cure() {
    let held: [fn() -> Box<dyn std::any::Any>; 2] = [
        || Box::new(testing::freeze()),
        || Box::new(testing::isolate()),
    ];
    let names = ["a `Frozen`", "an `Isolated`"];
    for (first, name) in held.iter().zip(names) {
        let guard = first();
        for second in held {
            let panic = catch_unwind(AssertUnwindSafe(second)).unwrap_err();
            let said = panic.downcast_ref::<String>().unwrap();
            assert!(
                said.contains(name) && said.contains("`reset_all`"),
                "{said}"
            );
        }
        drop(guard);
    }
    drop(testing::freeze());
    drop(testing::isolate());
}

#[test]
fn shared_breakers_built_before_stay_as_they_are() {
    thread_local! {
        static TOLD: Cell<u32> = const { Cell::new(0) };
    }
    fluxgate::breaker! {
        static TOLD_OF = {
            name = "isolation::told",
            listeners = [|_: &Signal| TOLD.set(TOLD.get() + 1)],
        };
    }
    let own = testing::isolate();
    TOLD_OF.force_open();
    own.reset_all();
    assert_eq!(TOLD.get(), 2);
    drop(own);
    assert_eq!(TOLD.get(), 2);
}
