//! What a function returns, and what that means for its breaker.

#![allow(
    clippy::unused_self,
    reason = "methods, since their priority is what decides"
)]

use std::{convert::Infallible, fmt::Display, future::Future, marker::PhantomData, ops::Deref};

use crate::{
    CallError, CallNotPermitted, Classify, Outcome,
    call::{
        Admitted, Complete,
        classify::{
            self, ByClassify, ByClosure, ByTracker, FailureIf, NeverFails, Predicate, WithTexts,
        },
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
    fn settle<T, P>(output: Self::Output, by: &ByTracker<T, P>, call: Admitted<'_>) -> Self::Output
    where
        T: Tracker<Self::Error>,
        P: FailureIf<Self::Value>;

    /// Settles with what the classifier says.
    #[doc(hidden)]
    fn classify<F>(output: Self::Output, by: &ByClosure<F>, call: Admitted<'_>) -> Self::Output
    where
        F: Fn(&Self::Output) -> Outcome;

    /// Returns what a tracker says of the output.
    #[doc(hidden)]
    fn outcome<T, P>(output: &Self::Output, by: &ByTracker<T, P>) -> Outcome
    where
        T: Tracker<Self::Error>,
        P: FailureIf<Self::Value>;

    /// Returns the error that the output holds, and its outcome if nothing says more.
    #[doc(hidden)]
    fn error(output: &Self::Output) -> (Option<&Self::Error>, Outcome);

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
    fn settle<K, P>(output: Result<T, E>, by: &ByTracker<K, P>, call: Admitted<'_>) -> Result<T, E>
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        classify::Classifier::settle(by, output, call)
    }

    fn classify<F>(output: Result<T, E>, by: &ByClosure<F>, call: Admitted<'_>) -> Result<T, E>
    where
        F: Fn(&Result<T, E>) -> Outcome,
    {
        classify::Classifier::settle(by, output, call)
    }

    fn outcome<K, P>(output: &Result<T, E>, by: &ByTracker<K, P>) -> Outcome
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        classify::Classifier::outcome(by, output)
    }

    fn error(output: &Result<T, E>) -> (Option<&E>, Outcome) {
        match output {
            Ok(_) => (None, Outcome::Success),
            Err(error) => (Some(error), Outcome::Failure),
        }
    }

    #[inline]
    fn split(output: Result<T, E>) -> Result<Result<T, E>, CallError<E>> {
        match output {
            Ok(value) => Ok(Ok(value)),
            Err(error) => Err(CallError::Failed(error)),
        }
    }
}

/// The shape of `Result<T, CallError<E>>`: tracker and fallback see `E`. A
/// rejection in it comes from another breaker, inside the function, and is
/// ignored.
pub struct Wrapped<T, E>(PhantomData<fn() -> (T, E)>);

impl<T, E> Shape for Wrapped<T, E> {
    type Output = Result<T, CallError<E>>;
    type Value = T;
    type Error = E;

    #[inline]
    fn settle<K, P>(output: Self::Output, by: &ByTracker<K, P>, call: Admitted<'_>) -> Self::Output
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        match output {
            Ok(ok) => {
                by.failure_if.settle(&ok, call);
                Ok(ok)
            }
            Err(error) => {
                call.settle(|| wrapped(&error, &by.tracker));
                Err(error)
            }
        }
    }

    fn classify<F>(output: Self::Output, by: &ByClosure<F>, call: Admitted<'_>) -> Self::Output
    where
        F: Fn(&Self::Output) -> Outcome,
    {
        classify::Classifier::settle(by, output, call)
    }

    fn outcome<K, P>(output: &Self::Output, by: &ByTracker<K, P>) -> Outcome
    where
        K: Tracker<E>,
        P: FailureIf<T>,
    {
        match output {
            Ok(ok) => classify::value(ok, &by.failure_if),
            Err(error) => wrapped(error, &by.tracker),
        }
    }

    fn error(output: &Self::Output) -> (Option<&E>, Outcome) {
        match output {
            Ok(_) => (None, Outcome::Success),
            Err(CallError::Failed(error)) => (Some(error), Outcome::Failure),
            Err(CallError::Rejected(_)) => (None, Outcome::Failure),
        }
    }

    #[inline]
    fn split(output: Self::Output) -> Result<Self::Output, CallError<E>> {
        output.map(Ok)
    }
}

#[inline]
fn wrapped<E>(error: &CallError<E>, tracker: &impl Tracker<E>) -> Outcome {
    match error {
        CallError::Failed(error) => classify::error(error, tracker),
        CallError::Rejected(rejection) => rejection.outcome(),
    }
}

/// The shape of any other type: it has no errors.
pub struct Plain<T>(PhantomData<fn() -> T>);

impl<T> Shape for Plain<T> {
    type Output = T;
    type Value = T;
    type Error = Infallible;

    #[inline]
    fn settle<K, P>(output: T, by: &ByTracker<K, P>, call: Admitted<'_>) -> T
    where
        K: Tracker<Infallible>,
        P: FailureIf<T>,
    {
        by.failure_if.settle(&output, call);
        output
    }

    fn classify<F>(output: T, by: &ByClosure<F>, call: Admitted<'_>) -> T
    where
        F: Fn(&T) -> Outcome,
    {
        call.settle(|| by.ask(&output).unwrap_or(Outcome::Success));
        output
    }

    fn outcome<K, P>(output: &T, by: &ByTracker<K, P>) -> Outcome
    where
        K: Tracker<Infallible>,
        P: FailureIf<T>,
    {
        classify::value(output, &by.failure_if)
    }

    fn error(_: &T) -> (Option<&Infallible>, Outcome) {
        (None, Outcome::Success)
    }

    #[inline]
    fn split(output: T) -> Result<T, CallError<Infallible>> {
        Ok(output)
    }
}

/// Finds the shape of a return type, under whatever name: the methods stand in a
/// row of `Deref`s, and the first one that fits is called.
///
/// 1. `R` is a `Result<_, CallError<_>>`;
/// 2. it is a `Result`;
/// 3. it is a future, which is refused: the attribute did not see it as one;
/// 4. it is none of these.
pub struct Returning<R>(AnyResult<R>);

/// See [`Returning`].
pub struct AnyResult<R>(AnyFuture<R>);

/// See [`Returning`].
pub struct AnyFuture<R>(AnythingElse<R>);

/// See [`Returning`].
pub struct AnythingElse<R>(PhantomData<fn() -> R>);

impl<R> Returning<R> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code calls it")]
    pub const fn new() -> Self {
        Self(AnyResult(AnyFuture(AnythingElse(PhantomData))))
    }
}

impl<R> Deref for Returning<R> {
    type Target = AnyResult<R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<R> Deref for AnyResult<R> {
    type Target = AnyFuture<R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<R> Deref for AnyFuture<R> {
    type Target = AnythingElse<R>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T, E> Returning<Result<T, CallError<E>>> {
    #[must_use]
    pub const fn classification(&self) -> Classification<Wrapped<T, E>> {
        Classification::new()
    }

    /// Returns what makes a rejection into a result.
    #[must_use]
    pub fn rejected(&self) -> fn(CallNotPermitted) -> Result<T, CallError<E>> {
        |rejection| Err(CallError::Rejected(rejection))
    }
}

impl<T, E> AnyResult<Result<T, E>> {
    #[must_use]
    pub const fn classification(&self) -> Classification<Returned<T, E>> {
        Classification::new()
    }

    /// Returns what makes a rejection into a result by way of `map_rejection`.
    pub fn mapped<F>(&self, map: F) -> impl FnOnce(CallNotPermitted) -> Result<T, E> + use<T, E, F>
    where
        F: FnOnce(CallNotPermitted) -> E,
    {
        |rejection| Err(map(rejection))
    }

    /// Asks the function of `map_rejection`.
    pub fn error(&self, rejection: CallNotPermitted, map: impl FnOnce(CallNotPermitted) -> E) -> E {
        map(rejection)
    }
}

impl<R: Future> AnyFuture<R> {
    /// Fails to compile: the call would be over before the future is awaited.
    #[must_use]
    pub fn classification(&self) -> Classification<Plain<R>>
    where
        R: NotAFuture,
    {
        Classification::new()
    }

    /// As above, but reported there alone.
    #[must_use]
    pub fn rejected(&self) -> fn(CallNotPermitted) -> R {
        |_| unreachable!("it does not compile")
    }

    /// As above.
    pub fn mapped<F>(&self, _map: F) -> fn(CallNotPermitted) -> R {
        self.rejected()
    }
}

/// What no future is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a future, and the attribute can't tell by the name of the type",
    label = "the call would be over, and a success, before this is awaited",
    note = "write `impl Future<Output = …>`, `Pin<Box<dyn Future<Output = …> + Send>>` or `BoxFuture<…>` as the return type, or make it an `async fn`"
)]
pub trait NotAFuture {}

impl<R> AnythingElse<R> {
    #[must_use]
    pub const fn classification(&self) -> Classification<Plain<R>> {
        Classification::new()
    }

    /// As above. The bound belongs to this method alone: it is no part of the
    /// pointer's type, nor of the type of the future that holds it.
    #[must_use]
    pub fn rejected(&self) -> fn(CallNotPermitted) -> R
    where
        R: Protected,
    {
        R::rejected
    }

    /// Fails to compile: there is no error to make.
    pub fn mapped<F>(&self, _map: F) -> fn(CallNotPermitted) -> R
    where
        R: ReturnsError,
    {
        R::unreachable
    }

    /// As above.
    pub fn error<E>(
        &self,
        rejection: CallNotPermitted,
        map: impl FnOnce(CallNotPermitted) -> E,
    ) -> E {
        map(rejection)
    }
}

/// What a function with `map_rejection` must return.
#[diagnostic::on_unimplemented(
    message = "`map_rejection` makes an error, and this function returns `{Self}`, which has none",
    label = "not a `Result`",
    note = "return a `Result`, or give the attribute a `fallback` in place of `map_rejection`"
)]
pub trait ReturnsError: Sized {
    #[doc(hidden)]
    fn unreachable(rejection: CallNotPermitted) -> Self;
}

/// What counts as a failure.
pub struct Classification<S, J = ByTracker<All, NeverFails>> {
    shape: Errors<S>,
    by: J,
}

/// Errors that don't say what they mean. See [`Classification::by_classify`].
pub struct Errors<S>(PhantomData<fn() -> S>);

/// The method of the same name behind `Deref` is called where errors do not
/// implement [`Classify`], or are not known to.
impl<S: Shape> Classification<S>
where
    S::Error: Classify,
{
    #[must_use]
    pub const fn by_classify(&self) -> Classification<S, ByTracker<ByClassify, NeverFails>> {
        Classification {
            shape: Errors(PhantomData),
            by: ByTracker::new(ByClassify, NeverFails),
        }
    }
}

impl<S> Errors<S> {
    #[must_use]
    pub const fn by_classify(&self) -> Classification<S> {
        Classification::new()
    }
}

impl<S> Deref for Classification<S> {
    type Target = Errors<S>;

    fn deref(&self) -> &Errors<S> {
        &self.shape
    }
}

impl<S> Classification<S> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code calls it")]
    pub const fn new() -> Self {
        Self {
            shape: Errors(PhantomData),
            by: ByTracker::new(All, NeverFails),
        }
    }
}

impl<S: Shape, T, P> Classification<S, ByTracker<T, P>> {
    #[inline]
    pub fn tracker<F: Fn(&S::Error) -> bool>(
        self,
        tracker: F,
    ) -> Classification<S, ByTracker<F, P>> {
        Classification {
            shape: Errors(PhantomData),
            by: ByTracker::new(tracker, self.by.failure_if),
        }
    }

    #[inline]
    pub fn failure_if<F: Fn(&S::Value) -> bool>(
        self,
        predicate: F,
    ) -> Classification<S, ByTracker<T, Predicate<F>>> {
        Classification {
            shape: Errors(PhantomData),
            by: ByTracker::new(self.by.tracker, Predicate(predicate)),
        }
    }
}

impl<S: Shape> Classification<S> {
    #[inline]
    pub fn classify<F: Fn(&S::Output) -> Outcome>(
        self,
        classify: F,
    ) -> Classification<S, ByClosure<F>> {
        Classification {
            shape: Errors(PhantomData),
            by: ByClosure(classify),
        }
    }
}

impl<S: Shape, J> Classification<S, J> {
    /// Keeps what errors say.
    #[inline]
    pub fn failure_texts(self) -> Classification<S, WithTexts<J>>
    where
        S::Error: SaysText,
    {
        Classification {
            shape: Errors(PhantomData),
            by: WithTexts(self.by),
        }
    }
}

/// The error of a function with `failure_texts`.
#[diagnostic::on_unimplemented(
    message = "`failure_texts` keeps what errors say, and `{Self}` does not implement `Display`",
    label = "`{Self}` has no text",
    note = "implement `std::fmt::Display` for it, or leave `failure_texts` out"
)]
pub trait SaysText {
    #[doc(hidden)]
    fn text(&self) -> &dyn Display;
}

#[diagnostic::do_not_recommend]
impl<E: Display> SaysText for E {
    fn text(&self) -> &dyn Display {
        self
    }
}

/// Settles calls by what they returned.
pub trait Settle<S: Shape> {
    /// Returns what the output means.
    #[doc(hidden)]
    fn outcome(&self, output: &S::Output) -> Outcome;

    #[doc(hidden)]
    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output;
}

impl<S: Shape, T: Tracker<S::Error>, P: FailureIf<S::Value>> Settle<S> for ByTracker<T, P> {
    fn outcome(&self, output: &S::Output) -> Outcome {
        S::outcome(output, self)
    }

    #[inline]
    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output {
        S::settle(output, self, call)
    }
}

impl<S: Shape, F: Fn(&S::Output) -> Outcome> Settle<S> for ByClosure<F> {
    fn outcome(&self, output: &S::Output) -> Outcome {
        self.ask(output).unwrap_or_else(|| S::error(output).1)
    }

    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output {
        S::classify(output, self, call)
    }
}

impl<S: Shape, J: Settle<S>> Settle<S> for WithTexts<J>
where
    S::Error: SaysText,
{
    fn outcome(&self, output: &S::Output) -> Outcome {
        self.0.outcome(output)
    }

    fn settle(&self, output: S::Output, call: Admitted<'_>) -> S::Output {
        call.settle_noting(|| {
            let (error, _) = S::error(&output);
            (self.0.outcome(&output), error.map(SaysText::text))
        });
        output
    }
}

/// A rejection becomes an output.
pub(super) struct ForReturn<S, J, R> {
    pub(super) classification: Classification<S, J>,
    pub(super) reject: R,
}

impl<S, J, R> Complete<S::Output> for ForReturn<S, J, R>
where
    S: Shape,
    J: Settle<S>,
    R: FnOnce(CallNotPermitted) -> S::Output,
{
    type Output = S::Output;

    #[inline]
    fn accept(self, output: S::Output, call: Admitted<'_>) -> S::Output {
        self.classification.by.settle(output, call)
    }

    fn reject(self, rejection: CallNotPermitted) -> S::Output {
        (self.reject)(rejection)
    }
}

/// A rejection and an error are what a fallback is told.
pub(super) struct ForFallback<S, J>(pub(super) Classification<S, J>);

impl<S: Shape, J: Settle<S>> Complete<S::Output> for ForFallback<S, J> {
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
    note = "return `Result<_, E>` where `E: From<fluxgate::CallNotPermitted>`, or `Result<_, fluxgate::CallError<E>>` with any error, or give the attribute a `fallback`"
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
    note = "if `{Self}` is a type of this crate, implement `From<fluxgate::CallNotPermitted>` for it",
    note = "if it is a foreign type, return `Result<_, fluxgate::CallError<{Self}>>`, say `map_rejection = |rejection| …` in the attribute, or return an error enum of your own",
    note = "with a `fallback` in the attribute, rejections need no error"
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
