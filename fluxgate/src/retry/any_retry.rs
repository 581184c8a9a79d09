//! A retry policy that was read from text.

use std::{fmt, time::Duration};

use crate::{
    Fault,
    random::Random,
    retry::{Always, Backoff, Cooldown, Never, Opening, Retry},
};

/// Any built-in retry policy, as it is read from text.
///
/// ```
/// use fluxgate::{CircuitBreaker, retry::AnyRetry};
///
/// let retry: AnyRetry = "Backoff(5s, jitter_ratio = 0.2)".parse()?;
/// let breaker = CircuitBreaker::builder("api").retry(retry).build()?;
/// assert_eq!(
///     breaker.info().settings.retry,
///     "Backoff(initial = 5s, multiplier = 2.0, max_duration = 300s, jitter_ratio = 0.2)"
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AnyRetry(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Never(Never),
    Always(Always),
    Cooldown(Cooldown),
    Backoff(Backoff),
}

impl AnyRetry {
    fn retry(&self) -> &dyn Retry {
        match &self.0 {
            Kind::Never(retry) => retry,
            Kind::Always(retry) => retry,
            Kind::Cooldown(retry) => retry,
            Kind::Backoff(retry) => retry,
        }
    }
}

impl Retry for AnyRetry {
    fn wait(&self, opening: &Opening, random: &mut dyn Random) -> Option<Duration> {
        self.retry().wait(opening, random)
    }

    fn ready(&self, opening: &Opening, elapsed: Duration) -> bool {
        self.retry().ready(opening, elapsed)
    }

    fn longest(&self) -> Duration {
        self.retry().longest()
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        self.retry().check()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.retry().describe(f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for AnyRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

macro_rules! kinds {
    ($($kind:ident),*) => {$(
        impl From<$kind> for AnyRetry {
            fn from(retry: $kind) -> Self {
                Self(Kind::$kind(retry))
            }
        }

        impl TryFrom<AnyRetry> for $kind {
            type Error = AnyRetry;

            /// Returns the policy if it is of this kind, or else as it was.
            fn try_from(retry: AnyRetry) -> Result<Self, AnyRetry> {
                match retry.0 {
                    Kind::$kind(retry) => Ok(retry),
                    _ => Err(retry),
                }
            }
        }
    )*};
}

kinds!(Never, Always, Cooldown, Backoff);
