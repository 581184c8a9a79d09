//! What is wrong with settings.

use std::fmt;

use crate::Name;

/// Settings were refused, and nothing of them is in force. Lists every mistake, not
/// only the first.
///
/// ```
/// # use fluxgate::Settings;
/// # fn main() {
/// let settings = Settings::from_variables([
///     ("FLUXGATE__ALL__RETRY", "Cooldown(60)"),
///     ("FLUXGATE__BREAKER__PAYMENTS__TRIPPER", "FailureRate(50)"),
/// ]);
/// let error = settings.apply().unwrap_err();
/// assert_eq!(error.to_string(), "\
/// settings were refused, and nothing was changed:
///
/// FLUXGATE__BREAKER__PAYMENTS__TRIPPER, column 13: the ratio of `FailureRate` must be \
/// greater than 0 and at most 1, but is 50.0; for 50 % write `0.5`
///
///     FailureRate(50)
///                 ^^");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub(super) faults: Vec<SettingsFault>,
    /// How many more there are.
    pub(super) more: usize,
}

impl SettingsError {
    /// Returns what is wrong in one line, for the log.
    pub(crate) fn in_one_line(&self) -> String {
        let faults: Vec<_> = self.faults().map(ToString::to_string).collect();
        faults.join("; ")
    }

    /// Returns what is wrong, one for each mistake; at most 20, and [`more`](Self::more)
    /// are counted.
    pub fn faults(&self) -> impl Iterator<Item = &SettingsFault> {
        self.faults.iter()
    }

    /// Returns how many mistakes there are beside [`faults`](Self::faults).
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings were refused, and nothing was changed:")?;
        for fault in &self.faults {
            write!(f, "\n\n{fault}")?;
        }
        if self.more > 0 {
            write!(f, "\n\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// One mistake in settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsFault {
    /// The section, as in `[breaker."payments"]`, or the environment variable.
    pub place: String,
    /// The key in the section, if the mistake is in one.
    pub key: Option<String>,
    /// Where in its line of the value the mistake begins, in characters from 1.
    pub column: Option<usize>,
    /// The breakers that the setting does not fit; none if it fits no breaker at all.
    pub breakers: Vec<Name>,
    /// What is wrong, and what to write.
    pub message: String,
}

/// How many breakers are shown one by one.
const BREAKERS: usize = 3;

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        for (at, name) in self.breakers.iter().take(BREAKERS).enumerate() {
            let before = if at == 0 { ", at " } else { ", " };
            write!(f, "{before}'{name}'")?;
        }
        if self.breakers.len() > BREAKERS {
            write!(f, " and {} more", self.breakers.len() - BREAKERS)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// How many mistakes are shown one by one.
const MOST: usize = 20;

/// How many breakers a mistake remembers.
const REMEMBERED: usize = 100;

/// Mistakes, collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FaultList {
    faults: Vec<SettingsFault>,
    more: usize,
}

impl FaultList {
    /// Adds a mistake. One that is there already for another breaker is told once, for
    /// both.
    pub(super) fn push(&mut self, fault: SettingsFault) {
        let has_room = self.faults.len() < MOST;
        let same = self.faults.iter_mut().find(|known| {
            known.place == fault.place
                && known.key == fault.key
                && known.column == fault.column
                && known.message == fault.message
        });
        match same {
            Some(known) => {
                let room = REMEMBERED.saturating_sub(known.breakers.len());
                known.breakers.extend(fault.breakers.into_iter().take(room));
            }
            None if has_room => self.faults.push(fault),
            None => self.more += 1,
        }
    }

    pub(super) fn extend(&mut self, faults: impl IntoIterator<Item = SettingsFault>) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }

    /// Returns the mistakes as an error, if there are any.
    pub(super) fn finish(self) -> Result<(), SettingsError> {
        let Self { faults, more } = self;
        if faults.is_empty() {
            return Ok(());
        }
        Err(SettingsError { faults, more })
    }
}
