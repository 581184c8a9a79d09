//! What people write who know another breaker, or another language.

use super::{faults, refused};

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
