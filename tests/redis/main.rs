//! Fleets on real Redis servers, with TLS and the ACL of the guide.
//!
//! Not part of `cargo test`, since it needs Redis: `tests/redis/run` runs it.

mod instance;
mod nemesis;
mod proxy;
mod security;
mod server;
mod together;
