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
pub(crate) use own::{MOST, OwnWindow, WindowCell, WindowTask};
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

    /// Prepares the window. It is called before the first record, with the number of
    /// slowness thresholds that the rules have, and whether durations are kept; and
    /// once more after [`clear`](Self::clear) when a change of settings has the breaker
    /// measure other things.
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

/// How one window follows another.
#[cfg(feature = "settings")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Succession {
    Same,
    /// With what the old one holds.
    TakesOver,
    BeginsEmpty,
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
                let asked = || own.cell.ask(|window| window.prepare(thresholds, durations));
                if catch_panic(asked).is_none() {
                    diagnostics::policy_panicked("window");
                }
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), Vec<Fault>> {
        match &self.0 {
            WindowKind::Count(window) => window.check(),
            WindowKind::Time(window) => window.check(),
            // One that is being asked was checked when its breaker was built.
            WindowKind::Custom(own) => own.cell.ask(|window| window.check()).unwrap_or(Ok(())),
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

    /// Returns the same window, with nothing recorded and not prepared. A window of the
    /// user's is shared.
    #[cfg(feature = "settings")]
    pub(crate) fn fresh(&self) -> Self {
        match &self.0 {
            WindowKind::Count(window) => CountWindow::new(window.size()).into(),
            WindowKind::Time(window) => window.fresh().into(),
            WindowKind::Custom(own) => Self(WindowKind::Custom(Box::new(own.fresh()))),
        }
    }

    /// Returns how another window would follow this one, what is measured being the
    /// same.
    #[cfg(feature = "settings")]
    pub(crate) fn succession(&self, next: &Self) -> Succession {
        let (same, other) = match (&self.0, &next.0) {
            (WindowKind::Count(window), WindowKind::Count(next)) => {
                (window.size() == next.size(), Succession::TakesOver)
            }
            (WindowKind::Time(window), WindowKind::Time(next)) => {
                (window.is_like(next), Succession::TakesOver)
            }
            (WindowKind::Custom(own), WindowKind::Custom(next)) => {
                (own.cell.is(&next.cell), Succession::BeginsEmpty)
            }
            _ => (false, Succession::BeginsEmpty),
        };
        if same { Succession::Same } else { other }
    }

    /// Holds what another window of its kind holds, as far as it fits.
    #[cfg(feature = "settings")]
    pub(crate) fn take_over(&mut self, old: &Self, now: Duration, totals: &mut Totals) {
        match (&mut self.0, &old.0) {
            (WindowKind::Count(window), WindowKind::Count(old)) => window.take_over(old, totals),
            (WindowKind::Time(window), WindowKind::Time(old)) => {
                window.take_over(old, now, totals);
            }
            _ => {}
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
