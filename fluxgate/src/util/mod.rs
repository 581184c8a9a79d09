//! Small helpers without a layer of their own.

pub(crate) mod alarms;
pub(crate) mod consult;
pub(crate) mod duration;
#[cfg(feature = "prometheus")]
pub(crate) mod exposition;
pub(crate) mod first_use;
pub(crate) mod panic;
#[cfg(feature = "slack-core")]
pub(crate) mod utc;
