//! A handle that does not keep a breaker alive.

use std::{fmt, sync::Weak};

use crate::{CircuitBreaker, Name, core::Core};

/// A breaker's name, and the breaker as long as somebody holds it.
#[derive(Clone)]
pub struct WeakBreaker {
    pub(crate) name: Name,
    pub(crate) core: Weak<Core>,
}

impl WeakBreaker {
    /// The breaker's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The breaker; `None` before it is built, and when its last handle is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<CircuitBreaker> {
        let core = self.core.upgrade()?;
        Some(CircuitBreaker { core })
    }

    /// Whether this is a handle of the same breaker.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.core.ptr_eq(&other.core)
    }
}

impl fmt::Debug for WeakBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakBreaker").field(&self.name).finish()
    }
}
