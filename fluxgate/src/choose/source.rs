//! Where targets come from: handles, or keys of a set.

use std::time::Duration;

use super::claim::Claim;
use crate::{CircuitBreaker, Name, StaticBreaker};

/// A target with a breaker of its own: a [`CircuitBreaker`], or a type of yours that
/// holds one.
///
/// ```
/// use fluxgate::{CircuitBreaker, choose::{self, Target}};
///
/// #[derive(Debug)]
/// struct Node { breaker: CircuitBreaker, url: &'static str }
///
/// impl Target for Node {
///     fn breaker(&self) -> &CircuitBreaker { &self.breaker }
/// }
///
/// # fn node(url: &'static str) -> Result<Node, fluxgate::ConfigError> {
/// #     Ok(Node { breaker: CircuitBreaker::builder(url).build()?, url })
/// # }
/// let nodes = [node("http://primary")?, node("http://archive")?];
/// let chosen = choose::pick(&nodes).expect("both are closed");
/// assert_eq!(chosen.key.url, "http://primary");
/// chosen.guard.success();
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no target that can be chosen among",
    note = "a target is a `CircuitBreaker`, a breaker of `breaker!`, a reference to one, a pair of one and a value, or a type of yours that implements `fluxgate::choose::Target`"
)]
pub trait Target {
    /// Returns the breaker in front of it.
    fn breaker(&self) -> &CircuitBreaker;
}

impl Target for CircuitBreaker {
    fn breaker(&self) -> &CircuitBreaker {
        self
    }
}

impl Target for StaticBreaker {
    fn breaker(&self) -> &CircuitBreaker {
        self
    }
}

impl<T: Target + ?Sized> Target for &T {
    fn breaker(&self) -> &CircuitBreaker {
        (**self).breaker()
    }
}

impl<T: Target + ?Sized> Target for std::sync::Arc<T> {
    fn breaker(&self) -> &CircuitBreaker {
        (**self).breaker()
    }
}

/// A handle, and what belongs to it: an address, a client.
impl<T: Target, V> Target for (T, V) {
    fn breaker(&self) -> &CircuitBreaker {
        self.0.breaker()
    }
}

/// Leads from a target to its breaker.
pub trait Source<K> {
    /// Returns the breaker of a target.
    fn breaker(&self, key: &K) -> CircuitBreaker;

    /// Returns the name of the target.
    fn name(&self, key: &K, breaker: &CircuitBreaker) -> Name;

    #[doc(hidden)]
    fn claim(
        &self,
        breakers: impl Iterator<Item = CircuitBreaker>,
        now: Duration,
    ) -> Option<EarlyClaim>;
}

/// The permission to run an early probe.
#[derive(Debug)]
pub struct EarlyClaim(pub(super) Claim);

/// Targets that hold their own breakers.
#[derive(Clone, Copy, Debug)]
pub struct Handles;

impl<T: Target> Source<T> for Handles {
    fn breaker(&self, target: &T) -> CircuitBreaker {
        target.breaker().clone()
    }

    fn name(&self, _target: &T, breaker: &CircuitBreaker) -> Name {
        breaker.name().clone()
    }

    fn claim(
        &self,
        breakers: impl Iterator<Item = CircuitBreaker>,
        _now: Duration,
    ) -> Option<EarlyClaim> {
        Claim::of_list(breakers.collect()).map(EarlyClaim)
    }
}
