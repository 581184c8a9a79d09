//! What listeners are told when settings change.

use std::{fmt, time::SystemTime};

use crate::Name;

/// A change of the settings of one breaker while it lives, as
/// [`Listener::on_settings`](crate::Listener::on_settings) receives it.
///
/// It comes in order with the [`Signal`](crate::Signal)s: those before it were caused
/// under the old settings, those after it under the new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsChange {
    /// The breaker's name.
    pub name: Name,
    /// When, by the wall clock.
    pub timestamp: SystemTime,
    /// The number of the last transition before it.
    pub sequence: u64,
    /// The settings that are others now.
    pub changes: Vec<ChangedSetting>,
    /// Whether the window begins empty: other things are measured than before, or it is
    /// a window of another kind.
    pub window_emptied: bool,
}

/// One setting of a [`SettingsChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedSetting {
    /// The setting, by its key in the attribute.
    pub setting: &'static str,
    /// Its value before, as the attribute reads it.
    pub old: String,
    /// Its value now.
    pub new: String,
}

/// Writes `retry: Cooldown(60s) -> Cooldown(5s)`.
impl fmt::Display for ChangedSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, old, new } = self;
        write!(f, "{setting}: {old} -> {new}")
    }
}

/// Writes every setting, and whether the window begins empty.
impl fmt::Display for SettingsChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, change) in self.changes.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{change}")?;
        }
        if self.window_emptied {
            f.write_str("; the window begins empty")?;
        }
        Ok(())
    }
}
