//! Commands from the page: who may give them, and what proves that it was the page.

use ::http::{
    HeaderMap, Response, StatusCode, Uri,
    header::{HOST, ORIGIN},
    request::Parts,
};

use super::{Body, Page, error, json, unknown};
use crate::{Command, diagnostics, registry, util::panic::catch_panic};

/// A page of another origin can't send it without leave from this server.
const HEADER: &str = "x-fluxgate-command";

/// Gives the command to every breaker of the name, if the request may.
pub(super) fn obey(page: &Page, head: &Parts, name: &str, command: &str) -> Response<Body> {
    let by = match allowed(page, head) {
        Ok(by) => by,
        Err(refusal) => {
            diagnostics::command_refused(name, command, refusal);
            return error(StatusCode::FORBIDDEN, refusal);
        }
    };
    let command: Command = match command.parse() {
        Ok(command) => command,
        Err(problem) => return error(StatusCode::BAD_REQUEST, &format!("{problem}")),
    };
    let breakers = registry::every_named(name);
    if breakers.is_empty() {
        return unknown(name);
    }
    for breaker in &breakers {
        breaker.command_by(command, &by);
    }
    diagnostics::command_obeyed(name, command, &by);
    page.board.look();
    json(&serde_json::json!({ "commanded": breakers.len() }))
}

/// Returns who gives commands with requests like this one.
pub(super) fn author(page: &Page, head: &Parts) -> Option<String> {
    let authorise = page.authorise.as_deref()?;
    let by = catch_panic(|| authorise(head)).unwrap_or_else(|| {
        diagnostics::policy_panicked("authorisation of commands");
        None
    })?;
    (!by.is_empty()).then_some(by)
}

/// Returns who gives the command, or why it is refused.
fn allowed(page: &Page, head: &Parts) -> Result<String, &'static str> {
    if page.authorise.is_none() {
        return Err("this page is read only: give it `Page::commands`");
    }
    if text(&head.headers, HEADER) != Some("1") {
        return Err("a command needs the header `X-Fluxgate-Command: 1`");
    }
    if !is_same_origin(head) {
        return Err("a page of another origin may not give commands");
    }
    author(page, head).ok_or("you may not give commands")
}

/// Returns whether no header says that another origin's page sent the request.
/// `Sec-Fetch-Site` is the browser's own word, whatever a proxy makes of `Host`.
fn is_same_origin(head: &Parts) -> bool {
    let headers = &head.headers;
    if headers.contains_key("sec-fetch-site") {
        return text(headers, "sec-fetch-site") == Some("same-origin");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = text(headers, ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
    let from = origin.as_ref().and_then(Uri::authority);
    let here = text(headers, HOST.as_str());
    // HTTP/2 has it in the target.
    let here = here.or_else(|| head.uri.authority().map(::http::uri::Authority::as_str));
    from.is_some_and(|from| here.is_some_and(|here| from.as_str().eq_ignore_ascii_case(here)))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    // Said twice it is not said.
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
