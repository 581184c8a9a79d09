//! One breaker per key.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Command, Signal, State,
    clock::ManualClock,
    keyed::{CircuitBreakers, CircuitBreakersBuilder, StaticBreakers},
    registry, testing,
    tripper::FailureStreak,
};

fn hosts(name: &'static str) -> CircuitBreakersBuilder<String> {
    // On a clock of its own, which a test that freezes the time leaves alone.
    CircuitBreakers::builder(name).settings(|breaker| {
        breaker
            .tripper(FailureStreak::new(1))
            .clock(ManualClock::new())
    })
}

fn built(builder: CircuitBreakersBuilder<String>) -> CircuitBreakers<String> {
    builder.build().expect("valid settings")
}

fn fail(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
}

#[test]
fn failing_key_does_not_affect_the_others() {
    let hosts = built(hosts("doors"));
    fail(&hosts.get("a"));
    assert_eq!(hosts.get("a").state(), State::Open);
    assert_eq!(hosts.get("b").state(), State::Closed);
    assert_eq!((hosts.len(), hosts.clone().len()), (2, 2));

    assert!(hosts.find("c").is_none());
    let removed = hosts.remove("a").expect("it is there");
    assert_eq!(removed.state(), State::Open);
    assert_eq!(hosts.get("a").state(), State::Closed);
}

#[test]
fn the_open_stay_and_the_idle_go() {
    let hosts = built(hosts("room").max_keys(8));
    fail(&hosts.get("open"));
    hosts.get("forced").force_open();
    hosts.get("measured").metrics_only();
    let held = hosts.get("held");
    for key in 0..1000 {
        hosts.get(&key.to_string());
        assert!(hosts.len() <= 8);
    }
    assert_eq!(
        hosts.find("open").map(|breaker| breaker.state()),
        Some(State::Open)
    );
    assert!(hosts.find("forced").is_some());
    assert!(hosts.find("measured").is_some());
    assert!(hosts.find("held").is_some());
    assert_eq!(hosts.overflow().info().metrics.total_count, 0);
    drop(held);
}

#[test]
fn those_asked_for_stay_longer_than_the_idle() {
    let hosts = built(hosts("idle").max_keys(32));
    for key in 0..32 {
        hosts.get(&key.to_string());
    }
    // The first time that room is made no key is idle yet; then only "busy" is
    // asked for between one time and the next.
    for key in 100..199 {
        assert_eq!(hosts.get("busy").info().metrics.total_count, key - 100);
        let _ = hosts.get("busy").call(|| Ok::<_, io::Error>(()));
        hosts.get(&key.to_string());
    }
}

#[test]
fn without_room_keys_share_one_breaker() {
    let hosts = built(hosts("crowd").max_keys(2));
    fail(&hosts.get("a"));
    fail(&hosts.get("b"));
    let shared = hosts.get("c");
    assert_eq!(*shared.name(), *"crowd/*");
    fail(&shared);
    assert_eq!(hosts.get("d").state(), State::Open);
    assert_eq!(hosts.overflow().state(), State::Open);
    assert_eq!(hosts.len(), 2);

    hosts.get("a").reset();
    assert_eq!(hosts.get("d").state(), State::Closed, "there is room now");
}

#[test]
fn names_are_bounded() {
    let hosts = built(hosts("labels").max_labels(2).max_keys(4));
    assert_eq!(hosts.get("a").name(), "labels/a");
    let long = "x".repeat(200);
    let start = format!("labels/{}…", "x".repeat(100));
    assert!(hosts.get(&long).name().starts_with(&start));
    assert_eq!(hosts.get("c").name(), "labels/*");
    // A name is for ever: it comes back with its key.
    for key in 0..100 {
        hosts.get(&key.to_string());
    }
    assert_eq!(hosts.get("a").name(), "labels/a");
    assert_eq!(hosts.get("7").name(), "labels/*");

    assert!(registry::find("labels/a").is_some());
    let names = registry::all()
        .into_iter()
        .map(|breaker| breaker.name().to_string());
    let listed = names.filter(|name| name.starts_with("labels/")).count();
    assert!(listed <= 3, "{listed} in the registry");
}

