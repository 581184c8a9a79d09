//! The store of a fleet on a Redis or Valkey server.

mod address;
mod connection;
mod error;
mod scripts;
mod store;
mod stream;

#[cfg(test)]
mod tests;

pub use address::RedisAddress;
pub use error::RedisError;
pub(crate) use store::RedisStore;
