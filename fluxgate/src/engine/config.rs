//! The settings of a breaker, as its engine reads them.

use std::{
    fmt::{self, Write as _},
    num::NonZeroU64,
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use super::state_word::CallNeeds;
use crate::{
    OnCancel, Reason, RuleKind, SettingsInfo, SlowProbes, diagnostics,
    permit::Permit,
    retry::Retry,
    tripper::{Cause, MinToTrip, Rule},
    util::{duration::nanos, panic::catch_panic},
};

/// The settings of a breaker, and what follows from them. They never change: a live
/// change puts others in their place.
pub(crate) struct Config {
    pub(crate) tripper: Rule,
    /// The rule that tells the fleet that something may be wrong.
    #[cfg(feature = "fleet")]
    pub(crate) suspect: Option<Rule>,
    pub(crate) retry: Arc<dyn Retry>,
    pub(crate) permit: Arc<dyn Permit>,
    pub(crate) close_after: u64,
    pub(crate) reopen_after: Option<NonZeroU64>,
    pub(crate) on_cancel: OnCancel,
    pub(crate) slow_probes: SlowProbes,
    /// How many transitions are kept.
    pub(crate) flight: usize,
    /// The slowness thresholds of the rules, ascending.
    pub(crate) thresholds: Box<[Duration]>,
    /// Whether the sum of durations is kept, and whether that is by its own setting.
    pub(crate) durations: bool,
    #[cfg(feature = "settings")]
    pub(crate) keeps_durations: bool,
    /// Whether a part of the tripper is the user's own: the machine hands out a
    /// [`Question`] instead of asking it.
    pub(crate) own_tripper: bool,
    /// What calls need.
    pub(crate) calls: CallNeeds,
    /// Tells these settings from others that the breaker had or will have, for
    /// [`RULES`](super::opening::RULES) changes.
    pub(crate) number: u16,
}

/// What is read of the settings for every recorded call: the machine has it at hand.
#[derive(Clone, Copy)]
pub(crate) struct Recording {
    /// Whether calls are timed.
    pub(crate) needs_elapsed: bool,
    /// Whether the tripper wants to be asked after calls that change nothing.
    pub(crate) every_call: bool,
    /// Whether the window is the user's own.
    pub(crate) own_window: bool,
    /// When a full window need not be shown to the tripper.
    pub(crate) min_to_trip: MinToTrip,
}

/// Settings in the hands of code that runs without the lock. They may have been
/// replaced meanwhile: then dropping this runs the `Drop` of the user's policies, so
/// no lock may be held.
pub(crate) struct ConfigRef(
    /// `None` while it is dropped.
    Option<Arc<Config>>,
);

impl ConfigRef {
    pub(crate) fn new(config: &Arc<Config>) -> Self {
        Self(Some(Arc::clone(config)))
    }
}

impl From<Arc<Config>> for ConfigRef {
    fn from(config: Arc<Config>) -> Self {
        Self(Some(config))
    }
}

impl Deref for ConfigRef {
    type Target = Config;

    fn deref(&self) -> &Config {
        self.0.as_ref().expect("taken in `drop` alone")
    }
}

impl Drop for ConfigRef {
    fn drop(&mut self) {
        let Some(Config {
            tripper,
            retry,
            permit,
            ..
        }) = self.0.take().and_then(Arc::into_inner)
        else {
            return;
        };
        // One by one: a second panic while one unwinds would end the process.
        drop_contained(tripper);
        drop_contained(retry);
        drop_contained(permit);
    }
}

/// Drops what may be the user's. A panic in that is reported and ends here.
pub(super) fn drop_contained<T>(value: T) {
    if catch_panic(|| drop(value)).is_none() {
        diagnostics::policy_drop_panicked();
    }
}

impl Config {
    /// Fills in what it knows of the settings.
    pub(crate) fn describe(&self, settings: &mut SettingsInfo) {
        settings.tripper = self.tripper.to_string();
        settings.retry = text(|f| self.retry.describe(f));
        settings.permit = self.permit();
        settings.close_after = self.close_after;
        settings.reopen_after = self.reopen_after.map(NonZeroU64::get);
        settings.on_cancel = self.on_cancel;
        settings.slow_probes = self.slow_probes;
        settings.durations = self.durations;
    }

    /// Returns the permit as the attribute reads it.
    pub(crate) fn permit(&self) -> String {
        text(|f| self.permit.describe(f))
    }

    /// Returns the share of calls that the permit admits, if it can tell.
    pub(crate) fn share(&self, elapsed: Duration) -> Option<f64> {
        catch_panic(|| self.permit.share(elapsed)).flatten()
    }

    /// Returns whether a probe that succeeded took so long that it counts as failed.
    pub(crate) fn is_too_slow(&self, elapsed: u64) -> bool {
        let lowest = self.thresholds.first();
        self.slow_probes == SlowProbes::Fail && lowest.is_some_and(|slow| elapsed >= nanos(*slow))
    }

    /// Returns the lowest threshold of slowness, in nanoseconds; beyond all time if there
    /// is none.
    pub(crate) fn slow(&self) -> u64 {
        self.thresholds
            .first()
            .map_or(u64::MAX, |slow| nanos(*slow))
    }

    /// Returns a cause in words.
    pub(crate) fn reason(&self, cause: Cause) -> Option<Reason> {
        let (rule, threshold) = match cause.leaf {
            Cause::REOPEN_AFTER => {
                // A fleet's lease sets it to 1.
                let limit = self.reopen_after.map_or(1, NonZeroU64::get);
                (RuleKind::ReopenAfter, limit as f64)
            }
            #[cfg(feature = "fleet")]
            Cause::FLEET => return Some(cause.by_fleet()),
            Cause::RESTORED_LEAF => (RuleKind::Restored, 0.0),
            leaf => self.tripper.leaf(leaf)?,
        };
        Some(Reason {
            rule,
            measured: cause.measured,
            threshold,
            calls: cause.calls,
        })
    }
}

/// Returns what a policy writes about itself. A panic in it is contained.
pub(super) fn text(describe: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> String {
    struct Described<F>(F);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Described<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    let described = Described(describe);
    let mut text = String::new();
    // `to_string` panics where a formatter fails.
    match catch_panic(|| write!(text, "{described}")) {
        Some(Ok(())) => text,
        _ => "Custom(…)".to_owned(),
    }
}
