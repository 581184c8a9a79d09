//! The breaker against a naive model of it.

mod exhaustive;
mod lifetime;
mod random;
mod reference;
mod rules;
mod settings;
mod world;
