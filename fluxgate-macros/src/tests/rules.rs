//! Reasoning over the rule as a whole.

use super::{accepted, faults, refused};

#[test]
fn min_requests_exceeds_the_window() {
    refused(
        "window = CountWindow(10), tripper = MinRequests(20) & FailureRate(0.5)",
        "MinRequests(20)",
        "`MinRequests(20)` can never hold: `CountWindow(10)` keeps the last 10 calls, and 20 is \
         more; write `MinRequests(10)` or less, or `window = CountWindow(20)` or more",
    );
    refused(
        "tripper = MinRequests(101) & FailureRate(0.5)",
        "MinRequests(101)",
        "`MinRequests(101)` can never hold: the default window, `CountWindow(100)`, keeps",
    );
    // In one branch of several, once though it stands in two.
    refused(
        "window = CountWindow(10), tripper = FailureStreak(3) | MinRequests(20) & (FailureRate(0.9) | SlowRate(0.9, 1s))",
        "MinRequests(20)",
        "`MinRequests(20)` can never hold",
    );
    accepted("window = CountWindow(10), tripper = MinRequests(10) & FailureRate(0.5)");
    accepted("window = TimeWindow(10s), tripper = MinRequests(1000) & FailureRate(0.5)");
    accepted("window = CountWindow(N), tripper = MinRequests(1000) & FailureRate(0.5)");
}

#[test]
fn slow_probes_need_a_threshold() {
    for rule in [
        "",
        "tripper = AvgLatency(1s), ",
        "tripper = FailureStreak(5) | InFlight(10, 2s), ",
    ] {
        refused(
            &format!("{rule}slow_probes = Fail"),
            "Fail",
            "`slow_probes = Fail` is about probes that take the threshold of a `SlowRate`",
        );
        accepted(&format!("{rule}slow_probes = Pass"));
    }
    for rule in [
        "FailureStreak(5) | MinRequests(20) & SlowRate(0.3, 1s)",
        "FailureStreak(5) | Custom(|seen| seen.failure_count() >= 3)",
        "standard()",
    ] {
        accepted(&format!("slow_probes = Fail, tripper = {rule}"));
    }
}

#[test]
fn exclusive_states_are_refused() {
    refused(
        "tripper = Closed & FailureRate(0.5) & HalfOpened",
        "HalfOpened",
        "`Closed & HalfOpened` can never hold",
    );
    accepted("tripper = Closed & FailureRate(0.5) | HalfOpened & FailureRate(0.2)");
    refused(
        "tripper = FailureStreak(5) | HalfOpened & InFlight(10, 2s)",
        "HalfOpened",
        "`InFlight(10, older_than = 2s) & HalfOpened` can never hold: it fires in the closed state",
    );
    refused(
        "tripper = InFlight(10, 2s) | InFlight(20, 3s)",
        "InFlight(20, 3s)",
        "`InFlight(20, older_than = 3s)` never decides anything",
    );
    accepted("tripper = InFlight(10, older_than = 2s) | InFlight(20, older_than = 1s)");
}

#[test]
fn rules_that_look_at_no_outcome() {
    refused(
        "tripper = MinRequests(20)",
        "MinRequests(20)",
        "`MinRequests(20)` looks at no outcome: the call that makes 20 opens the circuit of a \
         service in perfect health; add what must have gone wrong, as in `MinRequests(20) & FailureRate(0.5)`",
    );
    refused(
        "tripper = Closed",
        "Closed",
        "`Closed` looks at no outcome: every call opens the circuit",
    );
    refused(
        "tripper = FailureStreak(5) | HalfOpened",
        "HalfOpened",
        "`HalfOpened` looks at no outcome: it keeps even successful probes from closing",
    );
    accepted("tripper = MinRequests(20) & Custom(mine())");
}

#[test]
fn circuits_that_never_open() {
    refused(
        "tripper = HalfOpened & FailureRate(0.5)",
        "HalfOpened",
        "the circuit can never open: every branch of the rule is limited to `HalfOpened`",
    );
}

