//! What a call, and what building a breaker, can fail with.

use std::{fmt, io, time::Duration};

use crate::{CircuitBreaker, Name, Reason, State, engine::opening::Refusal};

/// The breaker did not let a call through; the protected function did not run.
///
/// Cheap to make and to clone: nothing in it is allocated, and of a breaker in a
/// static it holds a plain reference.
#[derive(Clone)]
pub struct CallNotPermitted {
    breaker: Handle,
    refusal: Refusal,
}

#[derive(Clone)]
enum Handle {
    Static(&'static CircuitBreaker),
    Shared(CircuitBreaker),
}

impl CallNotPermitted {
    pub(crate) fn new(breaker: &CircuitBreaker, refusal: Refusal) -> Self {
        let breaker = match breaker.core.eternal.get() {
            Some(breaker) => Handle::Static(breaker),
            None => Handle::Shared(breaker.clone()),
        };
        Self { breaker, refusal }
    }

    fn breaker(&self) -> &CircuitBreaker {
        match &self.breaker {
            Handle::Static(breaker) => breaker,
            Handle::Shared(breaker) => breaker,
        }
    }

    /// The name of the breaker that rejected the call.
    #[must_use]
    pub fn name(&self) -> &Name {
        self.breaker().name()
    }

    /// The state that rejected it: [`State::Open`], [`State::HalfOpen`] or
    /// [`State::ForcedOpen`].
    #[must_use]
    pub fn state(&self) -> State {
        self.refusal.state()
    }

    /// How long until the breaker lets the first probe through, when it is open
    /// and its retry policy will. Retrying earlier is of no use.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.wait()
    }

    /// Why the breaker opened, when it is open.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.breaker().core.policy.reason(self.refusal.cause()?)
    }
}

/// The same breaker by name, for the same reason, with the same wait.
impl PartialEq for CallNotPermitted {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.state() == other.state()
            && self.retry_after() == other.retry_after()
            && self.reason() == other.reason()
    }
}

impl fmt::Debug for CallNotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallNotPermitted")
            .field("name", self.name())
            .field("state", &self.state())
            .field("retry_after", &self.retry_after())
            .field("reason", &self.reason())
            .finish()
    }
}

impl fmt::Display for CallNotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.state() {
            State::HalfOpen => write!(
                f,
                "circuit breaker '{name}' is half-open and takes no further probe now"
            )?,
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

/// So that functions returning [`io::Result`] can be protected as they are. Ask
/// `error.get_ref()` for the rejection inside.
impl From<CallNotPermitted> for io::Error {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::other(rejection)
    }
}

/// What a fallback is told: why there is no result.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError<E> {
    /// The breaker rejected the call; the function did not run.
    Rejected(CallNotPermitted),
    /// The function ran and failed.
    Failed(E),
}

impl<E: From<CallNotPermitted>> CallError<E> {
    /// The function's own error, or the rejection made into one.
    pub fn into_error(self) -> E {
        match self {
            Self::Rejected(rejection) => rejection.into(),
            Self::Failed(error) => error,
        }
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
            Self::Rejected(rejection) => rejection.source(),
            Self::Failed(error) => error.source(),
        }
    }
}

/// A breaker's settings were refused. Lists every fault, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) name: Name,
    pub(crate) faults: Vec<Fault>,
}

impl ConfigError {
    /// What is wrong, one sentence each: what was given and what is allowed.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "circuit breaker '{}' can't be built: ",
            self.name.as_str()
        )?;
        for (i, fault) in self.faults.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault of a policy of your own, for its `check`: one lower-case
    /// sentence that says what was given and what is allowed.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
