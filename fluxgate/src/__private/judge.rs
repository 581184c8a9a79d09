//! What a function returns, and what that means for its breaker.

#![allow(
    clippy::unused_self,
    reason = "methods, since their priority is what decides"
)]

use std::{convert::Infallible, marker::PhantomData, ops::Deref};

use crate::{
    CallError, CallNotPermitted, Outcome,
    judge::{self, FailureIf, Nothing, Predicate},
    tracker::{All, Tracker},
};

/// How a return type falls into value and error.
pub trait Shape {
    /// The return type.
    type Output;
    /// What `failure_if` is shown.
    type Value;
    /// What the tracker and the fallback are shown.
    type Error;

    #[doc(hidden)]
    fn outcome<T, P>(output: &Self::Output, tracker: &T, failure_if: &P) -> Outcome
    where
        T: Tracker<Self::Error>,
        P: FailureIf<Self::Value>;

    #[doc(hidden)]
    fn split(
        ran: Result<Self::Output, CallNotPermitted>,
    ) -> Result<Self::Output, CallError<Self::Error>>;
}

/// The shape of `Result<T, E>`.
pub struct Returned<T, E>(PhantomData<fn() -> (T, E)>);

impl<T, E> Shape for Returned<T, E> {
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;

    #[inline]
    fn outcome<K, P>(output: &Result<T, E>, tracker: &K, failure_if: &P) -> Outcome
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        judge::result(output, tracker, failure_if)
    }

    #[inline]
    fn split(ran: Result<Result<T, E>, CallNotPermitted>) -> Result<Result<T, E>, CallError<E>> {
        match ran {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) => Err(CallError::Failed(error)),
            Err(rejection) => Err(CallError::Rejected(rejection)),
        }
    }
}

/// The shape of any other type: it has no errors.
pub struct Plain<T>(PhantomData<fn() -> T>);

impl<T> Shape for Plain<T> {
    type Output = T;
    type Value = T;
    type Error = Infallible;

    #[inline]
    fn outcome<K, P>(output: &T, _tracker: &K, failure_if: &P) -> Outcome
    where
        K: Tracker<Infallible>,
        P: FailureIf<T>,
    {
        judge::value(output, failure_if)
    }

    #[inline]
    fn split(ran: Result<T, CallNotPermitted>) -> Result<T, CallError<Infallible>> {
        ran.map_err(CallError::Rejected)
    }
}

/// Finds the shape of a return type: `Returning::<R>::new().judge()` is the
/// inherent method where `R` is a `Result`, under whatever name, and the one
/// behind `Deref` where it is not.
pub struct Returning<R>(AnythingElse<R>);

/// See [`Returning`].
pub struct AnythingElse<R>(PhantomData<fn() -> R>);

impl<R> Returning<R> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code calls it")]
    pub const fn new() -> Self {
        Self(AnythingElse(PhantomData))
    }
}

impl<T, E> Returning<Result<T, E>> {
    #[must_use]
    pub const fn judge(&self) -> Judge<Returned<T, E>> {
        Judge::new()
    }
}

impl<R> Deref for Returning<R> {
    type Target = AnythingElse<R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<R> AnythingElse<R> {
    #[must_use]
    pub const fn judge(&self) -> Judge<Plain<R>> {
        Judge::new()
    }
}

/// The judge of a `Result` with an `impl Trait` inside, whose type has no name.
#[must_use]
pub const fn returned<T, E>() -> Judge<Returned<T, E>> {
    Judge::new()
}

/// What counts as a failure.
pub struct Judge<S, T = All, P = Nothing> {
    shape: PhantomData<fn() -> S>,
    tracker: T,
    failure_if: P,
}

impl<S> Judge<S> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code calls it")]
    pub const fn new() -> Self {
        Self {
            shape: PhantomData,
            tracker: All,
            failure_if: Nothing,
        }
    }
}

impl<S: Shape, T, P> Judge<S, T, P> {
    #[inline]
    pub fn tracker<F: Fn(&S::Error) -> bool>(self, tracker: F) -> Judge<S, F, P> {
        Judge {
            shape: PhantomData,
            tracker,
            failure_if: self.failure_if,
        }
    }

    #[inline]
    pub fn failure_if<F: Fn(&S::Value) -> bool>(self, predicate: F) -> Judge<S, T, Predicate<F>> {
        Judge {
            shape: PhantomData,
            tracker: self.tracker,
            failure_if: Predicate(predicate),
        }
    }

    #[inline]
    pub(super) fn closure(self) -> impl FnOnce(&S::Output) -> Outcome + use<S, T, P>
    where
        T: Tracker<S::Error>,
        P: FailureIf<S::Value>,
    {
        move |output| S::outcome(output, &self.tracker, &self.failure_if)
    }
}

/// What a function without a fallback must return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't tell the caller that the circuit breaker rejected the call",
    label = "not a `Result`",
    note = "return `Result<_, E>` where `E: From<fluxgate::CallNotPermitted>`, or give the attribute a `fallback`"
)]
pub trait Protected: Sized {
    #[doc(hidden)]
    fn rejected(rejection: CallNotPermitted) -> Self;
}

impl<T, E: FromRejection> Protected for Result<T, E> {
    #[cold]
    fn rejected(rejection: CallNotPermitted) -> Self {
        Err(E::from_rejection(rejection))
    }
}

/// The error of a function without a fallback.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be made from the rejection of a circuit breaker",
    label = "`{Self}` does not implement `From<CallNotPermitted>`",
    note = "implement `From<fluxgate::CallNotPermitted>` for `{Self}`, or give the attribute a `fallback`"
)]
pub trait FromRejection {
    #[doc(hidden)]
    fn from_rejection(rejection: CallNotPermitted) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<CallNotPermitted>> FromRejection for E {
    fn from_rejection(rejection: CallNotPermitted) -> Self {
        rejection.into()
    }
}