#[test]
fn commands_for_all_hold_for_later_breakers() {
    let hosts = built(hosts("for_all").max_keys(2));
    hosts.get("a");
    hosts.command_all(Command::ForceOpen);
    for key in ["a", "b", "c"] {
        assert!(hosts.get(key).acquire().is_err(), "{key}");
    }
    assert_eq!(hosts.overflow().state(), State::ForcedOpen);
    hosts.command_all(Command::Reset);
    for key in ["a", "b", "c"] {
        assert!(hosts.get(key).acquire().is_ok(), "{key}");
    }
    hosts.get("a").command(Command::Disable);
    assert_eq!(hosts.get("a").state(), State::Disabled);
    let states: HashSet<State> = hosts
        .all()
        .iter()
        .map(|(_, breaker)| breaker.state())
        .collect();
    assert!(states.contains(&State::Disabled));
}

#[test]
fn settings_are_checked_when_the_set_is_built() {
    let error = hosts("wrong")
        .max_keys(0)
        .build()
        .expect_err("no room at all");
    let text = error.to_string();
    assert!(
        text.contains("max_keys must be at least 1, but is 0"),
        "{text}"
    );
    let error = CircuitBreakers::<u64>::builder("wrong")
        .settings(|breaker| breaker.tripper(FailureStreak::new(0)))
        .build()
        .expect_err("out of range");
    assert!(error.to_string().contains("FailureStreak"), "{error}");
}

#[test]
fn a_static_stands_in_for_what_is_refused() {
    static NO_ROOM: StaticBreakers<u64> =
        StaticBreakers::new(|| CircuitBreakers::builder("no room").max_keys(0));
    for key in 0..100 {
        assert!(NO_ROOM.get(&key).acquire().is_ok());
    }
    assert_eq!(NO_ROOM.len(), 100);
    assert!(registry::find("no room/*").is_some());
    assert!(registry::find("no room/7").is_some());
}

#[test]
fn set_shares_listeners_that_may_be_missing() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let board = Arc::clone(&told);
    let hosts = built(
        hosts("shared listener")
            .listener(move |signal: &Signal| board.lock().unwrap().push(signal.name.to_string()))
            .try_listener("pager", Err::<fn(&Signal), _>("no number")),
    );
    for key in ["a", "b"] {
        fail(&hosts.get(key));
        let missing = &hosts.get(key).info().missing_listeners[0];
        assert_eq!((&*missing.name, &*missing.reason), ("pager", "no number"));
    }
    assert_eq!(
        *told.lock().unwrap(),
        ["shared listener/a", "shared listener/b"]
    );
}

#[test]
fn keys_may_be_numbers_and_settings_shared() {
    let clock = ManualClock::new();
    let shared = clock.clone();
    let shards = CircuitBreakers::<u64>::builder("shards")
        .settings(move |breaker| {
            breaker
                .tripper(FailureStreak::new(1))
                .permit(fluxgate::permit::All)
                .clock(shared.clone())
        })
        .build()
        .expect("valid settings");
    fail(&shards.get(&7));
    clock.advance(Duration::from_secs(60));
    assert!(shards.get(&7).call(|| Ok::<_, io::Error>(())).is_ok());
    assert_eq!(shards.get(&7).state(), State::Closed);
}

#[test]
fn frozen_time_makes_them_all_as_new() {
    let hosts = CircuitBreakers::<String>::builder("frozen")
        .settings(|breaker| breaker.tripper(FailureStreak::new(1)))
        .max_labels(1);
    let hosts = built(hosts);
    let time = testing::freeze();
    for key in ["a", "b"] {
        fail(&hosts.get(key));
        assert_eq!(hosts.get(key).state(), State::Open);
    }
    time.reset_all();
    for key in ["a", "b"] {
        assert_eq!(hosts.get(key).state(), State::Closed);
    }
}

#[test]
fn threads_get_the_same_breaker_for_a_key() {
    let hosts = built(hosts("threads").max_keys(64));
    let failed = |key: usize| key.is_multiple_of(8);
    thread::scope(|scope| {
        for _ in 0..4 {
            let hosts = &hosts;
            scope.spawn(move || {
                for round in 0..2000_usize {
                    let key = round % 48;
                    let breaker = hosts.get(&key.to_string());
                    if failed(key) {
                        fail(&breaker);
                    }
                    assert!(hosts.len() <= 64);
                }
            });
        }
    });
    assert_eq!(hosts.len(), 48);
    for key in 0..48 {
        let state = if failed(key) {
            State::Open
        } else {
            State::Closed
        };
        assert_eq!(hosts.get(&key.to_string()).state(), state, "{key}");
    }
}
