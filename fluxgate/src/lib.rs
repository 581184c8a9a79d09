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
//!     retry = "Cooldown(30s)",
//!     permit = "All",
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
//! - By default only a share of the calls become probes when the wait is over,
//!   10 % at first: see [`permit`]. The examples set `permit = "All"`.
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
//! 1. **Bounded probes.** Never more than
//!    [`max_half_open_calls`](Builder::max_half_open_calls) probes in flight. A
//!    slot comes back however its probe ends, and at the end of its
//!    [lease](Builder::probe_lease) if it does not end: half-open never gets
//!    stuck on its probes.
//! 2. **Generations.** An outcome counts only in the period that admitted its
//!    call. A late one never closes, opens or dirties a later period.
//! 3. **Signals.** Every transition reaches every listener once, in order; only
//!    when more than 1 024 wait for listeners that block, the oldest are merged
//!    ([counted](ListenerInfo::dropped)), and the latest state still
//!    arrives.
//! 4. **No lock is held** while the protected call, tracker, predicate, fallback,
//!    a listener or a policy of your own runs, nor while anything is reported:
//!    each may use the breaker, and so may a panic hook.
//! 5. **Containment.** A listener, a policy, a clock or an exporter that panics
//!    changes no call's result, and leaves no transition half done.
//! 6. **Exact windows.** Under any number of threads the window holds exactly the
//!    last n outcomes, or those of the last while.
//! 7. **One opening.** When the wait is over, exactly one caller half-opens the
//!    circuit. Nothing else does, but one [early probe](choose::AllOpen::LeastWait) that
//!    passed, or an operator's [`half_open`](CircuitBreaker::half_open), where those are
//!    used.
//! 8. **No I/O on the caller.** Async listeners and Slack are served by threads
//!    of their own.
//! 9. **Nothing required.** No async runtime, no feature; one type for sync and
//!    async.
//! 10. **Panics** of the protected function count as failures and unwind on.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `macros` | yes | `#[circuit_breaker(…)]` and `breaker!` |
//! | `tracing` | yes | [`LogListener`](listener::LogListener), and the crate's own reports as events |
//! | `log` | | the same events for programs that use the `log` crate |
//! | `tokio` | | `TokioClock` |
//! | `prometheus` | | `PrometheusListener`, for registries of the crate `prometheus` 0.14 |
//! | `metrics` | | `MetricsListener`: the same metrics for whatever exporter of the facade `metrics` 0.24 is installed |
//! | `opentelemetry` | | `OpenTelemetryListener`: the same metrics as instruments of `opentelemetry` 0.33 |
//! | `serde` | | `Serialize` for `Info`, `Signal` and what is in them |
//! | `inventory` | | breakers of annotated functions are in the registry before their first call |
//! | `http` | | `http`: what HTTP statuses and `Retry-After` mean, and rejections as 503 responses |
//! | `grpc` | | `grpc`: what gRPC codes mean, and a tower layer that reads them where they are, in the trailers |
//! | `page` | | `page`: a page for operators, live in the browser, with commands |
//! | `keyed` | | `keyed` and `key = …`: one breaker per tenant, host or shard |
//! | `test-util` | | `testing::isolate`: tests with breakers of their own, for `[dev-dependencies]` |
//! | `tower` | | `tower`: a breaker as a `Layer`, for axum, tonic, reqwest and every other `Service` |
//! | `sim` | | `sim`: simulates a policy on the real engine, before it goes to production |
//! | `sim-traces` | | recorded traces from and to JSONL and CSV files |
//! | `settings` | | `Settings` from files and the environment, changed while the program runs; policies from text |
//! | `redis` | | `FleetBuilder::redis`: a fleet over a Redis or Valkey server |
//! | `redis-core` | | the same without TLS, for a server within reach over a plain connection |
//! | `slack` | | `SlackListener` and the delivery it is built on |
//! | `slack-core` | | the same without TLS, for a proxy within reach over plain HTTP |
//!
//! # Where it runs
//!
//! Linux, macOS and Windows, on every processor with 64-bit atomics. Two kinds of
//! targets are refused while compiling: those without 64-bit atomics, such as
//! 32-bit MIPS and most microcontrollers, since the state of a breaker is one
//! 64-bit word; and `wasm32-unknown-unknown`, where the standard library has no
//! clock. In a process that was forked, async listeners get no signals (see
//! [`AsyncListener`](listener::AsyncListener)).
#![deny(unsafe_code)]
#![warn(unnameable_types)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc(test(attr(deny(warnings), allow(dead_code, unused_variables))))]

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "fluxgate needs 64-bit atomics, which this target does not have: the state of a circuit \
     breaker is one 64-bit word that every call reads"
);
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "fluxgate needs a clock, which the standard library does not have on this target: \
     use `wasm32-wasip1`, or leave fluxgate out with `cfg(not(target_os = \"unknown\"))`"
);

