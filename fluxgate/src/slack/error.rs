//! What can be wrong with the settings, and with handing a message over.

use std::fmt;

use super::redact::{Redactor, SHORT};

/// The settings of a delivery or of a listener were refused.
///
/// Never shows a token, and of a URL only scheme and host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The channel is empty, has a control character or more than 80 characters,
    /// or is a token. Holds its beginning, masked.
    InvalidChannel(String),
    /// The token can't be one; says why.
    InvalidToken(&'static str),
    /// An environment variable that was asked for is missing or not Unicode.
    MissingEnv(String),
    /// The URL can't be posted to; says why.
    InvalidUrl(String),
    /// The URL of this host is `https`, and the crate was built without TLS.
    TlsOff(String),
    /// A number in the policy is out of range; says which.
    InvalidPolicy(&'static str),
    /// This process already delivers to this URL with this token, by another
    /// policy.
    PolicyConflict,
    /// A message's body is not a JSON object; says why.
    InvalidBody(String),
    /// The HTTP client can't be built; says why.
    Client(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidChannel(given) => write!(
                f,
                "`channel` is \"{given}\": expected the ID or the name of a Slack channel, such as `C0123456789` or `#alerts`, of at most 80 characters without line breaks and other control characters"
            ),
            Self::InvalidToken(why) => write!(
                f,
                "`token` can't be used, {why}: expected a bot token as Slack shows it, beginning `xoxb-`"
            ),
            Self::MissingEnv(variable) => write!(
                f,
                "the environment variable `{variable}` is not set to text: set it before the program starts"
            ),
            Self::InvalidUrl(why) => write!(
                f,
                "`url` can't be posted to, {why}: expected `https://…` or `http://…`"
            ),
            Self::TlsOff(host) => write!(
                f,
                "`url` is https ({host}), but this build has no TLS: enable fluxgate's feature `slack` in place of `slack-core`, or post to a proxy over plain http"
            ),
            Self::InvalidPolicy(what) => f.write_str(what),
            Self::PolicyConflict => f.write_str(
                "this process already delivers to this `url` with this `token` by another policy: use one policy, or share one `Delivery`",
            ),
            Self::InvalidBody(why) => {
                write!(f, "the message can't be sent as a JSON object: {why}")
            }
            Self::Client(why) => write!(f, "the HTTP client can't be built: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Returns the error about this variable, which may be a token in the wrong
    /// place.
    pub(super) fn missing_env(variable: &str) -> Self {
        Self::MissingEnv(Redactor::default().line(variable, SHORT))
    }

    /// Returns the error about this channel, which may be endless, or a token in
    /// the wrong place.
    pub(super) fn invalid_channel(given: &str) -> Self {
        Self::InvalidChannel(Redactor::default().line(given, CHANNEL))
    }
}

/// The most characters of Slack's ids and names.
const CHANNEL: usize = 80;

/// Returns the channel if Slack can have one of that name or id.
pub(crate) fn valid_channel(channel: &str) -> Result<&str, Error> {
    let is_wrong = channel.trim().is_empty()
        || channel.chars().count() > CHANNEL
        || channel.chars().any(char::is_control)
        || Redactor::default().finds(channel);
    if is_wrong {
        return Err(Error::invalid_channel(channel));
    }
    Ok(channel)
}

/// A message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// As many messages wait as the policy allows.
    QueueFull,
    /// The delivery is shutting down, or has.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the queue is full: Slack takes messages more slowly than they come",
            Self::Closed => "the delivery is shut down",
        })
    }
}

impl std::error::Error for SendError {}
