//! The classes of outcomes, and the errors that know their own.

use std::{convert::Infallible, sync::Arc, time::Duration};

/// What a call says about the dependency.
///
/// | outcome | closed | half-open | [`Info`](crate::Info) |
/// |---|---|---|---|
/// | `Success` | recorded; ends a streak | the probe passed | successes |
/// | `Failure` | recorded; lengthens the streak | the probe failed | failures |
/// | `UnavailableFor` | as `Failure`, with a least wait | the probe failed | failures |
/// | `Overloaded`, `OverloadedFor` | as `Failure`, `UnavailableFor` | the probe failed | `overloaded` |
/// | the same, with a [throttle](crate::throttle) | counted by the throttle; not recorded | the probe passed | `overloaded` |
/// | `Alive` | ends a streak; not recorded | the probe passed | `alive` |
/// | `Ignored` | nothing | the slot comes back | `ignored` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The dependency works.
    Success,
    /// The dependency does not work.
    Failure,
    /// The error says nothing about the dependency; it may come from before the
    /// call reached it.
    ///
    /// A half-open circuit whose probes end in nothing else stays half-open: an
    /// error that the dependency itself gave is [`Alive`](Self::Alive).
    Ignored,
    /// The dependency does not work, and said for how long: a failure like any other,
    /// but if the circuit opens, it is not probed earlier. The last such failure
    /// counts; it never shortens the wait of the retry policy, and lengthens it no
    /// further than to the [longest](crate::retry::Retry::longest) one that the policy
    /// allows.
    UnavailableFor(Duration),
    /// An error that proves the dependency answers, such as "not found": it ends
    /// a streak of failures and passes a probe like a success, but does not
    /// dilute the failure rate of a closed circuit.
    Alive,
    /// The dependency refuses for want of capacity, as with HTTP 429: a failure
    /// that is counted apart. With a [throttle](crate::throttle) it is no failure,
    /// unless nothing else comes back.
    Overloaded,
    /// [`Overloaded`](Self::Overloaded), and the dependency said for how long: it
    /// lengthens the wait as [`UnavailableFor`](Self::UnavailableFor) does. A
    /// [throttle](crate::throttle) tells it to the callers that it rejects, and goes
    /// on for at least as long.
    OverloadedFor(Duration),
}

impl Outcome {
    /// Returns whether the same call may succeed later: for failures and
    /// overload.
    ///
    /// It says nothing about idempotency: whether the call may be made twice is
    /// for the caller to know.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Failure | Self::UnavailableFor(_) | Self::Overloaded | Self::OverloadedFor(_) => {
                true
            }
            Self::Success | Self::Ignored | Self::Alive => false,
        }
    }
}

/// An error that knows what it says about the dependency. Derived with
/// [`#[derive(Classify)]`](macro@crate::Classify).
///
/// [`#[circuit_breaker]`](macro@crate::circuit_breaker) uses the error's
/// `Classify` by itself, unless it has a `tracker` or `classify`. Calls by hand
/// use it with
/// [`with_classifier(Classify::outcome)`](crate::CircuitBreaker::with_classifier);
/// plain [`call`](crate::CircuitBreaker::call) does not look for it.
///
/// ```
/// use fluxgate::{CallNotPermitted, CircuitBreaker, Classify, Outcome};
///
/// #[derive(Debug)]
/// enum Error { Timeout, NotFound, Rejected(CallNotPermitted) }
///
/// impl Classify for Error {
///     fn outcome(&self) -> Outcome {
///         match self {
///             Error::Timeout => Outcome::Failure,
///             Error::NotFound => Outcome::Alive,
///             Error::Rejected(rejection) => rejection.outcome(),
///         }
///     }
/// }
/// # impl From<CallNotPermitted> for Error {
/// #     fn from(it: CallNotPermitted) -> Self { Error::Rejected(it) }
/// # }
///
/// let breaker = CircuitBreaker::builder("users").build()?;
/// let user = breaker
///     .with_classifier(Classify::outcome)
///     .call(|| Err::<(), _>(Error::NotFound));
/// assert!(!user.unwrap_err().is_transient());
/// assert_eq!(breaker.info().alive, 1);
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it means for a circuit breaker",
    label = "`{Self}` does not implement `Classify`",
    note = "derive it with `#[derive(fluxgate::Classify)]`, or for a foreign type write `#[outcome(with = f)]` with an `fn(&{Self}) -> Outcome`"
)]
pub trait Classify {
    /// Returns what this error says about the dependency.
    fn outcome(&self) -> Outcome;

    /// Returns whether the same call may succeed later, for retries:
    /// `backon`'s `when`, or a tower retry policy. See
    /// [`Outcome::is_transient`].
    fn is_transient(&self) -> bool {
        self.outcome().is_transient()
    }
}

/// `Ok` is a success.
impl<T, E: Classify> Classify for Result<T, E> {
    fn outcome(&self) -> Outcome {
        match self {
            Ok(_) => Outcome::Success,
            Err(error) => error.outcome(),
        }
    }
}

impl Classify for Infallible {
    fn outcome(&self) -> Outcome {
        match *self {}
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<E: Classify + ?Sized> Classify for $pointer {
            fn outcome(&self) -> Outcome {
                (**self).outcome()
            }

            fn is_transient(&self) -> bool {
                (**self).is_transient()
            }
        }
    )*};
}

pointers!(Box<E>, Arc<E>, &E);
