//! The two ports.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use fluxgate::slack::{Message, SendError, Thread};

use super::{App, answer::Answer, decode::decode, exposition, post::Post, tickets::is_ticket};

/// Slack takes far less.
const BODY_LIMIT: usize = 1024 * 1024;

/// Takes posts on any path.
pub(super) fn posts(app: Arc<App>) -> Router {
    Router::new().fallback(take).with_state(app)
}

pub(super) fn metrics(app: Arc<App>) -> Router {
    let not_found = || async { (StatusCode::NOT_FOUND, "404 page not found\n") };
    Router::new()
        .route("/metrics", get(expose))
        .route("/health", get(health))
        .fallback(not_found)
        .with_state(app)
}

/// In the order of the Go program: method, queue, body. The queue comes first so
/// that a flood costs as little as possible.
async fn take(State(app): State<Arc<App>>, request: Request) -> Answer {
    if request.method() != Method::POST {
        return Answer::NotAllowed;
    }
    if !app.admits(request.headers()) {
        return Answer::Wrong(StatusCode::UNAUTHORIZED, "invalid_auth".into());
    }
    if app.delivery.is_full() {
        return almost_full();
    }
    match read(request.into_body()).await {
        Ok(post) => app.queue(post),
        Err((status, error)) => {
            tracing::error!(error, "invalid request");
            Answer::Wrong(status, error)
        }
    }
}

async fn read(body: Body) -> Result<Post, (StatusCode, String)> {
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body can't be read: {error}"),
        )
    })?;
    decode(&body).map_err(|error| (StatusCode::BAD_REQUEST, error))
}

fn almost_full() -> Answer {
    tracing::warn!("queue is almost full, post refused");
    Answer::Wrong(
        StatusCode::SERVICE_UNAVAILABLE,
        "Queue is almost full".into(),
    )
}

impl App {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(auth) = &self.auth else {
            return true;
        };
        let shown = headers.get(header::AUTHORIZATION);
        shown
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .is_some_and(|token| auth.matches(token))
    }

    fn queue(&self, mut post: Post) -> Answer {
        if let Some(missing) = post.missing(self.extended.is_some()) {
            tracing::error!(error = missing, "invalid request");
            return Answer::Wrong(StatusCode::BAD_REQUEST, missing);
        }
        let channel = post.channel.clone();
        if let Some(instead) = &self.channel_override {
            post.channel.clone_from(instead);
        }
        let (message, ts) = match self.message(post) {
            Ok(message) => message,
            Err(error) => return Answer::Wrong(StatusCode::BAD_REQUEST, error.to_string()),
        };
        match self.delivery.try_send(message) {
            Ok(()) => {
                self.count_received(&channel);
                match ts {
                    Some(ts) => Answer::Named { channel, ts },
                    None => Answer::Taken,
                }
            }
            Err(SendError::QueueFull) => almost_full(),
            Err(error) => Answer::Wrong(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    }

    /// The message to deliver, and how its poster may refer to it.
    fn message(&self, mut post: Post) -> Result<(Message, Option<String>), fluxgate::slack::Error> {
        let Some(tickets) = &self.extended else {
            let post = post.like_slack_proxy();
            return Ok((Message::new(&*post.channel, &post)?, None));
        };
        // One who posts through the proxy posts as the proxy.
        post.token.clear();
        if post.thread_ts.is_empty() {
            let thread = Thread::new();
            let message = Message::new(&*post.channel, &post)?.starting(&thread);
            return Ok((message, Some(tickets.issue(&thread))));
        }
        if !is_ticket(&post.thread_ts) {
            let ts = post.thread_ts.clone();
            return Ok((Message::new(&*post.channel, &post)?, Some(ts)));
        }
        // Unknown tickets are of threads long gone.
        let thread = tickets.thread(&post.thread_ts).unwrap_or_default();
        let broadcast = std::mem::take(&mut post.reply_broadcast);
        post.thread_ts.clear();
        let mut message = Message::new(&*post.channel, &post)?.in_thread(&thread);
        if broadcast {
            message = message.broadcast();
        }
        Ok((message, Some(tickets.issue(&thread))))
    }
}

async fn expose(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    let (content_type, text) = exposition::exposition(&app, accept.unwrap_or_default());
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// 200 while posts are taken, 503 from the beginning of the end.
async fn health(State(app): State<Arc<App>>) -> Response {
    let ending = *app.ending.borrow();
    let (status, word) = if ending {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "ok")
    };
    let size = app.delivery.stats().queue_size;
    let body = format!("{{\"status\":\"{word}\",\"queue_size\":{size}}}");
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body).into_response()
}
