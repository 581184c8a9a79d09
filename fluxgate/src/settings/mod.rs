//! Settings from outside: files in any format of serde, and the environment.
//!
//! `raw` is what a format hands over; `file` and `environment` make sections of it
//! (`section`), `store` keeps those that are in force, and `overlay` puts what they give a
//! breaker above its code's values.

mod changes;
mod environment;
mod fault;
mod file;
mod fit;
mod key;
pub(crate) mod overlay;
mod raw;
mod report;
pub(crate) mod section;
pub(crate) mod store;

use std::{ffi::OsString, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de::DeserializeSeed as _};

pub use changes::Changes;
pub use fault::{SettingsError, SettingsFault};
pub use report::{Report, Unmatched};

use crate::{CircuitBreaker, registry};
use fault::FaultList;
use section::{Place, Sections, SourceKind};
use store::{Installation, Known};

/// Settings of breakers from outside the code: from a file in any self-describing format
/// of serde, such as TOML, JSON and YAML, or from the environment.
///
/// ```toml
/// [all]                                            # every breaker
/// retry = "Backoff(5s, jitter_ratio = 0.2)"
/// [breaker."payments"]                             # one, by its name
/// tripper = "FailureStreak(8) | MinRequests(50) & FailureRate(0.3)"
/// state = "metrics_only"
/// [set."upstream"]                                 # breakers by key, all of a set
/// max_half_open_calls = 3
/// [set."upstream".key."npm"]                       # and one key of it
/// retry = "Cooldown(60s)"
/// ```
///
/// A section may hold what the attribute takes, in the same words: `window`, `tripper`,
/// `retry`, `permit`, `max_half_open_calls`, `close_after`, `reopen_after`, `probe_lease`,
/// `on_cancel`, `slow_probes`, `throttle`, `durations` and `flight_recorder`; and `state`,
/// which is `metrics_only`, `disabled`, `forced_open`, or `closed` to exempt a breaker from
/// a section above. `reopen_after` and `throttle` may be `off`. What is code stays in the
/// code: trackers, listeners, and policies of your own.
///
/// [`apply`](Self::apply) puts settings in force for all breakers, those that there are and
/// those to come. A breaker that is open stays open, and nothing that it counted is lost.
///
/// ```
/// use fluxgate::{CircuitBreaker, Settings};
///
/// let payments = CircuitBreaker::builder("payments").build()?;
/// # // As from a file: the documentation has no format at hand.
/// # let settings = Settings::from_variables([("FLUXGATE__BREAKER__PAYMENTS__RETRY", "Cooldown(5s)")]);
/// # /*
/// let settings: Settings = toml::from_str(&std::fs::read_to_string("service.toml")?)?;
/// # */
/// let report = settings.apply()?;
/// for unknown in report.unmatched() {
///     eprintln!("{unknown}");
/// }
/// assert_eq!(payments.info().settings.retry, "Cooldown(5s)");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Which value is in force
///
/// The first of these that gives one: what was [set by hand](CircuitBreaker::reconfigure),
/// the environment, a key's section, the section of a breaker or a set, `[all]`, the code.
/// Sources rank by their kind, not by the order in which they are applied; applying one
/// replaces what was applied of its kind before, as a whole: a line that left the file
/// leaves its breaker with what is below, and `Settings::default()` takes all of them back.
/// [`SettingsInfo::source`](crate::SettingsInfo::source) says where a value is from.
///
/// A breaker refuses all of it with `settings = fixed` in its attribute, or
/// [`Builder::fixed_settings`](crate::Builder::fixed_settings).
///
/// Under the guards of [`testing`](crate::testing) no settings are in force that were
/// applied before, and those that a test applies end with it.
///
/// # In the environment
///
/// [`from_env`](Self::from_env) reads one variable for each setting:
///
/// | section | variable |
/// |---|---|
/// | `[all]` | `FLUXGATE__ALL__RETRY` |
/// | `[breaker."payments"]` | `FLUXGATE__BREAKER__PAYMENTS__RETRY` |
/// | `[set."upstream"]` | `FLUXGATE__SET__UPSTREAM__RETRY` |
/// | `[set."upstream".key."npm"]` | `FLUXGATE__SET__UPSTREAM__KEY__NPM__RETRY` |
///
/// Names are in upper case, with `_` for all but ASCII letters and digits. The state has
/// variables of its own, which need no call: see [`KillSwitch`](crate::KillSwitch).
///
/// # Bounds
///
/// At most 100 000 entries and 4 MiB of text are read of a file, 10 000 variables of the
/// environment, 1 KiB of a name and 32 KiB of a value; what is beyond is refused.
#[derive(Clone)]
pub struct Settings {
    kind: SourceKind,
    sections: Arc<Sections>,
    faults: FaultList,
}

