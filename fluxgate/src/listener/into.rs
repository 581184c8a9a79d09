//! Sync and async listeners through one door.

use super::{AsyncListener, Listener, background::Background};

/// What [`Builder::listener`](crate::Builder::listener) takes: every
/// [`Listener`], and every [`AsyncListener`], which is given a queue and a place
/// on the background thread.
///
/// `Kind` tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a listener",
    label = "expected a listener",
    note = "implement `fluxgate::Listener` or `fluxgate::listener::AsyncListener` for it",
    note = "as a closure: `|signal: &Signal| …` or `|signal: Signal| async move {{ … }}`"
)]
pub trait IntoListener<Kind> {
    /// The listener, ready to be told.
    fn into_listener(self) -> Box<dyn Listener>;
}

/// The kind of a [`Listener`].
#[derive(Debug)]
pub enum Direct {}

/// The kind of an [`AsyncListener`].
#[derive(Debug)]
pub enum Deferred {}

impl<L: Listener + 'static> IntoListener<Direct> for L {
    fn into_listener(self) -> Box<dyn Listener> {
        Box::new(self)
    }
}

impl<L: AsyncListener + 'static> IntoListener<Deferred> for L {
    fn into_listener(self) -> Box<dyn Listener> {
        Box::new(Background::new(self))
    }
}
