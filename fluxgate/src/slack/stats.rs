//! What was done, in numbers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{End, Message};

/// The counters of a [`Delivery`](super::Delivery) at one moment.
///
/// Every message that was received is, in the end, counted once more: as
/// succeeded, failed, not processed or dropped.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// By channel. Beyond 1000 channels the rest is counted as `(other)`.
    pub channels: BTreeMap<Arc<str>, ChannelStats>,
    /// Messages that wait.
    pub queue_size: usize,
    /// Messages that were not taken because the queue was full, or the delivery
    /// closed; they are in no other counter.
    pub refused: u64,
    /// How long requests took, until an answer or an error.
    pub requests: Histogram,
    /// How many times the worker panicked and went on.
    pub panics: u64,
    /// Whether the worker's thread runs; it starts with the first message.
    pub running: bool,
}

/// The counters of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Messages taken for delivery.
    pub received: u64,
    /// Messages delivered.
    pub succeeded: u64,
    /// Messages given up, after a permanent error or the last retry.
    pub failed: u64,
    /// Attempts that failed and were to be repeated.
    pub retried: u64,
    /// Messages dropped because their channel can't be posted to.
    pub not_processed: u64,
    /// Messages dropped because a newer one took their place when the queue was
    /// full, or because time was up at the shutdown.
    pub dropped: u64,
}

/// How many requests took how long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: [u64; Histogram::BOUNDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// The upper bounds of the buckets, in seconds; one more bucket is open.
    pub const BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

    /// The counts of the buckets, each by itself.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long all took together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    pub(super) fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = Self::BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(took);
    }
}

/// How many channels are counted by name: a sender that invents names must not
/// fill the memory.
const CHANNELS: usize = 1000;

impl Stats {
    /// All channels together.
    #[must_use]
    pub fn total(&self) -> ChannelStats {
        let mut total = ChannelStats::default();
        for channel in self.channels.values() {
            total.received += channel.received;
            total.succeeded += channel.succeeded;
            total.failed += channel.failed;
            total.retried += channel.retried;
            total.not_processed += channel.not_processed;
            total.dropped += channel.dropped;
        }
        total
    }

    /// Counts what became of a message.
    pub(super) fn ended(&mut self, message: &Message, end: End) {
        let channel = self.channel(&message.channel);
        match end {
            End::Succeeded => channel.succeeded += 1,
            End::Failed => channel.failed += 1,
            End::NotProcessed => channel.not_processed += 1,
            End::Dropped => channel.dropped += 1,
        }
        message.ended(end);
    }

    pub(super) fn channel(&mut self, name: &Arc<str>) -> &mut ChannelStats {
        let known = self.channels.len() < CHANNELS || self.channels.contains_key(name);
        let key = if known {
            name.clone()
        } else {
            "(other)".into()
        };
        self.channels.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_channels_is_bounded() {
        let mut stats = Stats::default();
        for i in 0..CHANNELS + 10 {
            stats.channel(&format!("#{i}").into()).received += 1;
        }
        stats.channel(&"#0".into()).received += 1;
        assert_eq!(stats.channels.len(), CHANNELS + 1);
        assert_eq!(stats.channels["(other)"].received, 10);
        assert_eq!(stats.total().received, CHANNELS as u64 + 11);
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::default();
        for millis in [0, 50, 51, 30_000, 30_001] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(histogram.counts(), [2, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(histogram.count(), 5);
        assert_eq!(histogram.sum(), Duration::from_millis(60_102));
    }
}
