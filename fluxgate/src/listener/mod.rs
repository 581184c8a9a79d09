//! Who is told of transitions.

#[cfg(feature = "tracing")]
mod log;

use std::sync::Arc;

#[cfg(feature = "tracing")]
pub use log::LogListener;

use crate::Signal;

/// Is told of every transition, once and in order. Closures `Fn(&Signal)` are
/// listeners, and so is an [`Arc`] of a listener that several breakers share.
///
/// A listener runs on the thread of the call or command that caused the
/// transition (or of one that caused an earlier transition and is still
/// notifying), after the breaker let go of every lock: it may call the breaker.
/// What it causes that way is delivered after the present signal has reached
/// every listener. It should be quick, since its caller waits for it. A panic in
/// it is contained, reported and counted.
///
/// ```
/// use fluxgate::{CircuitBreaker, Listener, Signal};
///
/// struct Pager;
///
/// impl Listener for Pager {
///     fn on_signal(&self, signal: &Signal) {
///         println!("{}: {} -> {}", signal.name, signal.old_state, signal.new_state);
///     }
/// }
///
/// let breaker = CircuitBreaker::builder("api")
///     .listener(Pager)
///     .listener(|signal: &Signal| assert_eq!(signal.sequence, 1))
///     .build()?;
/// breaker.force_open();
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub trait Listener: Send + Sync {
    /// Called after each transition.
    fn on_signal(&self, signal: &Signal);

    /// The name that reports call it by.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }
}

impl<F: Fn(&Signal) + Send + Sync> Listener for F {
    fn on_signal(&self, signal: &Signal) {
        self(signal);
    }
}

impl<L: Listener + ?Sized> Listener for Arc<L> {
    fn on_signal(&self, signal: &Signal) {
        (**self).on_signal(signal);
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}

impl Listener for Box<dyn Listener> {
    fn on_signal(&self, signal: &Signal) {
        (**self).on_signal(signal);
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}
