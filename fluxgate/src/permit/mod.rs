//! Which calls become probes while the circuit is half-open.
//!
//! A permit is asked after the limit of
//! [`max_half_open_calls`](crate::Builder::max_half_open_calls), so a call that
//! finds no free slot draws nothing.

use std::{any::type_name, fmt, time::Duration};

use crate::{Fault, random, util::bounds, util::duration::Literal};

#[cfg(feature = "settings")]
mod any_permit;
#[cfg(feature = "settings")]
pub use any_permit::AnyPermit;

/// Decides whether a half-open circuit lets a call through. Closures
/// `Fn(Duration) -> bool` are permits.
///
/// It is called while the breaker holds no lock, and may use the breaker; a call that
/// it makes through its own half-open breaker is rejected. The call that asks holds a
/// slot meanwhile. A panic in it is contained and means `true`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no permit",
    note = "a closure `|elapsed| true` is one, and so is any type that implements `Permit`"
)]
pub trait Permit: Send + Sync {
    /// Returns whether a call may run as a probe, `elapsed` after the circuit
    /// became half-open.
    fn admits(&self, elapsed: Duration, random: &mut dyn random::Random) -> bool;

    /// Refuses settings that make no sense when the breaker is built.
    ///
    /// # Errors
    ///
    /// One [`Fault`] for each mistake.
    fn check(&self) -> Result<(), Vec<Fault>> {
        Ok(())
    }

    /// Returns the share of calls that it admits, from 0 to 1, `elapsed` after the
    /// circuit became half-open, if that can be told. Rejections name it.
    fn share(&self, elapsed: Duration) -> Option<f64> {
        let _ = elapsed;
        None
    }

    /// Writes the permit for [`Info`](crate::Info) and for messages. The default is
    /// `Custom(…)` with the name of the type; the built-in ones write what the
    /// attribute reads.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", type_name::<Self>())
    }
}

impl<F: Fn(Duration) -> bool + Send + Sync> Permit for F {
    fn admits(&self, elapsed: Duration, _random: &mut dyn random::Random) -> bool {
        self(elapsed)
    }
}

/// Admits every call that finds a free slot.
#[derive(Clone, Copy, Debug)]
pub struct All;

impl Permit for All {
    fn admits(&self, _elapsed: Duration, _random: &mut dyn random::Random) -> bool {
        true
    }

    fn share(&self, _elapsed: Duration) -> Option<f64> {
        Some(1.0)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the permit as the attribute reads it.
impl fmt::Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("All")
    }
}

/// Admits a constant share of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    ratio: f64,
}

impl Random {
    /// Creates a permit that admits the share `ratio` of the calls, from 0 to 1.
    /// With 0 nothing is admitted, so the circuit never recovers by itself.
    #[must_use]
    pub const fn new(ratio: f64) -> Self {
        Self { ratio }
    }
}

impl Permit for Random {
    fn admits(&self, _elapsed: Duration, random: &mut dyn random::Random) -> bool {
        random.next_f64() < self.ratio
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        if bounds::probability(self.ratio) {
            Ok(())
        } else {
            Err(vec![Fault::new(format!(
                "the ratio of `Random` must be from 0 to 1, but is {:?}",
                self.ratio
            ))])
        }
    }

    fn share(&self, _elapsed: Duration) -> Option<f64> {
        Some(self.ratio)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the permit as the attribute reads it.
impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Random({:?})", self.ratio)
    }
}

/// Admits a growing share of the calls: from `initial` to `final` over `duration`,
/// linearly, and `final` from then on.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::permit::RampUp;
///
/// let permit = RampUp::new(0.1, 0.8, Duration::from_secs(60));
/// # fluxgate::CircuitBreaker::builder("api").permit(permit).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("slow_start"))]
#[derive(Clone, Copy, Debug)]
pub struct RampUp {
    initial: f64,
    r#final: f64,
    duration: Duration,
}

impl RampUp {
    /// Creates a permit whose share grows from `initial` to `final` within
    /// `duration`. The ratios must satisfy 0 < initial ≤ final ≤ 1, and
    /// `duration` must be above zero.
    #[must_use]
    pub const fn new(initial: f64, r#final: f64, duration: Duration) -> Self {
        Self {
            initial,
            r#final,
            duration,
        }
    }

    fn ratio(&self, elapsed: Duration) -> f64 {
        if elapsed >= self.duration {
            return self.r#final;
        }
        let passed = elapsed.as_secs_f64() / self.duration.as_secs_f64();
        self.initial + (self.r#final - self.initial) * passed
    }
}

/// From 10 % to 100 % in a minute.
impl Default for RampUp {
    fn default() -> Self {
        Self::new(0.1, 1.0, Duration::from_secs(60))
    }
}

impl Permit for RampUp {
    fn admits(&self, elapsed: Duration, random: &mut dyn random::Random) -> bool {
        random.next_f64() < self.ratio(elapsed)
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if !bounds::ramp(self.initial, self.r#final) {
            faults.push(Fault::new(format!(
                "the ratios of `RampUp` must satisfy 0 < initial <= final <= 1, \
                 but initial is {:?} and final is {:?}",
                self.initial, self.r#final
            )));
        }
        if !bounds::duration(self.duration) {
            faults.push(Fault::new(
                "the duration of `RampUp` must be greater than zero, but is 0ns",
            ));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn share(&self, elapsed: Duration) -> Option<f64> {
        Some(self.ratio(elapsed))
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the permit as the attribute reads it.
impl fmt::Display for RampUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RampUp(initial = {:?}, final = {:?}, duration = {})",
            self.initial,
            self.r#final,
            Literal(self.duration)
        )
    }
}

/// A permit of the user's own.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::permit::Custom;
///
/// let permit = Custom::from_fn(|elapsed| elapsed >= Duration::from_secs(1));
/// # fluxgate::CircuitBreaker::builder("api").permit(permit).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub struct Custom(Box<dyn Permit>);

impl Custom {
    /// Wraps any [`Permit`].
    pub fn new(permit: impl Permit + 'static) -> Self {
        Self(Box::new(permit))
    }

    /// Wraps a closure, whose argument needs no type.
    pub fn from_fn(f: impl Fn(Duration) -> bool + Send + Sync + 'static) -> Self {
        Self::new(f)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").finish_non_exhaustive()
    }
}

impl Permit for Custom {
    fn admits(&self, elapsed: Duration, random: &mut dyn random::Random) -> bool {
        self.0.admits(elapsed, random)
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        self.0.check()
    }

    fn share(&self, elapsed: Duration) -> Option<f64> {
        self.0.share(elapsed)
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `Custom(…)` with the name of the permit's type, or what the permit says of
/// itself.
impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_in_a_straight_line_to_its_end() {
        let ramp = RampUp::new(0.25, 0.75, Duration::from_secs(4));
        let shares = [0, 1, 2, 3, 4, 5].map(|secs| ramp.ratio(Duration::from_secs(secs)));
        let exact = [0.25, 0.375, 0.5, 0.625, 0.75, 0.75];
        for (share, exact) in shares.into_iter().zip(exact) {
            assert!((share - exact).abs() < f64::EPSILON, "{share}, not {exact}");
        }
    }
}
