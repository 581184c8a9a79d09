//! The messages of one channel.

use std::{collections::VecDeque, time::Duration};

use super::{Message, bucket::Bucket};

/// One message on its way.
#[derive(Debug)]
pub(super) struct Entry {
    /// Counts messages in the order they came.
    pub(super) number: u64,
    pub(super) message: Message,
    /// How many messages of its slot were dropped for it.
    pub(super) missed: u64,
    /// How many times it was tried again.
    pub(super) retries: u32,
    /// How many times in a row it was put off by Slack's rate limit.
    pub(super) limited: u32,
    /// It has taken its rate token.
    pub(super) admitted: bool,
    /// Its thread is gone.
    pub(super) threadless: bool,
    /// There is no time for another attempt after the next.
    pub(super) last_chance: bool,
}

impl Entry {
    pub(super) fn new(number: u64, message: Message, missed: u64) -> Self {
        Self {
            number,
            message,
            missed,
            retries: 0,
            limited: 0,
            admitted: false,
            threadless: false,
            last_chance: false,
        }
    }
}

/// Delivers its entries strictly in order, one at a time.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) entries: VecDeque<Entry>,
    pub(super) bucket: Option<Bucket>,
    /// The head waits until then.
    pub(super) ready_at: Duration,
    /// The head is being sent.
    pub(super) flying: bool,
}

impl Lane {
    pub(super) fn new(bucket: Option<Bucket>) -> Self {
        Self {
            entries: VecDeque::new(),
            bucket,
            ready_at: Duration::ZERO,
            flying: false,
        }
    }

    /// Nothing would be different if a new lane took its place.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.entries.is_empty() && self.bucket.is_none_or(|bucket| bucket.is_full(now))
    }
}
