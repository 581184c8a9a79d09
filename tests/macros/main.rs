//! The attribute and `breaker!`, in code that compiles and runs.
#![allow(
    clippy::default_trait_access,
    clippy::elidable_lifetime_names,
    clippy::manual_assert,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    clippy::needless_pass_by_value,
    clippy::manual_async_fn,
    reason = "functions have the shape that is to be protected, needed or not"
)]

mod attributes;
mod basics;
mod bodies;
mod classifiers;
mod drops;
mod fallbacks;
mod futures;
mod hygiene;
mod in_code;
mod keyed_functions;
mod keys;
mod lints;
mod listeners;
mod names;
mod rare;
mod results;
mod shapes;
mod shared;
