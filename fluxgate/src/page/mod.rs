//! A page for operators: the breakers of this process as they are, in the browser.
//!
//! Needs the feature `page`.
//!
//! [`Page`] is a [`Service`] for requests of the `http` crate, for axum, hyper, tonic
//! and every other server on them. It needs no runtime, no build step and nothing from
//! other hosts, and it looks at one process; for a fleet there are the metrics.
//!
//! ```
//! use fluxgate::page::Page;
//! # use std::convert::Infallible;
//! # use tower::{Service, ServiceExt};
//! # fn axum_takes_it<S>(service: S) -> S
//! # where S: Service<http::Request<String>, Error = Infallible> + Clone + Send + Sync + 'static,
//! #       S::Response: Send, S::Future: Send { service }
//!
//! // In axum: `Router::new().nest_service("/breakers", Page::new())`.
//! let page = Page::new();
//! # let page = axum_takes_it(page);
//! # let request = http::Request::get("/").body(String::new()).unwrap();
//! # let response = futures(page.oneshot(request)).unwrap();
//! # assert_eq!(response.status(), 200);
//! # fn futures<T>(f: impl Future<Output = T>) -> T {
//! #     tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f)
//! # }
//! ```
//!
//! Make it when the program starts: the last five minutes that it shows are those since
//! it was made. Clones share what they show. A background thread looks at all breakers
//! once a second until the last clone is gone.
//!
//! # What it answers
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /api/breakers` | `{"left_out": 0, "breakers": […]}`, the [`Info`](crate::Info) of every breaker |
//! | `GET /api/breakers/{name}` | the same of those of this name, with the rule in words and the attribute's text |
//! | `GET /api/events` | server-sent events: all there is, then once a second what changed |
//! | `POST /api/breakers/{name}/{command}` | gives a [`Command`](crate::Command) to every breaker of this name |
//!
//! Paths are those that remain when the router took its prefix away; a server that
//! leaves it on says so with [`Page::mounted_at`]. In names everything but letters,
//! digits, `-`, `.`, `_` and `~` is percent-encoded, `/` as well.
//!
//! # Commands
//!
//! Without [`Page::commands`] the page is read only. With it, its function looks at the
//! head of a request and says who gives the command, or that the request has no right
//! to:
//!
//! ```
//! use fluxgate::page::Page;
//! use http::request::Parts;
//!
//! /// Who asks, as the program's own authentication knows.
//! #[derive(Clone)]
//! struct User { name: String, is_operator: bool }
//!
//! let page = Page::new().commands(|parts: &Parts| -> Option<String> {
//!     let user = parts.extensions.get::<User>()?;
//!     user.is_operator.then(|| user.name.clone())
//! });
//! ```
//!
//! A command is obeyed if all of this holds; otherwise the answer is 403, and the log
//! says so:
//!
//! - the function says who gives it: at most 128 bytes of that name are kept in the
//!   [flight recorder](crate::flight);
//! - the request has the header `X-Fluxgate-Command: 1`, which a page of another origin
//!   can't send without leave from this server (CSRF);
//! - no header says that another origin's page sent it: `Sec-Fetch-Site`, or where the
//!   browser sends none, `Origin` beside `Host`.
//!
//! No `GET` changes anything. A server on a private address should also look at `Host`
//! in its function, so that a foreign name can't be made to point at it (DNS
//! rebinding); see `examples/service`.
//!
//! # Who may look
//!
//! A visitor of the page sees names, settings, reasons, and what failures say where
//! that is [asked for](crate::flight#failures-in-words). Put it where metrics are, not
//! on the open internet.
//!
//! # Bounds
//!
//! At most 2000 breakers are shown and listed, and of one name at most 20 in full, those
//! that are not closed first; `left_out`, and the page, say how many there are beyond. At most 64 pages are served with events at once; more get 503.
//! Healthy calls are not counted on their way (that is what makes them cheap), so the
//! history shows failures and rejections, and all calls only where a listener such as
//! `PrometheusListener` has them counted.

mod assets;
mod board;
mod body;
mod command;
mod detail;
mod list;
mod row;
mod words;

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use ::http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    request::Parts,
};

/// The crate [`http`](https://docs.rs/http/1), version 1, whose requests the page
/// answers.
pub use ::http;
/// The crate [`tower_service`](https://docs.rs/tower-service/0.3), version 0.3, whose
/// trait the page implements.
pub use ::tower_service;
pub use body::Body;

use board::Board;
use tower_service::Service;

type Authorise = dyn Fn(&Parts) -> Option<String> + Send + Sync;

/// The operators' page, a [`Service`]; see [the module](self).
#[derive(Clone)]
pub struct Page {
    board: Arc<Board>,
    authorise: Option<Arc<Authorise>>,
    prefix: Arc<str>,
}

