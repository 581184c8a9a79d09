//! A handle that does not keep a breaker alive.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use once_cell::sync::OnceCell;

use crate::{CircuitBreaker, Name, engine::Core};

/// A handle that does not keep its breaker alive.
#[derive(Clone)]
pub struct WeakBreaker {
    name: Name,
    /// Empty until the breaker is built.
    core: Arc<OnceCell<Weak<Core>>>,
}

impl WeakBreaker {
    /// Makes the handle of a breaker that is yet to be built.
    pub(crate) fn pending(name: Name) -> Self {
        Self {
            name,
            core: Arc::default(),
        }
    }

    pub(crate) fn set(&self, core: &Arc<Core>) {
        self.core.get_or_init(|| Arc::downgrade(core));
    }

    /// Returns what tells its breaker from all others that are there, or whose
    /// handles are, also before it is built. Clones have the same, and so has a
    /// signal's.
    #[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.core).addr()
    }

    /// Returns whether nothing will come of the breaker any more: its builder
    /// panicked, or it is dropped to the end, its listeners have been told, and no
    /// other handle is left. A breaker with listeners has a handle of itself, so
    /// that this is the last one only after all that.
    #[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
    pub(crate) fn is_over(&self) -> bool {
        Arc::strong_count(&self.core) == 1 && self.upgrade().is_none()
    }

    /// Returns where the breaker is in memory, or will have been: as long as this
    /// handle lives, no other breaker is there. 0 before it is built.
    #[cfg(feature = "slack-core")]
    pub(crate) fn address(&self) -> usize {
        self.core.get().map_or(0, |core| core.as_ptr().addr())
    }

    /// Returns the breaker's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the breaker; `None` before it is built, and when its last handle is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<CircuitBreaker> {
        let core = self.core.get()?.upgrade()?;
        Some(CircuitBreaker { core })
    }

    /// Returns whether the breaker was built, and its last handle dropped.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let core = self.core.get();
        core.is_some_and(|core| core.strong_count() == 0)
    }
}

impl CircuitBreaker {
    /// Returns a handle that does not keep the breaker alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakBreaker {
        let weak = WeakBreaker::pending(self.name().clone());
        weak.set(&self.core);
        weak
    }
}

impl fmt::Debug for WeakBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakBreaker").field(&self.name).finish()
    }
}
