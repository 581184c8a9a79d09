//! The breakers of this process, by name.
//!
//! A breaker is entered when it is built and leaves when its last handle is
//! dropped.
//!
//! ```
//! use fluxgate::{CircuitBreaker, State, registry};
//!
//! let breaker = CircuitBreaker::builder("payments").build()?;
//! registry::find("payments").expect("just built").force_open();
//! assert_eq!(breaker.state(), State::ForcedOpen);
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::{CircuitBreaker, core::Core};

static BREAKERS: Mutex<Vec<Weak<Core>>> = Mutex::new(Vec::new());

fn with<R>(f: impl FnOnce(&mut Vec<Weak<Core>>) -> R) -> R {
    f(&mut BREAKERS.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) fn enter(core: &Arc<Core>) {
    with(|breakers| {
        // Before the list would grow: what is dropped leaves.
        if breakers.len() == breakers.capacity() {
            breakers.retain(|weak| weak.strong_count() > 0);
        }
        breakers.push(Arc::downgrade(core));
    });
}

/// Every breaker there is, in the order they were built.
#[must_use]
pub fn all() -> Vec<CircuitBreaker> {
    with(|breakers| {
        breakers
            .iter()
            .filter_map(Weak::upgrade)
            .collect::<Vec<_>>()
    })
    .into_iter()
    .map(|core| CircuitBreaker { core })
    .collect()
}

/// The breaker of this name; of several, the one built first.
#[must_use]
pub fn find(name: &str) -> Option<CircuitBreaker> {
    all().into_iter().find(|breaker| *breaker.name() == *name)
}
