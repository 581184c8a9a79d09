//! Which errors count as failures.
//!
//! An error that the tracker does not match is ignored: neither a failure nor a
//! success. Trackers belong to the function, not to the breaker: functions that share a
//! breaker may have errors of different types.

use std::{
    error::Error,
    fmt, io, iter,
    marker::PhantomData,
    ops::{BitAnd, BitOr, Not},
};

use crate::Outcome;

/// Decides whether an error counts as a failure. Closures `Fn(&E) -> bool` are
/// trackers.
///
/// It is asked after the call, outside any lock. A panic in it is contained, and
/// the error counts as a failure.
#[doc(alias("ignore_errors", "record_exceptions", "should_handle"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tracker of `{E}`",
    label = "can't decide whether a `{E}` is a failure",
    note = "a function or closure that takes a `&{E}` and returns a `bool` is one"
)]
pub trait Tracker<E: ?Sized> {
    /// Returns whether `error` counts as a failure.
    fn tracks(&self, error: &E) -> bool;

    /// Returns what `error` means; more than yes or no where the error says it
    /// itself.
    #[doc(hidden)]
    fn outcome(&self, error: &E) -> Outcome {
        if self.tracks(error) {
            Outcome::Failure
        } else {
            Outcome::Ignored
        }
    }

    #[doc(hidden)]
    #[inline]
    fn settle(&self, of: &E, call: crate::call::Admitted<'_>)
    where
        Self: Sized,
    {
        call.settle(|| crate::call::classify::error(of, self));
    }
}

#[diagnostic::do_not_recommend]
impl<E: ?Sized, F: Fn(&E) -> bool> Tracker<E> for F {
    fn tracks(&self, error: &E) -> bool {
        self(error)
    }
}

/// Counts every error as a failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct All;

impl<E: ?Sized> Tracker<E> for All {
    #[inline]
    fn tracks(&self, _error: &E) -> bool {
        true
    }

    #[inline]
    fn settle(&self, _error: &E, call: crate::call::Admitted<'_>) {
        call.failed();
    }
}

/// Matches errors of one type: the error itself, or any error in the chain of its
/// [`source`](Error::source)s, is a `T`.
///
/// It works for every error that implements [`Error`]; anything else does not compile,
/// since it could never match. It can't see through an error whose `source` skips what
/// it holds, as that of thiserror's `#[error(transparent)]` does: give such a variant a
/// message of its own, or classify it with
/// [`#[derive(Classify)]`](macro@crate::Classify). [`Info`](crate::Info) shows how many
/// errors were `ignored`, and how many calls ever `failed`.
///
/// For a boxed error look at what is in the box: `|error: &Box<dyn Error + Send + Sync>|
/// TypeOf::<T>::new().tracks(error.as_ref())`. The attribute does that by itself.
///
/// ```
/// use std::io;
/// use fluxgate::tracker::{TypeOf, Tracker};
///
/// let tracker = TypeOf::<std::num::ParseIntError>::new();
/// let nested = io::Error::other("7x".parse::<u8>().unwrap_err());
/// assert!(!tracker.tracks(&io::Error::other("no")));
/// assert!(tracker.tracks(&nested));
/// ```
pub struct TypeOf<T>(PhantomData<fn() -> T>);

impl<T: Error + 'static> TypeOf<T> {
    /// Matches errors of type `T`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Error + 'static> Default for TypeOf<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for TypeOf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TypeOf<T> {}

impl<T> fmt::Debug for TypeOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeOf<{}>", std::any::type_name::<T>())
    }
}

impl<T: Error + 'static, E: Error + 'static> Tracker<E> for TypeOf<T> {
    fn tracks(&self, error: &E) -> bool {
        chain_holds::<T>(error)
    }
}

impl<T: Error + 'static> Tracker<dyn Error + 'static> for TypeOf<T> {
    fn tracks(&self, error: &(dyn Error + 'static)) -> bool {
        chain_holds::<T>(error)
    }
}

impl<T: Error + 'static> Tracker<dyn Error + Send + 'static> for TypeOf<T> {
    fn tracks(&self, error: &(dyn Error + Send + 'static)) -> bool {
        chain_holds::<T>(error)
    }
}

impl<T: Error + 'static> Tracker<dyn Error + Send + Sync + 'static> for TypeOf<T> {
    fn tracks(&self, error: &(dyn Error + Send + Sync + 'static)) -> bool {
        chain_holds::<T>(error)
    }
}

/// Longer chains are taken for loops.
const LONGEST_CHAIN: usize = 128;

/// Returns whether the error, or one that caused it, is a `T`.
pub(crate) fn chain_holds<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(<dyn Error>::is::<T>)
}

/// Returns the error and what caused it.
pub(crate) fn chain<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| cause(error)).take(LONGEST_CHAIN)
}

fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    // The `source` of an `io::Error` leaves out the error that it wraps.
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// A closure as a tracker, for combining it with others.
///
/// ```
/// use fluxgate::tracker::{Custom, Tracker};
///
/// let server_side = Custom::new(|status: &u16| *status >= 500);
/// let busy = Custom::new(|status: &u16| *status == 503);
/// let tracker = server_side & !busy;
/// assert!(tracker.tracks(&500) && !tracker.tracks(&503) && !tracker.tracks(&404));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Custom<F>(F);

impl<F> Custom<F> {
    /// Wraps a closure `Fn(&E) -> bool`.
    pub const fn new(f: F) -> Self {
        Self(f)
    }
}

impl<E: ?Sized, F: Fn(&E) -> bool> Tracker<E> for Custom<F> {
    fn tracks(&self, error: &E) -> bool {
        (self.0)(error)
    }
}

/// Matches what both trackers match: `a & b`.
#[derive(Clone, Copy, Debug)]
pub struct And<A, B>(A, B);

/// Matches what either tracker matches: `a | b`.
#[derive(Clone, Copy, Debug)]
pub struct Or<A, B>(A, B);

/// Matches what the tracker does not match: `!a`.
#[derive(Clone, Copy, Debug)]
pub struct Except<A>(A);

impl<E: ?Sized, A: Tracker<E>, B: Tracker<E>> Tracker<E> for And<A, B> {
    fn tracks(&self, error: &E) -> bool {
        self.0.tracks(error) && self.1.tracks(error)
    }
}

impl<E: ?Sized, A: Tracker<E>, B: Tracker<E>> Tracker<E> for Or<A, B> {
    fn tracks(&self, error: &E) -> bool {
        self.0.tracks(error) || self.1.tracks(error)
    }
}

impl<E: ?Sized, A: Tracker<E>> Tracker<E> for Except<A> {
    fn tracks(&self, error: &E) -> bool {
        !self.0.tracks(error)
    }
}

macro_rules! operators {
    ($([$($generic:ident),*] $tracker:ty;)*) => {$(
        impl<$($generic,)* Other> BitAnd<Other> for $tracker {
            type Output = And<Self, Other>;

            fn bitand(self, other: Other) -> Self::Output {
                And(self, other)
            }
        }

        impl<$($generic,)* Other> BitOr<Other> for $tracker {
            type Output = Or<Self, Other>;

            fn bitor(self, other: Other) -> Self::Output {
                Or(self, other)
            }
        }

        impl<$($generic),*> Not for $tracker {
            type Output = Except<Self>;

            fn not(self) -> Self::Output {
                Except(self)
            }
        }
    )*};
}

operators! {
    [] All;
    [T] TypeOf<T>;
    [F] Custom<F>;
    [A, B] And<A, B>;
    [A, B] Or<A, B>;
    [A] Except<A>;
}
