//! Throttles: what they count, when they refuse, and what that is good for.

mod numbers;
mod rules;
mod world;
