//! Why there is no result: a rejection, or the function's own error.

use std::{fmt, io, sync::Arc, time::Duration};

use crate::{
    CircuitBreaker, Classify, Name, Outcome, Reason, State, engine::opening::Refusal,
    flight::FailureRecord, info::reason::Percent, tracker::chain,
};

/// The breaker did not let a call through; the protected function did not run.
///
/// Cheap to make and to clone: nothing in it is allocated, and of a breaker in a
/// static it holds a plain reference.
#[doc(alias("BrokenCircuit", "Rejected", "CircuitOpen", "open_circuit"))]
#[derive(Clone)]
pub struct CallNotPermitted {
    breaker: BreakerRef,
    refusal: Refusal,
}

#[derive(Clone)]
enum BreakerRef {
    Static(&'static CircuitBreaker),
    Shared(CircuitBreaker),
}

impl CallNotPermitted {
    pub(crate) fn new(breaker: &CircuitBreaker, refusal: Refusal) -> Self {
        let breaker = match breaker.core.eternal.get() {
            Some(breaker) => BreakerRef::Static(breaker),
            None => BreakerRef::Shared(breaker.clone()),
        };
        Self { breaker, refusal }
    }

    pub(crate) fn breaker(&self) -> &CircuitBreaker {
        match &self.breaker {
            BreakerRef::Static(breaker) => breaker,
            BreakerRef::Shared(breaker) => breaker,
        }
    }

    /// Returns the name of the breaker that rejected the call.
    #[must_use]
    pub fn name(&self) -> &Name {
        self.breaker().name()
    }

    /// Returns the state that rejected it: [`State::Open`], [`State::HalfOpen`],
    /// [`State::ForcedOpen`], or [`State::Closed`] if it was
    /// [throttled](RejectionKind::Throttled).
    #[must_use]
    pub fn state(&self) -> State {
        self.refusal.state()
    }

    /// Returns what kind of rejection this is, for metrics, Problem Details and
    /// the like.
    ///
    /// ```
    /// # use fluxgate::{CircuitBreaker, RejectionKind};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// breaker.force_open();
    /// let rejection = breaker.acquire().unwrap_err();
    /// assert_eq!(rejection.kind(), RejectionKind::ForcedOpen);
    /// assert_eq!(rejection.kind().as_str(), "forced_open");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        RejectionKind::by(self.state())
    }

    /// Returns the share of the calls that the [throttle](crate::throttle) refused
    /// when it refused this one, from 0 to 1; `None` if it was not the throttle.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.refusal.share()
    }

    /// Returns how long until the breaker lets the first probe through, when it is open
    /// and its retry policy will. Retrying earlier is of no use. For a throttled call,
    /// how long the overloaded dependency still asks its callers to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.wait()
    }

    /// Returns why the breaker opened, when it is open. `None` as well if its settings
    /// were changed since and it opened again.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.breaker().core.reason(self.refusal)
    }
}

impl CallNotPermitted {
    /// Returns the last failure that the breaker recorded in words; `None` unless that
    /// was [asked for](crate::flight#failures-in-words). It is read now, and may be of
    /// a call that ended after this one was rejected.
    ///
    /// It is no part of the rejection's own text, which may go to clients that are
    /// not to see what dependencies say.
    ///
    /// ```
    /// # use fluxgate::{CircuitBreaker, tracker::All, tripper::FailureStreak};
    /// let breaker = CircuitBreaker::builder("api").tripper(FailureStreak::new(1)).build()?;
    /// let call = || breaker.with_tracker(All).failure_texts().try_call(|| Err::<(), _>("down"));
    /// let _ = call();
    /// let rejection = breaker.acquire().unwrap_err();
    /// assert_eq!(&*rejection.last_failure().expect("asked for").text, "down");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[must_use]
    pub fn last_failure(&self) -> Option<FailureRecord> {
        self.breaker().core.failures.get()?.last()
    }

    /// Writes which of the two kept the call out: the permit, or the limit.
    fn write_half_open(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.breaker().core.config();
        write!(f, "circuit breaker '{}' is half-open, and ", self.name())?;
        let Some(elapsed) = self.refusal.permit_asked_after() else {
            return f.write_str("as many probes as `max_half_open_calls` allows are in flight");
        };
        let permit = config.permit();
        match config.share(elapsed) {
            Some(share) => write!(
                f,
                "its permit `{permit}` lets {} of the calls through as probes now, but not this one",
                Percent(share)
            ),
            None => write!(f, "its permit `{permit}` does not let this call through"),
        }
    }
}

/// The same breaker by name, for the same reason, with the same wait.
impl PartialEq for CallNotPermitted {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.state() == other.state()
            && self.retry_after() == other.retry_after()
            && self.reason() == other.reason()
            && self.share() == other.share()
    }
}

impl fmt::Debug for CallNotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallNotPermitted")
            .field("name", self.name())
            .field("state", &self.state())
            .field("retry_after", &self.retry_after())
            .field("reason", &self.reason())
            .field("share", &self.share())
            .finish()
    }
}

