//! Where the server is, and as whom to speak to it.

use std::{fmt, sync::Arc};

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};

use super::RedisError;

/// The address of a Redis or Valkey server, with the user and the password to log in with.
///
/// `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS. Characters
/// of the user or the password that have a meaning in URLs are percent-encoded.
///
/// `Debug` and `Display` show scheme, host, port and database; the user and the password are
/// in no log, error or metric.
///
/// ```
/// use fluxgate::fleet::RedisAddress;
///
/// let address: RedisAddress = "redis://shop:s%2Fcret@cache.internal:6380".parse()?;
/// assert_eq!(address.to_string(), "redis://***@cache.internal:6380/0");
/// # Ok::<_, fluxgate::fleet::RedisError>(())
/// ```
#[derive(Clone)]
pub struct RedisAddress {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// PEM; without it the platform's certificates are trusted.
    pub(super) roots: Option<Arc<[u8]>>,
    pub(super) login: RedisConnectionInfo,
}

impl RedisAddress {
    /// Trusts these root certificates, in PEM, in place of the platform's.
    ///
    /// For servers with a certificate authority of their own.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into().into());
        self
    }

    fn parse(text: &str) -> Result<Self, RedisError> {
        let invalid = |why| Err(RedisError::InvalidUrl(why));
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return invalid("it has no scheme");
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return invalid("its scheme is another one"),
        };
        if rest.contains('#') {
            return invalid(
                "it has a `#`: there is nothing to say after one (certificates are always \
                 verified), and in a password it is written `%23`",
            );
        }
        if rest.contains('?') {
            return invalid(
                "it has a `?`: there are no parameters, and in a password it is written `%3F`",
            );
        }
        // The client would ask for its own TLS.
        let Ok(info) = format!("redis://{rest}").as_str().into_connection_info() else {
            return invalid("host, port or database can't be read");
        };
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return invalid("it names no host");
        };
        if host.is_empty() {
            return invalid("it names no host");
        }
        if tls && cfg!(not(feature = "redis")) {
            return Err(RedisError::TlsOff);
        }
        let login = info.redis_settings().clone();
        if login.db() < 0 {
            return invalid("the number of the database is negative");
        }
        if login.username().is_some() && login.password().is_none() {
            return invalid("it has a user without a password");
        }
        Ok(Self {
            host: host.as_str().into(),
            port: *port,
            tls,
            roots: None,
            // Subscriptions share the connection with commands.
            login: login
                .set_protocol(ProtocolVersion::RESP3)
                .set_skip_set_lib_name(),
        })
    }
}

impl std::str::FromStr for RedisAddress {
    type Err = RedisError;

    fn from_str(text: &str) -> Result<Self, RedisError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for RedisAddress {
    type Error = RedisError;

    fn try_from(text: &str) -> Result<Self, RedisError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RedisAddress {
    type Error = RedisError;

    fn try_from(text: String) -> Result<Self, RedisError> {
        Self::parse(&text)
    }
}

impl TryFrom<&String> for RedisAddress {
    type Error = RedisError;

    fn try_from(text: &String) -> Result<Self, RedisError> {
        Self::parse(text)
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let login = if self.login.password().is_some() {
            "***@"
        } else {
            ""
        };
        let (host, port, db) = (&self.host, self.port, self.login.db());
        if host.contains(':') {
            write!(f, "{scheme}://{login}[{host}]:{port}/{db}")
        } else {
            write!(f, "{scheme}://{login}{host}:{port}/{db}")
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        RedisAddress::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn addresses_show_no_login() {
        for url in [
            "redis://alice:secret@host",
            "redis://:secret@host:6379/0",
            "redis://alice:sec%40ret%2Fsecret@host",
        ] {
            let address = RedisAddress::parse(url).unwrap();
            let shown = format!("{address} {address:?} {address:#?}");
            assert!(!shown.contains("alice"), "{shown}");
            assert!(!shown.contains("sec"), "{shown}");
            assert_eq!(address.to_string(), "redis://***@host:6379/0");
        }
        let plain = RedisAddress::parse("valkey://[::1]:7000/3").unwrap();
        assert_eq!(plain.to_string(), "redis://[::1]:7000/3");
    }

    #[test]
    fn refusals_say_why_and_show_no_login() {
        for (text, why) in [
            ("", "no scheme"),
            ("alice:secret@host", "no scheme"),
            ("http://alice:secret@host", "scheme"),
            ("unix:///run/secret.sock", "scheme"),
            ("redis://", "can't be read"),
            ("redis://alice:secret@", "can't be read"),
            ("redis://alice:sec#ret@host", "%23"),
            ("redis://alice:sec?ret@host", "%3F"),
            ("redis://alice:secret@host:99999", "can't be read"),
            ("redis://alice:secret@host/secret", "can't be read"),
            ("redis://alice:secret@host/-1", "negative"),
            ("redis://alice:secret@0.0.0.0", "can't be read"),
            ("redis://alice@host", "without a password"),
            ("rediss://alice:secret@host/#insecure", "verified"),
        ] {
            let told = refused(text);
            assert!(told.contains(why), "{text}: {told}");
            assert!(
                !told.contains("secret") && !told.contains("alice"),
                "{told}"
            );
        }
    }
}
