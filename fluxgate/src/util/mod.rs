//! Small helpers that every layer uses. They use none of the layers.

pub(crate) mod alarms;
pub mod bounds;
pub(crate) mod consult;
pub(crate) mod duration;
pub(crate) mod panic;
pub(crate) mod pending;
pub(crate) mod printable;
pub(crate) mod slot;
pub(crate) mod sync;
pub(crate) mod threads;
#[cfg(feature = "slack-core")]
pub(crate) mod utc;
#[cfg(feature = "serde")]
pub(crate) mod wire;
