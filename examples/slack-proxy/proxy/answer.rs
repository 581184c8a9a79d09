//! What posters are told.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub(super) enum Answer {
    Taken,
    /// Taken, and this names it.
    Named {
        channel: String,
        ts: String,
    },
    Wrong(StatusCode, String),
    NotAllowed,
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<&'a str>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut body = Body {
            ok: true,
            error: None,
            channel: None,
            ts: None,
        };
        let status = match &self {
            Self::Taken => StatusCode::OK,
            Self::Named { channel, ts } => {
                body.channel = Some(channel);
                body.ts = Some(ts);
                StatusCode::OK
            }
            Self::Wrong(status, error) => {
                body.ok = false;
                body.error = Some(error);
                *status
            }
            Self::NotAllowed => {
                let headers = [
                    (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                    (HeaderName::from_static("x-content-type-options"), "nosniff"),
                ];
                let status = StatusCode::METHOD_NOT_ALLOWED;
                return (status, headers, "Method not allowed\n").into_response();
            }
        };
        let headers = [(header::CONTENT_TYPE, "application/json")];
        let body = serde_json::to_string(&body).unwrap_or_default();
        (status, headers, body).into_response()
    }
}
