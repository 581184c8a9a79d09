//! Rules of the user's own.

use std::{any::type_name, fmt, time::Duration};

use super::Context;
use crate::{diagnostics, util::panic::catch_panic};

/// A rule of your own, put into a breaker as [`Custom::new`]. Closures
/// `Fn(&Context) -> bool` are rules.
///
/// It is called while the breaker holds no lock, with the window as it was right after
/// the call, and may use the breaker; a call that it makes through its own breaker is
/// recorded but causes no transition. Several threads may ask it at once. A panic in it
/// is contained and means "does not fire".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no rule",
    note = "a closure `|seen| seen.failure_count() >= 3` is one, and so is any type that implements `Tripper`"
)]
pub trait Tripper: Send + Sync {
    /// Returns whether the circuit is to open now.
    fn should_trip(&self, context: &Context<'_>) -> bool;

    /// Returns what the rule reads. The default asks for everything that needs
    /// no threshold, which costs two clock reads and a short lock a call; a rule
    /// that reads less says so here.
    fn needs(&self) -> Needs {
        Needs::default()
    }
}

impl<F: Fn(&Context<'_>) -> bool + Send + Sync> Tripper for F {
    fn should_trip(&self, context: &Context<'_>) -> bool {
        self(context)
    }
}

/// What a [`Tripper`] reads, so that nothing else has to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    pub(crate) durations: bool,
    pub(crate) every_call: bool,
    pub(crate) slow: Vec<Duration>,
    pub(crate) in_flight: Vec<Duration>,
}

/// Durations, and to be asked after every call.
impl Default for Needs {
    fn default() -> Self {
        Self {
            durations: true,
            every_call: true,
            slow: Vec::new(),
            in_flight: Vec::new(),
        }
    }
}

impl Needs {
    /// Declares that the rule reads only counts and the streak. It is then not asked
    /// after a call that changed none of them.
    #[must_use]
    pub fn counts() -> Self {
        Self {
            durations: false,
            every_call: false,
            slow: Vec::new(),
            in_flight: Vec::new(),
        }
    }

    /// Returns what either reads, the thresholds ascending, each once.
    #[cfg(feature = "fleet")]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.durations |= other.durations;
        self.every_call |= other.every_call;
        self.slow.extend(other.slow);
        self.in_flight.extend(other.in_flight);
        for ascending in [&mut self.slow, &mut self.in_flight] {
            ascending.sort_unstable();
            ascending.dedup();
        }
        self
    }

    /// Adds the number of calls that took `threshold` or longer.
    #[must_use]
    pub fn slow(mut self, threshold: Duration) -> Self {
        self.slow.push(threshold);
        self
    }

    /// Adds the number of calls that have been in flight for `age` or longer,
    /// which costs a short lock at the beginning of each call.
    #[must_use]
    pub fn in_flight(mut self, age: Duration) -> Self {
        self.in_flight.push(age);
        self
    }

    /// Adds the sum and the mean of durations, which costs two clock reads a
    /// call.
    #[must_use]
    pub fn durations(mut self) -> Self {
        self.durations = true;
        self
    }
}

/// A rule of the user's own, combined with `&` and `|` like any other.
///
/// ```
/// use fluxgate::tripper::{Custom, MinRequests};
///
/// let rule = MinRequests::new(10) & Custom::from_fn(|seen| seen.failure_count() >= 3);
/// # fluxgate::CircuitBreaker::builder("custom").tripper(rule).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub struct Custom {
    tripper: Box<dyn Tripper>,
    name: &'static str,
}

impl Custom {
    /// Wraps any [`Tripper`].
    pub fn new<T: Tripper + 'static>(tripper: T) -> Self {
        Self {
            tripper: Box::new(tripper),
            name: type_name::<T>(),
        }
    }

    /// Wraps a closure, whose argument needs no type.
    pub fn from_fn<F: Fn(&Context<'_>) -> bool + Send + Sync + 'static>(f: F) -> Self {
        Self::new(f)
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn needs(&self) -> Needs {
        catch_panic(|| self.tripper.needs()).unwrap_or_default()
    }

    pub(super) fn fires(&self, context: &Context<'_>) -> bool {
        catch_panic(|| self.tripper.should_trip(context)).unwrap_or_else(|| {
            diagnostics::policy_panicked("tripper");
            false
        })
    }
}

/// Writes `Custom(…)` with the name of the rule's type.
impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", self.name)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Custom").field(&self.name).finish()
    }
}
