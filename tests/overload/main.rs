//! Throttles: what they count, when they refuse, and what that is good for.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small simulation, whose numbers are small"
)]

mod attribute;
mod numbers;
mod rules;
mod servers;
mod ways;
