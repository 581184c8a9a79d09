//! Who may steer the service.
//!
//! It listens on loopback, so every user of this machine may give commands. A page in
//! an operator's browser reaches it as well, so the page must not be able to send what
//! is required here:
//!
//! - the header `X-Operator`, which a page of another origin may only send after
//!   a preflight request that this service never grants; it also says in the log
//!   who gave a command;
//! - an `Origin` that is this service's own, if there is one;
//! - a `Host` that is loopback, so that no foreign name can be made to point here
//!   (DNS rebinding).
//!
//! A service that listens to a network needs more: authentication, and TLS.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

const OPERATOR: &str = "x-operator";

/// Lets a command through if an operator gave it.
pub(crate) async fn required(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(operator) => {
            // Quoted, so that a name can't forge a line of the log.
            tracing::info!(operator, path = request.uri().path(), "command");
            next.run(request).await
        }
        Err(refusal) => (StatusCode::FORBIDDEN, format!("{refusal}\n")).into_response(),
    }
}

/// Returns who gives a command with the breakers' page, which itself sees to it that the
/// request is the page's own or a program's. A browser on this machine sends no
/// `X-Operator`.
pub(crate) fn of(parts: &Parts) -> Option<String> {
    let host = text(&parts.headers, header::HOST.as_str()).unwrap_or_default();
    if !is_loopback(host) {
        return None;
    }
    match text(&parts.headers, OPERATOR) {
        None => Some("someone at this machine".to_owned()),
        Some(operator) => is_name(operator).then(|| operator.to_owned()),
    }
}

/// Returns who gives the command.
fn check(headers: &HeaderMap) -> Result<&str, &'static str> {
    let text = |name: &str| text(headers, name);
    let host = text(header::HOST.as_str()).unwrap_or_default();
    if !is_loopback(host) {
        return Err("the service takes commands at `localhost` and `127.0.0.1` only");
    }
    let own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    if headers.contains_key(header::ORIGIN) && !text(header::ORIGIN.as_str()).is_some_and(own) {
        return Err("a page of another origin may not give commands");
    }
    match text(OPERATOR) {
        Some(operator) if is_name(operator) => Ok(operator),
        _ => Err("say who gives the command, in at most 80 characters: `-H 'X-Operator: alice'`"),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_name(operator: &str) -> bool {
    (1..=80).contains(&operator.len())
}

fn is_loopback(host: &str) -> bool {
    let uri = host.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn allowed(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        });
        check(&headers.collect()).is_ok()
    }

    #[test]
    fn operators_say_who_they_are() {
        let by = ("x-operator", "alice");
        for host in ["localhost:8080", "127.0.0.1:80", "[::1]:8080", "localhost"] {
            assert!(allowed(&[("host", host), by]), "{host}");
            assert!(!allowed(&[("host", host)]), "{host}");
        }
        let own = ("origin", "http://localhost:8080");
        assert!(allowed(&[("host", "localhost:8080"), own, by]));
        let long = "a".repeat(81);
        for name in ["", &long] {
            assert!(!allowed(&[("host", "localhost"), ("x-operator", name)]));
        }
    }

    #[test]
    fn foreign_pages_are_refused() {
        let by = ("x-operator", "mallory");
        for origin in [
            "http://evil.example",
            "https://localhost:8080",
            "http://localhost:8081",
            "http://localhost:8080.evil.example",
            "null",
            "",
        ] {
            let headers = [("host", "localhost:8080"), ("origin", origin), by];
            assert!(!allowed(&headers), "{origin}");
        }
    }

    #[test]
    fn foreign_names_of_this_machine_are_refused() {
        let by = ("x-operator", "mallory");
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1",
            "",
        ] {
            assert!(!allowed(&[("host", host), by]), "{host}");
        }
        assert!(!allowed(&[by]));
    }
}
