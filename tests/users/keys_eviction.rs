//! Which keys make room for others, and which never do.

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use fluxgate::{
    CircuitBreaker, Command, State, circuit_breaker,
    clock::ManualClock,
    keyed::{CircuitBreakers, CircuitBreakersBuilder},
    listener::{PrometheusListener, SlackListener},
    registry,
    retry::Cooldown,
    testing,
    tripper::FailureStreak,
    window::TimeWindow,
};
use proptest::prelude::*;

const WAIT: Duration = Duration::from_secs(60);
const FORGOTTEN: Duration = Duration::from_secs(300);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn set(name: &'static str, failures: u64, clock: &ManualClock) -> CircuitBreakersBuilder<String> {
    let clock = clock.clone();
    CircuitBreakers::builder(name).settings(move |breaker| {
        breaker
            .tripper(FailureStreak::new(failures))
            .retry(Cooldown::new(WAIT))
            .permit(fluxgate::permit::All)
            .clock(clock.clone())
    })
}

fn built(builder: CircuitBreakersBuilder<String>) -> CircuitBreakers<String> {
    builder.build().expect("valid settings")
}

fn fail(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
}

fn succeed(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Ok::<_, io::Error>(()));
}

/// Many new keys, each called once.
fn crowd(set: &CircuitBreakers<String>, from: usize, keys: usize) {
    for key in from..from + keys {
        succeed(&set.get(&*format!("crowd-{key}")));
    }
}

#[circuit_breaker(key = tenant, handle = quotes)]
fn quote(tenant: &str) -> io::Result<usize> {
    Ok(tenant.len())
}

#[test]
fn keys_from_outside_are_taken_without_end() {
    // A test beside this one that freezes the time holds every shared breaker for a moment.
    let _own = testing::isolate();
    for key in 0..45_000 {
        assert!(quote(&format!("outside-{key}")).is_ok());
        assert!(quote(["hot-0", "hot-1", "hot-2"][key % 3]).is_ok());
    }
    let stats = quotes().stats();
    assert_eq!((stats.keys, stats.without_room), (10_000, 0));
    assert_eq!(stats.evicted, 45_003 - 10_000);
    for hot in ["hot-0", "hot-1", "hot-2"] {
        let breaker = quotes().find(hot).expect("asked for all the time");
        assert_eq!(breaker.info().metrics.total_count, 100);
    }
}

#[test]
fn failing_key_opens_at_nth_failure() {
    let clock = ManualClock::new();
    let set = built(set("nth failure", 5, &clock).max_keys(100));
    for failure in 1..=5_usize {
        fail(&set.get("failing"));
        let streak = set.get("failing").info().failure_streak;
        assert_eq!(streak, failure as u64);
        crowd(&set, failure * 1000, 1000);
        if failure < 5 {
            // Much later, too, as long as others can go.
            clock.advance(WEEK);
            crowd(&set, failure * 10_000, 1000);
        }
    }
    assert!(set.stats().evicted > 8000);
    assert_eq!(set.find("failing").map(|it| it.state()), Some(State::Open));
}

#[test]
fn open_circuits_stay_within_their_wait() {
    let clock = ManualClock::new();
    let set = built(set("waiting", 1, &clock).max_keys(50));
    for key in 0..50 {
        fail(&set.get(&*key.to_string()));
    }
    clock.advance(WAIT);
    crowd(&set, 0, 100);
    assert!((0..50).all(|key| set.find(&*key.to_string()).is_some()));
    assert_eq!(set.stats().without_room, 100);
    assert_eq!(set.overflow().info().metrics.total_count, 100);
}

#[test]
fn dead_hosts_make_room_for_the_living() {
    for keys in [1, 7, 300] {
        let clock = ManualClock::new();
        let set = built(set("dead", 1, &clock).max_keys(keys));
        for key in 0..keys {
            fail(&set.get(&*format!("dead-{key}")));
        }
        clock.advance(WEEK);
        for key in 0..keys {
            let living = set.get(&*format!("living-{key}"));
            succeed(&living);
            assert_eq!(living.info().metrics.total_count, 1, "{key} of {keys}");
        }
        // The dead went, not the living.
        let stats = set.stats();
        assert_eq!((stats.evicted, stats.without_room), (keys as u64, 0));
        for key in 0..keys {
            assert!(
                set.find(&*format!("living-{key}")).is_some(),
                "{key} of {keys}"
            );
        }
    }
}

#[test]
fn forgotten_failures_make_room_last() {
    let clock = ManualClock::new();
    let set = built(set("forgotten", 5, &clock).max_keys(20));
    for key in 0..20 {
        fail(&set.get(&*key.to_string()));
    }
    crowd(&set, 0, 10);
    assert_eq!(set.stats().without_room, 10);
    clock.advance(FORGOTTEN / 2);
    fail(&set.get("7"));
    crowd(&set, 0, 10);
    clock.advance(FORGOTTEN / 2);
    crowd(&set, 0, 30);
    assert_eq!(set.find("7").map(|it| it.info().failure_streak), Some(2));
    assert_eq!(set.stats().without_room, 20);
}

