//! Breakers of many instances that warn each other: they share openings and probes, over
//! a store that they all reach.
//!
//! Local first: each breaker decides alone and at once, as without a fleet. No call ever
//! waits for the fleet, and without the store local rules hold.

#![allow(dead_code, unused_imports, reason = "the agent is to come")]

mod circuit_id;
mod memory;
mod quorum;
mod store;

pub use quorum::Quorum;

#[cfg(test)]
mod tests;
