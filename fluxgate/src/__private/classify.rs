//! What `#[derive(Classify)]` calls.

use std::time::Duration;

use crate::Outcome;

/// A field that `retry_after` may name.
#[diagnostic::on_unimplemented(
    message = "`retry_after` needs a `Duration` or an `Option<Duration>`, and this field is a `{Self}`",
    label = "not a duration",
    note = "for anything else write `with = |field| …`, a function of the fields that gives an `Outcome`"
)]
pub trait Wait {
    #[doc(hidden)]
    fn wait(&self) -> Option<Duration>;
}

impl Wait for Duration {
    fn wait(&self) -> Option<Duration> {
        Some(*self)
    }
}

impl Wait for Option<Duration> {
    fn wait(&self) -> Option<Duration> {
        *self
    }
}

/// Returns the outcome of `#[outcome(overloaded, retry_after = …)]`.
#[must_use]
pub fn overloaded_for<W: Wait>(wait: &W) -> Outcome {
    wait.wait()
        .map_or(Outcome::Overloaded, Outcome::OverloadedFor)
}

/// Returns the outcome of `#[outcome(failure, retry_after = …)]`.
#[must_use]
pub fn unavailable_for<W: Wait>(wait: &W) -> Outcome {
    wait.wait()
        .map_or(Outcome::Failure, Outcome::UnavailableFor)
}
