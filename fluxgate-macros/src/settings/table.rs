//! The settings in one table, each with its reader: parsing, messages and checks
//! look here.

use syn::ext::IdentExt;

use super::{
    ItemSettings, fleet,
    value::{
        callable, count, crate_path, fixed, flag, handle, key_of_call, key_type, name, policy,
        shared_breaker, time,
    },
};
use crate::{
    policy::{
        self, CountLimits, ParsedInitialState, ParsedOnCancel, ParsedPermit, ParsedRetry,
        ParsedSlowProbes, ParsedThrottle, ParsedWindow,
    },
    tokens::{
        Cursor, LocatedToken,
        errors::{ErrorList, Reported},
    },
};

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The breaker, which several functions may share.
    Breaker,
    /// The function: how it is protected.
    Function,
    /// The expansion.
    Macro,
}

/// One setting.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) owner: Owner,
    /// For messages.
    pub(crate) example: &'static str,
    /// Reads the value, up to the end or a comma, into its slot.
    pub(super) read: Reader,
}

type Reader =
    fn(&mut ItemSettings, &'static Setting, &mut Cursor<'_>, &ErrorList) -> Result<(), Reported>;

const fn setting(owner: Owner, name: &'static str, example: &'static str, read: Reader) -> Setting {
    Setting {
        name,
        owner,
        example,
        read,
    }
}

fn store<T>(slot: &mut Option<T>, value: Result<T, Reported>) -> Result<(), Reported> {
    *slot = Some(value?);
    Ok(())
}

/// The one setting that is no `name = value`.
pub(super) const FLEET: &str = "fleet";