#[doc(hidden)]
pub mod __private;
mod breaker;
// Its future is a part of the public one of `tower`.
#[cfg_attr(not(feature = "tower"), allow(unreachable_pub))]
mod call;
pub mod choose;
pub mod classify;
pub mod clock;
mod diagnostics;
mod engine;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod future;
#[cfg(feature = "settings")]
mod grammar;
#[cfg(feature = "grpc")]
pub mod grpc;
// Part of the documentation alone. Its examples use the attribute.
#[cfg(all(any(doc, doctest), feature = "macros", feature = "tracing"))]
pub mod guide;
#[cfg(feature = "http")]
pub mod http;
mod info;
#[cfg(feature = "keyed")]
pub mod keyed;
pub mod listener;
#[cfg(feature = "page")]
pub mod page;
pub mod permit;
pub mod random;
pub mod registry;
pub mod retry;
#[cfg(feature = "settings")]
mod settings;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "slack-core")]
pub mod slack;
pub mod testing;
pub mod throttle;
#[cfg(feature = "tower")]
pub mod tower;
pub mod tracker;
pub mod tripper;
mod types;
mod util;
pub mod window;

/// The facade [`metrics`](https://docs.rs/metrics/0.24), version 0.24, whose recorders
/// [`MetricsListener`](listener::MetricsListener) publishes to.
#[cfg(feature = "metrics")]
pub use ::metrics;
/// The crate [`opentelemetry`](https://docs.rs/opentelemetry/0.33), version 0.33, whose
/// meters [`OpenTelemetryListener`](listener::OpenTelemetryListener) exports through.
#[cfg(feature = "opentelemetry")]
pub use ::opentelemetry;
/// The crate [`prometheus`](https://docs.rs/prometheus/0.14), version 0.14, whose
/// registries [`PrometheusListener`](listener::PrometheusListener) exports to.
#[cfg(feature = "prometheus")]
pub use ::prometheus;
#[cfg(feature = "macros")]
pub use fluxgate_macros::{Classify, breaker, circuit_breaker};

pub use breaker::builder::Builder;
pub use breaker::calls::Classified;
pub use breaker::static_breaker::StaticBreaker;
pub use breaker::weak::WeakBreaker;
pub use breaker::{CircuitBreaker, Guard};
pub use call::rejection::{CallError, CallNotPermitted, RejectionKind, rejection};
#[cfg(feature = "settings")]
pub use grammar::ParsePolicyError;
pub use info::Info;
pub use info::flight;
pub use info::held::{HeldState, StateHolder};
pub use info::kill_switch::{KillSwitch, Variable};
pub use info::lifetime::{Histogram, LifetimeTotals};
pub use info::listeners::{ListenerInfo, MissingListener};
pub use info::metrics::Metrics;
pub use info::reason::{Reason, RuleKind};
pub use info::settings::{SettingSource, SettingsInfo};
pub use info::throttle::ThrottleInfo;
pub use listener::Listener;
pub use listener::signal::Signal;
#[cfg(feature = "settings")]
pub use settings::{Changes, Report, Settings, SettingsError, SettingsFault, Unmatched};
pub use types::command::{Command, ParseCommandError};
pub use types::error::{ConfigError, Fault};
pub use types::name::Name;
pub use types::on_cancel::OnCancel;
pub use types::outcome::{Classify, Outcome};
pub use types::slow_probes::SlowProbes;
pub use types::state::{ParseStateError, State};

// The README's code compiles and runs.
#[cfg(all(doctest, feature = "macros", feature = "settings", feature = "tracing"))]
#[doc = include_str!("../../README.md")]
struct Readme;
