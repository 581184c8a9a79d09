//! Secrets.

use std::{fmt, sync::Arc};

use reqwest::header::HeaderValue;

use crate::slack::Error;

/// The bearer token of an app: of Slack, or of a proxy in front of it.
///
/// Shown as `***` by `Debug`, and in no log, error or metric.
///
/// ```
/// use fluxgate::slack::Token;
///
/// let token = Token::new("xoxb-secret")?;
/// assert_eq!(format!("{token:?}"), "Token(***)");
/// # Ok::<_, fluxgate::slack::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// Creates a token from its text.
    ///
    /// # Errors
    ///
    /// It is empty, or has a character that no HTTP header may hold.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() {
            return Err(Error::InvalidToken("it is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::InvalidToken(
                "it has a space, a line break or another character that is not visible ASCII",
            ));
        }
        Ok(Self(text.into()))
    }

    /// Creates a token from the text of an environment variable.
    ///
    /// # Errors
    ///
    /// The variable is missing, or its value is refused as by [`Token::new`].
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        Self::new(crate::slack::env(variable)?)
    }

    /// Returns whether `given` is this token. It takes the same time wherever
    /// they differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let mut differs = u8::from(own.len() != given.len());
        for (i, byte) in given.iter().enumerate() {
            differs |= byte ^ own[i % own.len()];
        }
        std::hint::black_box(differs) == 0
    }

    /// Returns the secret itself, for the redaction of texts that repeat it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns `Bearer …`, marked so that HTTP libraries don't show it.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0))
            .expect("visible ASCII, as `new` made sure");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_unfit_for_headers_is_refused_unshown() {
        for bad in ["", "xoxb-a b", "xoxb-a\n", "xoxb-é"] {
            let error = Token::new(bad).unwrap_err().to_string();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn token_and_header_are_never_shown() {
        let token = Token::new("xoxb-secret").unwrap();
        let shown = format!("{token:?} {token:#?} {:?}", token.header());
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(token.header().to_str().unwrap(), "Bearer xoxb-secret");
    }

    #[test]
    fn only_the_whole_token_matches() {
        let token = Token::new("abc").unwrap();
        assert!(token.matches("abc"));
        for other in ["", "a", "ab", "abd", "abcabc", "abca"] {
            assert!(!token.matches(other), "{other}");
        }
    }
}
