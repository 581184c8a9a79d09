//! A circuit breaker as an attribute: annotate a function, and its calls stop
//! going to a dependency that fails.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use std::io;
//! use fluxgate::circuit_breaker;
//!
//! #[circuit_breaker(
//!     tripper = "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)",
//!     retry = "Cooldown(30s, jitter_ratio = 0.1)",
//! )]
//! fn price(symbol: &str) -> io::Result<f64> {
//!     // … ask the dependency …
//! #   Ok(42.0)
//! }
//! # assert!(price("X").is_ok());
//! # }
//! ```
//!
//! While the circuit is closed, calls run and their outcomes are recorded in a
//! [window]; the [tripper] looks at the window after each. When it fires, the
//! circuit opens, and calls are rejected with [`CallNotPermitted`] without
//! running. When the [retry] policy allows it, the circuit is half-open: the
//! [permit] and a limit let a few calls through as probes, and their outcomes
//! close the circuit or open it again. [Listeners](listener) are told of every
//! transition. Operators can [`reset`](CircuitBreaker::reset),
//! [`disable`](CircuitBreaker::disable),
//! [`force_open`](CircuitBreaker::force_open), or let a breaker
//! [only measure](CircuitBreaker::metrics_only).
//!
//! Functions that can't be annotated call through a [`CircuitBreaker`] that is
//! built by hand; everything the attribute does can be done that way. Tests
//! drive the time themselves: see [`testing`].
//!
//! The [guide] goes on from here: a tutorial, numbers for choosing a policy, and
//! the way from other libraries.
//!
//! # Trade-offs
//!
//! - A breaker lives in one process; instances of a service do not share what
//!   they learn.
//! - The breaker of an annotated function is one static per function
//!   definition, shared by all instances and instantiations, and is never
//!   dropped. With the feature `keyed` and `key = …` there is one for each key.
//! - A breaker is not a timeout: a call that never ends is never counted, unless
//!   something drops it (see [`OnCancel`]).
//! - On the healthy path a call costs an atomic load before and one after. That
//!   holds for a [`CountWindow`](window::CountWindow) full of quick successes,
//!   under rules over counts, rates and streaks; everything else takes a short
//!   lock at the end of each call. Rules over durations read the clock twice a
//!   call.
//! - What is not needed is not measured: [`info()`](CircuitBreaker::info) tells
//!   durations only if a rule reads them or
//!   [`durations`](Builder::durations) asks for them.
//! - Transitions are told on the thread that caused them; a listener should be
//!   quick.
//!
//! # What it promises
//!
//! Each promise has a number, and the tests in `tests/guarantees` whose names
//! begin with it would catch its loss; one of them is named. Beside these, the
//! whole breaker is compared with a naive model in generated interleavings and
//! in every state within small bounds, and its lock-free parts are explored with
//! loom.
//!
//! 1. **Bounded probes.** Never more than
//!    [`max_half_open_calls`](Builder::max_half_open_calls) probes in flight. A
//!    slot comes back however its probe ends, and at the end of its
//!    [lease](Builder::probe_lease) if it does not end: half-open never gets
//!    stuck on its probes. (`g1_a_probe_gives_its_slot_back_however_it_ends`)
//! 2. **Generations.** An outcome counts only in the period that admitted its
//!    call. A late one never closes, opens or dirties a later period.
//!    (`g2_a_late_success_never_closes_and_a_late_failure_never_reopens`)
//! 3. **Signals.** Every transition reaches every listener once, in order.
//!    (`g3_signals_form_one_chain_whatever_all_threads_do`)
//! 4. **No lock is held** while the protected call, tracker, predicate, fallback
//!    or a listener runs: each may use the breaker.
//!    (`g4_a_listener_may_call_every_method_of_its_breaker`)
//! 5. **Containment.** A listener, a policy or an exporter that panics changes no
//!    call's result.
//!    (`g5_a_listener_that_panics_changes_no_result_and_silences_no_other`)
//! 6. **Exact windows.** Under any number of threads the window holds exactly the
//!    last n outcomes, or those of the last while.
//!    (`g6_the_window_holds_exactly_the_last_outcomes_of_all_threads`)
//! 7. **One opening.** When the wait is over, exactly one caller half-opens the
//!    circuit. (`g7_one_thread_half_opens_at_the_end_of_each_wait`)
//! 8. **No I/O on the caller.** Async listeners and Slack are served by threads
//!    of their own.
//!    (`g8_an_async_listener_runs_on_another_thread_and_delays_no_call`)
//! 9. **Nothing required.** No async runtime, no feature; one type for sync and
//!    async. (`g9_sync_and_async_calls_share_one_breaker_without_a_runtime`)
//! 10. **Panics** of the protected function count as failures and unwind on.
//!     (`g10_a_panic_counts_as_a_failure_and_unwinds_on_unchanged`)
//!
//! # Features
//!
//! | feature | default | what it buys |
//! |---|---|---|
//! | `macros` | yes | `#[circuit_breaker(…)]` and `breaker!` |
//! | `tracing` | yes | [`LogListener`](listener::LogListener), and the crate's own reports as events |
//! | `log` | | the same events for programs that use the `log` crate |
//! | `tokio` | | `TokioClock` |
//! | `prometheus` | | `PrometheusListener` |
//! | `serde` | | `Serialize` for `Info`, `Signal` and what is in them |
//! | `inventory` | | breakers of annotated functions are in the registry before their first call |
//! | `http` | | `http`: what HTTP statuses and `Retry-After` mean, and rejections as 503 responses |
//! | `keyed` | | `keyed` and `key = …`: one breaker per tenant, host or shard |
//! | `tower` | | `tower`: a breaker as a `Layer`, for axum, tonic, reqwest and every other `Service` |
//! | `sim` | | `sim`: tries a policy on the shipping engine before production does |
//! | `slack` | | `SlackListener` and the delivery it is built on |
//! | `slack-core` | | the same without TLS, for a proxy within reach over plain HTTP |
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc(test(attr(deny(warnings), allow(dead_code, unused_variables))))]

