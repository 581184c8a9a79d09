//! The keys of the attribute, in one table: parsing, messages and checks look
//! here.

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
        "fallback",
        "fallback = |error| Ok(cached())",
    ),
    key(Owner::Function, "handle", "handle = quote_breaker"),
    key(Owner::Function, "breaker", "breaker = PAYMENTS"),
    key(Owner::Macro, "docs", "docs = false"),
    key(Owner::Macro, "crate", "crate = my_fluxgate"),
];

pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// What people who know the original, or another breaker, write.
pub(crate) fn habit(name: &str) -> Option<&'static str> {
    Some(match name {
        "window_size" => "the size stands in the window: `window = CountWindow(100)`",
        "failure_threshold"
        | "failure_rate"
        | "failure_rate_threshold"
        | "min_requests"
        | "minimum_number_of_calls" => {
            "the rule is one value: `tripper = MinRequests(20) & FailureRate(0.5)`"
        }
        "slow_threshold" | "slow_call_threshold" => {
            "the threshold stands in the rule: `tripper = SlowRate(0.3, threshold = 1s)`"
        }
        "timeout" | "recovery_timeout" | "reset_timeout" | "wait_duration" | "cooldown" => {
            "how long the circuit stays open is `retry = Cooldown(60s)`"
        }
        "exclude" | "ignore" | "expected_exception" => {
            "which errors count is `tracker = !TypeOf(MyError)`"
        }
        "listener" => "it takes a list: `listeners = [LogListener]`",
        _ => return None,
    })
}