#[test]
fn failures_that_left_the_window_are_none() {
    let clock = ManualClock::new();
    let shared = clock.clone();
    let set = CircuitBreakers::<u32>::builder("window")
        .settings(move |breaker| {
            breaker
                .window(TimeWindow::new(Duration::from_secs(10)))
                .clock(shared.clone())
        })
        .max_keys(1)
        .build()
        .expect("valid settings");
    fail(&set.get(&1));
    succeed(&set.get(&1));
    succeed(&set.get(&2));
    assert!(set.find(&2).is_none() && set.find(&1).is_some());
    clock.advance(Duration::from_secs(20));
    succeed(&set.get(&2));
    assert!(set.find(&2).is_some() && set.find(&1).is_none());
}

#[test]
fn commanded_keys_stay_and_commanded_sets_move() {
    let clock = ManualClock::new();
    let set = built(set("commanded", 1, &clock).max_keys(3));
    set.get("forced").force_open();
    set.command_all(Command::MetricsOnly);
    set.get("reset").reset();
    clock.advance(WEEK);
    crowd(&set, 0, 100);
    assert_eq!(set.find("reset").map(|it| it.state()), Some(State::Closed));
    assert_eq!(set.get("new").state(), State::MetricsOnly);
    assert_eq!(set.stats().without_room, 0);
    set.command_all(Command::Reset);
    crowd(&set, 0, 100);
    assert_eq!(set.get("reset").state(), State::Closed);
    assert_eq!(set.stats().without_room, 0);
}

#[test]
fn hot_keys_stay_in_a_crowd() {
    let clock = ManualClock::new();
    let set = built(set("hot", 1, &clock).max_keys(500));
    let hot: Vec<String> = (0..200).map(|key| format!("hot-{key}")).collect();
    for round in 0..60 {
        for key in &hot {
            succeed(&set.get(key.as_str()));
        }
        crowd(&set, round * 100, 100);
    }
    for key in &hot {
        let calls = set
            .find(key.as_str())
            .map(|it| it.info().metrics.total_count);
        assert_eq!(calls, Some(60), "{key}");
    }
}

#[test]
fn held_breakers_are_never_replaced() {
    let clock = ManualClock::new();
    let set = built(set("held", 2, &clock).max_keys(16));
    thread::scope(|scope| {
        for thread in 0..5 {
            let set = &set;
            scope.spawn(move || {
                for round in 0..400 {
                    let key = format!("{thread}-{round}");
                    let held = set.get(&*key);
                    if set.find(&*key).is_none() {
                        continue; // There was no room.
                    }
                    fail(&held);
                    crowd(set, round * 10, 2);
                    fail(&set.get(&*key));
                    assert_eq!(held.state(), State::Open, "another one was made");
                    crowd(set, round * 10, 2);
                    assert_eq!(set.find(&*key).map(|it| it.state()), Some(State::Open));
                    set.remove(&*key);
                }
            });
        }
    });
    assert!(set.len() <= 16);
}

/// A listener may read the breaker when it is dropped, which takes its lock.
#[test]
fn evicted_breaker_can_still_be_read() {
    let prometheus = prometheus::Registry::new();
    let clock = ManualClock::new();
    let set = built(
        set("read last", 1, &clock)
            .max_keys(4)
            .listener(PrometheusListener::with_registry(prometheus.clone())),
    );
    crowd(&set, 0, 20);
    assert_eq!(set.stats().evicted, 16);
    assert!(!prometheus.gather().is_empty());
}

