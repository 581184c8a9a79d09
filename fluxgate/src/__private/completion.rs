//! What editors complete inside the attribute, by setting.
//!
//! Settings that are being typed are wrong until they are complete. Beside the error,
//! generated code then names what is here, for rust-analyzer alone:
//! `completion::setting::retr`, `completion::retry::Cool`.

#![allow(
    non_upper_case_globals,
    unused_imports,
    reason = "named as in the attribute, and only there"
)]

/// Around the names, which only rust-analyzer sees.
#[cfg(rust_analyzer)]
#[doc(hidden)]
#[macro_export]
macro_rules! __completion {
    ($($names:tt)*) => { $($names)* };
}

/// Around the names, which the compiler does not see.
#[cfg(not(rust_analyzer))]
#[doc(hidden)]
#[macro_export]
macro_rules! __completion {
    ($($names:tt)*) => {};
}
pub use crate::__completion as completion;

/// A name that is no item of this crate.
pub struct Word;

macro_rules! words {
    ($(#[doc = $doc:literal] $name:ident)*) => { $(#[doc = $doc] pub const $name: Word = Word;)* };
}

pub mod setting {
    use super::Word;

    words! {
        /// The breaker's name: `name = "payment_api"`.
        name
        /// Which calls still count: `window = TimeWindow(60s)`.
        window
        /// When to open: `tripper = MinRequests(20) & FailureRate(0.5)`.
        tripper
        /// When to probe: `retry = Backoff(initial = 10s)`.
        retry
        /// Which calls become probes: `permit = All`.
        permit
        /// How many probes at once: `max_half_open_calls = 3`.
        max_half_open_calls
        /// How many successful probes in a row close: `close_after = 3`.
        close_after
        /// How many failed probes in a row reopen: `reopen_after = 1`.
        reopen_after
        /// How long a probe holds its slot: `probe_lease = 5s`.
        probe_lease
        /// What a cancelled call counts as: `on_cancel = FailAfter(5s)`.
        on_cancel
        /// What a slow probe counts as: `slow_probes = Fail`.
        slow_probes
        /// How overload is answered: `throttle = Adaptive(1.5)`.
        throttle
        /// Whether it takes part in a fleet: `fleet(suspect = FailureStreak(2))`.
        fleet
        /// The state at the start: `initial_state = MetricsOnly`.
        initial_state
        /// Takes no settings from outside: `settings = fixed`.
        settings
        /// How many transitions are kept: `flight_recorder = 32`.
        flight_recorder
        /// Whether the texts of failures are kept: `failure_texts = true`.
        failure_texts
        /// Whether durations are measured that no rule reads: `durations = true`.
        durations
        /// What is told of transitions: `listeners = [LogListener]`.
        listeners
        /// One breaker for each key: `key = tenant`.
        key
        /// What keys are kept as: `key_type = String`.
        key_type
        /// How many keys have a breaker: `max_keys = 1000`.
        max_keys
        /// How many keys have a name of their own: `max_labels = 50`.
        max_labels
        /// Which errors are failures: `tracker = TypeOf(io::Error)`.
        tracker
        /// Which results are failures: `failure_if = |response| …`.
        failure_if
        /// What every result means: `classify = outcome`.
        classify
        /// What stands in for a result: `fallback = |_| Ok(0)`.
        fallback
        /// What becomes of a rejection: `map_rejection = ApiError::Rejected`.
        map_rejection
        /// The function that gives the breaker: `handle = quote_breaker`.
        handle
        /// A breaker that is defined elsewhere: `breaker = PAYMENTS`.
        breaker
        /// Whether the documentation tells the policy: `docs = false`.
        docs
    }
}

pub mod window {
    pub use crate::window::{CountWindow, Custom, TimeWindow};
}

pub mod tripper {
    pub use crate::tripper::{
        AvgLatency, Closed, Custom, FailureRate, FailureStreak, HalfOpened, InFlight, MinRequests,
        SlowRate,
    };
}

pub mod retry {
    use super::Word;
    pub use crate::retry::{Always, Backoff, Cooldown, Never};

    words! {
        /// A retry policy of your own: `Custom(MyRetry::new())`.
        Custom
    }
}

pub mod permit {
    use super::Word;
    pub use crate::permit::{All, RampUp, Random};

    words! {
        /// A permit of your own: `Custom(MyPermit::new())`.
        Custom
    }
}

pub mod on_cancel {
    pub use crate::OnCancel::{Fail, FailAfter, Ignore};
}

pub mod slow_probes {
    pub use crate::SlowProbes::{Fail, Pass};
}

pub mod throttle {
    pub use crate::throttle::Adaptive;
}

pub mod initial_state {
    pub use crate::State::{Closed, Disabled, ForcedOpen, HalfOpen, MetricsOnly, Open};
}

pub mod settings {
    use super::Word;

    words! {
        /// No settings from outside.
        fixed
    }
}

pub mod tracker {
    use super::Word;
    pub use crate::tracker::{All, Custom, TypeOf};

    words! {
        /// Errors that match a pattern: `Matches(ApiError::Status(500..=599))`.
        Matches
    }
}

pub mod listeners {
    use super::Word;

    words! {
        /// Logs transitions, with the feature `tracing`.
        LogListener
        /// Exports metrics, with the feature `prometheus`.
        PrometheusListener
        /// Exports metrics to the `metrics` facade, with the feature `metrics`.
        MetricsListener
        /// Exports metrics, with the feature `opentelemetry`.
        OpenTelemetryListener
        /// Posts to Slack, with the feature `slack`: `SlackListener(channel = "C1", token = env("TOKEN"))`.
        SlackListener
    }
}
