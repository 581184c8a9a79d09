//! The last different failures of one breaker, in words.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::FailureRecord;

/// How many different texts are kept.
const TEXTS: usize = 8;

/// Behind a lock of its own, which is held for a few comparisons and never while
/// another one is waited for, so it may be taken under the breaker's.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The latest last.
    records: VecDeque<FailureRecord>,
    dropped: u64,
}

impl Failures {
    /// Takes note of a failure that said this.
    pub(crate) fn note(&self, text: String, at: SystemTime) {
        let mut kept = self.kept();
        let known = kept.records.iter().position(|record| *record.text == *text);
        let known = known.and_then(|place| kept.records.remove(place));
        let record = match known {
            Some(record) => FailureRecord {
                count: record.count.saturating_add(1),
                last: at,
                ..record
            },
            None => FailureRecord {
                text: Arc::from(text),
                count: 1,
                last: at,
            },
        };
        if kept.records.len() == TEXTS {
            kept.records.pop_front();
            kept.dropped += 1;
        }
        kept.records.push_back(record);
    }

    pub(crate) fn last(&self) -> Option<FailureRecord> {
        self.kept().records.back().cloned()
    }

    /// Returns all, the latest last, and how many were dropped.
    pub(crate) fn all(&self) -> (Vec<FailureRecord>, u64) {
        let kept = self.kept();
        (kept.records.iter().cloned().collect(), kept.dropped)
    }

    pub(crate) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let Self(kept) = self;
        kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn distinct_failures_are_bounded() {
        let failures = Failures::default();
        for i in 0..20 {
            failures.note(format!("error {i}"), SystemTime::UNIX_EPOCH);
            failures.note("again".to_owned(), SystemTime::UNIX_EPOCH);
        }
        let (all, dropped) = failures.all();
        assert_eq!((all.len(), dropped), (TEXTS, 21 - TEXTS as u64));
        let last = failures.last().unwrap();
        assert_eq!((&*last.text, last.count), ("again", 20));
        assert_eq!(&*all[0].text, "error 13");
    }
}
