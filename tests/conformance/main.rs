//! Replays recordings of the Python original, fluxgate 0.9.4, through this one.
//!
//! The recordings are JSON Lines, in `tests/vectors/fluxgate/`, or in the folder
//! that the environment variable `FLUXGATE_VECTORS` names. A file is known by
//! the beginning of its name: `log…`, `prometheus…` and `validation…` are what
//! they say, `slack…` is for the test `slack`, any other holds breaker scenarios.
//! To see what was compared:
//!
//! ```text
//! cargo test --test conformance -- --nocapture
//! ```
//!
//! Where this crate differs from the original on purpose, the expectation is the
//! recording's own second column, or it comes from a [`model`] of the original
//! that reproduces every recording and can leave its quirks out.

mod breaker;
mod drive;
mod errors;
mod expect;
mod format;
mod log;
mod model;
mod observed;
mod prometheus;
mod rules;
mod scale;
mod scenarios;
mod validation;
mod vectors;
