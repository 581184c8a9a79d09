//! The policy as the documentation tells it.

use super::protected;
use crate::describe;

#[track_caller]
fn documented(args: &str, expected: &str) {
    let protected = protected(args, super::FUNCTION).unwrap_or_else(|error| panic!("{error}"));
    let text = describe::of_function(&protected);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap())
        .collect();
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn the_defaults() {
    documented(
        "",
        "# Circuit breaker\n\
         \n\
         Calls go through a circuit breaker of the function's own. A rejected call returns at \
         once with an error made of `CallNotPermitted`.\n\
         \n\
         It opens when, of at least 100 calls among the last 100, 50 % or more failed.\n\
         \n\
         When nothing else is called it takes 100 failing calls to open it from the start, and \
         50 failing calls once the window is full of successes.\n\
         \n\
         It stays open for 1min.\n\
         \n\
         Then it is probed by 10 % of the calls at first, 100 % after 1min, at most 10 at a \
         time: the first success closes it.",
    );
}

#[test]
fn how_overload_is_answered() {
    let ends = |args: &str, expected: &str| {
        let protected = protected(args, super::FUNCTION).unwrap_or_else(|error| panic!("{error}"));
        let text = describe::of_function(&protected);
        assert!(text.ends_with(expected), "{text}");
    };
    ends(
        "throttle = Adaptive(1.5, window = 1min)",
        "\n \n While the dependency is overloaded, 1.5 times the calls that it accepted in the last \
         60s are let through, and overload is no failure.",
    );
    ends(
        "throttle = Adaptive(limits::K)",
        "overloaded, limits::K times the calls that it accepted in the last 10s are let through, \
         and overload is no failure.",
    );
    ends(
        "throttle = standard()",
        "While the dependency is overloaded, a throttle refuses a share of the calls, and overload \
         is no failure.",
    );
}

#[test]
fn one_for_each_key() {
    let section = |args: &str| {
        let protected = protected(args, super::FUNCTION).unwrap_or_else(|error| panic!("{error}"));
        let text = describe::of_function(&protected);
        text.lines().nth(2).unwrap_or_default().to_owned()
    };
    let own = section("key = symbol");
    assert!(
        own.starts_with(
            " Calls go through circuit breakers of the function's own, one for each `symbol`. \
             There are at most 10000 of them at a time. A rejected call"
        ),
        "{own}"
    );
    let named = section("name = \"quotes\", key = symbol, max_keys = 50, fallback = f");
    assert!(
        named.starts_with(
            " Calls go through the circuit breakers `quotes`, one for each `symbol`. There are \
             at most 50 of them at a time. On a rejection"
        ),
        "{named}"
    );
    let shared = section("breaker = QUOTES, key = &symbol[..2]");
    assert!(
        shared.contains("the circuit breakers `QUOTES`, one for each `&symbol"),
        "{shared}"
    );
    assert!(!shared.contains("at most"), "{shared}");
}

#[test]
fn what_says_what_counts() {
    let counts = |args: &str, expected: &str| {
        let protected = protected(args, super::FUNCTION).unwrap_or_else(|error| panic!("{error}"));
        let text = describe::of_function(&protected);
        assert!(text.contains(expected), "{text}");
    };
    counts(
        "classify = fluxgate::http::classify",
        "own. `fluxgate::http::classify` says what each result counts as. A rejected",
    );
    counts(
        "classify = |result| outcome(result)",
        "own. `classify` says what each result counts as. A rejected",
    );
}

#[test]
fn a_rule_of_several_branches() {
    documented(
        r#"name = "payment_api", tracker = TypeOf(std::io::Error) | Matches(ApiError::Timeout),
        tripper = FailureStreak(5) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s)),
        retry = Backoff(10s, multiplier = 3, jitter_ratio = 0.1), permit = All, close_after = 2,
        reopen_after = 1, listeners = [LogListener, Mine::new()], fallback = cached"#,
        "# Circuit breaker\n\
         \n\
         Calls go through the circuit breaker `payment_api`. Only errors that \
         `TypeOf(std::io::Error) | Matches(ApiError::Timeout)` matches count as failures. \
         On a rejection and on an error the fallback answers.\n\
         \n\
         It opens when\n\
         \n\
         - 5 calls in a row failed, or\n\
         - of at least 20 calls among the last 100, 50 % or more failed, or\n\
         - of at least 20 calls among the last 100, 30 % or more took 1s or longer.\n\
         \n\
         It takes 5 failing calls to open it.\n\
         \n\
         It stays open for 10s, and 3 times as long after each failed recovery, up to 5min, \
         give or take 10 %.\n\
         \n\
         Then it is probed by every call, at most 10 at a time: 2 successes in a row close it, \
         a failure reopens it.\n\
         \n\
         Transitions are told to the log and `Mine::new()`.",
    );
}

#[test]
fn initial_state_is_told() {
    for (state, told) in [
        ("MetricsOnly", "\n\nIt begins `metrics_only`.\n"),
        ("forced_open", "\n\nIt begins `forced_open`."),
    ] {
        let args = format!("initial_state = {state}, listeners = [LogListener]");
        let protected = protected(&args, super::FUNCTION).unwrap();
        let text = describe::of_function(&protected).replace("\n ", "\n");
        assert!(text.contains(told), "{text}");
    }
    let protected = protected("initial_state = Closed", super::FUNCTION).unwrap();
    assert!(!describe::of_function(&protected).contains("begins"));
}

#[test]
fn shared_breaker_is_described_elsewhere() {
    documented(
        "breaker = PAYMENTS, failure_if = stale",
        "# Circuit breaker\n\
         \n\
         Calls go through the circuit breaker `PAYMENTS`. Results that `failure_if` picks count \
         as failures, too. A rejected call returns at once with an error made of \
         `CallNotPermitted`.",
    );
}

#[test]
fn section_needs_docs_and_docs_true() {
    let expanded = |args: &str, item: &str| {
        let protected = protected(args, item).unwrap_or_else(|error| panic!("{error}"));
        crate::expand::function(&protected).to_string()
    };
    let documented = format!("/// Text.\n{}", super::FUNCTION);
    assert!(expanded("", &documented).contains("# Circuit breaker"));
    assert!(!expanded("docs = false", &documented).contains("# Circuit breaker"));
    assert!(!expanded("", super::FUNCTION).contains("# Circuit breaker"));
}
