//! The last transitions of one breaker.

use std::{collections::VecDeque, sync::Arc};

use super::TransitionRecord;

/// Holds at most as many records as its owner says. Allocates nothing before the
/// first.
#[derive(Default)]
pub(crate) struct Ring(VecDeque<Arc<TransitionRecord>>);

impl Ring {
    /// Adds a record, in place of the oldest if there are `most`.
    pub(crate) fn push(&mut self, record: Arc<TransitionRecord>, most: usize) {
        let Self(records) = self;
        while records.len() >= most.max(1) {
            records.pop_front();
        }
        records.push_back(record);
    }

    /// Returns all records, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<TransitionRecord>> {
        self.0.iter().map(Arc::clone).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}
