//! Who holds a breaker's state.

use fluxgate::{
    CircuitBreaker, Command, HeldState, Settings, State, StateHolder, keyed::CircuitBreakers,
    testing, tripper::FailureStreak,
};

fn state(text: &str) -> Settings {
    toml::from_str(&format!("[all]\n{text}")).unwrap()
}

fn held(breaker: &CircuitBreaker) -> Option<(State, StateHolder)> {
    let held = breaker.info().held;
    held.map(|HeldState { state, by, .. }| (state, by))
}

#[test]
fn highest_layer_that_holds_a_state_is_in_force() {
    let _world = testing::isolate();
    let breaker = CircuitBreaker::builder("held")
        .initial_state(State::MetricsOnly)
        .build()
        .unwrap();
    assert_eq!(
        held(&breaker),
        Some((State::MetricsOnly, StateHolder::Initial))
    );
    let _ = state("state = 'disabled'").apply().unwrap();
    assert_eq!(
        held(&breaker),
        Some((State::Disabled, StateHolder::Settings))
    );
    assert_eq!(breaker.state(), State::Disabled);
    breaker.force_open();
    assert_eq!(
        held(&breaker),
        Some((State::ForcedOpen, StateHolder::Local))
    );
    // What is below changes nothing.
    let _ = state("state = 'metrics_only'").apply().unwrap();
    assert_eq!(breaker.state(), State::ForcedOpen);
    breaker.reset();
    assert_eq!(
        held(&breaker),
        Some((State::MetricsOnly, StateHolder::Settings))
    );
    assert_eq!(breaker.state(), State::MetricsOnly);
    breaker.command(Command::Close);
    assert_eq!(held(&breaker), Some((State::Closed, StateHolder::Local)));
    assert_eq!(breaker.state(), State::Closed);
    let _ = Settings::default().apply().unwrap();
    assert_eq!(breaker.state(), State::Closed, "closed by hand");
    breaker.reset();
    assert_eq!(
        held(&breaker),
        Some((State::MetricsOnly, StateHolder::Initial))
    );
}

#[test]
fn breaker_that_opens_by_itself_is_held_by_none() {
    let _world = testing::isolate();
    let breaker = CircuitBreaker::builder("free")
        .tripper(FailureStreak::new(1))
        .build()
        .unwrap();
    breaker.acquire().unwrap().failure();
    assert_eq!((breaker.state(), held(&breaker)), (State::Open, None));
    // Settings that leave the circuit to itself leave it as it is.
    let _ = state("state = 'closed'").apply().unwrap();
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(held(&breaker), Some((State::Closed, StateHolder::Settings)));
    let _ = state("close_after = 2").apply().unwrap();
    assert_eq!((breaker.state(), held(&breaker)), (State::Open, None));
    let _ = state("state = 'forced_open'").apply().unwrap();
    assert_eq!(breaker.state(), State::ForcedOpen);
    let _ = Settings::default().apply().unwrap();
    assert_eq!((breaker.state(), held(&breaker)), (State::Closed, None));
}

#[test]
fn one_is_exempt_from_all() {
    let _world = testing::isolate();
    let text = "[all]\nstate = 'disabled'\n[breaker.one]\nstate = 'closed'";
    let settings: Settings = toml::from_str(text).unwrap();
    let _ = settings.apply().unwrap();
    let [one, other] = ["one", "other"].map(|name| CircuitBreaker::builder(name).build().unwrap());
    assert_eq!(
        (one.state(), other.state()),
        (State::Closed, State::Disabled)
    );
    let set = CircuitBreakers::<u8>::builder("keys").build().unwrap();
    assert_eq!(set.get(&1).state(), State::Disabled);
}

#[test]
fn transitions_say_that_settings_made_them() {
    let _world = testing::isolate();
    let breaker = CircuitBreaker::builder("told").build().unwrap();
    let _ = state("state = 'disabled'").apply().unwrap();
    let last = breaker.info().flight.transitions.pop().unwrap();
    assert_eq!(last.by.as_deref(), Some("settings [all]"));
}

#[test]
fn guards_hide_settings() {
    static FROZEN: fluxgate::StaticBreaker =
        fluxgate::StaticBreaker::new(|| CircuitBreaker::builder("settings::frozen"));
    // Of this breaker alone: the tests beside this one see the settings of the process, too.
    let text = "[breaker.\"settings::frozen\"]\nstate = 'disabled'\nclose_after = 7";
    let settings: Settings = toml::from_str(text).unwrap();
    let _ = settings.apply().unwrap();
    let look = || (FROZEN.state(), FROZEN.info().settings.close_after);
    assert_eq!(look(), (State::Disabled, 7));
    {
        let _time = testing::freeze();
        assert_eq!(look(), (State::Closed, 1));
    }
    assert_eq!(look(), (State::Disabled, 7));
    {
        let _world = testing::isolate();
        assert_eq!(look(), (State::Closed, 1));
    }
    assert_eq!(look(), (State::Disabled, 7));
    let _ = Settings::default().apply().unwrap();
    assert_eq!(look(), (State::Closed, 1));
}
