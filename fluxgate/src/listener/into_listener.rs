//! Conversions into a listener: from sync and async ones, and from those that may be
//! missing.

use std::{convert::Infallible, fmt, marker::PhantomData};

use crate::MissingListener;
use crate::listener::{
    AsyncListener, Listener, async_listener::queue::Background, owned::describe,
};

/// What [`Builder::listener`](crate::Builder::listener) takes: every [`Listener`];
/// every [`AsyncListener`], which is given a queue and a place on the background
/// thread; and a `Result` of either: with an `Err`, the breaker is built without that
/// listener.
///
/// `Kind` tells them apart and is always inferred. The trait is sealed: a type of your
/// own implements [`Listener`] or [`AsyncListener`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a listener",
    label = "expected a listener",
    note = "implement `fluxgate::Listener` or `fluxgate::listener::AsyncListener` for it",
    note = "as a closure: `|signal: &Signal| …` or `|signal: Signal| async move {{ … }}`"
)]
pub trait IntoListener<Kind>: sealed::Sealed<Kind> {
    /// Converts into a listener that a breaker can hold.
    ///
    /// # Errors
    ///
    /// If it could not be made.
    fn into_listener(self) -> Result<Box<dyn Listener>, MissingListener>;
}

pub(crate) mod sealed {
    use super::{AsyncListener, Deferred, Direct, Fallible, IntoListener, Listener, fmt};

    /// Is implemented where [`IntoListener`] is, and nowhere else.
    pub trait Sealed<Kind> {}

    impl<L: Listener + 'static> Sealed<Direct> for L {}

    impl<L: AsyncListener + 'static> Sealed<Deferred> for L {}

    impl<Kind, L: IntoListener<Kind>, E: fmt::Display> Sealed<Fallible<Kind>> for Result<L, E> {}
}

/// The kind of a [`Listener`].
#[derive(Debug)]
pub enum Direct {}

/// The kind of an [`AsyncListener`].
#[derive(Debug)]
pub enum Deferred {}

/// The kind of a `Result` of a listener.
#[derive(Debug)]
pub struct Fallible<Kind>(Infallible, PhantomData<Kind>);

impl<L: Listener + 'static> IntoListener<Direct> for L {
    fn into_listener(self) -> Result<Box<dyn Listener>, MissingListener> {
        Ok(Box::new(self))
    }
}

impl<L: AsyncListener + 'static> IntoListener<Deferred> for L {
    fn into_listener(self) -> Result<Box<dyn Listener>, MissingListener> {
        Ok(Box::new(Background::new(self)))
    }
}

/// A listener that is missing goes by the name of its type.
impl<Kind, L: IntoListener<Kind>, E: fmt::Display> IntoListener<Fallible<Kind>> for Result<L, E> {
    fn into_listener(self) -> Result<Box<dyn Listener>, MissingListener> {
        match self {
            Ok(listener) => listener.into_listener(),
            Err(error) => Err(MissingListener {
                name: std::any::type_name::<L>().into(),
                reason: describe(error),
            }),
        }
    }
}
