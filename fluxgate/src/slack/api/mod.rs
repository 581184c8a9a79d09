//! What goes to Slack, and what comes back.

pub(crate) mod body;
pub(crate) mod error_code;
pub(crate) mod response;
pub(crate) mod token;
pub(crate) mod transport;
