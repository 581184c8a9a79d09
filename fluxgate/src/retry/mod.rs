//! When an open circuit may be probed.
//!
//! A policy is asked once as the circuit opens, and its answer, jitter
//! included, holds for that whole open period: it is published with the signal
//! and with every rejection.

use std::{any::type_name, fmt, time::Duration};

use crate::{
    Fault, Reason,
    random::Random,
    util::bounds,
    util::duration::{Literal, from_secs_ceil},
};

#[cfg(feature = "settings")]
mod any_retry;
#[cfg(feature = "settings")]
pub use any_retry::AnyRetry;

/// A circuit that has just opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// How often half-open fell back to open since the circuit was last closed:
    /// 0 at the first opening.
    pub reopens: u64,
    /// How many calls the window held when it opened, if a rule opened it; zero if
    /// nothing is known.
    pub total_count: u64,
    /// How many of them failed.
    pub failure_count: u64,
    /// Which rule opened it; `None` if a command did.
    pub reason: Option<Reason>,
}

impl Opening {
    /// Creates an opening of which nothing but this is known, for testing a policy:
    /// set the other fields.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{random::Seeded, retry::{Backoff, Opening, Retry}};
    ///
    /// let mut opening = Opening::new(1);
    /// (opening.total_count, opening.failure_count) = (10, 9);
    /// assert_eq!(opening.failure_rate(), Some(0.9));
    ///
    /// let policy = Backoff::new(Duration::from_secs(10));
    /// let wait = policy.wait(&opening, &mut Seeded::new(0));
    /// assert_eq!(wait, Some(Duration::from_secs(20)));
    /// ```
    #[must_use]
    pub const fn new(reopens: u64) -> Self {
        Self {
            reopens,
            total_count: 0,
            failure_count: 0,
            reason: None,
        }
    }

    /// Returns the failures per call when it opened; `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        (self.total_count > 0).then(|| self.failure_count as f64 / self.total_count as f64)
    }
}

/// Decides how long a circuit stays open. Closures
/// `Fn(&Opening) -> Option<Duration>` are policies.
///
/// It is called while the breaker holds no lock, and may use the breaker; a call that
/// it makes through its own breaker opens nothing and is no probe. A panic in it is
/// contained and means 60 seconds, or `true`. If the state changes meanwhile, the
/// answer is discarded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no retry policy",
    note = "a closure `|opening| Some(Duration)` is one, and so is any type that implements `Retry`"
)]
pub trait Retry: Send + Sync {
    /// Returns how long to wait before the first probe, or `None` to wait for
    /// ever.
    fn wait(&self, opening: &Opening, random: &mut dyn Random) -> Option<Duration>;

    /// Returns whether a probe may run, when the wait is over. Each call asks
    /// again until it may; `elapsed` is the time since the opening. It is for
    /// conditions that no waiting time can express, such as a health check done
    /// elsewhere.
    fn ready(&self, opening: &Opening, elapsed: Duration) -> bool {
        let _ = (opening, elapsed);
        true
    }