#[test]
fn whoever_asks_for_all_gets_an_end() {
    let prometheus = prometheus::Registry::new();
    let slack = SlackListener::builder()
        .channel("C1")
        .token("xoxb-none")
        .url("http://127.0.0.1:9")
        .build()
        .expect("valid settings");
    let clock = ManualClock::new();
    let set = built(
        set("iterated", 1, &clock)
            .max_keys(64)
            .listener(PrometheusListener::with_registry(prometheus.clone()))
            .listener(slack),
    );
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let (set, stop) = (&set, &stop);
            scope.spawn(move || {
                for key in 0.. {
                    fail(&set.get(&*format!("{thread}-{}", key % 500)));
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for round in 0..30 {
            assert!(set.all().len() <= 64);
            set.command_all([Command::MetricsOnly, Command::Reset][round % 2]);
            let _ = registry::snapshot();
            assert!(!prometheus.gather().is_empty());
        }
        stop.store(true, Ordering::Relaxed);
    });
    for (_, breaker) in set.all() {
        breaker.reset();
    }
}

#[test]
fn last_of_two_commands_holds_for_all() {
    let clock = ManualClock::new();
    let set = built(set("commands", 1, &clock).max_keys(32));
    for round in 0..20 {
        thread::scope(|scope| {
            for command in [Command::Disable, Command::ForceOpen] {
                let set = &set;
                scope.spawn(move || set.command_all(command));
            }
            crowd(&set, round * 8, 8);
        });
        let expected = set.overflow().state();
        for (key, breaker) in set.all() {
            assert_eq!(breaker.state(), expected, "{key}");
        }
    }
}

/// What happens to a set of four keys' room.
#[derive(Clone, Debug)]
enum Step {
    Fail(u8),
    Succeed(u8),
    Hold(u8),
    Release(u8),
    Command(u8, Command),
    Remove(u8),
    Advance(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..8_u8;
    let step = prop_oneof![
        4 => key.clone().prop_map(Step::Fail),
        4 => key.clone().prop_map(Step::Succeed),
        1 => key.clone().prop_map(Step::Hold),
        2 => key.clone().prop_map(Step::Release),
        1 => (key.clone(), prop::sample::select(&Command::ALL[..]))
            .prop_map(|(key, command)| Step::Command(key, command)),
        1 => key.prop_map(Step::Remove),
        2 => (0..200_u16).prop_map(Step::Advance),
    ];
    prop::collection::vec(step, 1..120)
}

/// What the set must know of a key.
#[derive(Debug)]
struct Known {
    streak: u64,
    failures: u64,
    state: State,
    /// When it was last asked for, and when it opened.
    asked: Duration,
    opened: Duration,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happens, a key that failed, is open within twice its wait, is held
    /// or commanded is there with what it knows; and where a key of four has none
    /// of these, there is room for a new one.
    #[test]
    fn what_holds_something_stays(steps in steps()) {
        let clock = ManualClock::new();
        let set = built(set("model", 3, &clock).max_keys(4));
        let mut now = Duration::ZERO;
        let mut model: BTreeMap<u8, Known> = BTreeMap::new();
        let mut held: BTreeMap<u8, CircuitBreaker> = BTreeMap::new();
        for step in steps {
            // A breaker of its own, or none.
            let own = |key: u8| {
                let breaker = set.get(&*key.to_string());
                set.find(&*key.to_string()).map(|_| breaker)
            };
            match step {
                Step::Advance(seconds) => {
                    let by = Duration::from_secs(seconds.into());
                    clock.advance(by);
                    now += by;
                }
                Step::Remove(key) => {
                    set.remove(&*key.to_string());
                    model.remove(&key);
                    held.remove(&key);
                }
                Step::Release(key) => drop(held.remove(&key)),
                Step::Fail(key) | Step::Succeed(key) | Step::Hold(key) | Step::Command(key, _) => {
                    let room = set.len() < 4 || model.len() < 4 || model.iter().any(|(key, known)| {
                        known.failures == 0 && known.state == State::Closed && !held.contains_key(key)
                    });
                    let is_known = model.contains_key(&key);
                    let Some(breaker) = own(key) else {
                        prop_assert!(!room && !is_known, "no room for {key}: {model:?}");
                        continue;
                    };
                    match step {
                        Step::Fail(_) => fail(&breaker),
                        Step::Succeed(_) => succeed(&breaker),
                        Step::Command(_, command) => breaker.command(command),
                        Step::Hold(_) => drop(held.insert(key, breaker.clone())),
                        _ => {}
                    }
                    let info = breaker.info();
                    let before = model.get(&key);
                    let opened = match before {
                        Some(known) if known.state == info.state => known.opened,
                        _ => now,
                    };
                    if let (Step::Fail(_), Some(State::Closed)) = (&step, before.map(|it| it.state)) {
                        let streak = before.map_or(0, |known| known.streak);
                        let expected = if streak == 2 { State::Open } else { State::Closed };
                        prop_assert_eq!(info.state, expected, "{}", key);
                    }
                    let known = Known {
                        streak: info.failure_streak,
                        failures: info.metrics.failure_count,
                        state: info.state,
                        asked: now,
                        opened,
                    };
                    model.insert(key, known);
                }
            }
            prop_assert!(set.len() <= 4);
            let in_set: BTreeMap<String, CircuitBreaker> = set.all().into_iter().collect();
            model.retain(|key, known| {
                in_set.contains_key(&key.to_string()) || {
                    let may_go = !held.contains_key(key) && match known.state {
                        State::Closed => known.failures == 0 || now.checked_sub(known.asked).unwrap() >= FORGOTTEN,
                        State::Open => now.checked_sub(known.opened).unwrap() >= 2 * WAIT,
                        State::HalfOpen => now.checked_sub(known.opened).unwrap() >= FORGOTTEN,
                        _ => false,
                    };
                    assert!(may_go, "{key} is gone: {known:?}");
                    false
                }
            });
            for (key, known) in &model {
                let info = in_set[&key.to_string()].info();
                prop_assert_eq!(info.state, known.state, "{}", key);
                prop_assert_eq!(info.failure_streak, known.streak, "{}", key);
                prop_assert_eq!(info.metrics.failure_count, known.failures, "{}", key);
            }
            for (key, breaker) in &held {
                let same = in_set.get(&key.to_string()).map(fluxgate::CircuitBreaker::info);
                prop_assert_eq!(same, Some(breaker.info()), "{}", key);
            }
        }
    }
}
