//! A service that has the page, on loopback.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::Router;
use fluxgate::page::Page;
use http::request::Parts;
use tokio::{net::TcpListener, runtime::Runtime};

/// Who may give commands; `None` if no one may.
pub(crate) type Operator = Arc<Mutex<Option<String>>>;

/// Serves until it is dropped, in a runtime of its own.
pub(crate) struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a server whose page gives commands for the operator.
    pub(crate) fn operated(operator: &Operator) -> Self {
        Self::with_page(operated(operator))
    }

    pub(crate) fn with_page(page: Page) -> Self {
        Self::start(free(), mounted(page))
    }

    /// Starts a server at an address that was another server's until now.
    pub(crate) fn start(address: SocketAddr, routes: Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (ready, is_ready) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let began = Instant::now();
            let listener = loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener,
                    // The server before it may take a moment to be gone.
                    Err(_) if began.elapsed() < Duration::from_secs(30) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => panic!("{address}: {error}"),
                }
            };
            ready.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, routes).await
        });
        Self {
            address: is_ready.recv().expect("the server starts"),
            runtime: Some(runtime),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The page where the tests look for it.
pub(crate) fn mounted(page: Page) -> Router {
    Router::new().nest_service("/breakers", page)
}

pub(crate) fn operated(operator: &Operator) -> Page {
    let operator = Arc::clone(operator);
    Page::new().commands(move |_: &Parts| {
        let operator = operator.lock().unwrap_or_else(PoisonError::into_inner);
        operator.clone()
    })
}

pub(crate) fn operator(name: &str) -> Operator {
    Arc::new(Mutex::new(Some(name.to_owned())))
}
