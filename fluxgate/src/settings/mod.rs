//! Settings from outside the code.

pub(crate) mod any_permit;
pub(crate) mod any_retry;
mod serial;
