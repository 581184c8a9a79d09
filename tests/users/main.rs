//! The breaker where its users live: inside tower services, HTTP servers and
//! clients, and in front of many dependencies at once.

mod fleet;
mod http;
mod in_flight;
mod isolation;
mod keys;
mod keys_eviction;
mod keys_hostile;
mod naming;
mod recovery;
mod retry_after;
mod tower_service;
mod tower_stack;
