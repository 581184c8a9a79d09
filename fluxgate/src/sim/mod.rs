//! Simulates a policy on the real engine, before it goes to production. (feature `sim`)
//!
//! A [`Scenario`] says how calls arrive, what the dependency does in each phase, and
//! how many instances call it. It drives real
//! [`CircuitBreaker`](crate::CircuitBreaker)s on a manual clock, so that a day takes
//! seconds, and returns a [`Run`]: how long the circuit took to open and to close, how
//! many calls reached the dead dependency, which rejected calls would have been
//! answered. The same seed gives the same bytes on every platform.
//!
//! ```
//! use std::time::Duration;
//! use fluxgate::{
//!     Builder,
//!     retry::Cooldown,
//!     sim::{Dependency, Load, LogNormal, Scenario},
//!     tripper::{FailureRate, FailureStreak, MinRequests},
//! };
//!
//! let secs = Duration::from_secs;
//! let scenario = Scenario::new(Load::poisson(200.0))
//!     .dependency(Dependency::latency(LogNormal::median(Duration::from_millis(20))))
//!     .phase(secs(20), |dependency| dependency.healthy())
//!     .phase(secs(40), |dependency| dependency.fails(1.0))
//!     .phase(secs(40), |dependency| dependency.healthy());
//!
//! let run = scenario.run(|breaker: Builder| {
//!     breaker
//!         .tripper(FailureStreak::new(5) | (MinRequests::new(20) & FailureRate::new(0.5)))
//!         .retry(Cooldown::new(secs(10)))
//! });
//! assert!(run.opened_after().unwrap() < secs(1));
//! assert!(run.reached_while_down() < 50);
//! assert_eq!(run.wrongly_refused(), 0);
//! ```
//!
//! Only the breaker's policies take part. Its listeners, environment variables and the
//! registry do not, so that a test neither posts to Slack nor depends on a variable.

mod axis;
mod compare;
mod dependency;
#[cfg(feature = "fleet")]
mod fleet;
mod load;
mod math;
mod policy;
mod ready;
mod recorder;
mod replay;
mod result;
mod scenario;
#[cfg(feature = "serde")]
mod serial;
mod simulation;
mod states;
mod svg;
mod terminal;
mod text;
mod trace;
#[cfg(feature = "sim-traces")]
mod trace_io;

pub use compare::Comparison;
pub use dependency::{Dependency, Latency, LogNormal};
#[cfg(feature = "fleet")]
pub use fleet::Network;
pub use load::Load;
pub use policy::Policy;
pub use recorder::Recorder;
pub use result::{Change, Figures, PhaseResult, Run};
pub use scenario::Scenario;
pub use trace::{Ended, Entry, Guessed, Replay, Trace};
#[cfg(feature = "sim-traces")]
pub use trace_io::TraceError;
