//! The messages of one channel.

use std::{collections::VecDeque, time::Duration};

use super::bucket::TokenBucket;
use crate::slack::Message;

/// One message on its way.
#[derive(Debug)]
pub(crate) struct QueuedMessage {
    /// Counts messages in the order they came.
    pub(crate) number: u64,
    pub(crate) message: Message,
    /// How many messages of its slot were dropped for it.
    pub(crate) missed: u64,
    /// How many times it was tried again.
    pub(crate) retries: u32,
    /// How many times in a row it was put off by Slack's rate limit.
    pub(crate) limited: u32,
    /// It has taken its rate token.
    pub(crate) admitted: bool,
    /// Its thread is gone.
    pub(crate) threadless: bool,
    /// There is no time for another attempt after the next.
    pub(crate) last_chance: bool,
}

impl QueuedMessage {
    pub(crate) fn new(number: u64, message: Message, missed: u64) -> Self {
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
pub(crate) struct Lane {
    pub(crate) entries: VecDeque<QueuedMessage>,
    pub(crate) bucket: Option<TokenBucket>,
    /// The head waits until then.
    pub(crate) ready_at: Duration,
    /// The head is being sent.
    pub(crate) flying: bool,
}

impl Lane {
    pub(crate) fn new(bucket: Option<TokenBucket>) -> Self {
        Self {
            entries: VecDeque::new(),
            bucket,
            ready_at: Duration::ZERO,
            flying: false,
        }
    }

    /// Returns whether the lane could be replaced by a new one without any
    /// difference.
    pub(crate) fn is_idle(&self, now: Duration) -> bool {
        self.entries.is_empty() && self.bucket.is_none_or(|bucket| bucket.is_full(now))
    }
}
