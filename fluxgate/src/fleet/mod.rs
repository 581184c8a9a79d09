//! Breakers of many instances that warn each other: they share openings and probes, over
//! a store that they all reach.
//!
//! Local first: each breaker decides alone and at once, as without a fleet. No call ever
//! waits for the fleet, and without the store local rules hold.

pub(crate) mod agent;
pub(crate) mod circuit_id;
mod join;
mod member;
pub(crate) mod memory;
mod plan;
mod quorum;
#[cfg(feature = "redis-core")]
mod redis;
pub(crate) mod store;

pub use crate::info::fleet::FleetInfo;
pub(crate) use join::newcomer;
pub use join::{Fleet, FleetBuilder, FleetError};
pub use member::Member;
pub use memory::MemoryStore;
pub use plan::{Plan, plan};
pub use quorum::Quorum;
#[cfg(feature = "redis-core")]
pub use redis::{RedisAddress, RedisError};
pub(crate) use store::Terms;

#[cfg(test)]
mod tests;
