//! What keeps the example service from harm; its way through outages is in
//! `tests/prometheus`.

use std::time::UNIX_EPOCH;

use fluxgate::{Signal, State, listener::AsyncListener as _};

#[expect(dead_code, reason = "the example has a server around it")]
#[path = "../../examples/service/operator.rs"]
mod operator;
#[expect(dead_code, reason = "the example reads its URL from the environment")]
#[path = "../../examples/service/webhook.rs"]
mod webhook;

#[tokio::test]
async fn failed_webhook_does_not_show_its_url() {
    let url = "http://u:passw0rd@127.0.0.1:1/services/T/B/hook-secret?sig=query-secret";
    let webhook = webhook::Webhook::new(url.into());
    let signal = Signal::new("api", State::Closed, State::Open, UNIX_EPOCH);
    let error = webhook.deliver(&signal).await.unwrap_err().to_string();
    for secret in ["secret", "passw0rd", "services"] {
        assert!(!error.contains(secret), "{error}");
    }
}
