//! `fleet`: its forms, and what is written for it by mistake.

use super::{accepted, faults, refused};

#[test]
fn fleets_of_every_form() {
    for fleet in [
        "fleet",
        "fleet()",
        "fleet,",
        "fleet, name = \"payments\"",
        "name = \"payments\", fleet, durations = true",
        "fleet(suspect = FailureStreak(2))",
        "fleet(suspect = \"FailureStreak(2) | MinRequests(5) & FailureRate(0.5)\", probes = 3)",
        "fleet(probes = PROBES, lease = LEASE)",
        "fleet(FailureStreak(2), 3, 10s)",
        "fleet(probes = 1000, lease = 500ms)",
    ] {
        accepted(fleet);
    }
}

#[test]
fn mistakes_are_told_at_their_place() {
    for (args, underlined, message) in [
        (
            "fleet = true",
            "fleet",
            "`fleet` has no `=`: write `fleet` alone, or `fleet(suspect = FailureStreak(2), ",
        ),
        (
            "fleet(suspects = FailureStreak(2))",
            "suspects",
            "`fleet` has no argument `suspects`; did you mean `suspect`?",
        ),
        (
            "fleet(quorum = 0.05)",
            "quorum",
            "`fleet` has no argument `quorum`; it takes `suspect`, `probes`, `lease`",
        ),
        (
            "fleet(suspect = FailureRate(1.5))",
            "1.5",
            "the ratio of `FailureRate` must be greater than 0 and at most 1, but is 1.5",
        ),
        (
            "fleet(suspect = Custom(mine))",
            "Custom(mine)",
            "the rule `suspect` of a fleet can't have a `Custom` part: it is asked while the ",
        ),
        (
            "fleet(probes = 0)",
            "0",
            "the probes of `fleet` must be from 1 to 4294967295, but is 0",
        ),
        (
            "fleet(probes = 1001)",
            "1001",
            "the probes of `fleet` must be from 1 to 1000, but is 1001",
        ),
        (
            "flet(probes = 3)",
            "flet",
            "unknown key `flet`; did you mean `fleet`?",
        ),
    ] {
        refused(args, underlined, message);
    }
}

#[test]
fn second_fleet_is_refused() {
    let found = faults("fleet, fleet(probes = 3)");
    let texts: Vec<_> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["`fleet` is given twice", "it was first given here"]);
}

#[test]
fn breakers_by_key_join_no_fleet() {
    refused(
        "key = symbol, fleet",
        "fleet",
        "breakers by key take no part in a fleet; leave `fleet` out, or `key`: one breaker for ",
    );
}
