//! The clients of three dependencies. Each has a breaker; how it is set depends
//! on what the dependency is for.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fluxgate::{CallError, CallNotPermitted, circuit_breaker, listener::PrometheusListener};
use reqwest::Client;

use crate::{recording::recorder, webhook::webhook};

/// How long a dependency may take. A breaker counts what has ended, so a call
/// without a timeout is one that it never learns of.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);

/// The size of an answer.
const ANSWER: usize = 64 * 1024;

fn client() -> Client {
    let client = Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT);
    client
        .build()
        .expect("a client without TLS needs nothing of the system")
}

/// All metrics, and a histogram of durations.
fn metrics() -> PrometheusListener {
    let millis = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
    PrometheusListener::new().durations(millis.map(Duration::from_millis))
}

/// Prices. Asked often and by people who wait, so slow is as bad as down.
pub(crate) struct Quotes {
    client: Client,
    url: String,
}

impl Quotes {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            client: client(),
            url: url.into(),
        }
    }

    #[circuit_breaker(
        name = "quotes",
        window = CountWindow(20),
        tripper = MinRequests(5) & (FailureRate(0.5) | SlowRate(0.5, threshold = 500ms)),
        slow_probes = Fail,
        retry = Cooldown(2s),
        permit = All,
        max_half_open_calls = 2,
        failure_texts = true,
        listeners = [LogListener, metrics(), webhook("QUOTES_WEBHOOK"), recorder()],
    )]
    pub(crate) async fn price(&self) -> Result<String, ClientError> {
        let response = self.client.get(&self.url).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }
}

/// Money. Opens after few failures, waits longer each time, and closes when two
/// charges in a row went well.
pub(crate) struct Payments {
    client: Client,
    url: String,
}

impl Payments {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            client: client(),
            url: url.into(),
        }
    }

    #[circuit_breaker(
        name = "payments",
        tripper = FailureStreak(3),
        retry = Backoff(initial = 2s, multiplier = 2.0, max_duration = 60s, jitter_ratio = 0.1),
        permit = All,
        max_half_open_calls = 1,
        close_after = 2,
        probe_lease = 1s,
        listeners = [LogListener, metrics(), webhook("PAYMENTS_WEBHOOK")],
    )]
    pub(crate) async fn charge(&self) -> Result<String, ClientError> {
        let response = self.client.get(&self.url).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }
}

/// What is in stock. Its client is a blocking one, and an old number will do.
pub(crate) struct Warehouse {
    address: String,
    known: Mutex<Option<String>>,
}

impl Warehouse {
    pub(crate) fn new(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            address: address.into(),
            known: Mutex::default(),
        }
    }

    #[circuit_breaker(
        name = "warehouse",
        tripper = MinRequests(5) & FailureRate(0.5),
        retry = Cooldown(2s),
        permit = All,
        failure_texts = true,
        listeners = [LogListener, metrics(), webhook("WAREHOUSE_WEBHOOK")],
        fallback = |error| self.last_known(error),
    )]
    pub(crate) fn stock(&self) -> Result<String, io::Error> {
        let mut addresses = self.address.to_socket_addrs()?;
        let address = addresses.next().ok_or(io::ErrorKind::NotFound)?;
        let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: warehouse\r\nconnection: close\r\n\r\n")?;
        let answer = read(stream)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => {
                *self.known() = Some(body.into());
                Ok(body.into())
            }
            _ => Err(io::Error::other("the warehouse has no answer")),
        }
    }

    fn last_known(&self, error: CallError<io::Error>) -> Result<String, io::Error> {
        self.known().clone().ok_or_else(|| error.into_error())
    }

    fn known(&self) -> MutexGuard<'_, Option<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads to the end. A socket's timeout is for each read, so one byte now and then
/// would pass it for ever.
fn read(mut stream: TcpStream) -> io::Result<String> {
    let deadline = Instant::now() + TIMEOUT;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || answer.len() > ANSWER {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return String::from_utf8(answer).map_err(io::Error::other),
            read => answer.extend_from_slice(&part[..read]),
        }
    }
}

/// What a client fails with.
#[derive(Debug)]
pub(crate) enum ClientError {
    Http(reqwest::Error),
    Rejected(CallNotPermitted),
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        // Clients of this service don't see where a dependency is.
        Self::Http(error.without_url())
    }
}

impl From<CallNotPermitted> for ClientError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => error.fmt(f),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

/// A rejection is 503, and says when to come again, if that is known.
impl IntoResponse for ClientError {
    fn into_response(self) -> Response {
        let text = format!("{self}\n");
        match self {
            Self::Http(_) => (StatusCode::BAD_GATEWAY, text).into_response(),
            Self::Rejected(rejection) => Response::from(rejection).map(|()| text.into()),
        }
    }
}
