//! The rule about calls that have not ended.

use std::time::Duration;

/// Fires in the closed state when at least `count` calls have been running for
/// `older_than` or longer: a dependency that hangs is noticed before the first
/// timeout returns.
///
/// It is asked when a call asks to begin and when one ends; the call that finds
/// too many hung is rejected. Without calls the rule is not asked. Calls that began before
/// the circuit was last closed do not count. Every call of a breaker with this
/// rule takes a short lock at its beginning, too.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::{CircuitBreaker, tripper::{FailureStreak, InFlight}};
///
/// // Ten calls that have been waiting for two seconds, or five failures in a row.
/// let breaker = CircuitBreaker::builder("search")
///     .tripper(InFlight::new(10, Duration::from_secs(2)) | FailureStreak::new(5))
///     .build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("bulkhead", "concurrency"))]
#[derive(Clone, Copy, Debug)]
pub struct InFlight {
    pub(super) count: u64,
    pub(super) older_than: Duration,
}

impl InFlight {
    /// Creates the rule. `count` must be at least 1, `older_than` above zero.
    #[must_use]
    pub const fn new(count: u64, older_than: Duration) -> Self {
        Self { count, older_than }
    }
}
