//! The last transitions of one breaker.

use std::{collections::VecDeque, sync::Arc};

use super::TransitionRecord;

/// Holds at most as many records as its owner says. Allocates nothing before the
/// first.
#[derive(Default)]
#[allow(
    clippy::box_collection,
    reason = "most breakers never change their state, and hold an empty pointer"
)]
pub(crate) struct Ring(Option<Box<VecDeque<Arc<TransitionRecord>>>>);

impl Ring {
    /// Adds a record, in place of the oldest if there are `most`.
    pub(crate) fn push(&mut self, record: Arc<TransitionRecord>, most: usize) {
        let Self(records) = self;
        let records = records.get_or_insert_default();
        while records.len() >= most.max(1) {
            records.pop_front();
        }
        records.push_back(record);
    }

    /// Returns all records, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<TransitionRecord>> {
        let records = self.0.iter().flat_map(|records| records.iter());
        records.map(Arc::clone).collect()
    }

    /// Returns the last record.
    #[cfg(feature = "page")]
    pub(crate) fn last(&self) -> Option<Arc<TransitionRecord>> {
        self.0.as_ref()?.back().map(Arc::clone)
    }

    /// Drops the oldest records, until there are at most so many.
    #[cfg(feature = "settings")]
    pub(crate) fn shrink(&mut self, most: usize) {
        let Some(records) = &mut self.0 else { return };
        while records.len() > most {
            records.pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}
