//! Which recorded calls still count.
//!
//! A window decides which records it forgets; the sums over the ones it still
//! holds, [`Totals`], belong to the breaker and are what trippers read.

mod count;
mod own;
mod time;
mod totals;

use std::{any::type_name, fmt, time::Duration};

pub use count::CountWindow;
pub(crate) use own::{MOST, OwnWindow, WindowTask};
pub use time::TimeWindow;
pub(crate) use totals::Sum;
pub use totals::{Record, Totals};

use crate::{Fault, diagnostics, util::panic::catch_panic};

/// A window of your own, put into a breaker as [`Custom::new`].
///
/// It is called while the breaker holds no lock, by one thread at a time and in order.
/// An outcome that arrives meanwhile is queued, and recorded by the thread that is
/// calling; the call itself does not wait. At most 1 024 outcomes wait: while a window
/// hangs, further ones do not count, and [`Info::late`](crate::Info::late) counts them.
/// A panic in it is contained: the call keeps its result, and the breaker goes on with
/// the totals as the window left them.
///
/// ```
/// use std::{collections::VecDeque, time::Duration};
/// use fluxgate::window::{Record, Totals, Window};
///
/// /// Holds calls until a quiet spell of a minute.
/// #[derive(Default)]
/// struct SinceQuiet { held: VecDeque<Record>, last: Duration }
///
/// impl Window for SinceQuiet {
///     fn record(&mut self, record: Record, now: Duration, totals: &mut Totals) {
///         self.expire(now, totals);
///         self.last = now;
///         self.held.push_back(record);
///         totals.add(&record);
///     }
///
///     fn expire(&mut self, now: Duration, totals: &mut Totals) {
///         if now.saturating_sub(self.last) >= Duration::from_secs(60) {
///             self.held.drain(..).for_each(|old| totals.remove(&old));
///         }
///     }
///
///     fn clear(&mut self) {
///         self.held.clear();
///     }
/// }
/// # fluxgate::CircuitBreaker::builder("quiet")
/// #     .window(fluxgate::window::Custom::new(SinceQuiet::default())).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no window",
    note = "implement `Window` for it"
)]
pub trait Window: Send {
    /// Adds a record to the window and to `totals`, and removes from `totals`
    /// what the window forgets for it. `now` is the monotonic time.
    fn record(&mut self, record: Record, now: Duration, totals: &mut Totals);

    /// Removes from `totals` what is too old at `now`. Called before every look
    /// at the totals.
    fn expire(&mut self, now: Duration, totals: &mut Totals) {
        let _ = (now, totals);
    }

    /// Forgets everything; the breaker clears the totals itself.
    fn clear(&mut self);

    /// Prepares the window. It is called once, before the first record, with the
    /// number of slowness thresholds that the rules have, and whether durations
    /// are kept.
    fn prepare(&mut self, thresholds: usize, durations: bool) {
        let _ = (thresholds, durations);
    }

    /// Refuses settings that make no sense when the breaker is built.
    ///
    /// # Errors
    ///
    /// One [`Fault`] for each mistake.
    fn check(&self) -> Result<(), Vec<Fault>> {
        Ok(())
    }
}

/// A window of the user's own.
pub struct Custom {
    window: Box<dyn Window>,
    name: &'static str,
}

impl Custom {
    /// Wraps any [`Window`].
    pub fn new<W: Window + 'static>(window: W) -> Self {
        Self {
            window: Box::new(window),
            name: type_name::<W>(),
        }
    }
}

/// Writes `Custom(…)` with the name of the window's type.
impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({})", self.name)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").finish_non_exhaustive()
    }
}

/// Any window, as [`Builder::window`](crate::Builder::window) takes it.
#[derive(Debug)]
pub struct AnyWindow(WindowKind);

#[derive(Debug)]
enum WindowKind {
    Count(CountWindow),
    /// Apart, since it is larger and rarer.
    Time(Box<TimeWindow>),
    /// Apart for the same reason.
    Custom(Box<OwnWindow>),
}

impl From<CountWindow> for AnyWindow {
    fn from(window: CountWindow) -> Self {
        Self(WindowKind::Count(window))
    }
}

