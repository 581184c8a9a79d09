//! Values of arguments: literals, numbers and durations, and their ranges.

pub(crate) mod duration;
pub(crate) mod exact;
#[allow(dead_code, reason = "the attribute asks more of it")]
pub(crate) mod limits;
mod literal;
pub(crate) mod number;
