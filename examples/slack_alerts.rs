//! A function whose circuit breaker tells its story in Slack.
//!
//! ```sh
//! export SLACK_CHANNEL_ID=C0123456789 SLACK_BOT_TOKEN=xoxb-…
//! cargo run --example slack_alerts --features fluxgate/slack
//! ```
//!
//! How to get token and channel, and what to do if no message appears, is said at
//! [`SlackListener`](fluxgate::listener::SlackListener).
//!
//! Set `SLACK_URL` to post elsewhere, such as to the slack-proxy beside this:
//! then the token is the proxy's, and the feature is not needed. In the channel
//! there will be one message when the circuit opens, the probe and the recovery
//! in its thread, and the recovery in the channel, too.

use std::{env, io, process::ExitCode, sync::LazyLock, thread, time::Duration};

use fluxgate::{State, circuit_breaker, slack::FlushGuard};

static URL: LazyLock<String> = LazyLock::new(|| {
    let slack = "https://slack.com/api/chat.postMessage";
    env::var("SLACK_URL").unwrap_or_else(|_| slack.into())
});

/// Asks a service that may be down.
#[circuit_breaker(
    name = "exchange_rates",
    tripper = MinRequests(4) & FailureRate(0.5),
    retry = Cooldown(500ms),
    permit = All,
    listeners = [
        SlackListener(channel = env("SLACK_CHANNEL_ID"), token = env("SLACK_BOT_TOKEN"), url = &*URL),
    ],
    handle = breaker,
)]
fn exchange_rate(service_is_up: bool) -> io::Result<f64> {
    if service_is_up {
        Ok(1.09)
    } else {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

fn main() -> ExitCode {
    // The breaker is in a static, and statics are never dropped: without this
    // the program would end before the last message is sent.
    let _flush = FlushGuard::new(Duration::from_secs(10));

    for i in 0..6 {
        report(exchange_rate(i < 2));
    }
    while breaker()
        .info()
        .retry_after
        .is_some_and(|wait| !wait.is_zero())
    {
        thread::sleep(Duration::from_millis(50));
    }
    report(exchange_rate(true));
    if breaker().state() == State::Closed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(rate: io::Result<f64>) {
    match rate {
        Ok(rate) => println!("1 EUR = {rate} USD"),
        Err(error) => println!("no rate: {error}"),
    }
}
