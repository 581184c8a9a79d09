//! When a call is settled: at the head of the response, at the end of its body,
//! or at the end of a gRPC stream.

#[cfg(feature = "http")]
use ::http::{Response, header::CONTENT_LENGTH};

use super::answer::Answer;
use crate::{
    CallNotPermitted,
    call::{Admitted, Complete, classify::Classifier},
};
#[cfg(feature = "http")]
use crate::{
    Outcome,
    http::{Body, Reads},
};

/// Settles a call when the service returns its response. The default.
#[derive(Clone, Copy, Debug)]
pub struct AtHead;

/// Settles a call when the body of its response ends; see
/// [`until_end_of_body`](super::CircuitBreakerLayer::until_end_of_body).
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub struct AtEndOfBody;

/// Settles a call by its gRPC status; see
/// [`grpc`](super::CircuitBreakerLayer::grpc).
#[cfg(feature = "grpc")]
#[derive(Clone, Copy, Debug)]
pub struct Grpc;

/// Implemented by the modes in which a rejection may be answered by a closure.
#[diagnostic::on_unimplemented(
    message = "a layer in the mode `{Self}` answers rejections itself",
    label = "`on_rejection` has no say here",
    note = "with `grpc()` a rejection is a response with the status `UNAVAILABLE`; remove `on_rejection`"
)]
pub trait TakesAnswer {}

impl TakesAnswer for AtHead {}

#[cfg(feature = "http")]
impl TakesAnswer for AtEndOfBody {}

/// Classifies a response, and decides what callers get.
#[derive(Clone)]
pub struct Verdict<J, A, M> {
    pub(super) classifier: J,
    pub(super) answer: A,
    #[allow(dead_code, reason = "it decides by its type")]
    pub(super) mode: M,
}

/// Decides what callers of a service get.
pub trait Respond<V, E>:
    Complete<Result<V, E>, Output = Result<Self::Response, Self::Error>>
{
    /// The response of the protected service.
    type Response;
    /// Its error.
    type Error;

    /// Returns what the caller gets when the service failed.
    fn failed(error: E) -> Self::Error;
}

impl<V, E, J: Classifier<V, E>, A: Answer<V, E>> Respond<V, E> for Verdict<J, A, AtHead> {
    type Response = V;
    type Error = A::Error;

    fn failed(error: E) -> A::Error {
        A::failed(error)
    }
}

impl<V, E, J, A> Complete<Result<V, E>> for Verdict<J, A, AtHead>
where
    J: Classifier<V, E>,
    A: Answer<V, E>,
{
    type Output = Result<V, A::Error>;

    fn accept(self, output: Result<V, E>, call: Admitted<'_>) -> Self::Output {
        self.classifier.settle(output, call).map_err(A::failed)
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        self.answer.rejected(rejection)
    }
}

#[cfg(feature = "http")]
impl<B, E, J, A> Respond<Response<B>, E> for Verdict<J, A, AtEndOfBody>
where
    B: http_body::Body,
    J: Classifier<Response<B>, E>,
    A: Answer<Response<B>, E>,
{
    type Response = Response<Body<B>>;
    type Error = A::Error;

    fn failed(error: E) -> A::Error {
        A::failed(error)
    }
}

#[cfg(feature = "http")]
impl<B, E, J, A> Complete<Result<Response<B>, E>> for Verdict<J, A, AtEndOfBody>
where
    B: http_body::Body,
    J: Classifier<Response<B>, E>,
    A: Answer<Response<B>, E>,
{
    type Output = Result<Response<Body<B>>, A::Error>;

    fn accept(self, output: Result<Response<B>, E>, call: Admitted<'_>) -> Self::Output {
        let outcome = |output: &_| self.classifier.outcome(output);
        watch(output, call, outcome, |_, outcome| {
            Head::Streams(outcome, Reads::Head)
        })
        .map_err(A::failed)
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        let answer = self.answer.rejected(rejection)?;
        Ok(answer.map(Body::settled))
    }
}

#[cfg(feature = "grpc")]
impl<B, E, J, A> Respond<Response<B>, E> for Verdict<J, A, Grpc>
where
    B: http_body::Body,
    J: Classifier<Response<B>, E>,
{
    type Response = Response<Body<B>>;
    type Error = E;

    fn failed(error: E) -> E {
        error
    }
}

#[cfg(feature = "grpc")]
impl<B, E, J, A> Complete<Result<Response<B>, E>> for Verdict<J, A, Grpc>
where
    B: http_body::Body,
    J: Classifier<Response<B>, E>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn accept(self, output: Result<Response<B>, E>, call: Admitted<'_>) -> Self::Output {
        let outcome = |output: &_| self.classifier.outcome(output);
        watch(output, call, outcome, |response, outcome| {
            // What the user's own predicate calls a failure is one.
            if outcome != Outcome::Success {
                return Head::Ended(outcome);
            }
            match crate::grpc::head(response) {
                crate::grpc::GrpcHead::Ended(outcome) => Head::Ended(outcome),
                crate::grpc::GrpcHead::Streams(outcome) => {
                    Head::Streams(outcome, Reads::Trailers(crate::grpc::status))
                }
            }
        })
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        Ok(crate::grpc::rejected(&rejection))
    }
}

/// What the head of a response tells.
#[cfg(feature = "http")]
enum Head {
    /// How the call ended.
    #[cfg(feature = "grpc")]
    Ended(Outcome),
    /// How it ends if its body does.
    Streams(Outcome, Reads),
}

/// Settles a call whose head says that it failed; leaves the others to their
/// bodies.
#[cfg(feature = "http")]
fn watch<B: http_body::Body, E>(
    output: Result<Response<B>, E>,
    call: Admitted<'_>,
    outcome: impl FnOnce(&Result<Response<B>, E>) -> Outcome,
    head: impl FnOnce(&Response<B>, Outcome) -> Head,
) -> Result<Response<Body<B>>, E> {
    let mut call = call.unsettled();
    if !call.is_open() {
        return output.map(|response| response.map(Body::settled));
    }
    let said = outcome(&output);
    let response = match output {
        Ok(response) => response,
        Err(error) => {
            call.record(said);
            return Err(error);
        }
    };
    let (outcome, reads) = match head(&response, said) {
        Head::Streams(outcome, reads) if !said.is_transient() => (outcome, reads),
        Head::Streams(..) => {
            call.record(said);
            return Ok(response.map(Body::settled));
        }
        #[cfg(feature = "grpc")]
        Head::Ended(outcome) => {
            call.record(outcome);
            return Ok(response.map(Body::settled));
        }
    };
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    Ok(response.map(|body| Body::new(body, call, outcome, length, reads)))
}
