//! What building a breaker can fail with.

use std::fmt;

use crate::{Name, util::printable::printable};

/// A breaker's settings were refused. Lists every fault, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) name: Name,
    pub(crate) faults: Vec<Fault>,
}

impl ConfigError {
    /// Returns what is wrong, one sentence for each fault: what was given and
    /// what is allowed.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }
}

/// So many faults become part of the message.
const SHOWN: usize = 20;

/// Shows the first 20 faults, and counts the others.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "circuit breaker '{}' can't be built: ",
            printable(&self.name)
        )?;
        for (i, fault) in self.faults.iter().take(SHOWN).enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        match self.faults.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// One thing wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// Creates a fault for the `check` of a custom policy. `message` is one
    /// lower-case sentence that says what was given and what is allowed.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
