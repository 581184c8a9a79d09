//! The body of an answer: bytes, a long listing, or events without end.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{
    board::{Board, Watcher},
    list::Listing,
};

/// The body of the page's answers.
pub struct Body(Kind);

enum Kind {
    Full(Option<Bytes>),
    List(Listing),
    Events(Watcher),
}

impl Body {
    pub(super) fn full(bytes: Vec<u8>) -> Self {
        Self(Kind::Full(Some(bytes.into())))
    }

    pub(super) fn list() -> Self {
        Self(Kind::List(Listing::new()))
    }

    pub(super) fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// Returns the events of a board for one page; `None` if too many are open.
    pub(super) fn events(
        board: &Arc<Board>,
        operator: Option<&str>,
        commands: bool,
    ) -> Option<Self> {
        let watcher = Watcher::new(board, operator, commands)?;
        Some(Self(Kind::Events(watcher)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::List(listing) => {
                Poll::Ready(listing.next().map(|piece| Ok(Frame::data(piece.into()))))
            }
            Kind::Events(watcher) => watcher
                .poll_event(context)
                .map(|event| event.map(|event| Ok(Frame::data(event.into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::List(_) | Kind::Events(_) => SizeHint::new(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}
