//! The names that keys have for themselves.

use std::collections::{HashMap, HashSet};

use crate::Name;

/// The names that are given for ever, by the hash of their keys.
pub(super) struct GivenNames {
    pub(super) names: HashMap<u64, Name>,
    taken: HashSet<Name>,
    limit: usize,
}

impl GivenNames {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            names: HashMap::new(),
            taken: HashSet::new(),
            limit,
        }
    }

    /// Returns the name of a key, or that it can have none; `None` if that is still
    /// to be decided.
    #[allow(clippy::option_option, reason = "unknown, known without a name, named")]
    pub(super) fn find(&self, hash: u64) -> Option<Option<Name>> {
        match self.names.get(&hash) {
            Some(name) => Some(Some(name.clone())),
            None if self.names.len() >= self.limit => Some(None),
            None => None,
        }
    }

    /// Gives a name for ever, unless another key has it: both would be one series.
    pub(super) fn give(&mut self, hash: u64, name: Name) -> Option<Name> {
        match self.find(hash) {
            Some(answer) => answer,
            None if self.taken.insert(name.clone()) => {
                self.names.insert(hash, name.clone());
                Some(name)
            }
            None => None,
        }
    }
}
