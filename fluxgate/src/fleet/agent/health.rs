//! Whether the store answers.

use crate::fleet::store::TIMEOUT;

/// When the store answered last, and since when it has not.
#[derive(Default)]
pub(super) struct Health {
    answered_at: u64,
    /// When the first request was sent that was not answered since.
    silent_since: Option<u64>,
    degraded: bool,
}

impl Health {
    /// Takes note of an answer. Returns whether it is the first after too long a silence.
    pub(super) fn answered(&mut self, now: u64) -> bool {
        self.answered_at = now;
        self.silent_since = None;
        std::mem::take(&mut self.degraded)
    }

    /// Takes note of a request that came to nothing.
    pub(super) fn failed(&mut self, sent: u64) {
        self.silent_since.get_or_insert(sent);
    }

    /// Takes note of a request that was given up.
    pub(super) fn unanswered(&mut self, sent: u64) {
        if self.answered_at <= sent {
            self.silent_since.get_or_insert(sent);
        }
    }

    /// Returns whether the silence has become too long.
    pub(super) fn degrades(&mut self, now: u64) -> bool {
        let silent = self
            .silent_since
            .is_some_and(|since| now >= since + TIMEOUT);
        let begins = silent && !self.degraded;
        self.degraded |= begins;
        begins
    }

    pub(super) fn next(&self) -> Option<u64> {
        let since = self.silent_since.filter(|_| !self.degraded)?;
        Some(since + TIMEOUT)
    }
}
