//! The guarantees of fluxgate, each held by the tests whose names begin with its
//! number.

mod auto_traits;
mod bad_input;
mod caller;
mod field_bugs;
mod futures;
mod generations;
mod kit;
mod model;
mod panics;
mod probes;
mod reentrancy;
mod stress;
mod windows;
