//! What was done, in numbers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{End, Message};
use crate::Histogram;

/// The counters of a [`Delivery`](super::Delivery) at one moment.
///
/// Every message that was received is, in the end, counted once more: as
/// succeeded, failed, not processed or dropped.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// By channel. Beyond 1000 channels the rest is counted as `(other)`.
    pub channels: BTreeMap<Arc<str>, ChannelStats>,
    /// Messages that wait.
    pub queue_size: usize,
    /// Messages that were not taken because the queue was full, or the delivery
    /// closed; they are in no other counter.
    pub refused: u64,
    /// How long requests took, until an answer or an error; without bounds
    /// before the first.
    pub requests: Histogram,
    /// How many times the worker panicked and resumed.
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

/// The upper bounds of the histogram of requests, in milliseconds.
const BOUNDS: [u64; 9] = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// Adds a request that took so long.
fn observe(histogram: &mut Histogram, took: Duration) {
    if histogram.buckets.is_empty() {
        let bounds = BOUNDS.map(|bound| (Duration::from_millis(bound), 0));
        histogram.buckets = bounds.into();
    }
    for (bound, count) in &mut histogram.buckets {
        *count += u64::from(took <= *bound);
    }
    histogram.count += 1;
    histogram.sum = histogram.sum.saturating_add(took);
}

/// How many channels are counted by name: a sender that invents names must not
/// fill the memory.
const CHANNELS: usize = 1000;

impl DeliveryStats {
    /// Returns the sums over all channels.
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
        let channel = self.channel(&message.label);
        match end {
            End::Succeeded => channel.succeeded += 1,
            End::Failed => channel.failed += 1,
            End::NotProcessed => channel.not_processed += 1,
            End::Dropped => channel.dropped += 1,
        }
        message.ended(end);
    }

    pub(super) fn requested(&mut self, took: Duration) {
        observe(&mut self.requests, took);
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
        let mut stats = DeliveryStats::default();
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
        let mut stats = DeliveryStats::default();
        for millis in [0, 50, 51, 30_000, 30_001] {
            stats.requested(Duration::from_millis(millis));
        }
        let counts: Vec<_> = stats
            .requests
            .buckets
            .iter()
            .map(|(_, count)| *count)
            .collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 3, 3, 3, 4]);
        assert_eq!(stats.requests.count, 5);
        assert_eq!(stats.requests.sum, Duration::from_millis(60_102));
    }
}
