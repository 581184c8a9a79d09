//! Attributes that are larger, deeper or stranger than any hand would write: an
//! error, in time that grows with the text and no faster.

use super::{accepted, faults, refused};

#[track_caller]
fn first(args: &str, message: &str) {
    let found = faults(args);
    assert!(
        found
            .first()
            .is_some_and(|(_, text)| text.contains(message)),
        "{found:#?}"
    );
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let nested = |depth: usize| format!("{}Closed{}", "(".repeat(depth), ")".repeat(depth));
    accepted(&format!("tripper = \"{} & FailureStreak(5)\"", nested(60)));
    for depth in [65, 1000, 20_000] {
        first(
            &format!("tripper = \"{}\"", nested(depth)),
            "nested more than 64 deep",
        );
    }
    first(
        &format!("tripper = {}", nested(200)),
        "nested more than 64 deep",
    );
    first(
        &format!("tripper = MinRequests({}5)", "-".repeat(1000)),
        "nested more than 64 deep",
    );
    first(
        &format!(
            "tracker = TypeOf({}u8{})",
            "Box<".repeat(1000),
            ">".repeat(1000)
        ),
        "nested more than 64 deep",
    );
    first(
        &format!("tracker = {}All", "!".repeat(1000)),
        "nested more than 64 deep",
    );
    first(
        &format!("tracker = \"{}All\"", "!".repeat(50_000)),
        "nested more than 64 deep",
    );
}

#[test]
fn two_negations_say_nothing() {
    accepted("tracker = !!TypeOf(A)");
}

#[test]
fn rules_with_too_many_parts_are_refused() {
    let of = |n: usize| {
        let leaves: Vec<_> = (1..=n).map(|n| format!("Custom(f{n})")).collect();
        leaves.join(" & ")
    };
    accepted(&format!("tripper = {}", of(256)));
    first(
        &format!("tripper = {}", of(257)),
        "this tripper has 257 parts, and at most 256 are allowed",
    );
}

#[test]
fn many_mistakes_take_linear_time() {
    let leaves = |n: usize| {
        let leaves: Vec<_> = (0..n).map(|n| format!("Wrong{n}(1, |a, b| c)")).collect();
        leaves.join(" | ")
    };
    let keys = |n: usize| "retry = Coldown(5s, |a, b| c), ".repeat(n);
    let listeners = |n: usize| format!("listeners = [{}]", "5, ".repeat(n));
    let types = |n: usize| format!("tracker = TypeOf({}=)", "Vec<A, B>, ".repeat(n));
    for (args, mistakes) in [
        (format!("tripper = {}", leaves(2000)), 2000),
        (format!("tripper = \"{}\"", leaves(2000)), 2000),
        // Given twice, and the value is wrong.
        (keys(1000), 2 * 1000 - 1),
        (listeners(2000), 2000),
        (types(2000), 1),
    ] {
        let found = faults(&args);
        let shown: usize = found.iter().map(|(_, text)| text.len()).sum();
        assert!(shown < 20_000, "{shown} bytes");
        if mistakes > 20 {
            // "It was first given here" comes with some.
            let last = &found.last().unwrap().1;
            let more = mistakes - 20;
            assert!(
                last.starts_with(&format!("from here on {more} more mistakes")),
                "{last}"
            );
        }
    }
}

#[test]
fn wrong_literals_in_strings_are_refused() {
    for (args, message) in [
        (
            r#"tripper = "FailureRate(1e)""#,
            "`1e` can't be read: there is no exponent",
        ),
        (
            r#"tripper = "FailureRate(0x)""#,
            "`0x` can't be read: there is no digit",
        ),
        (
            r#"tripper = "MinRequests(0b2)""#,
            "`0b2` can't be read: `2` is no digit",
        ),
        (r#"tracker = "Matches('ab')""#, "`'ab'` can't be read"),
        (
            r#"tracker = r"Custom(|e| e == '\q')""#,
            "can't be read: `\\q` is no escape",
        ),
        (r#"tracker = "Matches(r#self)""#, "`r#self` is not a name"),
        (r#"tracker = "Matches(r#5s)""#, "`r#5s` is not a name"),
        (r#"tracker = "Matches(r#)""#, "`r#` is not a name"),
        (
            "tracker = \"Matches(a\u{202e}b)\"",
            "unexpected `\\u{202e}`",
        ),
        ("tracker = \"Matches(\u{b2})\"", "unexpected `\u{b2}`"),
    ] {
        first(args, message);
    }
    // Advice looks into strings as well.
    refused(
        "breaker = \"1e\"",
        "\"1e\"",
        "`breaker` takes a breaker, as in `breaker = PAYMENTS`",
    );
}

#[test]
fn invisible_names_are_refused() {
    for name in [
        "a\\u{202e}b",
        "a\\nb",
        "a\\0",
        "a\\u{200b}",
        "\\u{feff}a",
        "a\u{202e}b",
    ] {
        refused(
            &format!("name = \"{name}\""),
            &format!("\"{name}\""),
            "the name must not have the character `\\u{",
        );
    }
    accepted("name = \"Zahlung – é 支払い 🚀\"");
}

#[test]
fn keyword_handles_are_refused() {
    for handle in [
        "Self::self",
        "Self::Self",
        "self",
        "crate",
        "Self::super",
        "fn",
    ] {
        refused(
            &format!("handle = {handle}"),
            handle,
            "`handle` takes the name of the function to be made",
        );
    }
    accepted("handle = Self::r#type");
}