impl Page {
    /// Creates the page, read only, and begins to keep history.
    #[must_use]
    pub fn new() -> Self {
        Self {
            board: Board::start(),
            authorise: None,
            prefix: Arc::from(""),
        }
    }

    /// Lets the page give commands. `authorise` looks at the head of a request and
    /// returns who gives the command, or `None` to refuse it. A panic in it refuses.
    /// It is asked for pages, too, so that they show buttons where they may be used.
    #[must_use]
    pub fn commands<F>(mut self, authorise: F) -> Self
    where
        F: Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    {
        self.authorise = Some(Arc::new(authorise));
        self
    }

    /// Says that requests come with this prefix on their paths, for servers without a
    /// router that takes it away.
    ///
    /// ```
    /// use fluxgate::page::Page;
    /// # use tower::ServiceExt;
    ///
    /// let page = Page::new().mounted_at("/breakers");
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// for path in ["/breakers", "/breakers/", "/breakers/api/breakers"] {
    ///     let request = http::Request::get(path).body(()).unwrap();
    ///     assert_eq!(page.clone().oneshot(request).await.unwrap().status(), 200);
    /// }
    /// # });
    /// ```
    #[must_use]
    pub fn mounted_at(mut self, prefix: &str) -> Self {
        self.prefix = Arc::from(prefix.trim_end_matches('/'));
        self
    }

    fn answer(&self, head: &Parts) -> Response<Body> {
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        match self.route(head.uri.path()) {
            None => error(StatusCode::NOT_FOUND, "there is no such page"),
            Some(Route::Command { name, command }) if head.method == Method::POST => {
                command::obey(self, head, &name, command)
            }
            Some(Route::Command { .. }) => not_allowed("POST"),
            Some(_) if !reads => not_allowed("GET, HEAD"),
            Some(Route::Page) => assets::page(),
            Some(Route::List) => answer(StatusCode::OK, "application/json", Body::list()),
            Some(Route::One(name)) => match detail::of(&name) {
                None => unknown(&name),
                Some(found) => json(&found),
            },
            Some(Route::Events) => self.events(head),
        }
    }

    fn events(&self, head: &Parts) -> Response<Body> {
        let operator = command::author(self, head);
        let Some(body) = Body::events(&self.board, operator.as_deref(), self.authorise.is_some())
        else {
            let mut response = error(
                StatusCode::SERVICE_UNAVAILABLE,
                "as many pages are open as are served at once",
            );
            let soon = HeaderValue::from_static("10");
            response.headers_mut().insert(RETRY_AFTER, soon);
            return response;
        };
        let body = if head.method == Method::HEAD {
            Body::empty()
        } else {
            body
        };
        let mut response = Response::new(body);
        assets::protect(response.headers_mut());
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        // For nginx, which else holds events back.
        let no = HeaderValue::from_static("no");
        response.headers_mut().insert("x-accel-buffering", no);
        response
    }

    /// Returns what a path asks for.
    fn route<'p>(&self, path: &'p str) -> Option<Route<'p>> {
        let path = path.strip_prefix(&*self.prefix)?;
        if matches!(path, "" | "/") {
            return Some(Route::Page);
        }
        let api = path.strip_prefix("/api/")?;
        match api {
            "events" => return Some(Route::Events),
            "breakers" | "breakers/" => return Some(Route::List),
            _ => {}
        }
        let rest = api.strip_prefix("breakers/")?;
        match rest.split_once('/') {
            None => Some(Route::One(decoded(rest)?)),
            Some((name, command)) if !command.contains('/') => Some(Route::Command {
                name: decoded(name)?,
                command,
            }),
            Some(_) => None,
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("commands", &self.authorise.is_some())
            .finish_non_exhaustive()
    }
}

/// Answers every request at once; the body of a request is not read.
impl<B> Service<Request<B>> for Page {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let mut response = self.answer(&head);
        if head.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        ready(Ok(response))
    }
}

/// What a request is about.
enum Route<'p> {
    Page,
    List,
    One(String),
    Events,
    Command { name: String, command: &'p str },
}

/// Returns a percent-encoded part of a path as text.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn json(value: &impl serde::Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => full(StatusCode::OK, "application/json", bytes),
        Err(problem) => error(StatusCode::INTERNAL_SERVER_ERROR, &problem.to_string()),
    }
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    let text = serde_json::json!({ "error": message }).to_string();
    full(status, "application/json", text.into_bytes())
}

fn unknown(name: &str) -> Response<Body> {
    let message = format!("there is no circuit breaker named '{name}'");
    error(StatusCode::NOT_FOUND, &message)
}

fn not_allowed(allowed: &'static str) -> Response<Body> {
    let message = format!("only {allowed} is answered here");
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, &message);
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn full(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response<Body> {
    answer(status, kind, Body::full(bytes))
}

fn answer(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    assets::protect(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
