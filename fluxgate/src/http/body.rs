//! Bodies that settle their call when they end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

#[cfg(feature = "grpc")]
use ::http::HeaderMap;
use bytes::Buf;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{Outcome, call::unsettled::Unsettled};

pin_project! {
    /// The body of a response behind a breaker, which settles its call when it
    /// ends: made by a layer with
    /// [`until_end_of_body`](crate::tower::CircuitBreakerLayer::until_end_of_body).
    ///
    /// | the body | the call counts as |
    /// |---|---|
    /// | ends: its last frame, its declared length, or [`is_end_stream`](http_body::Body::is_end_stream) | what its head means |
    /// | fails | a failure |
    /// | is dropped earlier | cancelled: what [`on_cancel`](crate::Builder::on_cancel) says |
    /// | still delivers when the lease of its probe is over | passed; how it ends counts no more |
    ///
    /// Of a rejection it is empty.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        inner: Option<B>,
        call: Option<BodyCall>,
    }
}

/// What is known of a call while its body is under way.
#[derive(Debug)]
struct BodyCall {
    call: Unsettled,
    /// What the call counts as if its body ends well.
    outcome: Outcome,
    /// How many bytes are still to come, if that is known.
    remaining: Option<u64>,
    reads: Reads,
}

/// Where the outcome stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    /// In the head of the response: the body can only end or fail.
    Head,
    /// In the trailers, as with gRPC; read by this function, if they hold it.
    #[cfg(feature = "grpc")]
    Trailers(fn(&HeaderMap) -> Option<Outcome>),
}

impl Reads {
    fn is_head(self) -> bool {
        matches!(self, Self::Head)
    }
}

impl<B: http_body::Body> Body<B> {
    /// Wraps a body whose call is settled.
    pub(crate) fn settled(inner: B) -> Self {
        Self {
            inner: Some(inner),
            call: None,
        }
    }

    /// Makes the empty body of a rejection.
    #[cfg(feature = "grpc")]
    pub(crate) fn empty() -> Self {
        Self {
            inner: None,
            call: None,
        }
    }

    /// Makes a body that settles `call` with `outcome` if it ends well. `length` is what
    /// the head of the response declares.
    pub(crate) fn new(
        inner: B,
        mut call: Unsettled,
        outcome: Outcome,
        length: Option<u64>,
        reads: Reads,
    ) -> Self {
        if reads.is_head() {
            call.stop_watch();
        }
        let remaining = inner.size_hint().exact().or(length);
        if inner.is_end_stream() {
            call.record(outcome);
            return Self::settled(inner);
        }
        Self {
            inner: Some(inner),
            call: Some(BodyCall {
                call,
                outcome,
                remaining,
                reads,
            }),
        }
    }
}

impl<B: http_body::Body> http_body::Body for Body<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(inner.as_mut().poll_frame(context));
        if let Some(pending) = this.call {
            let is_over = match &frame {
                None => pending.end(),
                Some(Err(_)) => pending.settle(Outcome::Failure),
                Some(Ok(frame)) => pending.frame(frame, inner.is_end_stream()),
            };
            if is_over {
                *this.call = None;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// Each method returns whether the call is settled.
impl BodyCall {
    fn settle(&mut self, outcome: Outcome) -> bool {
        self.call.record(outcome);
        true
    }

    fn end(&mut self) -> bool {
        self.call.stop_watch();
        self.settle(self.outcome)
    }

    fn frame<D: Buf>(&mut self, frame: &Frame<D>, is_last: bool) -> bool {
        self.call.stop_watch();
        if let (Some(data), Some(remaining)) = (frame.data_ref(), &mut self.remaining) {
            *remaining = remaining.saturating_sub(data.remaining() as u64);
        }
        #[cfg(feature = "grpc")]
        if let (Reads::Trailers(status), Some(trailers)) = (self.reads, frame.trailers_ref()) {
            let outcome = status(trailers);
            return self.settle(outcome.unwrap_or(self.outcome));
        }
        let ends_by_length = self.reads.is_head() && self.remaining == Some(0);
        if is_last || ends_by_length {
            return self.end();
        }
        // It delivers still, so the probe has passed.
        self.call.is_overdue() && self.settle(passed(self.reads, self.outcome))
    }
}

fn passed(reads: Reads, outcome: Outcome) -> Outcome {
    match reads {
        Reads::Head => outcome,
        #[cfg(feature = "grpc")]
        Reads::Trailers(_) => Outcome::Success,
    }
}
