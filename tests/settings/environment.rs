//! Settings from environment variables.

use fluxgate::{CircuitBreaker, Settings, keyed::CircuitBreakers, testing};

fn apply<const N: usize>(variables: [(&str, &str); N]) -> Result<(), String> {
    let settings = Settings::from_variables(variables);
    settings
        .apply()
        .map(drop)
        .map_err(|error| error.to_string())
}

fn close_after(breaker: &CircuitBreaker) -> u64 {
    breaker.info().settings.close_after
}

#[test]
fn variables_are_sections_and_keys() {
    let _world = testing::isolate();
    let alone = CircuitBreaker::builder("shop::pay-2").build().unwrap();
    let set = CircuitBreakers::<String>::builder("upstream")
        .build()
        .unwrap();
    let (npm, pypi) = (set.get("npm"), set.get("pypi"));
    let all = || [&alone, &npm, &pypi, set.overflow()].map(close_after);
    apply([
        ("FLUXGATE__ALL__CLOSE_AFTER", "2"),
        ("FLUXGATE__BREAKER__SHOP__PAY_2__CLOSE_AFTER", "3"),
        ("FLUXGATE__SET__UPSTREAM__CLOSE_AFTER", "4"),
        ("FLUXGATE__SET__UPSTREAM__KEY__NPM__CLOSE_AFTER", "5"),
    ])
    .unwrap();
    assert_eq!(all(), [3, 5, 4, 4]);
    let source = npm.info().settings.source("close_after").to_string();
    assert_eq!(source, "FLUXGATE__SET__UPSTREAM__KEY__NPM__CLOSE_AFTER");
    // One that comes later.
    assert_eq!(close_after(&set.get("crates")), 4);
    apply([]).unwrap();
    assert_eq!(all(), [1; 4]);
}

#[test]
fn variables_that_say_nothing_are_told() {
    for (name, value, words) in [
        (
            "FLUXGATE__BRAKER__A__RETRY",
            "Always",
            "unknown section `BRAKER`; did you mean `BREAKER`?",
        ),
        (
            "FLUXGATE__BREAKER__A__RETRI",
            "Always",
            "unknown key `RETRI`; did you mean `RETRY`?",
        ),
        (
            "FLUXGATE__BREAKER__RETRY",
            "Always",
            "its name is no section and key",
        ),
        (
            "FLUXGATE__ALL__A__RETRY",
            "Always",
            "its name is no section and key",
        ),
        (
            "FLUXGATE__BREAKER__A__RETRY",
            "Sometimes",
            "unknown retry `Sometimes`",
        ),
        (
            "FLUXGATE__BREAKER__A__STATE",
            "disabled",
            "write `FLUXGATE_A`",
        ),
        (
            "FLUXGATE__SET__A__KEY__B__STATE",
            "disabled",
            "write `FLUXGATE_A_B`",
        ),
        ("FLUXGATE__ALL__STATE", "disabled", "write `FLUXGATE_ALL`"),
        (
            "FLUXGATE__ALL__LISTENERS",
            "x",
            "`listeners` is set in the code",
        ),
        ("FLUXGATE__NONSENSE", "x", "it names no section"),
    ] {
        let error = Settings::from_variables([(name, value)]).check();
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains(name),
            "{name}: {error}"
        );
    }
    let others = [
        ("FLUXGATE__FLEET", "x"),
        ("FLUXGATE_A", "x"),
        ("HOME", "x"),
        ("FLUXGATE__ALL__RETRY", ""),
    ];
    assert_eq!(Settings::from_variables(others).check(), Ok(()));
}

#[test]
fn names_of_the_crates_own_are_refused() {
    for name in ["all", "ALL", "_x", "::x", "é", " a"] {
        let error = CircuitBreaker::builder(name)
            .build()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("is reserved") || error.contains("must begin with an ASCII letter"),
            "{error}"
        );
        assert!(
            CircuitBreakers::<u8>::builder(name).build().is_err(),
            "{name}"
        );
    }
}