impl Settings {
    /// Reads the settings in the environment of the process. What is wrong with them is
    /// told by [`apply`](Self::apply).
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    /// Reads settings as [`from_env`](Self::from_env) does, from these variables.
    #[must_use]
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let mut faults = FaultList::default();
        let variables = variables.into_iter();
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let sections = environment::read(variables, &mut faults);
        Self {
            kind: SourceKind::Environment,
            sections: Arc::new(sections),
            faults,
        }
    }

    /// Checks the text alone: what [`apply`](Self::apply) would refuse whatever breakers
    /// there are. For tests that read the file which a service will be given.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with every mistake.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.faults.clone().finish()
    }

    /// Checks the text, and that every section names a breaker that is known: one that was
    /// built, or with the feature `inventory` one of an annotated function or of
    /// `breaker!`, which this builds.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with every mistake, and every unknown name with the nearest that is
    /// known.
    pub fn check_all_known(&self) -> Result<(), SettingsError> {
        registry::build_linked();
        let (all, sets) = registry::placed();
        let installation = Installation::new(self.kind, &self.sections);
        let mut faults = self.check_for(&all, &installation);
        let known = Known::new(&all, sets);
        for unknown in report::unmatched(installation.of(false), self.kind, &known) {
            let advice = match &unknown.nearest {
                Some(nearest) => format!("; did you mean {nearest}?"),
                None => String::new(),
            };
            faults.push(SettingsFault {
                message: format!("no circuit breaker has this name{advice}"),
                place: unknown.section,
                key: None,
                column: None,
                breakers: Vec::new(),
            });
        }
        faults.finish()
    }

    /// Puts the settings in force, for the breakers that there are and those to come, in
    /// place of all that were applied of the same kind before. Breakers whose settings are
    /// the same as before are left alone.
    ///
    /// A breaker that is built later, and that they do not fit, runs on its code's values;
    /// that is reported once, and [`SettingsInfo::refused`](crate::SettingsInfo::refused)
    /// says so.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if anything is wrong with the text, or if it does not fit a breaker
    /// that there is. Then nothing is changed, for no breaker.
    pub fn apply(&self) -> Result<Report, SettingsError> {
        let (all, sets) = registry::placed();
        let known = Known::new(&all, sets);
        let unmatched = loop {
            let installation = Installation::new(self.kind, &self.sections);
            self.check_for(&all, &installation).finish()?;
            let sources = installation.of(false);
            let unmatched = report::unmatched(sources, self.kind, &known);
            if installation.install() {
                break unmatched;
            }
        };
        let mut changed = Vec::new();
        for (breaker, place) in &all {
            if overlay::refresh(breaker, place) {
                changed.push(breaker.name().clone());
            }
        }
        Ok(Report { changed, unmatched })
    }

    /// Returns what is wrong with the text, and for breakers that there are.
    fn check_for(&self, all: &[(CircuitBreaker, Place)], installation: &Installation) -> FaultList {
        let mut faults = self.faults.clone();
        for (breaker, place) in all {
            let sources = installation.of(breaker.core.clock().is_system());
            faults.extend(overlay::check(sources, breaker, place));
        }
        faults
    }
}

/// No settings at all: what a file gave is taken back.
impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: SourceKind::File,
            sections: Arc::default(),
            faults: FaultList::default(),
        }
    }
}

impl CircuitBreaker {
    /// Changes settings of this breaker while it lives, above all that files and the
    /// environment give it: `change` is given none, and returns those to be set. They take
    /// the place of what was set by hand before; `reconfigure(|settings| settings)` withdraws
    /// that.
    ///
    /// State, window and probes in flight stay, as far as the new settings allow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fluxgate::{CircuitBreaker, retry::Cooldown};
    ///
    /// let breaker = CircuitBreaker::builder("api").build()?;
    /// breaker.reconfigure(|settings| settings.retry(Cooldown::new(Duration::from_secs(5))))?;
    /// let settings = breaker.info().settings;
    /// assert_eq!(settings.retry, "Cooldown(5s)");
    /// assert_eq!(settings.source("retry").to_string(), "reconfigure");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with every setting that is out of range, or if the breaker takes no
    /// settings. Then nothing is changed.
    pub fn reconfigure(
        &self,
        change: impl FnOnce(Changes) -> Changes,
    ) -> Result<(), SettingsError> {
        overlay::reconfigure(self, change)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let budget = raw::Budget::new();
        let seed = raw::Seed {
            budget: &budget,
            depth: 0,
        };
        let raw = seed.deserialize(deserializer)?;
        let mut faults = FaultList::default();
        if budget.is_exceeded() {
            faults.push(file::too_much());
        }
        let sections = file::read(raw, &mut faults);
        Ok(Self {
            kind: SourceKind::File,
            sections: Arc::new(sections),
            faults,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
