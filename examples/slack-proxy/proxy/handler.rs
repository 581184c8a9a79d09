//! The two ports.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use fluxgate::slack::{Message, SendError, Thread};

use http_body_util::BodyExt as _;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    App,
    answer::Answer,
    decode::decode,
    exposition,
    post::{Post, check_channel},
    refusals::Kind,
    tickets::is_ticket,
};

/// Slack takes far less.
const BODY_LIMIT: usize = 1024 * 1024;

/// Bodies up to this size are read for every connection there may be, larger
/// ones only so many at once.
const SMALL_BODY: usize = 32 * 1024;

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
        app.refusals.note(Kind::Unauthorized);
        return Answer::Wrong(StatusCode::UNAUTHORIZED, "invalid_auth".into());
    }
    if app.delivery.is_full() {
        return app.almost_full();
    }
    let body = timeout(
        app.client_timeout,
        read(request.into_body(), &app.large_bodies),
    )
    .await;
    match body {
        Ok(Ok(body)) => match decode(&body) {
            Ok(post) => app.queue(post),
            Err(error) => app.invalid(&error),
        },
        Ok(Err(Unread::TooLarge)) => {
            app.refusals.note(Kind::TooLarge);
            let error = format!("the body has more than {BODY_LIMIT} bytes");
            Answer::Wrong(StatusCode::PAYLOAD_TOO_LARGE, error)
        }
        Ok(Err(Unread::Broken(error))) => app.invalid(&error),
        Err(_) => {
            app.refusals.note(Kind::TooSlow);
            let error = format!("the body took longer than {:?}", app.client_timeout);
            Answer::Wrong(StatusCode::REQUEST_TIMEOUT, error)
        }
    }
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    Broken(String),
}

async fn read(mut body: Body, large: &Semaphore) -> Result<Vec<u8>, Unread> {
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(Unread::TooLarge);
    }
    let mut read = Vec::new();
    let mut permit = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if read.len() + data.len() > BODY_LIMIT {
            return Err(Unread::TooLarge);
        }
        if read.len() + data.len() > SMALL_BODY && permit.is_none() {
            permit = large.acquire().await.ok();
        }
        read.extend_from_slice(&data);
    }
    Ok(read)
}

impl App {
    fn almost_full(&self) -> Answer {
        self.refusals.note(Kind::Full);
        Answer::Wrong(
            StatusCode::SERVICE_UNAVAILABLE,
            "Queue is almost full".into(),
        )
    }

    /// Refuses a post. The error may quote it.
    fn invalid(&self, error: &str) -> Answer {
        let error = self.delivery.printable(error);
        self.refusals.invalid(error.clone());
        Answer::Wrong(StatusCode::BAD_REQUEST, error)
    }

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
            return self.invalid(&missing);
        }
        let channel = post.channel.clone();
        if let Err(error) = check_channel(&channel) {
            return self.invalid(&error.to_string());
        }
        if let Some(instead) = &self.channel_override {
            post.channel.clone_from(instead);
        }
        let (message, ts) = match self.message(post) {
            Ok(message) => message,
            Err(error) => return self.invalid(&error.to_string()),
        };
        match self.delivery.try_send(message) {
            Ok(()) => {
                self.count_received(&channel);
                match ts {
                    Some(ts) => Answer::Named { channel, ts },
                    None => Answer::Taken,
                }
            }
            Err(SendError::QueueFull) => self.almost_full(),
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
