//! What a function returns, and what that means for its breaker.

#![allow(
    clippy::unused_self,
    reason = "methods, since their priority is what decides"
)]

use std::{convert::Infallible, marker::PhantomData, ops::Deref};

use crate::{
    CallError, CallNotPermitted, Outcome,
    call::{
        Admitted, Finish,
        classify::{self, By, Classifier, FailureIf, Nothing, Predicate},
    },
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
    fn settle<T, P>(output: Self::Output, by: &By<T, P>, call: Admitted<'_>) -> Self::Output
    where
        T: Tracker<Self::Error>,
        P: FailureIf<Self::Value>;

    /// Settles with what the classifier says.
    #[doc(hidden)]
    fn classify<F>(output: Self::Output, by: &Classifier<F>, call: Admitted<'_>) -> Self::Output
    where
        F: Fn(&Self::Output) -> Outcome;

    #[doc(hidden)]
    fn split(output: Self::Output) -> Result<Self::Output, CallError<Self::Error>>;
}

/// The shape of `Result<T, E>`.
pub struct Returned<T, E>(PhantomData<fn() -> (T, E)>);

impl<T, E> Shape for Returned<T, E> {
    type Output = Result<T, E>;
    type Value = T;
    type Error = E;

    #[inline]
    fn settle<K, P>(output: Result<T, E>, by: &By<K, P>, call: Admitted<'_>) -> Result<T, E>
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        classify::Judge::settle(by, output, call)
    }

    fn classify<F>(output: Result<T, E>, by: &Classifier<F>, call: Admitted<'_>) -> Result<T, E>
    where
        F: Fn(&Result<T, E>) -> Outcome,
    {
        classify::Judge::settle(by, output, call)
    }

    #[inline]
    fn split(output: Result<T, E>) -> Result<Result<T, E>, CallError<E>> {
        match output {
            Ok(value) => Ok(Ok(value)),
            Err(error) => Err(CallError::Failed(error)),
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
    fn settle<K, P>(output: T, by: &By<K, P>, call: Admitted<'_>) -> T
    where
        K: Tracker<Infallible>,
        P: FailureIf<T>,
    {
        call.settle(|| classify::value(&output, &by.failure_if));
        output
    }

    fn classify<F>(output: T, by: &Classifier<F>, call: Admitted<'_>) -> T
    where
        F: Fn(&T) -> Outcome,
    {
        call.settle(|| by.outcome(&output).unwrap_or(Outcome::Success));
        output
    }

    #[inline]
    fn split(output: T) -> Result<T, CallError<Infallible>> {
        Ok(output)
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
pub struct Judge<S, J = By<All, Nothing>> {
    shape: PhantomData<fn() -> S>,
    by: J,
}

impl<S> Judge<S> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code calls it")]
    pub const fn new() -> Self {
        Self {
            shape: PhantomData,
            by: By::new(All, Nothing),
        }
    }
}

impl<S: Shape, T, P> Judge<S, By<T, P>> {
    #[inline]
    pub fn tracker<F: Fn(&S::Error) -> bool>(self, tracker: F) -> Judge<S, By<F, P>> {
        Judge {
            shape: PhantomData,
            by: By::new(tracker, self.by.failure_if),
        }
    }

    #[inline]
    pub fn failure_if<F: Fn(&S::Value) -> bool>(
        self,
        predicate: F,
    ) -> Judge<S, By<T, Predicate<F>>> {
        Judge {
            shape: PhantomData,
            by: By::new(self.by.tracker, Predicate(predicate)),
        }
    }
}

impl<S: Shape> Judge<S> {
    #[inline]
    pub fn classify<F: Fn(&S::Output) -> Outcome>(self, classify: F) -> Judge<S, Classifier<F>> {
        Judge {
            shape: PhantomData,
            by: Classifier(classify),
        }
    }
}

/// Settles calls by what they returned.
pub trait Settle<S: Shape> {
    #[doc(hidden)]
    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output;
}

impl<S: Shape, T: Tracker<S::Error>, P: FailureIf<S::Value>> Settle<S> for By<T, P> {
    #[inline]
    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output {
        S::settle(output, self, call)
    }
}

impl<S: Shape, F: Fn(&S::Output) -> Outcome> Settle<S> for Classifier<F> {
    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output {
        S::classify(output, self, call)
    }
}

/// A rejection becomes an output.
pub(super) struct Answered<S, J, R> {
    pub(super) judge: Judge<S, J>,
    pub(super) reject: R,
}

impl<S, J, R> Finish<S::Output> for Answered<S, J, R>
where
    S: Shape,
    J: Settle<S>,
    R: FnOnce(CallNotPermitted) -> S::Output,
{
    type Output = S::Output;

    #[inline]
    fn accept(self, output: S::Output, call: Admitted<'_>) -> S::Output {
        self.judge.by.settle(output, call)
    }

    fn reject(self, rejection: CallNotPermitted) -> S::Output {
        (self.reject)(rejection)
    }
}

/// A rejection and an error are what a fallback is told.
pub(super) struct Told<S, J>(pub(super) Judge<S, J>);

impl<S: Shape, J: Settle<S>> Finish<S::Output> for Told<S, J> {
    type Output = Result<S::Output, CallError<S::Error>>;

    #[inline]
    fn accept(self, output: S::Output, call: Admitted<'_>) -> Self::Output {
        S::split(self.0.by.settle(output, call))
    }

    fn reject(self, rejection: CallNotPermitted) -> Self::Output {
        Err(CallError::Rejected(rejection))
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
