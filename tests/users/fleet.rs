//! Fleets as programs join them: the attribute, the handle, and commands.

use std::time::{Duration, Instant};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Command, State, breaker, circuit_breaker,
    fleet::{Fleet, FleetError, Member, MemoryStore, Quorum},
    retry::Never,
    tripper::{Custom, FailureStreak},
};

#[derive(Debug)]
struct Error;

impl From<CallNotPermitted> for Error {
    fn from(_: CallNotPermitted) -> Self {
        Self
    }
}

#[circuit_breaker(
    name = "fleet_attribute",
    tripper = FailureStreak(5),
    fleet(suspect = "FailureStreak(2)", probes = 3, lease = 5s),
    handle = charge_breaker
)]
fn charge() -> Result<(), Error> {
    Ok(())
}

breaker! {
    static ALONE = { name = "fleet_alone", fleet, retry = Backoff(10s) };
}

fn member(name: &'static str) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(name).fleet(Member::new());
    builder.build().expect("in range")
}

fn join(store: &MemoryStore, breaker: &CircuitBreaker) -> Fleet {
    let fleet = Fleet::builder("test/users").memory(store);
    let fleet = fleet.breakers([breaker.clone()]).join_blocking();
    fleet.expect("in range")
}

/// Waits for what happens on another thread.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn attribute_and_macro_make_members() {
    charge().expect("closed");
    for breaker in [charge_breaker(), &ALONE] {
        let fleet = breaker.info().fleet.expect("a member");
        assert!(!fleet.joined && !fleet.degraded && fleet.epoch.is_none());
    }
}

#[test]
fn command_holds_for_all_and_for_those_to_come() {
    let store = MemoryStore::new();
    let (here, there) = (member("fleet_commands"), member("fleet_commands"));
    let fleet = join(&store, &here);
    let _other = join(&store, &there);
    fleet
        .command("fleet_commands", Command::ForceOpen)
        .expect("it is stored");
    let forced = |breaker: &CircuitBreaker| breaker.state() == State::ForcedOpen;
    until("commanded", || forced(&here) && forced(&there));
    let later = member("fleet_commands");
    let _later = join(&store, &later);
    until("told", || forced(&later));
    let command = later.info().fleet.and_then(|fleet| fleet.command);
    assert_eq!(command, Some(Command::ForceOpen));
    fleet.withdraw("fleet_commands").expect("it is stored");
    let closed = |breaker: &CircuitBreaker| breaker.state() == State::Closed;
    until("withdrawn", || {
        closed(&here) && closed(&there) && closed(&later)
    });
}

#[test]
fn local_command_comes_before_the_fleets() {
    let store = MemoryStore::new();
    let breaker = member("fleet_local");
    let fleet = join(&store, &breaker);
    fleet
        .command("fleet_local", Command::Disable)
        .expect("it is stored");
    until("commanded", || breaker.state() == State::Disabled);
    breaker.metrics_only();
    fleet.withdraw("fleet_local").expect("it is stored");
    let command = || breaker.info().fleet.and_then(|fleet| fleet.command);
    until("withdrawn", || command().is_none());
    assert_eq!(breaker.state(), State::MetricsOnly);
}

#[test]
fn command_that_can_not_hold_is_refused() {
    let breaker = member("fleet_refused");
    let fleet = join(&MemoryStore::new(), &breaker);
    for (name, command, word) in [
        ("fleet_refused", Command::Open, "`open` can't be commanded"),
        ("fleet_refused", Command::HalfOpen, "`half_open` can't be"),
        ("unknown", Command::Reset, "no circuit breaker \"unknown\""),
    ] {
        let error = fleet.command(name, command).expect_err("it can't hold");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn everything_that_is_wrong_is_told() {
    let error: FleetError = Fleet::builder("prod")
        .zone("")
        .quorum(Quorum::share(2.0).at_least(1))
        .join_blocking()
        .expect_err("out of range");
    assert_eq!(error.faults().len(), 5, "{error}");

    let build = |builder: fluxgate::Builder| builder.build().expect_err("out of range");
    let builder = || CircuitBreaker::builder("fleet_wrong");
    let never = Custom::new(|_: &fluxgate::tripper::Context<'_>| false);
    let wrong = Member::new().suspect(never).probes(0).lease(Duration::ZERO);
    assert_eq!(build(builder().fleet(wrong)).faults().count(), 3);
    let endless = build(builder().retry(Never).fleet(Member::new()));
    assert!(
        endless
            .to_string()
            .contains("needs a retry policy that waits")
    );
    let zero = Member::new().suspect(FailureStreak::new(0));
    assert_eq!(build(builder().fleet(zero)).faults().count(), 1);
}

#[test]
fn breaker_is_in_one_fleet_at_a_time() {
    let breaker = member("fleet_twice");
    let joined = || breaker.info().fleet.is_some_and(|fleet| fleet.joined);
    let first = join(&MemoryStore::new(), &breaker);
    until("joined", joined);
    let second = join(&MemoryStore::new(), &breaker);
    let error = second.command("fleet_twice", Command::Disable);
    assert!(error.is_err(), "it is in the first");
    first.leave();
    until("left", || !joined());
    let _third = join(&MemoryStore::new(), &breaker);
    until("joined", joined);
}
