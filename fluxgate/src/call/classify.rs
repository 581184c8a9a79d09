//! What a call's result means for the breaker.

use std::fmt;

use crate::{Classify, Outcome, call::Admitted, tracker::Tracker, util::panic::catch_panic};

/// Decides which successful results count as failures.
pub trait FailureIf<T: ?Sized> {
    /// Returns whether `value` counts as a failure.
    fn fails(&self, value: &T) -> bool;

    /// Settles a call that gave `value`.
    #[inline]
    fn settle(&self, of: &T, call: Admitted<'_>)
    where
        Self: Sized,
    {
        call.settle(|| value(of, self));
    }
}

/// Counts no successful result as a failure.
#[derive(Clone, Copy, Debug)]
pub struct NeverFails;

impl<T: ?Sized> FailureIf<T> for NeverFails {
    #[inline]
    fn fails(&self, _value: &T) -> bool {
        false
    }

    #[inline]
    fn settle(&self, _value: &T, call: Admitted<'_>) {
        call.succeeded();
    }
}

/// Counts the results as failures for which a closure returns `true`. A panic in the
/// closure counts as `false`.
#[derive(Clone, Copy, Debug)]
pub struct Predicate<F>(pub F);

impl<T: ?Sized, F: Fn(&T) -> bool> FailureIf<T> for Predicate<F> {
    fn fails(&self, value: &T) -> bool {
        catch_panic(|| (self.0)(value)).unwrap_or_else(|| {
            crate::diagnostics::policy_panicked("failure_if");
            false
        })
    }
}

/// Decides what the result of a call means for the breaker.
pub trait Classifier<T, E> {
    /// Settles the call and passes its result on.
    ///
    /// # Errors
    ///
    /// The error of the call, if it failed.
    fn settle(&self, result: Result<T, E>, call: Admitted<'_>) -> Result<T, E>;

    /// Returns what the result means, for a call that is settled later.
    fn outcome(&self, result: &Result<T, E>) -> Outcome;
}

/// Classifies errors by a tracker, and successful results by a predicate.
#[derive(Clone, Copy, Debug)]
pub struct ByTracker<T, P = NeverFails> {
    pub(crate) tracker: T,
    pub(crate) failure_if: P,
}

impl<T, P> ByTracker<T, P> {
    pub(crate) const fn new(tracker: T, failure_if: P) -> Self {
        Self {
            tracker,
            failure_if,
        }
    }
}

/// The tracker of errors that say by their [`Classify`] what they mean.
#[derive(Clone, Copy, Debug)]
pub struct ByClassify;

impl<E: Classify> Tracker<E> for ByClassify {
    fn tracks(&self, error: &E) -> bool {
        error.is_transient()
    }

    fn outcome(&self, error: &E) -> Outcome {
        error.outcome()
    }
}

impl<V, E, T: Tracker<E>, P: FailureIf<V>> Classifier<V, E> for ByTracker<T, P> {
    #[inline]
    fn settle(&self, ran: Result<V, E>, call: Admitted<'_>) -> Result<V, E> {
        match ran {
            Ok(ok) => {
                self.failure_if.settle(&ok, call);
                Ok(ok)
            }
            Err(failure) => {
                self.tracker.settle(&failure, call);
                Err(failure)
            }
        }
    }

    fn outcome(&self, ran: &Result<V, E>) -> Outcome {
        match ran {
            Ok(ok) => value(ok, &self.failure_if),
            Err(failure) => error(failure, &self.tracker),
        }
    }
}

/// Classifies whole results by a closure. If the closure panics, an `Ok` is a success
/// and an `Err` a failure.
#[derive(Clone, Copy, Debug)]
pub struct ByClosure<F>(pub(crate) F);

impl<F> ByClosure<F> {
    /// Returns what it says; nothing if it panics, which is reported.
    pub(crate) fn ask<R>(&self, ran: &R) -> Option<Outcome>
    where
        F: Fn(&R) -> Outcome,
    {
        let outcome = catch_panic(|| (self.0)(ran));
        if outcome.is_none() {
            crate::diagnostics::policy_panicked("classifier");
        }
        outcome
    }
}

impl<V, E, F: Fn(&Result<V, E>) -> Outcome> Classifier<V, E> for ByClosure<F> {
    fn settle(&self, ran: Result<V, E>, call: Admitted<'_>) -> Result<V, E> {
        call.settle(|| Classifier::outcome(self, &ran));
        ran
    }

    fn outcome(&self, ran: &Result<V, E>) -> Outcome {
        self.ask(ran).unwrap_or(match ran {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        })
    }
}

/// A classifier that also keeps the texts of failures for the flight recorder.
#[derive(Clone, Copy, Debug)]
pub struct WithTexts<J>(pub(crate) J);

impl<V, E: fmt::Display, J: Classifier<V, E>> Classifier<V, E> for WithTexts<J> {
    fn settle(&self, ran: Result<V, E>, call: Admitted<'_>) -> Result<V, E> {
        call.settle_noting(|| {
            let outcome = self.0.outcome(&ran);
            (outcome, ran.as_ref().err().map(|error| error as _))
        });
        ran
    }

    fn outcome(&self, ran: &Result<V, E>) -> Outcome {
        self.0.outcome(ran)
    }
}

#[inline]
pub(crate) fn value<T: ?Sized>(value: &T, failure_if: &impl FailureIf<T>) -> Outcome {
    if failure_if.fails(value) {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}

/// A panic in the tracker leaves the error what it is without one: a failure.
#[inline]
pub(crate) fn error<E: ?Sized>(error: &E, tracker: &impl Tracker<E>) -> Outcome {
    catch_panic(|| tracker.outcome(error)).unwrap_or_else(|| {
        crate::diagnostics::policy_panicked("tracker");
        Outcome::Failure
    })
}
