//! `TypeOf` for errors of any kind: those that implement `Error`, boxed ones,
//! the reports of error crates, and types that are no errors at all.

use std::{any::TypeId, error::Error, ops::Deref};

use crate::tracker::chain_holds;

/// An error to be searched. The methods `holds` stand in a row of `Deref`s, and
/// the first one that fits is called:
///
/// 1. the error implements [`Error`]: it, and what caused it;
/// 2. it dereferences to one, as `Box<dyn Error>`, `anyhow::Error` and
///    `Arc<dyn Error>` do: the same for what is inside;
/// 3. neither: it can only be the wanted type itself.
pub struct Probe<'a, E>(Inside<'a, E>);

/// See [`Probe`].
pub struct Inside<'a, E>(Itself<'a, E>);

/// See [`Probe`].
pub struct Itself<'a, E>(&'a E);

impl<'a, E> Probe<'a, E> {
    #[must_use]
    pub const fn new(error: &'a E) -> Self {
        Self(Inside(Itself(error)))
    }
}

impl<'a, E> Deref for Probe<'a, E> {
    type Target = Inside<'a, E>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, E> Deref for Inside<'a, E> {
    type Target = Itself<'a, E>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<E: Error + 'static> Probe<'_, E> {
    #[must_use]
    pub fn holds<T: Error + 'static>(&self) -> bool {
        chain_holds::<T>(self.0.0.0)
    }
}

impl<E> Inside<'_, E>
where
    E: Deref,
    E::Target: AsError,
{
    #[must_use]
    pub fn holds<T: Error + 'static>(&self) -> bool {
        chain_holds::<T>((**self.0.0).as_error())
    }
}

impl<E: 'static> Itself<'_, E> {
    #[must_use]
    pub fn holds<T: 'static>(&self) -> bool {
        TypeId::of::<E>() == TypeId::of::<T>()
    }
}

/// What smart pointers to errors point to.
pub trait AsError {
    #[doc(hidden)]
    fn as_error(&self) -> &(dyn Error + 'static);
}

macro_rules! as_error {
    ($($auto:ident)*) => {
        impl AsError for dyn Error $(+ $auto)* + 'static {
            fn as_error(&self) -> &(dyn Error + 'static) {
                self
            }
        }
    };
}

as_error!();
as_error!(Send);
as_error!(Send Sync);

impl<E: Error + 'static> AsError for E {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}
