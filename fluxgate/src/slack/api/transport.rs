//! HTTP.

use std::{future::Future, pin::Pin, sync::Arc};

use reqwest::{
    Client, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect,
};

use super::response::{HttpAnswer, Unreachable, seconds};
use crate::slack::{Error, Token, redact::Redactor};

/// Posts bodies: over HTTP, or to a script in tests.
pub(crate) trait Transport: Send + Sync + 'static {
    fn post(&self, body: String) -> Posting;
}

pub(crate) type Posting = Pin<Box<dyn Future<Output = Result<HttpAnswer, Unreachable>> + Send>>;

/// Slack's answers are short; an endless one must not fill the memory.
const ANSWER_LIMIT: usize = 64 * 1024;

#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    url: Url,
    authorization: HeaderValue,
    redactor: Arc<Redactor>,
}

impl Http {
    /// Builds the client here, in the caller, so that its faults are seen.
    pub(crate) fn new(url: &str, token: &Token) -> Result<Self, Error> {
        let url = endpoint(url)?;
        let redactor = Arc::new(Redactor::new(token.reveal(), &url));
        let mut client = Client::builder()
            .user_agent(concat!("fluxgate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none());
        // A proxy of the environment can't reach this machine's own loopback.
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client
                .build()
                .map_err(|error| Error::Client(with_causes(&error.without_url())))?,
            url,
            authorization: token.header(),
            redactor,
        })
    }

    /// Returns scheme and host. The path is left out: a webhook's is a secret.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        self.redactor.clone()
    }
}

impl Transport for Http {
    fn post(&self, body: String) -> Posting {
        let request = self
            .client
            .post(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body);
        Box::pin(async move {
            exchange(request)
                .await
                .map_err(|error| with_causes(&error.without_url()).into())
        })
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> reqwest::Result<HttpAnswer> {
    let mut response = request.send().await?;
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| seconds(value.to_str().ok()?));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_LIMIT {
            break;
        }
    }
    Ok(HttpAnswer {
        status: response.status().as_u16(),
        retry_after,
        body,
    })
}

fn endpoint(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| Error::InvalidUrl(error.to_string()))?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(Error::InvalidUrl("it names no host".into()));
    };
    match url.scheme() {
        "https" if cfg!(not(feature = "slack")) => Err(Error::TlsOff(host.into())),
        "http" | "https" => Ok(url),
        other => {
            let other = Redactor::default().word(other);
            Err(Error::InvalidUrl(format!("its scheme is `{other}`")))
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// Returns an error and its causes as text, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_posted_to_is_refused() {
        for bad in ["", "slack.com", "ftp://slack.com/", "http://"] {
            let error = endpoint(bad).unwrap_err();
            assert!(matches!(error, Error::InvalidUrl(_)), "{bad}: {error}");
        }
        endpoint("http://127.0.0.1:1/x").unwrap();
    }

    #[cfg(not(feature = "slack"))]
    #[test]
    fn https_without_tls_is_refused_at_once() {
        let error = endpoint("https://hooks.slack.com/services/T/B/secret").unwrap_err();
        assert_eq!(error, Error::TlsOff("hooks.slack.com".into()));
        assert!(!error.to_string().contains("secret"));
    }

    #[cfg(feature = "slack")]
    #[test]
    fn https_is_taken_where_tls_is_built_in() {
        let token = Token::new("xoxb-1").unwrap();
        Http::new("https://slack.com/api/chat.postMessage", &token).unwrap();
    }

    #[test]
    fn loopback_is_known_by_name_and_number() {
        for (url, expected) in [
            ("http://localhost:1/", true),
            ("http://127.8.0.1/", true),
            ("http://[::1]:80/", true),
            ("http://slack.com/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
