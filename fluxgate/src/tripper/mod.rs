//! When to open the circuit.
//!
//! Rules are values that combine with `&` and `|`; `&` binds tighter. A rule is
//! asked after every recorded call, with the window that holds that call, and
//! every comparison includes its threshold: `FailureRate::new(0.5)` fires at
//! exactly one half.
//!
//! ```
//! use std::time::Duration;
//! use fluxgate::{CircuitBreaker, tripper::*};
//!
//! let breaker = CircuitBreaker::builder("payments")
//!     .tripper(
//!         FailureStreak::new(5)
//!             | MinRequests::new(20)
//!                 & (FailureRate::new(0.5) | SlowRate::new(0.3, Duration::from_secs(1))),
//!     )
//!     .build()?;
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```

pub(crate) mod ages;
mod cause;
pub(crate) mod context;
mod custom;
mod in_flight;
mod min_to_trip;
#[cfg(any(feature = "page", feature = "sim"))]
mod pressure;
mod rule;
#[cfg(feature = "page")]
mod words;

pub(crate) use cause::Cause;
pub use context::Context;
pub use custom::{Custom, Needs, Tripper};
pub use in_flight::InFlight;
pub(crate) use min_to_trip::MinToTrip;
pub use rule::{
    AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, MinRequests, Rule, SlowRate,
};
