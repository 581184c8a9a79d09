//! A service with three dependencies, each behind a circuit breaker, and all an
//! operator needs to see them and to steer them.
//!
//! ```sh
//! cargo run --example service demo       # with visitors, and outages now and then
//! ```
//!
//! and look at <http://localhost:8080/breakers>: within ten seconds a circuit opens before
//! your eyes. At <http://localhost:8080> are switches for outages of your own. Without
//! `demo` nothing happens by itself:
//!
//! ```sh
//! cargo run --example service            # on port 8080, or the one you name
//!
//! curl localhost:8080/quote              # also /charge and /stock
//! by='X-Operator: alice'                 # commands say who gives them
//! curl -X POST -H "$by" localhost:8080/outage/quotes/fails       # or is_slow, works
//! for i in 1 2 3 4 5 6; do curl localhost:8080/quote; done
//!
//! curl localhost:8080/metrics            # for Prometheus
//! ```
//!
//! The page takes commands, too. The same for programs:
//!
//! ```sh
//! curl localhost:8080/breakers/api/breakers           # every breaker, as JSON
//! curl -X POST -H "$by" -H 'X-Fluxgate-Command: 1' \
//!     localhost:8080/breakers/api/breakers/quotes/force_open
//! ```
//!
//! The settings of the breakers can be given by a file, and read again while it runs:
//!
//! ```sh
//! SERVICE_SETTINGS=examples/service/service.toml cargo run --example service
//! kill -HUP $(pidof service)             # or
//! curl -X POST -H "$by" localhost:8080/settings/reload
//! ```
//!
//! With `SERVICE_STATE=service.json` the circuits that are open when the service ends are open
//! when it starts again.
//!
//! Manual commands are `reset`, `disable`, `metrics_only`, `force_open`, `open` and
//! `half_open`, or the states that they lead to, such as `forced_open`. Those that last
//! can be given by the environment, too: `FLUXGATE_QUOTES=disabled`. Where to
//! post transitions is up to `QUOTES_WEBHOOK` and its like: without it there is
//! one listener less, as the page shows.
//!
//! With `QUOTES_RECORDING=10000` the latest calls of the quotes are kept, and other
//! settings can be tried on them:
//!
//! ```sh
//! curl -X POST -H "$by" localhost:8080/recordings/quotes > incident.jsonl
//! cargo run --example simulate -- --policy examples/simulate/policies.toml --trace incident.jsonl
//! ```
//!
//! Every user of this machine may steer the service, as it listens on loopback;
//! pages in their browsers may not. What keeps them from it is in `operator.rs`.
//!
//! `examples/prometheus` and `examples/grafana` have a scrape configuration,
//! alerts and a dashboard for it.

mod admin;
mod clients;
mod operator;
mod outage;
mod recording;
mod settings;
mod state;
mod visitors;
mod webhook;

use std::{env, error::Error, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::Html,
    routing::{get, post},
};
use fluxgate::{Settings, listener, page::Page, registry};
use tokio::{net::TcpListener, signal};

use crate::{
    clients::{ClientError, Payments, Quotes, Warehouse},
    outage::Dependencies,
};

/// What the handlers share.
struct Shop {
    dependencies: Dependencies,
    quotes: Quotes,
    payments: Payments,
    warehouse: Warehouse,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // Every breaker is built now, and not at the first call of its function: it
    // is in the first scrape, and what is wrong with it is in the log.
    for breaker in registry::all() {
        tracing::info!(
            "circuit breaker '{}' is {}",
            breaker.name(),
            breaker.state()
        );
    }

    // A file that is wrong is said to be before the first call, and not in the night.
    let _ = Settings::from_env().apply()?;
    settings::load()?;
    state::restore();
    #[cfg(unix)]
    tokio::spawn(settings::reload_when_told());

    let dependencies = Dependencies::start().await?;
    let shop = Shop {
        quotes: Quotes::new(dependencies.quotes.url()),
        payments: Payments::new(dependencies.payments.url()),
        warehouse: Warehouse::new(dependencies.warehouse.url()),
        dependencies,
    };
    // It takes commands of the operators that `operator` knows.
    let page = Page::new().commands(operator::of);
    let commands = Router::new()
        .route("/outage/{dependency}/{mood}", post(outage::set))
        .route("/recordings/quotes", post(recording::take))
        .route("/settings/reload", post(settings::reload))
        .route_layer(middleware::from_fn(operator::required));
    let shop = Arc::new(shop);
    let routes = Router::new()
        .route(
            "/",
            get(|| async { Html(include_str!("switchboard.html")) }),
        )
        .route("/quote", get(quote))
        .route("/charge", get(charge))
        .route("/stock", get(stock))
        .route("/metrics", get(admin::metrics))
        .nest_service("/breakers", page)
        .merge(commands)
        .with_state(Arc::clone(&shop));

    let (demo, port): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|word| word == "demo");
    let port = port.first().map_or("8080", String::as_str);
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    if !demo.is_empty() {
        tracing::info!("look at http://{address}/breakers: a circuit opens in a few seconds");
        tokio::spawn(visitors::come(Arc::clone(&shop)));
        tokio::spawn(visitors::outages(shop));
    }
    axum::serve(listener, routes)
        .with_graceful_shutdown(asked_to_end())
        .await?;

    state::save()?;
    // What happened last is to arrive, too.
    let arrived = tokio::task::spawn_blocking(|| listener::flush(Duration::from_secs(5))).await?;
    if !arrived {
        tracing::warn!("some transitions were not delivered");
    }
    Ok(())
}

/// By Ctrl-C, or by what starts and ends services.
async fn asked_to_end() {
    #[cfg(unix)]
    let terminated = async {
        use signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

async fn quote(State(shop): State<Arc<Shop>>) -> Result<String, ClientError> {
    shop.quotes.price().await
}

async fn charge(State(shop): State<Arc<Shop>>) -> Result<String, ClientError> {
    shop.payments.charge().await
}

async fn stock(State(shop): State<Arc<Shop>>) -> Result<String, StatusCode> {
    let ask = move || shop.warehouse.stock();
    match tokio::task::spawn_blocking(ask).await {
        Ok(Ok(stock)) => Ok(stock),
        _ => Err(StatusCode::BAD_GATEWAY),
    }
}
