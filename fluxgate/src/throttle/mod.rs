//! A throttle beside the breaker, which sheds load in proportion to the overload.
//!
//! A breaker suits a dependency that is broken, but not one that is too busy: it would
//! take away all of the traffic because part of it was refused. With a
//! [`throttle`](crate::Builder::throttle) a call that ends as
//! [`Overloaded`](crate::Outcome::Overloaded) is no failure. It begins a time of
//! attention, during which the breaker counts what is offered and what is accepted, and
//! refuses as many calls as bring the load down to `k` times the accepted ones. The
//! circuit stays closed.
//!
//! See the guide on [overload](crate::guide::overload).

mod attention;
mod counter;
mod settings;
mod share;
mod unanswered;

pub(crate) use attention::{Counted, Throttle};

use std::{fmt, time::Duration};

use crate::{
    Fault,
    util::{bounds, duration::Literal},
};

/// Lets through `k` times the calls that the dependency accepts, as in the chapter
/// "Handling Overload" of Google's book on reliability.
///
/// ```
/// use fluxgate::{CircuitBreaker, throttle::Adaptive};
///
/// let breaker = CircuitBreaker::builder("quotes")
///     .throttle(Adaptive::new(1.5))
///     .build()?;
/// assert_eq!(breaker.info().throttle.map(|throttle| throttle.share), Some(0.0));
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    k: f64,
    window: Duration,
    min: u64,
    floor: f64,
}

impl Adaptive {
    /// Starts with a window of 10 s, a minimum of 20 calls and a floor of 1 %.
    ///
    /// `k` must be finite and at least 1.1. The higher it is, the more calls the
    /// dependency has to refuse itself, and the sooner the throttle notices that it
    /// has room again.
    #[must_use]
    pub const fn new(k: f64) -> Self {
        Self {
            k,
            window: Duration::from_secs(10),
            min: 20,
            floor: 0.01,
        }
    }

    /// Sets the time over which calls are counted, from 2 s to 2 min. It is also how
    /// long attention lasts after the last overload.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets how many calls must have been offered in the window before any is
    /// refused, at least 1.
    #[must_use]
    pub const fn min(mut self, calls: u64) -> Self {
        self.min = calls;
        self
    }

    /// Sets the share of the calls that is let through in any case, at least 0 and
    /// below 1. One call a second is always let through.
    #[must_use]
    pub const fn floor(mut self, share: f64) -> Self {
        self.floor = share;
        self
    }

    /// Returns every fault of the settings.
    pub(crate) fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut refuse = |ok: bool, fault: String| {
            if !ok {
                faults.push(Fault::new(fault));
            }
        };
        refuse(
            bounds::throttle_k(self.k),
            format!(
                "the k of `Adaptive` must be finite and at least 1.1, but is {:?}: the calls let \
                 through are k times those accepted, and with less than a tenth of spare the \
                 throttle hardly notices that there is room again",
                self.k
            ),
        );
        refuse(
            bounds::throttle_window(self.window),
            format!(
                "the window of `Adaptive` must be from 2s to 2min, but is {}: in less than 2s too \
                 few calls are counted to tell a share from chance",
                Literal(self.window)
            ),
        );
        refuse(
            bounds::count(self.min),
            "the min of `Adaptive` must be at least 1, but is 0".to_owned(),
        );
        refuse(
            bounds::jitter_ratio(self.floor),
            format!(
                "the floor of `Adaptive` must be at least 0 and less than 1, but is {:?}",
                self.floor
            ),
        );
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// Writes the throttle as the attribute reads it.
impl fmt::Display for Adaptive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            k,
            window,
            min,
            floor,
        } = self;
        write!(
            f,
            "Adaptive(k = {k:?}, window = {}, min = {min}, floor = {floor:?})",
            Literal(*window)
        )
    }
}
