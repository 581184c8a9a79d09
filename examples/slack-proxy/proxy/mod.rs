//! A proxy in front of Slack: takes messages at once, and delivers them in the
//! background as Slack wants them.

mod answer;
mod cli;
mod decode;
mod duration;
mod exposition;
mod handler;
mod post;
mod refusals;
mod server;
mod tickets;

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fluxgate::slack::{Delivery, Token};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::timeout,
};

pub(crate) use cli::{Config, parse};
use refusals::Refusals;
use server::{Limits, serve};
use tickets::Tickets;

/// The proxy, with its ports bound.
pub(crate) struct Proxy {
    application: TcpListener,
    metrics: TcpListener,
    app: Arc<App>,
    limits: Limits,
    shutdown_timeout: Option<Duration>,
}

/// What the handlers share.
struct App {
    delivery: Delivery,
    channel_override: Option<String>,
    /// What posters must show.
    auth: Option<Token>,
    /// Goes beyond what slack-proxy does: more members, and threads.
    extended: Option<Tickets>,
    /// Posts taken, by the channel they named.
    received: Mutex<BTreeMap<Arc<str>, u64>>,
    /// Tells whether the end has begun.
    ending: watch::Sender<bool>,
    refusals: Arc<Refusals>,
    /// How long a body may take.
    client_timeout: Duration,
    /// One for each large body that is being read.
    large_bodies: Semaphore,
}

/// How many bodies above [`handler::SMALL_BODY`] are read at once.
const LARGE_BODIES: usize = 16;

/// Connections to the port of the metrics, which has few clients and large
/// answers.
const METRICS_CONNECTIONS: usize = 32;

/// How long open connections may take to finish when the end begins.
const GRACE: Duration = Duration::from_secs(1);

impl Proxy {
    /// Binds the ports and prepares the delivery.
    pub(crate) async fn bind(config: Config) -> io::Result<Self> {
        let delivery = Delivery::start(&config.slack_url, &config.token, &config.policy)
            .map_err(io::Error::other)?;
        Ok(Self {
            application: listen(&config.application).await?,
            metrics: listen(&config.metrics).await?,
            app: Arc::new(App {
                delivery,
                channel_override: config.channel_override,
                auth: config.auth,
                extended: config.extended.then(Tickets::new),
                received: Mutex::default(),
                ending: watch::Sender::new(false),
                refusals: Arc::default(),
                client_timeout: config.client_timeout,
                large_bodies: Semaphore::new(LARGE_BODIES),
            }),
            limits: Limits {
                connections: config.max_connections,
                head: config.client_timeout,
            },
            shutdown_timeout: config.shutdown_timeout,
        })
    }

    /// Where posts are taken, and where the metrics are.
    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.application.local_addr()?, self.metrics.local_addr()?))
    }

    /// Serves until `stop`, then delivers what is queued. The number of messages
    /// that could not be delivered in time.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> usize {
        let Self {
            application,
            metrics,
            app,
            limits,
            shutdown_timeout,
        } = self;
        let mut ending = app.ending.subscribe();
        let stopped = async move {
            let _ = ending.wait_for(|ending| *ending).await;
        };
        let refusals = app.refusals.clone();
        let posts = handler::posts(app.clone());
        let posts = tokio::spawn(serve(application, posts, limits, refusals.clone(), stopped));
        let pages = handler::metrics(app.clone());
        let few = Limits {
            connections: METRICS_CONNECTIONS,
            ..limits
        };
        let metrics = tokio::spawn(serve(metrics, pages, few, refusals.clone(), pending()));
        let reports = tokio::spawn(async move { refusals.report().await });

        stop.await;
        tracing::warn!("shutting down: no more posts are taken, the queue is delivered");
        app.ending.send_replace(true);
        // A client that does not let go can't keep the queue from its end.
        let abort = posts.abort_handle();
        let _ = timeout(GRACE, posts).await;
        abort.abort();
        let report = app.delivery.shutdown_async(shutdown_timeout).await;
        metrics.abort();
        reports.abort();
        app.refusals.report_now();
        tracing::info!(left = report.left, "shutdown complete");
        report.left
    }
}

impl App {
    fn count_received(&self, channel: &str) {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        // Clients may name any channel; the memory for them is bounded.
        let channel = self.delivery.printable(channel);
        let known = received.len() < 1000 || received.contains_key(&*channel);
        let channel = if known { &channel } else { "(other)" };
        *received.entry(channel.into()).or_default() += 1;
    }
}

/// Binds `:port` on all addresses, by IPv6 where there is such.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let bound = match address.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(address).await,
    };
    bound.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("can't listen on `{address}`: {error}"),
        )
    })
}