#[test]
fn shadowed_branches_are_refused() {
    refused(
        "tripper = FailureStreak(3) | FailureStreak(5)",
        "FailureStreak(5)",
        "`FailureStreak(5)` never decides anything: `FailureStreak(3)` fires whenever it does \
         (5 failures in a row include 3)",
    );
    refused(
        "tripper = MinRequests(20) & (FailureRate(0.5) | FailureRate(0.8))",
        "FailureRate(0.8)",
        "`MinRequests(20) & FailureRate(0.8)` never decides anything",
    );
    refused(
        "tripper = MinRequests(50) & FailureRate(0.5) | MinRequests(20) & FailureRate(0.5)",
        "FailureRate(0.5)",
        "`MinRequests(50) & FailureRate(0.5)` never decides anything: \
         `MinRequests(20) & FailureRate(0.5)` fires whenever it does",
    );
    refused(
        "tripper = SlowRate(0.5, 1s) | SlowRate(0.6, 2s)",
        "SlowRate(0.6, 2s)",
        "`SlowRate(0.6, threshold = 2s)` never decides anything",
    );
    refused(
        "tripper = AvgLatency(1s) | AvgLatency(2s)",
        "AvgLatency(2s)",
        "`AvgLatency(2s)` never decides",
    );
    refused(
        "tripper = FailureRate(0.5) | FailureRate(0.5)",
        "FailureRate(0.5)",
        "`FailureRate(0.5)` never decides",
    );
    // A streak of 60 fills 60 of 100 places.
    refused(
        "tripper = FailureStreak(60) | FailureRate(0.5)",
        "FailureStreak(60)",
        "`FailureStreak(60)` never decides anything: `FailureRate(0.5)` fires whenever it does \
         (60 failures in a row are at least 60 of 100 calls, which reaches 0.5)",
    );
    accepted("tripper = FailureStreak(40) | FailureRate(0.5)");
    accepted("tripper = FailureStreak(60) | MinRequests(70) & FailureRate(0.5)");
    accepted("window = TimeWindow(60s), tripper = FailureStreak(60) | FailureRate(0.5)");
    accepted("tripper = SlowRate(0.5, 2s) | SlowRate(0.6, 1s)");
    accepted("tripper = Closed & FailureStreak(5) | HalfOpened & FailureStreak(2)");
    accepted("tripper = FailureStreak(N) | FailureStreak(5)");
}

#[test]
fn rates_that_a_streak_outruns() {
    refused(
        "tripper = FailureStreak(3) | MinRequests(50) & FailureRate(0.9)",
        "FailureRate(0.9)",
        "`MinRequests(50) & FailureRate(0.9)` never decides anything: without 3 failures in a row, \
         at which `FailureStreak(3)` fires, at most 34 of 50 calls fail, and that is less than 0.9",
    );
    accepted("tripper = FailureStreak(3) | MinRequests(50) & FailureRate(0.68)");
    refused(
        "tripper = FailureStreak(3) | MinRequests(50) & FailureRate(0.69)",
        "FailureRate(0.69)",
        "`MinRequests(50) & FailureRate(0.69)` never decides anything",
    );
}

#[test]
fn rates_finer_than_the_window() {
    refused(
        "tripper = MinRequests(20) & FailureRate(0.001)",
        "FailureRate(0.001)",
        "a ratio of 0.001 is finer than the window can show: one failure in 100 calls is already \
         0.01, so `FailureRate(0.001)` fires at the first; write a ratio of 0.01 or more, or \
         `window = CountWindow(1000)` or more",
    );
    accepted("tripper = MinRequests(20) & FailureRate(0.01)");
    accepted("window = TimeWindow(60s), tripper = MinRequests(20) & FailureRate(0.001)");
}

#[test]
fn more_probes_than_can_come() {
    refused(
        "reopen_after = 3, tripper = FailureStreak(5) | HalfOpened & MinRequests(4) & FailureRate(0.5)",
        "MinRequests(4)",
        "`MinRequests(4)` can never hold in the half-open state: it needs 4 probes, but the first \
         success closes the circuit, and `reopen_after = 3` opens it at 3 failures",
    );
    accepted(
        "reopen_after = 3, close_after = 2, tripper = FailureStreak(5) | HalfOpened & MinRequests(4) & FailureRate(0.5)",
    );
    accepted(
        "reopen_after = 4, tripper = FailureStreak(5) | HalfOpened & MinRequests(4) & FailureRate(0.5)",
    );
    accepted("tripper = FailureStreak(5) | HalfOpened & MinRequests(4) & FailureRate(0.5)");
}

/// Mistakes that do not depend on each other are told at once.
#[test]
fn mistakes_in_several_branches() {
    let found = faults("tripper = Closed & HalfOpened | FailureStreak(3) | FailureStreak(5)");
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["HalfOpened", "FailureStreak(5)"], "{found:#?}");
    let found = faults("retry = Backoff(400s, multiplier = 1, jitter_ratio = 1)");
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["1", "1", "400s"], "{found:#?}");
}
