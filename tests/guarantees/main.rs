//! The guarantees of fluxgate, each held by the tests whose names begin with its
//! number.

mod kit;
mod model;
mod panics;
mod probes;
mod reentrancy;