    /// Returns the longest wait that a failing dependency may ask for with
    /// [`Outcome::UnavailableFor`](crate::Outcome::UnavailableFor). Default:
    /// five minutes.
    fn longest(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// Refuses settings that make no sense when the breaker is built.
    ///
    /// # Errors
    ///
    /// One [`Fault`] for each mistake.
    fn check(&self) -> Result<(), Vec<Fault>> {
        Ok(())
    }

    /// Writes the policy for [`Info`](crate::Info) and for messages. The default is
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

impl<F: Fn(&Opening) -> Option<Duration> + Send + Sync> Retry for F {
    fn wait(&self, opening: &Opening, _random: &mut dyn Random) -> Option<Duration> {
        self(opening)
    }
}

/// Never lets a probe through: the circuit stays open until an operator resets it.
#[derive(Clone, Copy, Debug)]
pub struct Never;

impl Retry for Never {
    fn wait(&self, _opening: &Opening, _random: &mut dyn Random) -> Option<Duration> {
        None
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Never")
    }
}

/// Lets the very next call through as a probe.
#[derive(Clone, Copy, Debug)]
pub struct Always;

impl Retry for Always {
    fn wait(&self, _opening: &Opening, _random: &mut dyn Random) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// Returns zero, since this policy never waits.
    fn longest(&self) -> Duration {
        Duration::ZERO
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for Always {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Always")
    }
}

/// Waits for the same time after every opening.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::retry::Cooldown;
///
/// // Between 27 and 33 seconds, drawn anew at each opening.
/// let retry = Cooldown::new(Duration::from_secs(30)).jitter_ratio(0.1);
/// # fluxgate::CircuitBreaker::builder("api").retry(retry).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("reset_timeout", "wait_duration_in_open_state", "break_duration"))]
#[derive(Clone, Copy, Debug)]
pub struct Cooldown {
    duration: Duration,
    jitter_ratio: f64,
}

impl Cooldown {
    /// Waits for `duration`, which must be above zero.
    #[must_use]
    pub const fn new(duration: Duration) -> Self {
        Self {
            duration,
            jitter_ratio: 0.0,
        }
    }

    /// Spreads the wait uniformly over `duration * (1 ± ratio)`, so that many
    /// clients do not return at once. `ratio` must be from 0 to below 1.
    #[must_use]
    pub const fn jitter_ratio(mut self, ratio: f64) -> Self {
        self.jitter_ratio = ratio;
        self
    }
}

/// A minute, without jitter.
impl Default for Cooldown {
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl Retry for Cooldown {
    fn wait(&self, _opening: &Opening, random: &mut dyn Random) -> Option<Duration> {
        Some(jitter(self.duration, self.jitter_ratio, random))
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if !bounds::duration(self.duration) {
            faults.push(Fault::new(
                "the duration of `Cooldown` must be greater than zero, but is 0ns",
            ));
        }
        check_jitter(self.jitter_ratio, "Cooldown", &mut faults);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for Cooldown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cooldown({}", Literal(self.duration))?;
        write_jitter(f, self.jitter_ratio)
    }
}

/// Waits longer with every reopening: `initial * multiplier ^ reopens`, at most
/// `max_duration`.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::retry::Backoff;
///
/// // 10 s, 20 s, 40 s, … up to 5 minutes.
/// let retry = Backoff::new(Duration::from_secs(10));
/// # fluxgate::CircuitBreaker::builder("api").retry(retry).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("exponential"))]
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    initial: Duration,
    multiplier: f64,
    max_duration: Duration,
    jitter_ratio: f64,
}

impl Backoff {
    /// Starts with `initial`, which must be above zero, doubles at every
    /// reopening, and never waits longer than 300 s.
    #[must_use]
    pub const fn new(initial: Duration) -> Self {
        Self {
            initial,
            multiplier: 2.0,
            max_duration: Duration::from_secs(300),
            jitter_ratio: 0.0,
        }
    }

    /// Sets the factor by which the wait grows, above 1 and finite.
    #[must_use]
    pub const fn multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = multiplier;
        self
    }

    /// Sets the longest wait before jitter, at least the initial one.
    #[must_use]
    pub const fn max_duration(mut self, max_duration: Duration) -> Self {
        self.max_duration = max_duration;
        self
    }

    /// Spreads the wait uniformly over `wait * (1 ± ratio)`. `ratio` must be
    /// from 0 to below 1.
    #[must_use]
    pub const fn jitter_ratio(mut self, ratio: f64) -> Self {
        self.jitter_ratio = ratio;
        self
    }
}

impl Retry for Backoff {
    fn wait(&self, opening: &Opening, random: &mut dyn Random) -> Option<Duration> {
        // Overflows to infinity, which the longest wait then caps.
        let factor = self.multiplier.powf(opening.reopens as f64);
        let grown = self.initial.as_secs_f64() * factor;
        let wait = if opening.reopens == 0 {
            self.initial
        } else if grown < self.max_duration.as_secs_f64() {
            from_secs_ceil(grown)
        } else {
            self.max_duration
        };
        Some(jitter(wait, self.jitter_ratio, random))
    }

    /// Returns `max_duration`.
    fn longest(&self) -> Duration {
        self.max_duration
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if !bounds::duration(self.initial) {
            faults.push(Fault::new(
                "the initial duration of `Backoff` must be greater than zero, but is 0ns",
            ));
        }
        if !bounds::multiplier(self.multiplier) {
            faults.push(Fault::new(format!(
                "the multiplier of `Backoff` must be greater than 1 and finite, but is {:?}",
                self.multiplier
            )));
        }
        if self.max_duration < self.initial {
            faults.push(Fault::new(format!(
                "the max_duration of `Backoff` must be at least its initial duration, \
                 but {:?} is less than {:?}",
                self.max_duration, self.initial
            )));
        }
        check_jitter(self.jitter_ratio, "Backoff", &mut faults);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Backoff(initial = {}, multiplier = {:?}, max_duration = {}",
            Literal(self.initial),
            self.multiplier,
            Literal(self.max_duration)
        )?;
        write_jitter(f, self.jitter_ratio)
    }
}

/// `wait * (1 + (-ratio + 2 * ratio * u))`, `u` uniform in `[0, 1)`; draws
/// nothing when the ratio is 0.
fn jitter(wait: Duration, ratio: f64, random: &mut dyn Random) -> Duration {
    if ratio == 0.0 {
        return wait;
    }
    let spread = -ratio + 2.0 * ratio * random.next_f64();
    from_secs_ceil(wait.as_secs_f64() * (1.0 + spread))
}

/// Writes the last argument, unless it is the default, and the parenthesis.
fn write_jitter(f: &mut fmt::Formatter<'_>, ratio: f64) -> fmt::Result {
    if ratio != 0.0 {
        write!(f, ", jitter_ratio = {ratio:?}")?;
    }
    f.write_str(")")
}

fn check_jitter(ratio: f64, policy: &str, faults: &mut Vec<Fault>) {
    if !bounds::jitter_ratio(ratio) {
        faults.push(Fault::new(format!(
            "the jitter_ratio of `{policy}` must be at least 0 and less than 1, but is {ratio:?}"
        )));
    }
}

/// A policy of the user's own.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::retry::Custom;
///
/// let retry = Custom::from_fn(|opening| Some(Duration::from_secs(5) * (opening.reopens as u32 + 1)));
/// # fluxgate::CircuitBreaker::builder("api").retry(retry).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub struct Custom(Box<dyn Retry>);

impl Custom {
    /// Wraps any [`Retry`].
    pub fn new(retry: impl Retry + 'static) -> Self {
        Self(Box::new(retry))
    }

    /// Wraps a closure, whose argument needs no type.
    pub fn from_fn<F>(f: F) -> Self
    where
        F: Fn(&Opening) -> Option<Duration> + Send + Sync + 'static,
    {
        Self::new(f)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").finish_non_exhaustive()
    }
}

impl Retry for Custom {
    fn wait(&self, opening: &Opening, random: &mut dyn Random) -> Option<Duration> {
        self.0.wait(opening, random)
    }

    fn ready(&self, opening: &Opening, elapsed: Duration) -> bool {
        self.0.ready(opening, elapsed)
    }

    fn longest(&self) -> Duration {
        self.0.longest()
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        self.0.check()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `Custom(…)` with the name of the policy's type, or what the policy says of
/// itself.
impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f)
    }
}
