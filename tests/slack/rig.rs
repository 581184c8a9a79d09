//! Deliveries and proxies as the tests want them.

use std::{
    ffi::OsString,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use fluxgate::slack::{Delivery, DeliveryPolicy, Message, Token};
use serde_json::json;
use tokio::sync::oneshot;

use crate::{fake::Slack, proxy};

/// The recommended policy, but in a hurry.
pub(crate) fn hasty() -> DeliveryPolicy {
    DeliveryPolicy::recommended()
        .channel_rate(None)
        .token_rate(None)
        .backoff(Duration::from_millis(20), Duration::from_millis(100))
}

pub(crate) fn deliver(slack: &Slack, policy: &DeliveryPolicy) -> Delivery {
    let token = Token::new("xoxb-test").unwrap();
    Delivery::start(&slack.url(), &token, policy).unwrap()
}

pub(crate) fn message(channel: &str, text: &str) -> Message {
    Message::new(channel, &json!({"channel": channel, "text": text})).unwrap()
}

/// The slack-proxy of the examples, on a thread and a runtime of its own.
pub(crate) struct Proxy {
    pub(crate) application: SocketAddr,
    pub(crate) metrics: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<usize>>,
}

impl Proxy {
    pub(crate) fn start(slack: &Slack, flags: &[&str]) -> Self {
        let started = Self::start_as(&slack.url(), flags, Some("xoxb-t1"));
        started.unwrap_or_else(|code| panic!("{flags:?} end it with code {code}"))
    }

    /// Or the code that the program ends with at once.
    pub(crate) fn start_as(url: &str, flags: &[&str], token: Option<&str>) -> Result<Self, i32> {
        let url = format!("--slackURL={url}");
        let ours = [
            "--applicationPort=127.0.0.1:0",
            "--metricsPort=127.0.0.1:0",
            &url,
        ];
        let flags = ours.iter().chain(flags).copied();
        let config = parse(flags, token)?;
        let (stop, stopped) = oneshot::channel();
        let (bound, addresses) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let proxy = proxy::Proxy::bind(config).await.unwrap();
                bound.send(proxy.addresses().unwrap()).unwrap();
                proxy
                    .run(async move {
                        let _ = stopped.await;
                    })
                    .await
            })
        });
        let (application, metrics) = addresses.recv().expect("the proxy is bound");
        Ok(Self {
            application,
            metrics,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// As SIGINT and SIGTERM do.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    /// Waits for its end: how many messages it left.
    pub(crate) fn join(&mut self) -> usize {
        let thread = self.thread.take().expect("only once");
        thread.join().expect("the proxy does not panic")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Flags and token as the program reads them; or the code it ends with.
fn parse<'a>(
    flags: impl IntoIterator<Item = &'a str>,
    token: Option<&str>,
) -> Result<proxy::Config, i32> {
    let args = ["slack-proxy"].into_iter().chain(flags).map(OsString::from);
    let env = |name: &str| token.filter(|_| name == "SLACK_TOKEN").map(str::to_owned);
    proxy::parse(args, env).map_err(|error| error.exit_code())
}
