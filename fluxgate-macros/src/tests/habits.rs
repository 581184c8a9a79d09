//! What people write who know another breaker, or another language.

use super::{accepted, faults, faults_on, refused};

#[test]
fn other_signs_than_equals() {
    refused(
        "name: \"payments\"",
        "name",
        "a value follows `=`, and not `:`: write `name = ",
    );
    let found = faults("window: CountWindow(9), retry(Always), permit = All, tripper: Closed");
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["window", "retry", "tripper"], "{found:#?}");
}

#[test]
fn other_separators_than_commas() {
    for (args, underlined, message) in [
        (
            "tripper = FailureStreak(3) retry = Always",
            "retry",
            "expected `,` before the next key, `retry`",
        ),
        (
            "retry = Always; permit = All",
            ";",
            "settings are separated by `,`, and not by `;`",
        ),
        (
            "tripper = FailureStreak(3); retry = Always",
            ";",
            "settings are separated by `,`, and not by `;`",
        ),
        (
            "close_after = 3 retry = Always",
            "retry",
            "expected `,` before the next key, `retry`",
        ),
        (
            "durations = true retry = Always",
            "retry",
            "expected `,` before the next key, `retry`",
        ),
        (
            "name = \"x\" retry = Always",
            "retry",
            "expected `,` before the next key, `retry`",
        ),
    ] {
        refused(args, underlined, message);
        // And what follows is read.
        let found = faults(&format!("{args}, reopen_after = 0"));
        assert_eq!(found[1].0, "0", "{found:#?}");
    }
}

#[test]
fn keys_of_other_breakers() {
    for (key, advice) in [
        ("failureRateThreshold", "the rule is one value: `tripper = "),
        ("minimumNumberOfCalls", "the rule is one value: `tripper = "),
        ("fail_max", "the rule is one value: `tripper = "),
        (
            "slidingWindowSize",
            "the size stands in the window: `window = ",
        ),
        (
            "waitDurationInOpenState",
            "how long the circuit stays open is `retry = ",
        ),
        (
            "BreakDuration",
            "how long the circuit stays open is `retry = ",
        ),
        (
            "slowCallDurationThreshold",
            "the threshold stands in the rule: `tripper = ",
        ),
        (
            "permittedNumberOfCallsInHalfOpenState",
            "how many probes there are at once is `max_half_open_calls = 10`",
        ),
        (
            "success_threshold",
            "how many good probes close the circuit is `close_after = 3`",
        ),
        ("ignoreExceptions", "which errors count is `tracker = "),
    ] {
        refused(
            &format!("{key} = 5"),
            key,
            &format!("unknown key `{key}`; {advice}"),
        );
    }
}

#[test]
fn what_stands_for_nothing() {
    for key in ["tracker", "fallback", "listeners", "name", "window"] {
        refused(
            &format!("{key} = None, permit = All"),
            "None",
            &format!("`None` is no value here; leave `{key}` out for the default"),
        );
    }
}

#[test]
fn guessed_trackers_get_advice() {
    refused(
        "tracker = std::io::Error",
        "std::io::Error",
        "a tracker is written by its name alone: for errors of a type write \
         `TypeOf(std::io::Error)`, for a variant `Matches(std::io::Error)`",
    );
    refused(
        "tracker = MyError | All",
        "MyError",
        "unknown tracker `MyError`; expected one of `All`, `TypeOf`, `Matches`, `Custom`; \
         for errors of a type write `TypeOf(MyError)`",
    );
    refused(
        "tracker = [A, B]",
        "[A, B]",
        "expected a tracker, found `[`; for errors of several types write `TypeOf(A, B)`",
    );
    for closure in ["|e| e.is_timeout()", "|e: &E| f(e, 1)", "move |e| true"] {
        refused(
            &format!("tracker = {closure}"),
            closure,
            "a closure is a tracker of your own: write `Custom(|…| …)`",
        );
    }
    refused(
        "tripper = |seen| true",
        "|seen| true",
        "a closure is a tripper of your own: write `Custom(|…| …)`",
    );
    refused(
        "retry = |opened| None, permit = All",
        "|opened| None",
        "a closure is a retry of your own: write `Custom(|…| …)`",
    );
}

