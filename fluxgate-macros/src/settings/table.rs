//! The keys of the attribute, in one table: parsing, messages and checks look
//! here.

use syn::ext::IdentExt;

use crate::tokens::{Cursor, Token};

/// What a key is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The breaker, which several functions may share.
    Breaker,
    /// The function: how it is protected.
    Function,
    /// The expansion.
    Macro,
}

pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) owner: Owner,
    /// For messages.
    pub(crate) example: &'static str,
}

const fn key(owner: Owner, name: &'static str, example: &'static str) -> Key {
    Key {
        name,
        owner,
        example,
    }
}

pub(crate) const KEYS: &[Key] = &[
    key(Owner::Breaker, "name", "name = \"payment_api\""),
    key(Owner::Breaker, "window", "window = CountWindow(100)"),
    key(
        Owner::Breaker,
        "tripper",
        "tripper = MinRequests(20) & FailureRate(0.5)",
    ),
    key(Owner::Breaker, "retry", "retry = Cooldown(60s)"),
    key(Owner::Breaker, "permit", "permit = RampUp(0.1, 1.0, 60s)"),
    key(
        Owner::Breaker,
        "max_half_open_calls",
        "max_half_open_calls = 10",
    ),
    key(Owner::Breaker, "close_after", "close_after = 3"),
    key(Owner::Breaker, "reopen_after", "reopen_after = 2"),
    key(Owner::Breaker, "probe_lease", "probe_lease = 60s"),
    key(Owner::Breaker, "on_cancel", "on_cancel = FailAfter(5s)"),
    key(Owner::Breaker, "durations", "durations = true"),
    key(Owner::Breaker, "listeners", "listeners = [LogListener]"),
    key(Owner::Breaker, "key_type", "key_type = String"),
    key(Owner::Breaker, "max_keys", "max_keys = 1000"),
    key(Owner::Breaker, "max_labels", "max_labels = 20"),
    key(Owner::Function, "key", "key = tenant"),
    key(
        Owner::Function,
        "tracker",
        "tracker = TypeOf(std::io::Error)",
    ),
    key(
        Owner::Function,
        "failure_if",
        "failure_if = |response: &Response| response.is_server_error()",
    ),
    key(
        Owner::Function,
        "classify",
        "classify = |result| match result { Ok(_) => Outcome::Success, Err(_) => Outcome::Failure }",
    ),
    key(
        Owner::Function,
        "fallback",
        "fallback = |error| Ok(cached())",
    ),
    key(
        Owner::Function,
        "map_rejection",
        "map_rejection = Error::Rejected",
    ),
    key(Owner::Function, "handle", "handle = quote_breaker"),
    key(Owner::Function, "breaker", "breaker = PAYMENTS"),
    key(Owner::Macro, "docs", "docs = false"),
    key(Owner::Macro, "crate", "crate = my_fluxgate"),
];

pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether the next tokens are a key and its `=`.
pub(crate) fn is_next(cursor: &Cursor<'_>) -> bool {
    let ident = cursor.peek().and_then(Token::ident);
    ident.is_some_and(|ident| find(&ident.unraw().to_string()).is_some())
        && cursor.second_is_equals()
}

/// What to say where one value should have ended, if it is the separator that is
/// wrong.
pub(crate) fn separator(cursor: &Cursor<'_>) -> Option<String> {
    let next = cursor.peek()?.text();
    if is_next(cursor) {
        Some(format!("expected `,` before the next key, `{next}`"))
    } else if next == ";" {
        Some("settings are separated by `,`, and not by `;`".to_owned())
    } else {
        None
    }
}

/// What people who know the original, or another breaker, write.
pub(crate) fn habit(name: &str) -> Option<&'static str> {
    Some(match snake_case(name).as_str() {
        "window_size" | "sliding_window_size" | "sliding_window_type" | "sampling_duration" => {
            "the size stands in the window: `window = CountWindow(100)` or `TimeWindow(60s)`"
        }
        "failure_threshold"
        | "failure_rate"
        | "failure_ratio"
        | "failure_rate_threshold"
        | "fail_max"
        | "error_threshold_percentage"
        | "min_requests"
        | "minimum_throughput"
        | "request_volume_threshold"
        | "minimum_number_of_calls" => {
            "the rule is one value: `tripper = MinRequests(20) & FailureRate(0.5)`"
        }
        "slow_threshold"
        | "slow_call_threshold"
        | "slow_call_rate_threshold"
        | "slow_call_duration_threshold" => {
            "the threshold stands in the rule: `tripper = SlowRate(0.3, threshold = 1s)`"
        }
        "timeout"
        | "recovery_timeout"
        | "reset_timeout"
        | "wait_duration"
        | "wait_duration_in_open_state"
        | "break_duration"
        | "sleep_window"
        | "cooldown" => "how long the circuit stays open is `retry = Cooldown(60s)`",
        "permitted_number_of_calls_in_half_open_state" | "half_open_max_calls" => {
            "how many probes there are at once is `max_half_open_calls = 10`"
        }
        "success_threshold" => "how many good probes close the circuit is `close_after = 3`",
        "exclude" | "ignore" | "ignore_exceptions" | "record_exceptions" | "expected_exception"
        | "should_handle" => {
            "which errors count is `tracker = TypeOf(MyError)` or `tracker = !TypeOf(MyError)`"
        }
        "classifier" | "failure_classifier" | "outcome" => {
            "what every result means is `classify = |result| …`, which gives an `Outcome`"
        }
        "listener" => "it takes a list: `listeners = [LogListener]`",
        "on_rejection" | "rejected" | "map_err" | "map_error" => {
            "what a rejection becomes is `map_rejection = |rejection| …`, which gives an error"
        }
        "capacity" | "max_size" | "max_entries" => {
            "how many keys there may be is `max_keys = 1000`"
        }
        "label" | "labels" => "how many keys get a name of their own is `max_labels = 20`",
        _ => return None,
    })
}

/// `failureRateThreshold` as `failure_rate_threshold`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}
