//! The breakers of the process, by name.

use fluxgate::{CircuitBreaker, Command, State, registry};

use crate::{eventually, reports};

fn build(name: &'static str) -> CircuitBreaker {
    CircuitBreaker::builder(name).build().unwrap()
}

#[test]
fn registered_from_build_until_drop() {
    assert!(registry::find("passing").is_none());
    let breaker = build("passing");
    let clone = breaker.clone();
    drop(breaker);
    assert_eq!(registry::find("passing").unwrap().name(), "passing");
    drop(clone);
    eventually(|| registry::find("passing").is_none());
    assert!(
        registry::all()
            .iter()
            .all(|breaker| breaker.name() != "passing")
    );
}

#[test]
fn snapshots_are_in_the_order_of_building() {
    let _breakers = ["ordered_c", "ordered_a", "ordered_b"].map(build);
    let names = registry::snapshot().into_iter().map(|info| info.name);
    let names: Vec<_> = names.filter(|name| name.starts_with("ordered_")).collect();
    assert_eq!(names, ["ordered_c", "ordered_a", "ordered_b"]);
}

#[test]
fn commands_reach_every_breaker_of_a_name() {
    let breakers = ["commanded", "commanded"].map(build);
    for command in Command::ALL {
        assert_eq!(registry::command("commanded", command), 2);
        for breaker in &breakers {
            assert_eq!(breaker.state(), command.state());
        }
    }
    assert_eq!(registry::command("never_built", Command::Reset), 0);
}

#[test]
fn commands_are_named_like_the_methods() {
    for command in Command::ALL {
        assert_eq!(command.to_string().parse(), Ok(command));
    }
    let error = "shut".parse::<Command>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a command: expected one of reset, disable, metrics_only, force_open, open, \
         half_open, close, or the state that one leads to: closed, disabled, forced_open"
    );
}

#[test]
fn second_of_a_name_is_reported_and_works() {
    let (reports, first) = reports::of(|| build("twice"));
    assert!(reports.is_empty(), "{reports:?}");
    let (reports, second) = reports::of(|| build("twice"));
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].starts_with("two circuit breakers are named 'twice'"),
        "{reports:?}"
    );
    // Once is enough.
    let (reports, _third) = reports::of(|| build("twice"));
    assert!(reports.is_empty(), "{reports:?}");

    second.force_open();
    assert_eq!(first.state(), State::Closed);
    let found = registry::find("twice").unwrap();
    assert_eq!(found.state(), State::Closed, "the first one");
}

#[test]
fn health_names_the_circuits_that_reject() {
    let _mine = fluxgate::testing::isolate();
    let build = |name: &'static str| CircuitBreaker::builder(name).build().unwrap();
    let breakers = ["charlie", "alpha", "bravo", "delta"].map(build);
    let json = |health| serde_json::to_value::<registry::Health>(health).unwrap();
    let ok = serde_json::json!({"status": "ok", "open": []});
    assert_eq!(json(registry::health()), ok);
    breakers[0].force_open();
    breakers[1].open();
    breakers[2].half_open();
    breakers[3].metrics_only();
    let health = registry::health();
    assert!(!health.is_ok());
    assert_eq!(
        health.open,
        ["alpha", "bravo", "charlie"].map(fluxgate::Name::from)
    );
    for breaker in &breakers {
        breaker.disable();
    }
    assert_eq!(json(registry::health()), ok);
}