pub(crate) static SETTINGS: &[Setting] = &[
    setting(
        Owner::Breaker,
        "name",
        "name = \"payment_api\"",
        |to, _, cursor, errors| store(&mut to.breaker.name, name(cursor, errors)),
    ),
    setting(
        Owner::Breaker,
        "window",
        "window = CountWindow(100)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.window,
                policy(cursor, errors, ParsedWindow::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "tripper",
        "tripper = MinRequests(20) & FailureRate(0.5)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.tripper,
                policy(cursor, errors, policy::read_tripper),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "retry",
        "retry = Cooldown(60s)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.retry,
                policy(cursor, errors, ParsedRetry::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "permit",
        "permit = RampUp(0.1, 1.0, 60s)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.permit,
                policy(cursor, errors, ParsedPermit::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "max_half_open_calls",
        "max_half_open_calls = 10",
        |to, it, cursor, errors| {
            store(
                &mut to.breaker.max_half_open_calls,
                count(it, CountLimits::Calls32, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "close_after",
        "close_after = 3",
        |to, it, cursor, errors| {
            store(
                &mut to.breaker.close_after,
                count(it, CountLimits::Calls, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "reopen_after",
        "reopen_after = 2",
        |to, it, cursor, errors| {
            store(
                &mut to.breaker.reopen_after,
                count(it, CountLimits::Calls, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "probe_lease",
        "probe_lease = 60s",
        |to, it, cursor, errors| store(&mut to.breaker.probe_lease, time(it, cursor, errors)),
    ),
    setting(
        Owner::Breaker,
        "on_cancel",
        "on_cancel = FailAfter(5s)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.on_cancel,
                policy(cursor, errors, ParsedOnCancel::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "slow_probes",
        "slow_probes = Fail",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.slow_probes,
                policy(cursor, errors, ParsedSlowProbes::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "throttle",
        "throttle = Adaptive(k = 1.5, window = 10s)",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.throttle,
                policy(cursor, errors, ParsedThrottle::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        FLEET,
        "fleet(suspect = FailureStreak(2), probes = 3)",
        |to, _, cursor, errors| store(&mut to.breaker.fleet, fleet::read(cursor, errors)),
    ),
    setting(
        Owner::Breaker,
        "durations",
        "durations = true",
        |to, it, cursor, errors| store(&mut to.breaker.durations, flag(it, cursor, errors)),
    ),
    setting(
        Owner::Breaker,
        "initial_state",
        "initial_state = MetricsOnly",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.initial_state,
                policy(cursor, errors, ParsedInitialState::read),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "flight_recorder",
        "flight_recorder = 100",
        |to, it, cursor, errors| {
            store(
                &mut to.breaker.flight_recorder,
                count(it, CountLimits::Transitions, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "settings",
        "settings = fixed",
        |to, _, cursor, errors| store(&mut to.breaker.fixed, policy(cursor, errors, fixed)),
    ),
    setting(
        Owner::Breaker,
        "listeners",
        "listeners = [LogListener]",
        |to, _, cursor, errors| {
            store(
                &mut to.breaker.listeners,
                policy(cursor, errors, policy::read_listeners),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "key_type",
        "key_type = String",
        |to, _, cursor, errors| store(&mut to.keys.key_type, key_type(cursor, errors)),
    ),
    setting(
        Owner::Breaker,
        "max_keys",
        "max_keys = 1000",
        |to, it, cursor, errors| {
            store(
                &mut to.keys.max_keys,
                count(it, CountLimits::Keys, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Breaker,
        "max_labels",
        "max_labels = 20",
        |to, it, cursor, errors| {
            store(
                &mut to.keys.max_labels,
                count(it, CountLimits::Labels, cursor, errors),
            )
        },
    ),
    setting(
        Owner::Function,
        "key",
        "key = tenant",
        |to, _, cursor, errors| store(&mut to.function.key, key_of_call(cursor, errors)),
    ),
    setting(
        Owner::Function,
        "tracker",
        "tracker = TypeOf(std::io::Error)",
        |to, _, cursor, errors| {
            store(
                &mut to.function.tracker,
                policy(cursor, errors, policy::read_tracker),
            )
        },
    ),
    setting(
        Owner::Function,
        "failure_if",
        "failure_if = |response: &Response| response.is_server_error()",
        |to, it, cursor, errors| store(&mut to.function.failure_if, callable(it, cursor, errors)),
    ),
    setting(
        Owner::Function,
        "classify",
        "classify = |result| match result { Ok(_) => Outcome::Success, Err(_) => Outcome::Failure }",
        |to, it, cursor, errors| store(&mut to.function.classify, callable(it, cursor, errors)),
    ),
    setting(
        Owner::Function,
        "failure_texts",
        "failure_texts = true",
        |to, it, cursor, errors| store(&mut to.function.failure_texts, flag(it, cursor, errors)),
    ),
    setting(
        Owner::Function,
        "fallback",
        "fallback = |error| Ok(cached())",
        |to, it, cursor, errors| store(&mut to.function.fallback, callable(it, cursor, errors)),
    ),
    setting(
        Owner::Function,
        "map_rejection",
        "map_rejection = Error::Rejected",
        |to, it, cursor, errors| {
            store(&mut to.function.map_rejection, callable(it, cursor, errors))
        },
    ),
    setting(
        Owner::Function,
        "handle",
        "handle = quote_breaker",
        |to, _, cursor, errors| store(&mut to.function.handle, handle(cursor, errors)),
    ),
    setting(
        Owner::Function,
        "breaker",
        "breaker = PAYMENTS",
        |to, it, cursor, errors| {
            store(&mut to.function.breaker, shared_breaker(it, cursor, errors))
        },
    ),
    setting(
        Owner::Macro,
        "docs",
        "docs = false",
        |to, it, cursor, errors| store(&mut to.docs, flag(it, cursor, errors)),
    ),
    setting(
        Owner::Macro,
        "crate",
        "crate = my_fluxgate",
        |to, _, cursor, errors| store(&mut to.krate, crate_path(cursor, errors)),
    ),
];

/// Returns the setting of a name.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Returns whether the next tokens are a setting's name and its `=`.
pub(crate) fn is_next(cursor: &Cursor<'_>) -> bool {
    let ident = cursor.peek().and_then(LocatedToken::ident);
    ident.is_some_and(|ident| find(&ident.unraw().to_string()).is_some())
        && (cursor.second_is_equals() || ident.is_some_and(|ident| ident == FLEET))
}

/// Says what is wrong with the separator, where one value should have ended.
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
