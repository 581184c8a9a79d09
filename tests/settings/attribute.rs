//! Settings of annotated functions, and of breakers in statics.

use std::io;

use fluxgate::{Settings, State, circuit_breaker, testing};

#[circuit_breaker(name = "attribute::open_to_settings", handle = open_breaker)]
fn open_to_settings() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(name = "attribute::fixed", settings = fixed, handle = fixed_breaker)]
fn fixed() -> io::Result<u8> {
    Ok(1)
}

fluxgate::breaker! {
    static SHARED = { name = "attribute::shared", settings = "fixed" };
    static KEYS = { name = "attribute::keys", key_type = u32, settings = fixed };
}

#[circuit_breaker(breaker = SHARED)]
fn shared() -> io::Result<u8> {
    Ok(1)
}

#[circuit_breaker(breaker = KEYS, key = key)]
fn by_key(key: u32) -> io::Result<u32> {
    Ok(key)
}

#[test]
fn attribute_takes_or_refuses_settings() {
    let _world = testing::isolate();
    let text = "[all]\nclose_after = 3\nstate = 'metrics_only'";
    let settings: Settings = toml::from_str(text).unwrap();
    let _ = settings.apply().unwrap();
    assert_eq!((open_to_settings().unwrap(), fixed().unwrap()), (1, 1));
    assert_eq!((shared().unwrap(), by_key(7).unwrap()), (1, 7));
    let look = |breaker: &fluxgate::CircuitBreaker| {
        let info = breaker.info();
        (info.settings.close_after, info.state)
    };
    assert_eq!(look(open_breaker()), (3, State::MetricsOnly));
    assert_eq!(look(fixed_breaker()), (1, State::Closed));
    assert_eq!(look(&SHARED), (1, State::Closed));
    assert_eq!(look(&KEYS.get(&7)), (1, State::Closed));
}

#[test]
fn all_known_knows_what_was_never_called() {
    let _world = testing::isolate();
    let settings: Settings =
        toml::from_str("[breaker.\"attribute::open_to_settings\"]\nclose_after = 3").unwrap();
    assert_eq!(settings.check_all_known(), Ok(()));
    let settings: Settings =
        toml::from_str("[breaker.\"attribute::open_to_setings\"]\nclose_after = 3").unwrap();
    let error = settings.check_all_known().unwrap_err().to_string();
    assert!(
        error.contains("did you mean [breaker.\"attribute::open_to_settings\"]?"),
        "{error}"
    );
}
