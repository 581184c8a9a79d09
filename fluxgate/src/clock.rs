//! The source of a breaker's time.
//!
//! Waits, windows and durations are measured on a monotonic clock; the wall
//! clock only stamps signals and `changed_at`. Tests drive both with a
//! [`ManualClock`].

use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, PoisonError, Weak,
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
/// It is called while the breaker holds no lock, and may use the breaker. If it panics,
/// or is called from within itself, the breaker uses the last time that
/// [`now`](Self::now) returned, and the system's clock for [`wall`](Self::wall).
pub trait Clock: Send + Sync {
    /// Returns the monotonic time since an origin that stays the same for this
    /// clock.
    fn now(&self) -> Duration;

    /// Returns the wall-clock time.
    fn wall(&self) -> SystemTime;

    /// Keeps an alarm until [`now`](Self::now) has come to `at`, and rings it then:
    /// for what waits on this clock, such as
    /// [`acquire_ready`](crate::CircuitBreaker::acquire_ready). It may ring earlier or
    /// more than needed, never much later.
    ///
    /// A clock that does not keep time by itself, since a test drives it, or that
    /// follows another timer than the system's, implements this; the default gives the
    /// alarm back, and it rings in real time.
    ///
    /// # Errors
    ///
    /// The alarm, if this clock keeps none.
    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        let _ = at;
        Err(alarm)
    }
}

/// What an alarm wakes.
pub(crate) trait Ring: Send + Sync {
    fn ring(&self);
}

/// Wakes the task that waits for a time; see [`Clock::alarm`]. It also rings when it is
/// dropped, so that a clock that goes away leaves no task waiting.
pub struct Alarm {
    whom: Option<Weak<dyn Ring>>,
}

impl Alarm {
    pub(crate) fn new(whom: Weak<dyn Ring>) -> Self {
        Self { whom: Some(whom) }
    }

    /// Wakes the waiting task.
    pub fn ring(self) {}

    pub(crate) fn again(&self) -> Self {
        Self {
            whom: self.whom.clone(),
        }
    }

    fn is_for(&self, other: &Self) -> bool {
        match (&self.whom, &other.whom) {
            (Some(one), Some(other)) => one.ptr_eq(other),
            _ => false,
        }
    }

    /// Drops the alarm without a sound: another one stands for it.
    pub(crate) fn silence(mut self) {
        self.whom = None;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // In a clock that panicked it would be set again, and again.
        if !std::thread::panicking()
            && let Some(whom) = self.whom.as_ref().and_then(Weak::upgrade)
        {
            whom.ring();
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn wall(&self) -> SystemTime {
        (**self).wall()
    }

    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        (**self).alarm(at, alarm)
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

    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        match Self::replacement() {
            Some(clock) => clock.alarm(at, alarm),
            None => Err(alarm),
        }
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

    /// Rings from tokio's timer, if there is a runtime.
    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        /// Rings in real time should the runtime end, or have no timer.
        struct Backup(Duration, Option<Alarm>);

        impl Drop for Backup {
            fn drop(&mut self) {
                if let Some(alarm) = self.1.take() {
                    crate::util::alarms::ring_after(self.0, || alarm.ring());
                }
            }
        }

        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(alarm);
        };
        let wait = at.saturating_sub(self.now());
        let mut backup = Backup(wait, Some(alarm));
        runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(alarm) = backup.1.take() {
                alarm.ring();
            }
        });
        Ok(())
    }
}

/// A clock that only moves when a test advances it. Clones share one time.
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
pub struct ManualClock(Arc<Manual>);

struct Manual {
    hands: Mutex<Hands>,
    /// One for each breaker that is waited for, with the earliest of its times.
    alarms: Mutex<Vec<(Duration, Alarm)>>,
}

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
        Self(Arc::new(Manual {
            hands: Mutex::new(Hands {
                now: Duration::ZERO,
                wall,
            }),
            alarms: Mutex::default(),
        }))
    }

    /// Moves both clocks forward, and wakes the tasks whose time has come.
    pub fn advance(&self, by: Duration) {
        let now = self.with(|hands| {
            hands.now = hands.now.saturating_add(by);
            if let Some(wall) = hands.wall.checked_add(by) {
                hands.wall = wall;
            }
            hands.now
        });
        self.ring(now);
    }

    /// Sets the wall clock alone, as an operator or a time server would.
    pub fn set_wall(&self, wall: SystemTime) {
        self.with(|hands| hands.wall = wall);
    }

    fn with<R>(&self, f: impl FnOnce(&mut Hands) -> R) -> R {
        let mut hands = self.0.hands.lock().unwrap_or_else(PoisonError::into_inner);
        f(&mut hands)
    }

    fn with_alarms<R>(&self, f: impl FnOnce(&mut Vec<(Duration, Alarm)>) -> R) -> R {
        let alarms = self.0.alarms.lock();
        f(&mut alarms.unwrap_or_else(PoisonError::into_inner))
    }

    /// Rings the alarms whose time has come, without a lock.
    fn ring(&self, now: Duration) {
        let due: Vec<_> = self.with_alarms(|alarms| {
            let (due, later) = mem::take(alarms)
                .into_iter()
                .partition(|(at, _)| *at <= now);
            *alarms = later;
            due
        });
        drop(due);
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

    fn alarm(&self, at: Duration, alarm: Alarm) -> Result<(), Alarm> {
        let before = self.with_alarms(|alarms| {
            if let Some((earliest, set)) = alarms.iter_mut().find(|(_, set)| set.is_for(&alarm)) {
                *earliest = at.min(*earliest);
                Some(mem::replace(set, alarm))
            } else {
                alarms.push((at, alarm));
                None
            }
        });
        if let Some(before) = before {
            before.silence();
        }
        // The time may have come while it was being set.
        self.ring(self.now());
        Ok(())
    }
}
