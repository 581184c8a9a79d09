//! The settings of a breaker, as its engine reads them.

use std::{
    fmt::{self, Write as _},
    num::NonZeroU64,
    time::Duration,
};

use crate::{
    OnCancel, Reason, RuleKind, SettingsInfo, SlowProbes,
    permit::Permit,
    retry::Retry,
    tripper::{Cause, MinToTrip, Rule},
    util::panic::catch_panic,
};

/// The settings of a breaker, which never change.
pub(crate) struct Config {
    pub(crate) tripper: Rule,
    /// The rule that tells the fleet that something may be wrong.
    #[cfg(feature = "fleet")]
    pub(crate) suspect: Option<Rule>,
    pub(crate) retry: Box<dyn Retry>,
    pub(crate) permit: Box<dyn Permit>,
    pub(crate) close_after: u64,
    pub(crate) reopen_after: Option<NonZeroU64>,
    pub(crate) on_cancel: OnCancel,
    pub(crate) slow_probes: SlowProbes,
    /// How many transitions are kept.
    pub(crate) flight: usize,
    /// The slowness thresholds of the rules, ascending.
    pub(crate) thresholds: Box<[Duration]>,
    /// Whether the sum of durations is kept.
    pub(crate) durations: bool,
    /// Whether the tripper wants to be asked after calls that change nothing.
    pub(crate) every_call: bool,
    /// Whether a part of the tripper is the user's own: the machine hands out a
    /// [`Question`] instead of asking it.
    pub(crate) own_tripper: bool,
    /// When a full window need not be shown to the tripper.
    pub(crate) min_to_trip: MinToTrip,
    /// Makes the settings again, for a breaker of a static.
    #[cfg(feature = "sim")]
    pub(crate) recipe: Option<fn() -> crate::Builder>,
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
fn text(describe: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result) -> String {
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
