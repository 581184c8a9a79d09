//! A listener of our own: posts every transition somewhere.

use std::{env, error::Error, fmt, time::Duration};

use fluxgate::{Signal, listener::AsyncListener};
use reqwest::{Client, Response, header::CONTENT_TYPE};

/// Posts signals as JSON to the URL in an environment variable. The URL is a
/// secret, as anyone who knows it can post there: no error and no log shows it.
pub(crate) struct Webhook {
    client: Client,
    url: String,
}

/// Without the variable there is no such listener, and the breaker does without.
pub(crate) fn webhook(variable: &'static str) -> Result<Webhook, Unset> {
    let url = env::var(variable).map_err(|_| Unset(variable))?;
    Ok(Webhook::new(url))
}

impl Webhook {
    pub(crate) fn new(url: String) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(5)).build();
        let client = client.expect("a client without TLS needs nothing of the system");
        Self { client, url }
    }
}

/// It runs in the background, so its requests delay no call.
impl AsyncListener for Webhook {
    async fn on_signal(&self, signal: &Signal) {
        if let Err(error) = self.deliver(signal).await {
            tracing::warn!("{error}");
        }
    }

    /// What fails is reported and counted.
    async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        let body = serde_json::to_string(signal)?;
        let request = self.client.post(&self.url).body(body);
        let request = request.header(CONTENT_TYPE, "application/json");
        let answer = request.send().await.and_then(Response::error_for_status);
        answer.map_err(reqwest::Error::without_url)?;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "Webhook"
    }
}

#[derive(Debug)]
pub(crate) struct Unset(&'static str);

impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable {} is not set", self.0)
    }
}