impl From<TimeWindow> for AnyWindow {
    fn from(window: TimeWindow) -> Self {
        Self(WindowKind::Time(Box::new(window)))
    }
}

impl From<Custom> for AnyWindow {
    fn from(window: Custom) -> Self {
        Self(WindowKind::Custom(Box::new(OwnWindow::new(
            window.window,
            window.name,
        ))))
    }
}

impl Default for AnyWindow {
    fn default() -> Self {
        CountWindow::default().into()
    }
}

/// Writes the window as the attribute reads it.
impl fmt::Display for AnyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            WindowKind::Count(window) => window.fmt(f),
            WindowKind::Time(window) => window.fmt(f),
            WindowKind::Custom(window) => window.fmt(f),
        }
    }
}

impl AnyWindow {
    pub(crate) fn prepare(&mut self, thresholds: usize, durations: bool) {
        match &mut self.0 {
            WindowKind::Count(window) => window.prepare(thresholds, durations),
            WindowKind::Time(window) => window.prepare(thresholds, durations),
            WindowKind::Custom(own) => {
                let window = own.window.iter_mut();
                let prepared = catch_panic(|| {
                    window.for_each(|window| window.prepare(thresholds, durations));
                });
                prepared.unwrap_or_else(|| diagnostics::policy_panicked("window"));
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), Vec<Fault>> {
        match &self.0 {
            WindowKind::Count(window) => window.check(),
            WindowKind::Time(window) => window.check(),
            WindowKind::Custom(own) => own.window.iter().try_for_each(|window| window.check()),
        }
    }

    #[inline]
    pub(crate) fn record(&mut self, record: Record, now: Duration, totals: &mut Totals) {
        match &mut self.0 {
            WindowKind::Count(window) => window.record_call(record, totals),
            WindowKind::Time(window) => window.record(record, now, totals),
            WindowKind::Custom(_) => {}
        }
    }

    pub(crate) fn expire(&mut self, now: Duration, totals: &mut Totals) {
        match &mut self.0 {
            WindowKind::Count(_) | WindowKind::Custom(_) => {}
            WindowKind::Time(window) => window.expire(now, totals),
        }
    }

    pub(crate) fn clear(&mut self) {
        match &mut self.0 {
            WindowKind::Count(window) => window.clear(),
            WindowKind::Time(window) => window.clear(),
            WindowKind::Custom(own) => own.tasks.clear(),
        }
    }

    pub(crate) fn is_own(&self) -> bool {
        matches!(self.0, WindowKind::Custom(_))
    }

    /// Returns the custom window, if it is one.
    #[inline]
    pub(crate) fn as_own(&mut self) -> Option<&mut OwnWindow> {
        match &mut self.0 {
            WindowKind::Custom(own) => Some(own),
            WindowKind::Count(_) | WindowKind::Time(_) => None,
        }
    }

    /// Returns whether recording needs the time.
    pub(crate) fn needs_time(&self) -> bool {
        !matches!(self.0, WindowKind::Count(_))
    }

    /// Returns how many calls a full window holds, if a number of calls bounds
    /// it.
    pub(crate) fn size(&self) -> Option<u64> {
        match &self.0 {
            WindowKind::Count(window) => Some(window.size()),
            WindowKind::Time(_) | WindowKind::Custom(_) => None,
        }
    }

    #[inline]
    pub(crate) fn as_count(&mut self) -> Option<&mut CountWindow> {
        match &mut self.0 {
            WindowKind::Count(window) => Some(window),
            WindowKind::Time(_) | WindowKind::Custom(_) => None,
        }
    }

    /// Returns whether the window is full: every record from now on replaces
    /// another.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        match &self.0 {
            WindowKind::Count(window) => window.is_full(),
            WindowKind::Time(_) | WindowKind::Custom(_) => false,
        }
    }

    /// Returns whether recording a success that no threshold finds slow would
    /// leave window and totals exactly as they are, now and until the next
    /// record.
    #[inline]
    pub(crate) fn success_changes_nothing(&self, totals: &Totals) -> bool {
        match &self.0 {
            WindowKind::Count(window) => window.success_changes_nothing(totals),
            WindowKind::Time(_) | WindowKind::Custom(_) => false,
        }
    }
}
