//! What operators ask for.

use axum::{
    extract::Path,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use fluxgate::{Command, registry};
use prometheus::{TEXT_FORMAT, TextEncoder};

/// The page that Prometheus scrapes.
pub(crate) async fn metrics() -> Response {
    match TextEncoder::new().encode_to_string(&prometheus::gather()) {
        Ok(page) => ([(CONTENT_TYPE, TEXT_FORMAT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Every breaker of the process.
pub(crate) async fn list() -> Response {
    json(&registry::snapshot())
}

/// One of them.
pub(crate) async fn show(Path(name): Path<String>) -> Response {
    match registry::find(&name) {
        Some(breaker) => json(&breaker.info()),
        None => unknown(&name),
    }
}

/// Commands one of them.
pub(crate) async fn command(Path((name, command)): Path<(String, String)>) -> Response {
    let command: Command = match command.parse() {
        Ok(command) => command,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match registry::command(&name, command) {
        0 => unknown(&name),
        _ => show(Path(name)).await,
    }
}

fn unknown(name: &str) -> Response {
    let text = format!("there is no circuit breaker named '{name}'\n");
    (StatusCode::NOT_FOUND, text).into_response()
}

fn json(value: &impl serde::Serialize) -> Response {
    // For people with curl.
    match serde_json::to_string_pretty(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
