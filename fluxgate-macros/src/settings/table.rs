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
    key(Owner::Breaker, "slow_probes", "slow_probes = Fail"),
    key(
        Owner::Breaker,
        "throttle",
        "throttle = Adaptive(k = 1.5, window = 10s)",
    ),
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
