//! What can be wrong with the store.

use std::{convert::Infallible, fmt, io};

use redis::{ErrorKind, ServerErrorKind};

/// A server's address was refused, or the server can't be used.
///
/// Shows neither the user nor the password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisError {
    /// The address can't be read; says why.
    InvalidUrl(&'static str),
    /// The address asks for TLS, and the crate was built without it.
    TlsOff,
    /// The root certificates can't be used; says why.
    InvalidCertificates(String),
    /// The thread that speaks to the server can't be started; says why.
    NotStarted(String),
    /// There is no connection; says why.
    Unreachable(String),
    /// The server did not answer in time.
    TimedOut,
    /// The server refuses the user or the password.
    LoginRefused,
    /// The server's access control list does not allow what the fleet does.
    NotAllowed,
    /// The server is a replica and takes no writes.
    ReadOnly,
    /// The server refuses for a reason of its own; holds the code of its error.
    Refused(String),
    /// The server's answer is not one that this version understands.
    Malformed,
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(why) => write!(
                f,
                "the address of the server can't be used, {why}: expected `redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS"
            ),
            Self::TlsOff => f.write_str(
                "the address of the server is `rediss://…`, but this build has no TLS: enable fluxgate's feature `redis` in place of `redis-core`",
            ),
            Self::InvalidCertificates(why) => write!(
                f,
                "the root certificates can't be used, {why}: expected at least one certificate in PEM"
            ),
            Self::NotStarted(why) => write!(
                f,
                "the thread that speaks to the server can't be started: {why}"
            ),
            Self::Unreachable(why) => write!(f, "the server can't be reached: {why}"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::LoginRefused => f.write_str(
                "the server refuses the login: check the user and the password in its address",
            ),
            Self::NotAllowed => f.write_str(
                "the server's ACL does not allow a command, key or channel of the fleet: the guide's chapter on fleets has the one that suffices",
            ),
            Self::ReadOnly => f.write_str(
                "the server is a replica and takes no writes: use the address of the master",
            ),
            Self::Refused(code) => write!(f, "the server refuses with `{code}`"),
            Self::Malformed => f.write_str("the server's answer can't be understood"),
        }
    }
}

impl std::error::Error for RedisError {}

impl From<redis::RedisError> for RedisError {
    /// Keeps the kind alone: the server's own words can name the user.
    fn from(error: redis::RedisError) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::LoginRefused,
            ErrorKind::Server(ServerErrorKind::NoPerm) => Self::NotAllowed,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Self::ReadOnly,
            ErrorKind::RESP3NotSupported => {
                Self::Refused("HELLO 3: Redis 6, Valkey or later is needed".into())
            }
            ErrorKind::Io => {
                let source = std::error::Error::source(&error);
                match source.and_then(|source| source.downcast_ref::<io::Error>()) {
                    Some(error) => Self::from(error),
                    None => Self::Unreachable("the connection was lost".into()),
                }
            }
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Malformed,
            _ => match error.code() {
                Some("NOAUTH" | "WRONGPASS") => Self::LoginRefused,
                Some("NOPERM") => Self::NotAllowed,
                Some("READONLY") => Self::ReadOnly,
                Some(code) => Self::Refused(word(code)),
                None => Self::Refused(word(error.category())),
            },
        }
    }
}

impl From<Infallible> for RedisError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<&io::Error> for RedisError {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut,
            // What rustls has to say of a certificate.
            io::ErrorKind::InvalidData => {
                Self::Unreachable(error.to_string().chars().take(200).collect())
            }
            kind => Self::Unreachable(kind.to_string()),
        }
    }
}

/// Returns the beginning of what the server says, on one line.
fn word(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
