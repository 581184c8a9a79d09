//! The throttle: its values, and what is written for it elsewhere.

use super::{accepted, faults, refused};

#[test]
fn throttles_of_every_form() {
    for throttle in [
        "Adaptive(1.5)",
        "Adaptive(2)",
        "Adaptive(k = 1.1)",
        "Adaptive(1.5, 10s)",
        "Adaptive(1.5, 10s, 20, 0.01)",
        "Adaptive(floor = 0, min = 1, window = 2s, k = 1.5)",
        "Adaptive(K, window = WINDOW, min = MIN, floor = FLOOR)",
        "Adaptive(1.5, window = Duration::from_secs(120))",
        "Adaptive(1.5, window = 1.9999999999s)",
        "Adaptive(config().k)",
        "standard()",
        "policies::THROTTLE",
    ] {
        accepted(&format!("throttle = {throttle}"));
        accepted(&format!("throttle = {throttle:?}"));
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (arguments, underlined, message) in [
        (
            "1.0",
            "1.0",
            "the k of `Adaptive` must be finite and at least 1.1, but is 1.0: the calls let",
        ),
        (
            "0.5",
            "0.5",
            "the k of `Adaptive` must be finite and at least 1.1, but is 0.5",
        ),
        (
            "1.0999999",
            "1.0999999",
            "the k of `Adaptive` must be finite and at least 1.1, but is 1.0999999",
        ),
        (
            "f64::INFINITY",
            "f64::INFINITY",
            "the k of `Adaptive` must be finite and at least 1.1, but is inf",
        ),
        ("150%", "150%", "the k of `Adaptive`"),
        (
            "1.5, window = 1s",
            "1s",
            "the window of `Adaptive` must be from 2s to 2min, but is 1s: in less than 2s",
        ),
        (
            "1.5, window = 1h",
            "1h",
            "the window of `Adaptive` must be from 2s to 2min, but is 3600s",
        ),
        (
            "1.5, window = 120.0000000001s",
            "120.0000000001s",
            "the window of `Adaptive` must be from 2s to 2min, but is 120.000000001s",
        ),
        (
            "1.5, min = 0",
            "0",
            "the min of `Adaptive` must be at least 1, but is 0",
        ),
        (
            "1.5, floor = 1",
            "1",
            "the floor of `Adaptive` must be at least 0 and less than 1, but is 1.0",
        ),
        (
            "1.5, floor = 5",
            "5",
            "the floor of `Adaptive` must be at least 0 and less than 1, but is 5.0; for 5 % \
             write `0.05`",
        ),
    ] {
        refused(
            &format!("throttle = Adaptive({arguments})"),
            underlined,
            message,
        );
    }
    let all = faults("throttle = Adaptive(1.0, window = 1s, min = 0, floor = 2.0)");
    assert_eq!(all.len(), 4, "{all:#?}");
}

#[test]
fn a_throttle_needs_its_k() {
    for throttle in ["Adaptive", "Adaptive()", "Adaptive(window = 10s)"] {
        refused(
            &format!("throttle = {throttle}"),
            throttle,
            "`Adaptive` needs its k, as in `Adaptive(k = 1.5)`",
        );
    }
}

#[test]
fn habits_lead_to_the_throttle() {
    for (args, underlined, message) in [
        (
            "throttle = 1.5",
            "1.5",
            "expected a throttle, found `1.5`; for 1.5 times the accepted calls write \
             `Adaptive(k = 1.5)`",
        ),
        (
            "throttle = 10s",
            "10s",
            "expected a throttle, found `10s`; write `Adaptive(k = 1.5, window = 10s)`",
        ),
        (
            "throttle = true",
            "true",
            "unknown throttle `true`; expected `Adaptive`",
        ),
        (
            "throttle = |seen| 0.5",
            "|seen| 0.5",
            "a throttle can't be a closure: write `Adaptive`",
        ),
        (
            "on_cancel = |_| true",
            "|_| true",
            "a rule for cancelled calls can't be a closure: write one of `Ignore`, ",
        ),
        (
            "throttle = Custom(mine)",
            "Custom",
            "unknown throttle `Custom`; expected `Adaptive`",
        ),
        (
            "throttle = Adaptive(1.5) | Adaptive(2.0)",
            "| Adaptive(2.0)",
            "a throttle can't be combined with `|`; give one throttle",
        ),
        (
            "throttle = Gradient(1.5)",
            "Gradient",
            "unknown throttle `Gradient`; `Adaptive(k = 1.5)` follows refusals; limits that follow \
             latency are in crates such as `tower-acc` and `tower-resilience`",
        ),
        (
            "throttle = RateLimit(100)",
            "RateLimit",
            "unknown throttle `RateLimit`; `Adaptive(k = 1.5)` follows what the dependency accepts",
        ),
        (
            "throttle = FailureRate(0.5)",
            "FailureRate",
            "unknown throttle `FailureRate`; `FailureRate` is a value of `tripper`",
        ),
        (
            "tripper = Adaptive(1.5)",
            "Adaptive",
            "unknown tripper `Adaptive`; `Adaptive` is a value of `throttle`: write `throttle = \
             Adaptive(k = 1.5)`",
        ),
        (
            "adaptive = 1.5",
            "adaptive",
            "unknown key `adaptive`; it is a value of `throttle`",
        ),
        (
            "throtle = Adaptive(1.5)",
            "throtle",
            "unknown key `throtle`; did you mean `throttle`?",
        ),
        (
            "overload = Adaptive(1.5)",
            "overload",
            "unknown key `overload`; overload is answered in proportion by `throttle = ",
        ),
        (
            "throttle = Adaptive(1.5, min_calls = 20)",
            "min_calls",
            "`Adaptive` has no argument `min_calls`; the number of calls below which none",
        ),
        (
            "throttle = Adaptive(factor = 1.5)",
            "factor",
            "`Adaptive` has no argument `factor`; how many times the accepted calls",
        ),
    ] {
        let found = faults(args);
        assert!(
            found[0].1.starts_with(message),
            "{args}\nexpected: {message}\n   found: {found:#?}"
        );
        assert_eq!(found[0].0, underlined, "{args}");
    }
}
