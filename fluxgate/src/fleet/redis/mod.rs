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

use super::FleetBuilder;

impl FleetBuilder {
    /// Meets on a Redis (6 or later) or Valkey server: one node, with TLS if the address
    /// begins with `rediss://`.
    ///
    /// An address that can't be read is an error of [`join`](Self::join); a server that
    /// can't be reached is none. The connection is made anew whenever it is lost, and
    /// lives on a thread of its own. The guide has the server's access rules.
    ///
    /// ```no_run
    /// use fluxgate::fleet::Fleet;
    ///
    /// let fleet = Fleet::builder("prod/shop")
    ///     .redis("redis://fluxgate:secret@cache.internal:6379")
    ///     .join_blocking()?;
    /// # Ok::<_, fluxgate::fleet::FleetError>(())
    /// ```
    pub fn redis<A>(self, address: A) -> Self
    where
        A: TryInto<RedisAddress>,
        A::Error: Into<RedisError>,
    {
        let address = address.try_into().map_err(Into::into);
        self.connect(Box::new(move |mailbox| {
            let store = address.and_then(|address| RedisStore::connect(address, mailbox));
            match store {
                Ok(store) => Ok(Box::new(store)),
                Err(error) => Err(error.to_string()),
            }
        }))
    }
}
