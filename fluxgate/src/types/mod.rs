//! The plain values that every layer uses. They use none of the layers.

pub(crate) mod command;
pub(crate) mod error;
pub(crate) mod name;
pub(crate) mod on_cancel;
pub(crate) mod outcome;
pub(crate) mod slow_probes;
pub(crate) mod state;
