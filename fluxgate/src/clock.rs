//! Where a breaker takes the time from.
//!
//! Waits, windows and durations are measured on a monotonic clock; the wall
//! clock only stamps signals and `changed_at`. Tests drive both with a
//! [`ManualClock`].

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use once_cell::sync::OnceCell;

/// A source of time.
///
/// The breaker tolerates a clock that stands still or jumps back: a span that
/// would be negative counts as zero. Spans are kept in 64 bits of nanoseconds, which
/// is 584 years: longer ones count as that.
///
/// It is asked without any lock of the breaker's, and may use the breaker. While it
/// panics, and when it is asked from within itself, the last time that it told
/// stands for [`now`](Self::now), and the system's for [`wall`](Self::wall).
pub trait Clock: Send + Sync {
    /// Returns the monotonic time since an origin that stays the same for this
    /// clock.
    fn now(&self) -> Duration;

    /// Returns the wall-clock time.
    fn wall(&self) -> SystemTime;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn wall(&self) -> SystemTime {
        (**self).wall()
    }
}

/// The operating system's clocks, [`Instant`] and [`SystemTime`]; or what
/// [`testing::freeze`](crate::testing::freeze) put in their place.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// What `SystemClock` counts from: the first time any breaker asked.
static ORIGIN: OnceCell<Instant> = OnceCell::new();

/// A test's clock in place of the system's. The flag is looked at first, without
/// a lock: it is false outside of tests.
static REPLACED: AtomicBool = AtomicBool::new(false);
static REPLACEMENT: Mutex<Option<Arc<dyn Clock>>> = Mutex::new(None);

impl SystemClock {
    pub(crate) fn replace(clock: Option<Arc<dyn Clock>>) {
        let mut replacement = REPLACEMENT.lock().unwrap_or_else(PoisonError::into_inner);
        REPLACED.store(clock.is_some(), Ordering::Relaxed);
        *replacement = clock;
    }

    pub(crate) fn is_replaced() -> bool {
        REPLACED.load(Ordering::Relaxed)
    }

    /// Returns the time of the replacement, if there is one by now.
    #[cold]
    #[inline(never)]
    fn replaced_now() -> Option<Duration> {
        Some(Self::replacement()?.now())
    }

    #[cold]
    fn replacement() -> Option<Arc<dyn Clock>> {
        let replacement = REPLACEMENT.lock().unwrap_or_else(PoisonError::into_inner);
        replacement.clone()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Duration {
        if Self::is_replaced()
            && let Some(now) = Self::replaced_now()
        {
            return now;
        }
        let origin = *ORIGIN.get_or_init(Instant::now);
        Instant::now().saturating_duration_since(origin)
    }

    fn wall(&self) -> SystemTime {
        if Self::is_replaced()
            && let Some(clock) = Self::replacement()
        {
            return clock.wall();
        }
        SystemTime::now()
    }
}

/// tokio's clock: waits follow `tokio::time::pause` and `advance`. The wall
/// clock moves along with it from where the system's stood.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), fluxgate::ConfigError> {
/// use std::{io, time::Duration};
/// use fluxgate::{CircuitBreaker, State, clock::TokioClock, permit::All, tripper::FailureStreak};
///
/// let breaker = CircuitBreaker::builder("api")
///     .tripper(FailureStreak::new(1))
///     .permit(All)
///     .clock(TokioClock::new())
///     .build()?;
/// let _ = breaker.call_async(async { Err::<(), _>(io::Error::other("down")) }).await;
/// assert_eq!(breaker.state(), State::Open);
///
/// // The runtime is paused: this takes no time.
/// tokio::time::sleep(Duration::from_secs(60)).await;
/// let _ = breaker.call_async(async { Ok::<_, io::Error>(()) }).await;
/// assert_eq!(breaker.state(), State::Closed);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: tokio::time::Instant,
    wall: SystemTime,
}

#[cfg(feature = "tokio")]
impl TokioClock {
    /// Creates a clock that starts at tokio's present time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

#[cfg(feature = "tokio")]
impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "tokio")]
impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wall(&self) -> SystemTime {
        self.wall.checked_add(self.now()).unwrap_or(self.wall)
    }
}

/// A clock that moves when a test says so. Clones share one time.
///
/// ```
/// use std::{io, time::Duration};
/// use fluxgate::{CircuitBreaker, State, clock::ManualClock, permit::All, tripper::FailureStreak};
///
/// let clock = ManualClock::new();
/// let breaker = CircuitBreaker::builder("api")
///     .tripper(FailureStreak::new(1))
///     .permit(All)
///     .clock(clock.clone())
///     .build()?;
///
/// let down = || Err::<(), _>(io::Error::other("down"));
/// assert!(breaker.call(down).is_err());
/// assert_eq!(breaker.state(), State::Open);
///
/// clock.advance(Duration::from_secs(60));
/// assert!(breaker.call(|| Ok::<_, io::Error>(())).is_ok());
/// assert_eq!(breaker.state(), State::Closed);
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("mock", "fake_time"))]
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Hands>>);

#[derive(Clone, Copy)]
struct Hands {
    now: Duration,
    wall: SystemTime,
}

impl ManualClock {
    /// Creates a clock that stands at the system's present wall time.
    #[must_use]
    pub fn new() -> Self {
        Self::at(SystemTime::now())
    }

    /// Creates a clock whose wall time is `wall`.
    #[must_use]
    pub fn at(wall: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(Hands {
            now: Duration::ZERO,
            wall,
        })))
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        self.with(|hands| {
            hands.now = hands.now.saturating_add(by);
            if let Some(wall) = hands.wall.checked_add(by) {
                hands.wall = wall;
            }
        });
    }

    /// Sets the wall clock alone, as an operator or a time server would.
    pub fn set_wall(&self, wall: SystemTime) {
        self.with(|hands| hands.wall = wall);
    }

    fn with<R>(&self, f: impl FnOnce(&mut Hands) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        self.with(|hands| hands.now)
    }

    fn wall(&self) -> SystemTime {
        self.with(|hands| hands.wall)
    }
}