#[test]
fn conditions_as_patterns() {
    refused(
        "tracker = Matches(e.kind() == K)",
        ".kind() == K",
        "expected `|`, `if` or the end of the pattern; a condition stands after `if`, as in \
         `Matches(error if error.is_timeout())`",
    );
    refused(
        "tracker = Matches(e if)",
        "if",
        "`if` needs a condition, as in `Matches(error if error.is_timeout())`",
    );
}

#[test]
fn values_in_quotes() {
    refused(
        "retry = Cooldown(\"60s\")",
        "\"60s\"",
        "the duration of `Cooldown` must be a duration, such as `30s`, but is a string; \
         write `60s`, without quotes",
    );
    refused(
        "breaker = \"PAYMENTS\"",
        "\"PAYMENTS\"",
        "`breaker` takes a breaker; write `breaker = PAYMENTS`, without quotes",
    );
    refused(
        "breaker = 5",
        "5",
        "`breaker` takes a breaker, as in `breaker = PAYMENTS`",
    );
}

#[test]
fn values_for_fallbacks() {
    refused(
        "fallback = Ok(0)",
        "Ok(0)",
        "`fallback` takes a function or a closure, and this is a value; write `|_| Ok(0)`",
    );
    refused(
        "fallback = (1, 2)",
        "(1, 2)",
        "`fallback` takes a function or a closure, and this is a value; write `|_| (1, 2)`",
    );
}

#[test]
fn async_fallbacks_of_sync_functions() {
    refused(
        "fallback = async |_| Ok(0)",
        "async",
        "an async fallback needs an async function, and `quote` is none",
    );
    let on = |item: &str| faults_on("fallback = async |_| Ok(0)", item);
    assert_eq!(on("async fn f() -> Result<u8, E> { x }"), []);
    assert_eq!(
        on("fn f() -> impl Future<Output = Result<u8, E>> { x }"),
        []
    );
}

#[test]
fn values_that_end_too_early() {
    for (args, underlined, message) in [
        (
            "fallback = |error|, retry = Always",
            ",",
            "expected an expression",
        ),
        (
            "name = &",
            "&",
            "this ends too early: expected an expression",
        ),
        (
            "tracker = Custom(|e|)",
            "|e|",
            "this ends too early: expected an expression",
        ),
        (
            "tracker = TypeOf(Vec<)",
            "Vec<",
            "this ends too early: expected one of",
        ),
        ("listeners = [mine(, 1)]", ",", "expected an expression"),
    ] {
        refused(args, underlined, message);
    }
}

#[test]
fn policies_of_other_breakers() {
    for (args, underlined, advice) in [
        (
            "tripper = ConsecutiveFailures(5)",
            "ConsecutiveFailures",
            "failures in a row are `FailureStreak(5)`",
        ),
        (
            "tripper = ErrorRate(0.5)",
            "ErrorRate",
            "the part of the calls that fail is `MinRequests(20) & FailureRate(0.5)`",
        ),
        (
            "retry = ExponentialBackoff(1s)",
            "ExponentialBackoff",
            "a wait that grows is `Backoff(",
        ),
        (
            "window = SlidingWindow(100)",
            "SlidingWindow",
            "the last calls are `CountWindow(100)`",
        ),
        (
            "window = COUNT_BASED",
            "COUNT_BASED",
            "the last calls are `CountWindow(100)`",
        ),
        (
            "permit = Always",
            "Always",
            "every call becomes a probe with `All`",
        ),
        (
            "tripper = Cooldown(5s)",
            "Cooldown",
            "`Cooldown` is a value of `retry`: write `retry = Cooldown(60s)`",
        ),
    ] {
        let kind = args.split(' ').next().unwrap();
        refused(
            args,
            underlined,
            &format!("unknown {kind} `{underlined}`; {advice}"),
        );
    }
}

