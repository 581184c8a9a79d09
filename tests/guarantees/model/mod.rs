//! The breaker against a naive model of it.

mod changes;
mod compare;
mod exhaustive;
mod lifetime;
mod overload;
mod policies;
mod questions;
mod random;
mod reference;
mod rules;
mod settings;
mod world;
