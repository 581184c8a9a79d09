//! Delivery of messages to Slack: a bounded queue, rate limits, retries, threads.
//!
//! Needs the feature `slack`, or `slack-core` without TLS.
//!
//! [`SlackListener`](crate::listener::SlackListener) is built on it, and so is
//! the program in `examples/slack-proxy`. A program may also use it by itself,
//! see [`Delivery`].
//!
//! What holds, whatever Slack does:
//!
//! - Queueing a message waits for nothing, and memory is bounded.
//! - Messages of one channel arrive in the order they were queued, and with
//!   [`DeliveryPolicy::recommended`] no channel waits for another.
//! - Every message taken is counted once more in [`DeliveryStats`]: as succeeded,
//!   failed, not processed or dropped. What is given up is logged in full, but
//!   never with a token.
//! - A message may arrive twice, when Slack took it and its answer was lost.
//! - A panic inside the delivery costs one attempt, and the delivery goes on.

mod api;
mod delivery;
mod error;
mod message;
#[cfg(feature = "prometheus")]
mod metrics;
mod policy;
mod queue;
mod redact;
mod registry;
mod report;
mod stats;
#[cfg(test)]
mod tests;

pub use api::{error_code::Class, token::Token};
pub use delivery::Delivery;
pub(crate) use error::valid_channel;
pub use error::{Error, SendError};
pub(crate) use message::{Content, End, MessageSlot};
pub use message::{Message, Thread};
#[cfg(feature = "prometheus")]
pub use metrics::PrometheusCollector;
pub use policy::DeliveryPolicy;
pub use queue::bucket::Rate;
pub use registry::{FlushGuard, FlushReport, shutdown_all};
pub use stats::{ChannelStats, DeliveryStats};

/// Reads an environment variable.
pub(crate) fn env(variable: &str) -> Result<String, Error> {
    std::env::var(variable).map_err(|_| Error::missing_env(variable))
}
