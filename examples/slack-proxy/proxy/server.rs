//! HTTP for clients that may be slow, silent, or too many.
//!
//! `axum::serve` has no limits, so connections are served by hyper itself.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, timeout},
};
use tower::Service as _;

use super::refusals::{Kind, Refusals};

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// The time for the head of a request, from the beginning of the connection
    /// or the end of the request before.
    pub(super) head: Duration,
}

/// The size of a request's head, and of what is read of its body at once.
const BUFFER: usize = 16 * 1024;

/// A connection is asked to close after this time, so that a client that does
/// not read its answers can't keep one for ever.
const LIFE: Duration = Duration::from_secs(60);

/// And has so long to do so.
const CLOSING: Duration = Duration::from_secs(5);

struct Connection {
    abort: AbortHandle,
    /// A request is being read or answered.
    busy: Arc<AtomicBool>,
    since: Instant,
}

/// A client that means well is done with a request by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves until `stop`, then lets the requests under way finish. Connections end
/// with the future.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    refusals: Arc<Refusals>,
    stop: impl Future<Output = ()>,
) {
    let mut tasks = JoinSet::new();
    let mut connections = VecDeque::new();
    let stopping = watch::Sender::new(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = tasks.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        if connections.len() >= limits.connections && make_room(&mut connections, limits) {
            refusals.note(Kind::Connections);
        }
        match accepted {
            Ok((stream, _)) => {
                let busy = Arc::<AtomicBool>::default();
                let stopped = stopping.subscribe();
                let connection = converse(stream, router.clone(), limits, busy.clone(), stopped);
                let abort = tasks.spawn(connection);
                connections.push_back(Connection {
                    abort,
                    busy,
                    since: Instant::now(),
                });
            }
            // Most likely there are no more file descriptors, of which the other
            // port and Slack need some, too.
            Err(error) => {
                tracing::debug!(%error, "no connection");
                connections.retain(|connection| !connection.abort.is_finished());
                for _ in 0..=connections.len() / 8 {
                    if close_one(&mut connections, PATIENCE) {
                        refusals.note(Kind::Connections);
                    }
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

/// Closes a connection if there are as many as may be. Returns whether it did.
fn make_room(connections: &mut VecDeque<Connection>, limits: Limits) -> bool {
    connections.retain(|connection| !connection.abort.is_finished());
    connections.len() >= limits.connections && close_one(connections, Duration::ZERO)
}

/// Closes the connection that has waited longest for a request or, if all have
/// one, the oldest, if it is older than so much. Returns whether there was one.
fn close_one(connections: &mut VecDeque<Connection>, busy_for: Duration) -> bool {
    let idle = connections
        .iter()
        .position(|connection| !connection.busy.load(Relaxed));
    let oldest = connections
        .front()
        .filter(|oldest| oldest.since.elapsed() >= busy_for);
    let Some(index) = idle.or(oldest.map(|_| 0)) else {
        return false;
    };
    let closed = connections.remove(index);
    closed.is_some_and(|closed| {
        closed.abort.abort();
        true
    })
}

/// Serves one connection to its end.
async fn converse(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    busy: Arc<AtomicBool>,
    mut stopped: watch::Receiver<bool>,
) {
    // Answers are small, and clients wait for them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        busy.store(true, Relaxed);
        let (mut router, busy) = (router.clone(), busy.clone());
        async move {
            let answer: Result<Response, Infallible> = router
                .call(Request::from(request.map(axum::body::Body::new)))
                .await;
            busy.store(false, Relaxed);
            answer
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        _ = &mut connection => return,
        () = sleep(LIFE) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(CLOSING, connection).await;
}