impl fmt::Display for CallNotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.state() {
            State::Closed => write!(
                f,
                "circuit breaker '{name}' is closed, and throttles {} of the calls now, since its dependency is overloaded",
                Percent(self.share().unwrap_or_default())
            )?,
            State::HalfOpen => self.write_half_open(f)?,
            State::ForcedOpen => write!(f, "circuit breaker '{name}' is forced open")?,
            _ => write!(f, "circuit breaker '{name}' is open")?,
        }
        if let Some(after) = self.retry_after() {
            write!(f, ", next attempt in {after:.1?}")?;
        }
        if let Some(reason) = self.reason() {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallNotPermitted {}

/// So that functions returning [`io::Result`] can be protected as they are.
/// [`rejection`] finds it again.
impl From<CallNotPermitted> for io::Error {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::other(rejection)
    }
}

/// The kinds of [`CallNotPermitted`], by the words that metrics and error bodies
/// use for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The circuit is open: `open`.
    Open,
    /// The circuit is half-open and takes no further probe now: `half_open`.
    HalfOpen,
    /// An operator forced the circuit open: `forced_open`.
    ForcedOpen,
    /// The circuit is closed, its dependency is overloaded, and its
    /// [throttle](crate::throttle) refused this call: `throttled`.
    Throttled,
}

impl RejectionKind {
    /// Returns the kind of a rejection by a state.
    pub(crate) fn by(state: State) -> Self {
        match state {
            State::Closed => Self::Throttled,
            State::HalfOpen => Self::HalfOpen,
            State::ForcedOpen => Self::ForcedOpen,
            _ => Self::Open,
        }
    }

    /// Returns its name for metrics and error bodies, in lower case with underscores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Throttled => "throttled",
        }
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Finds the rejection in an error, or among what caused it.
///
/// It follows [`source`](std::error::Error::source), and looks into the
/// [`io::Error`], the `Box` and the `Arc` that hold a rejection. For
/// `anyhow::Error` and boxed errors give `error.as_ref()`.
///
/// It can't see through an error whose `source` skips what it holds, as that of
/// thiserror's `#[error(transparent)]` does: give a variant with a rejection a
/// message of its own, `#[error("not permitted")]`.
///
/// ```
/// use std::io;
/// # use fluxgate::CircuitBreaker;
/// # let breaker = CircuitBreaker::builder("api").build()?;
/// breaker.force_open();
/// let error = breaker.call(|| Ok::<_, io::Error>(())).unwrap_err();
/// let rejection = fluxgate::rejection(&error).expect("it is inside");
/// assert_eq!(rejection.name(), "api");
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[must_use]
pub fn rejection<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e CallNotPermitted> {
    chain(error).find_map(|error| {
        let boxed = || {
            error
                .downcast_ref::<Box<CallNotPermitted>>()
                .map(Box::as_ref)
        };
        let shared = || {
            error
                .downcast_ref::<Arc<CallNotPermitted>>()
                .map(Arc::as_ref)
        };
        error.downcast_ref().or_else(boxed).or_else(shared)
    })
}

/// A rejection, or the function's own error: why there is no result.
///
/// A fallback is told it, [`try_call`](crate::CircuitBreaker::try_call) returns
/// it, and a function with [`#[circuit_breaker]`](macro@crate::circuit_breaker) may
/// return `Result<T, CallError<E>>` where `E` is foreign and can't be made from a
/// rejection. `?` makes an `E` into a `CallError<E>`:
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use std::num::ParseIntError;
/// use fluxgate::{CallError, circuit_breaker};
///
/// #[circuit_breaker]
/// fn price(text: &str) -> Result<u32, CallError<ParseIntError>> {
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(price("42"), Ok(42));
/// assert!(matches!(price("x"), Err(CallError::Failed(_))));
/// # }
/// ```
///
/// Tracker and fallback of such a function see `E`. A rejection by another
/// breaker that comes out of its body is ignored.
///
/// Its text is that of what it holds, which is its
/// [`source`](std::error::Error::source), too.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError<E> {
    /// The breaker rejected the call; the function did not run.
    Rejected(CallNotPermitted),
    /// The function ran and failed.
    Failed(E),
}

impl<E: From<CallNotPermitted>> CallError<E> {
    /// Returns the function's own error, or the rejection made into one.
    pub fn into_error(self) -> E {
        match self {
            Self::Rejected(rejection) => rejection.into(),
            Self::Failed(error) => error,
        }
    }
}

impl<E> From<E> for CallError<E> {
    fn from(error: E) -> Self {
        Self::Failed(error)
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Failed(error) => Some(error),
        }
    }
}

/// Ignored: the rejection of an inner breaker is no failure of the outer one's
/// dependency.
impl Classify for CallNotPermitted {
    fn outcome(&self) -> Outcome {
        Outcome::Ignored
    }
}

impl<E: Classify> Classify for CallError<E> {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Rejected(rejection) => rejection.outcome(),
            Self::Failed(error) => error.outcome(),
        }
    }
}
