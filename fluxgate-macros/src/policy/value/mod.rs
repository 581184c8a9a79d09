//! Values of arguments: literals, numbers and durations, and their ranges.

pub(crate) mod constant;
pub(crate) mod duration;
pub(crate) mod exact;
pub(crate) mod limits;
pub(crate) mod literal;
pub(crate) mod number;
