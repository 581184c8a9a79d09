//! A circuit breaker as an attribute: annotate a function, and its calls stop
//! going to a dependency that fails.
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc(test(attr(deny(warnings, unused))))]
#![doc(test(attr(allow(dead_code, unused_variables))))]

#[doc(hidden)]
pub mod __private;
mod breaker;
mod builder;
pub mod clock;
mod contain;
mod control;
mod core;
mod error;
mod info;
mod judge;
mod judged;
mod lazy;
#[doc(hidden)]
pub mod limits;
pub mod listener;
mod machine;
mod metrics;
mod name;
mod outbox;
pub mod permit;
mod probes;
mod published;
pub mod random;
mod reason;
pub mod registry;
mod report;
pub mod retry;
mod run;
mod signal;
mod span;
mod state;
mod sync;
pub mod testing;
#[cfg(feature = "tracing")]
mod timestamp;
pub mod tracker;
pub mod tripper;
pub mod window;

pub use breaker::{CircuitBreaker, Guard};
pub use builder::{Builder, OnCancel};
pub use error::{CallError, CallNotPermitted, ConfigError, Fault};
pub use info::Info;
pub use judge::Outcome;
pub use judged::Judged;
pub use lazy::StaticBreaker;
pub use listener::Listener;
pub use metrics::Metrics;
pub use name::Name;
pub use reason::{Reason, RuleKind};
pub use signal::Signal;
pub use state::{ParseStateError, State};
