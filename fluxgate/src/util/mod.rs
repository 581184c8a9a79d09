//! Small helpers without a layer of their own.

pub(crate) mod duration;
#[cfg(feature = "prometheus")]
pub(crate) mod exposition;
pub(crate) mod panic;
#[cfg(any(feature = "tracing", feature = "slack-core"))]
pub(crate) mod utc;
