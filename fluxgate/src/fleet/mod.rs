//! Breakers of many instances that warn each other: they share openings and probes, over
//! a store that they all reach.
//!
//! Local first: each breaker decides alone and at once, as without a fleet. No call ever
//! waits for the fleet, and without the store local rules hold.

#![allow(dead_code, unused_imports, reason = "the agent is to come")]

mod circuit_id;
mod member;
mod memory;
mod quorum;
#[cfg(feature = "redis-core")]
mod redis;
mod store;

pub use member::{FleetInfo, Member};
pub use quorum::Quorum;
#[cfg(feature = "redis-core")]
pub use redis::{RedisAddress, RedisError};
pub(crate) use store::Terms;

#[cfg(test)]
mod tests;
