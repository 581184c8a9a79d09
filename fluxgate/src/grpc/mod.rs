//! What gRPC statuses mean for a breaker.
//!
//! [`CircuitBreakerLayer::grpc`](crate::tower::CircuitBreakerLayer::grpc) puts a
//! tonic channel, or a server, behind a breaker. It reads the status where gRPC
//! has it: in the head of a response without a body, and otherwise in the
//! trailers at the end of its body; an HTTP status tells nothing, since it is 200
//! also when the call failed. A rejection is a response with the status
//! `UNAVAILABLE` and the reason as its message.
//!
//! The call is settled when its stream ends, fails or is dropped, as
//! [`Body`] says. What it took is the time to the first
//! message, or to the trailers if there is none: an hour's stream is not slow.
//!
//! Codes are numbers here, so that this is for every gRPC crate and version. In a
//! function that returns tonic's `Status`, give the attribute
//! `classify = |result| …`, or a variant of an error of one's own
//! `#[outcome(with = of_status)]`:
//!
//! ```
//! use fluxgate::{Classify, Outcome, grpc};
//! # #[derive(Debug)]
//! # struct Status(i32); // Stands for `tonic::Status`.
//! # impl Status { fn code(&self) -> i32 { self.0 } }
//!
//! #[derive(Debug, Classify)]
//! enum Error {
//!     #[outcome(with = of_status)]
//!     Grpc(Status),
//! }
//!
//! fn of_status(status: &Status) -> Outcome {
//!     grpc::outcome_of_code(status.code() as i32)
//! }
//!
//! assert_eq!(Error::Grpc(Status(14)).outcome(), Outcome::Failure);
//! assert_eq!(Error::Grpc(Status(5)).outcome(), Outcome::Alive);
//! ```

use ::http::{
    HeaderMap, HeaderValue, Response,
    header::{CONTENT_TYPE, HeaderName},
};

use crate::{CallNotPermitted, Outcome, http::Body};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Longer messages are cut, since they share a header block with the rest.
const LONGEST_MESSAGE: usize = 1024;

/// The codes that are more than an answer.
mod code {
    pub(super) const OK: i32 = 0;
    pub(super) const CANCELLED: i32 = 1;
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const DEADLINE_EXCEEDED: i32 = 4;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const INTERNAL: i32 = 13;
    pub(super) const UNAVAILABLE: i32 = 14;
    pub(super) const DATA_LOSS: i32 = 15;
    /// `UNAUTHENTICATED`.
    pub(super) const LAST: i32 = 16;
}

/// Returns what a gRPC status code means.
///
/// | code | outcome |
/// |---|---|
/// | `OK` | success |
/// | `RESOURCE_EXHAUSTED` | overloaded |
/// | `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNKNOWN`, `DATA_LOSS` | failure |
/// | `CANCELLED` | ignored |
/// | every other code | alive: the service answers |
///
/// A number that is no code is `UNKNOWN`, as gRPC has it.
#[must_use]
pub const fn outcome_of_code(code: i32) -> Outcome {
    match code {
        code::OK => Outcome::Success,
        code::CANCELLED => Outcome::Ignored,
        code::RESOURCE_EXHAUSTED => Outcome::Overloaded,
        code::UNKNOWN
        | code::DEADLINE_EXCEEDED
        | code::INTERNAL
        | code::UNAVAILABLE
        | code::DATA_LOSS => Outcome::Failure,
        ..0 | code::LAST.. if code != code::LAST => Outcome::Failure,
        _ => Outcome::Alive,
    }
}

/// Returns what the status in the head or in the trailers means, if it is there.
pub(crate) fn status(headers: &HeaderMap) -> Option<Outcome> {
    let status = headers.get(STATUS)?;
    let code = status
        .to_str()
        .ok()
        .and_then(|code| code.trim().parse().ok());
    Some(outcome_of_code(code.unwrap_or(code::UNKNOWN)))
}

/// What the head of a response tells.
pub(crate) enum GrpcHead {
    /// How the call ended.
    Ended(Outcome),
    /// The trailers tell it; without a status in them it is this.
    Streams(Outcome),
}

/// Reads the head of a response.
pub(crate) fn head<B>(response: &Response<B>) -> GrpcHead {
    if let Some(outcome) = status(response.headers()) {
        return GrpcHead::Ended(outcome);
    }
    // From a proxy in between, which does not speak gRPC.
    if !response.status().is_success() {
        return GrpcHead::Ended(crate::http::outcome(response.status(), response.headers()));
    }
    // In gRPC-Web the trailers are part of the data.
    let kind = response.headers().get(CONTENT_TYPE);
    let is_web = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web"));
    GrpcHead::Streams(if is_web {
        Outcome::Success
    } else {
        outcome_of_code(code::UNKNOWN)
    })
}

/// Makes a response without a body: `UNAVAILABLE`, with the reason.
pub(crate) fn rejected<B: http_body::Body>(rejection: &CallNotPermitted) -> Response<Body<B>> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(code::UNAVAILABLE));
    if let Ok(message) = HeaderValue::try_from(encoded(&rejection.to_string())) {
        headers.insert(MESSAGE, message);
    }
    response
}

/// Encodes a message as gRPC does: per cent for what is no printable ASCII.
fn encoded(message: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(message.len());
    for character in message.chars() {
        if encoded.len() > LONGEST_MESSAGE {
            break;
        }
        match character {
            ' '..='~' if character != '%' => encoded.push(character),
            _ => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    // A `String` takes everything.
                    let _ = write!(encoded, "%{byte:02X}");
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_outcome() {
        use Outcome::{Alive, Failure, Ignored, Overloaded, Success};

        let outcomes: Vec<_> = (0..=17).map(outcome_of_code).collect();
        let expected = [
            Success, Ignored, Failure, Alive, Failure, Alive, Alive, Alive, Overloaded, Alive,
            Alive, Alive, Alive, Failure, Failure, Failure, Alive, Failure,
        ];
        assert_eq!(outcomes, expected);
        assert_eq!(outcome_of_code(-1), Failure);
    }

    /// What a response means by its head, and otherwise if no status follows.
    fn of_head(status: u16, header: (&'static str, &'static str)) -> (bool, Outcome) {
        let response = Response::builder().status(status);
        let response = response.header(header.0, header.1).body(());
        match head(&response.expect("a response")) {
            GrpcHead::Ended(outcome) => (true, outcome),
            GrpcHead::Streams(outcome) => (false, outcome),
        }
    }

    #[test]
    fn the_head_tells_what_it_can() {
        use Outcome::{Alive, Failure, Success, UnavailableFor};
        let grpc = ("content-type", "application/grpc");
        assert_eq!(of_head(200, ("grpc-status", "5")), (true, Alive));
        assert_eq!(of_head(200, ("grpc-status", "0")), (true, Success));
        assert_eq!(of_head(200, ("grpc-status", "five")), (true, Failure));
        assert_eq!(of_head(503, grpc), (true, Failure));
        let wait = UnavailableFor(std::time::Duration::from_secs(7));
        assert_eq!(of_head(503, ("retry-after", "7")), (true, wait));
        assert_eq!(of_head(200, grpc), (false, Failure), "until a status comes");
        let web = ("content-type", "application/grpc-web+proto");
        assert_eq!(of_head(200, web), (false, Success), "its trailers are data");
    }

    #[test]
    fn messages_are_printable_and_bounded() {
        assert_eq!(encoded("is open: 50%\n"), "is open: 50%25%0A");
        assert_eq!(encoded("é"), "%C3%A9");
        assert!(encoded(&"é".repeat(5000)).len() <= LONGEST_MESSAGE + 6);
    }
}
