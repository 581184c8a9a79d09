//! `TypeOf` for errors of any kind: those that implement `Error`, boxed ones,
//! the reports of error crates, and types that are no errors at all.

#![allow(
    clippy::unused_self,
    reason = "methods, since their priority is what decides"
)]

use std::{any::TypeId, error::Error, ops::Deref};

use crate::tracker::chain_holds;

/// An error to be searched. The methods `holds` stand in a row of `Deref`s, and
/// the first one that fits is called:
///
/// 1. the error implements [`Error`] and dereferences to one, as `Arc<dyn Error>`
///    and `Box<E>` do, whose `source` skips what is inside: both are searched;
/// 2. it implements [`Error`]: it, and what caused it;
/// 3. it dereferences to one, as `Box<dyn Error>` and `anyhow::Error` do: the
///    same for what is inside;
/// 4. neither: it does not compile, since nothing would ever be found.
pub struct Probe<'a, E>(Plain<'a, E>);

/// See [`Probe`].
pub struct Plain<'a, E>(Inside<'a, E>);

/// See [`Probe`].
pub struct Inside<'a, E>(Itself<'a, E>);

/// See [`Probe`].
pub struct Itself<'a, E>(&'a E);

impl<'a, E> Probe<'a, E> {
    #[must_use]
    pub const fn new(error: &'a E) -> Self {
        Self(Plain(Inside(Itself(error))))
    }
}

impl<E> Probe<'_, E>
where
    E: Error + Deref + 'static,
    E::Target: AsError,
{
    #[must_use]
    pub fn holds<T: Error + 'static>(&self) -> bool {
        let error = self.0.0.0.0;
        chain_holds::<T>(error) || chain_holds::<T>((**error).as_error())
    }
}

impl<E: Error + 'static> Plain<'_, E> {
    #[must_use]
    pub fn holds<T: Error + 'static>(&self) -> bool {
        chain_holds::<T>(self.0.0.0)
    }
}

impl<E> Inside<'_, E>
where
    E: Deref + 'static,
    E::Target: AsError,
{
    #[must_use]
    pub fn holds<T: Error + 'static>(&self) -> bool {
        is::<E, T>() || chain_holds::<T>((**self.0.0).as_error())
    }
}

impl<E> Itself<'_, E> {
    #[must_use]
    #[expect(
        clippy::extra_unused_type_parameters,
        reason = "called as the others are"
    )]
    pub fn holds<T>(&self) -> bool
    where
        E: Searchable,
    {
        false
    }
}

/// An error that `TypeOf` can look for. Implemented for what never gets here, so
/// that the bound fails.
#[diagnostic::on_unimplemented(
    message = "`TypeOf` looks into a `std::error::Error`, and `{Self}` is none",
    label = "`{Self}` does not implement `std::error::Error`",
    note = "implement `Error` for `{Self}`, or say what counts by a pattern, `tracker = Matches(…)`, or at each variant with `#[derive(fluxgate::Classify)]`"
)]
pub trait Searchable {}

#[diagnostic::do_not_recommend]
impl<E: Error> Searchable for E {}

fn is<E: 'static, T: 'static>() -> bool {
    TypeId::of::<E>() == TypeId::of::<T>()
}

macro_rules! row {
    ($($from:ident => $to:ident,)*) => {$(
        impl<'a, E> Deref for $from<'a, E> {
            type Target = $to<'a, E>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    )*};
}

row! {
    Probe => Plain,
    Plain => Inside,
    Inside => Itself,
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
