//! Arguments and values of policies.

use super::{faults, refused};

#[test]
fn arguments() {
    refused(
        "tripper = MinRequests",
        "MinRequests",
        "`MinRequests` needs its count, as in `MinRequests(20)`",
    );
    refused(
        "tripper = MinRequests()",
        "MinRequests()",
        "`MinRequests` needs its count, as in `MinRequests(20)`",
    );
    refused(
        "tripper = SlowRate(0.5)",
        "SlowRate(0.5)",
        "`SlowRate` needs its threshold, as in `SlowRate(0.3, threshold = 1s)`",
    );
    refused(
        "tripper = FailureRate(0.5, 3)",
        "3",
        "`FailureRate` takes one argument, `ratio`",
    );
    refused("tripper = Closed(1)", "1", "`Closed` takes no arguments");
    refused(
        "tripper = FailureRate(rate = 0.5)",
        "rate",
        "`FailureRate` has no argument `rate`; did you mean `ratio`?",
    );
    refused(
        "tripper = SlowRate(0.5, slow_threshold = 1s)",
        "slow_threshold",
        "`SlowRate` has no argument `slow_threshold`; did you mean `threshold`?",
    );
    refused(
        "tripper = SlowRate(0.5, ratio = 0.5, threshold = 1s)",
        "ratio",
        "the ratio of `SlowRate` is given twice",
    );
    refused(
        "tripper = SlowRate(ratio = 0.5, 1s)",
        "1s",
        "a value without a name can't follow `ratio = …`",
    );
    refused(
        "retry = Backoff(initial = )",
        "initial",
        "the initial duration of `Backoff` has no value",
    );
    refused(
        "tracker = TypeOf()",
        "TypeOf()",
        "`TypeOf` needs at least one error type, as in `TypeOf(std::io::Error)`",
    );
    refused(
        "tracker = Matches()",
        "Matches()",
        "`Matches` needs a pattern, as in `Matches(ApiError::Timeout)`",
    );
    refused(
        "tracker = Matches(A B)",
        "B",
        "expected `|`, `if` or the end of the pattern",
    );
    refused(
        "tracker = TypeOf(A::B if c)",
        "if",
        "expected `,` or `)` after the type",
    );
}

#[test]
fn values_of_the_wrong_kind() {
    refused(
        "tripper = MinRequests(\"20\")",
        "\"20\"",
        "the count of `MinRequests` must be a number of calls, but is a string; write `20`, without quotes",
    );
    refused(
        "tripper = MinRequests(2.5)",
        "2.5",
        "the count of `MinRequests` is a number of calls and must be a whole number, but is 2.5",
    );
    refused(
        "tripper = MinRequests(20s)",
        "20s",
        "the count of `MinRequests` is a number of calls, but `20s` is a duration",
    );
    refused(
        "tripper = FailureRate(true)",
        "true",
        "the ratio of `FailureRate` must be a number, but is true or false",
    );
    refused(
        "tripper = FailureRate(50%)",
        "50%",
        "the ratio of `FailureRate` is a plain number; for 50 % write `0.5`",
    );
    refused(
        "tripper = FailureRate(1s)",
        "1s",
        "the ratio of `FailureRate` is a plain number, but `1s` is a duration",
    );
    refused(
        "retry = Cooldown(\"30s\")",
        "\"30s\"",
        "the duration of `Cooldown` must be a duration, such as `30s`, but is a string",
    );
    refused(
        "retry = Cooldown(5m)",
        "5m",
        "the duration of `Cooldown` has the unknown unit `m`; write `5min` for minutes or `5ms` for milliseconds",
    );
    refused(
        "retry = Cooldown(2d)",
        "2d",
        "the duration of `Cooldown` has the unknown unit `d`; write `48h`",
    );
    refused(
        "retry = Cooldown(5sec)",
        "5sec",
        "the duration of `Cooldown` has the unknown unit `sec`; write `5s`",
    );
    refused(
        "retry = Cooldown(5parsec)",
        "5parsec",
        "the duration of `Cooldown` has the unknown unit `parsec`; the units are",
    );
    refused(
        "durations = 1",
        "1",
        "`durations` must be `true` or `false`",
    );
    refused(
        "max_half_open_calls = \"3\"",
        "\"3\"",
        "max_half_open_calls must be a number of calls, but is a string; write `3`, without quotes",
    );
    refused(
        "name = 3",
        "3",
        "the name must be a string, as in `name = \"payment_api\"`",
    );
    refused(
        "fallback = \"cached\"",
        "\"cached\"",
        "`fallback` takes a function or a closure; write `fallback = cached`, without quotes",
    );
    refused(
        "handle = \"x\"",
        "\"x\"",
        "`handle` takes the name of the function to be made, as in `handle = quote_breaker`; write it without quotes",
    );
    refused(
        "handle = a::b",
        "a::b",
        "`handle` takes the name of the function to be made",
    );
    refused(
        "crate = \"x\"",
        "\"x\"",
        "`crate` takes a path to the fluxgate crate",
    );
    refused(
        "listeners = LogListener",
        "LogListener",
        "`listeners` takes a list: write `listeners = [LogListener]`",
    );
    refused(
        "window = 100",
        "100",
        "expected a window, found `100`; for the last 100 calls write `CountWindow(100)`",
    );
    refused(
        "tripper = \"\"",
        "\"\"",
        "this string is empty; leave the key out for the default",
    );
}

#[test]
fn strings_quote_the_wrong_part() {
    refused(
        r#"tripper = "MinRequests(20) & FailureRat(0.5)""#,
        r#""MinRequests(20) & FailureRat(0.5)""#,
        "unknown tripper `FailureRat`; did you mean `FailureRate`?\n\n    \
         MinRequests(20) & FailureRat(0.5)\n                      ^^^^^^^^^^",
    );
    refused(
        r#"retry = "Cooldown(0s)""#,
        r#""Cooldown(0s)""#,
        "the duration of `Cooldown` must be greater than zero, but is 0s\n\n    \
         Cooldown(0s)\n             ^^",
    );
    refused(
        r#"tripper = "MinRequests(20""#,
        r#""MinRequests(20""#,
        "this is never closed; expected a `)`\n\n    MinRequests(20\n               ^",
    );
    refused(
        r#"tripper = "Closed &""#,
        r#""Closed &""#,
        "expected a tripper after `&`\n\n    Closed &\n           ^",
    );
    refused(
        r#"tracker = "Matches(1 +)""#,
        r#""Matches(1 +)""#,
        "expected `|`, `if` or the end of the pattern; a condition stands after `if`, as in \
         `Matches(error if error.is_timeout())`\n\n    Matches(1 +)\n              ^",
    );
}

#[test]
fn settings_are_fixed_or_left_out() {
    assert_eq!(faults("settings = fixed"), []);
    for given in ["loose", "true", "\"fixed settings\"", "fixed()"] {
        let found = faults(&format!("settings = {given}"));
        assert_eq!(found.len(), 1, "{given}: {found:?}");
        assert!(
            found[0].1.contains("`settings` may only be `fixed`"),
            "{found:?}"
        );
    }
}

#[test]
fn names_of_variables_of_others_are_refused() {
    for (name, words) in [
        ("all", "the name `all` is reserved"),
        ("ALL", "the name `ALL` is reserved"),
        ("_api", "must begin with an ASCII letter or digit"),
        ("::api", "must begin with an ASCII letter or digit"),
        ("\u{e9}", "must begin with an ASCII letter or digit"),
    ] {
        let found = faults(&format!("name = {name:?}"));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].1.contains(words), "{found:?}");
    }
    assert_eq!(faults("name = \"all_apis\""), []);
}