#[test]
fn bare_numbers_get_advice() {
    for (args, underlined, message) in [
        (
            "retry = 3",
            "3",
            "expected a retry, found `3`; this says when an open circuit is probed again: for 3 seconds write `Cooldown(3s)`; fluxgate repeats no call",
        ),
        (
            "retry = 30s",
            "30s",
            "expected a retry, found `30s`; write `Cooldown(30s)`",
        ),
        (
            "window = 60s",
            "60s",
            "expected a window, found `60s`; write `TimeWindow(60s)`",
        ),
        (
            "tripper = 5",
            "5",
            "expected a tripper, found `5`; for 5 failures in a row write `FailureStreak(5)`",
        ),
        (
            "permit = 0.2",
            "0.2",
            "expected a permit, found `0.2`; write `Random(0.2)`",
        ),
        (
            "on_cancel = 5s",
            "5s",
            "expected a rule for cancelled calls, found `5s`; write `FailAfter(5s)`",
        ),
        (
            "retry = std::time::Duration::from_secs(5)",
            "std",
            "expected a retry, found a duration; write `Cooldown(…)`",
        ),
        (
            "tripper = if x { y } else { z }",
            "if",
            "`if` can't stand here; write a function that gives the tripper",
        ),
        (
            "tracker = TypeOf(\"io::Error\")",
            "\"io::Error\"",
            "`TypeOf` takes types; write `io::Error`, without quotes",
        ),
    ] {
        refused(args, underlined, message);
    }
}

#[test]
fn keys_without_a_way_to_be_keys() {
    for (args, underlined, message) in [
        (
            "PAYMENTS",
            "PAYMENTS",
            "expected `key = value`; to use a breaker defined elsewhere write `breaker = …`",
        ),
        (
            "self.breaker",
            "self.breaker",
            "expected `key = value`; to use a breaker defined elsewhere",
        ),
        (
            "Cooldown(60s)",
            "Cooldown",
            "unknown key `Cooldown`; it is a value of `retry`: write `retry = Cooldown(60s)`",
        ),
        (
            "timeout = 3s",
            "timeout",
            "unknown key `timeout`; a breaker ends no call: put `tokio::time::timeout`",
        ),
        (
            "maxRetries = 3",
            "maxRetries",
            "unknown key `maxRetries`; fluxgate repeats no call",
        ),
        (
            "onOpen = f",
            "onOpen",
            "unknown key `onOpen`; who is told of transitions stands in a list",
        ),
        (
            "clock = c",
            "clock",
            "unknown key `clock`; clock and randomness are set in code",
        ),
    ] {
        refused(args, underlined, message);
    }
}

#[test]
fn listeners_of_the_original() {
    for (listener, underlined, message) in [
        (
            "AsyncSlackListener(channel = \"C\")",
            "AsyncSlackListener",
            "`AsyncSlackListener` is `SlackListener` here",
        ),
        (
            "LogListener(name = \"x\")",
            "name",
            "`LogListener` has no argument `name`; listeners tell the name of the breaker",
        ),
        (
            "PrometheusListener(name = \"x\")",
            "name",
            "`PrometheusListener` has no argument `name`; listeners tell",
        ),
        (
            "SlackListener(\"C\", env(\"T\"), name = \"x\")",
            "name",
            "`SlackListener` has no argument `name`; listeners tell",
        ),
        (
            "LogListener(logger = log)",
            "logger",
            "`LogListener` has no argument `logger`; its events have the target",
        ),
        (
            "LogListner",
            "LogListner",
            "unknown listener `LogListner`; did you mean `LogListener`?",
        ),
        (
            "Mine(a = 1)",
            "Mine",
            "`Mine` is not one of the listeners known by name",
        ),
    ] {
        refused(&format!("listeners = [{listener}]"), underlined, message);
    }
    accepted("listeners = [BlogListener, Mine(1), MyLogListener, Async::new()]");
}