#[doc(hidden)]
pub mod __private;
mod breaker;
// Its future is a part of the public one of `tower`.
#[cfg_attr(not(feature = "tower"), allow(unreachable_pub))]
mod call;
pub mod clock;
mod diagnostics;
mod engine;
mod error;
// Part of the documentation alone. Its examples use the attribute.
#[cfg(all(any(doc, doctest), feature = "macros", feature = "tracing"))]
pub mod guide;
#[cfg(feature = "http")]
pub mod http;
mod info;
#[cfg(feature = "keyed")]
pub mod keyed;
mod linked;
pub mod listener;
mod name;
mod outcome;
pub mod permit;
pub mod random;
pub mod registry;
pub mod retry;
#[cfg(feature = "serde")]
mod serial;
mod signal;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "slack-core")]
pub mod slack;
mod sources;
mod state;
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
pub mod tracker;
pub mod tripper;
mod util;
pub mod window;

#[cfg(feature = "macros")]
pub use fluxgate_macros::{Classify, breaker, circuit_breaker};

pub use breaker::builder::{Builder, OnCancel};
pub use breaker::calls::Judged;
pub use breaker::command::{Command, ParseCommandError};
pub use breaker::static_breaker::StaticBreaker;
pub use breaker::weak::WeakBreaker;
pub use breaker::{CircuitBreaker, Guard};
pub use error::{CallError, CallNotPermitted, ConfigError, Fault, RejectionKind, rejection};
pub use info::Info;
pub use info::kill_switch::{KillSwitch, Variable};
pub use info::lifetime::{Histogram, Lifetime};
pub use info::metrics::Metrics;
pub use info::reason::{Reason, RuleKind};
pub use info::settings::SettingsInfo;
pub use listener::{Listener, ListenerInfo, MissingListener};
pub use name::Name;
pub use outcome::{Classify, Outcome};
pub use signal::Signal;
pub use state::{ParseStateError, State};

// The README's code compiles and runs.
#[cfg(all(doctest, feature = "macros", feature = "tracing"))]
#[doc = include_str!("../../README.md")]
struct Readme;
