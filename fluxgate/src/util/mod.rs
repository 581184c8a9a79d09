//! Small helpers without a layer of their own.

pub(crate) mod alarms;
pub mod bounds;
pub(crate) mod consult;
pub(crate) mod duration;
#[cfg(feature = "prometheus")]
pub(crate) mod exposition;
pub(crate) mod panic;
pub(crate) mod pending;
pub(crate) mod slot;
#[cfg(feature = "slack-core")]
pub(crate) mod utc;
