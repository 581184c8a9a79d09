//! Small helpers without a layer of their own.

pub(crate) mod duration;
pub(crate) mod panic;
#[cfg(feature = "slack-core")]
pub(crate) mod utc;
