//! How often something may happen.

use std::time::Duration;

/// At most `burst` messages at once, and one more every `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub(crate) every: Duration,
    pub(crate) burst: u32,
}

impl Rate {
    /// Creates a rate; both must be above zero.
    #[must_use]
    pub const fn new(every: Duration, burst: u32) -> Self {
        Self { every, burst }
    }
}

/// A token bucket, full at first, that refills evenly.
///
/// Kept as the time at which it would be full again: no tokens are counted, so
/// there is nothing to round. All times are since one common origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenBucket {
    rate: Rate,
    full_at: Duration,
}

impl TokenBucket {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Duration::ZERO,
        }
    }

    /// Returns the time from which on there is a token.
    pub(crate) fn ready_at(&self) -> Duration {
        self.full_at
            .saturating_sub(self.rate.every.saturating_mul(self.rate.burst - 1))
    }

    pub(crate) fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now).saturating_add(self.rate.every);
    }

    pub(crate) fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When `count` messages leave that all wait from the beginning.
    fn departures(every: u64, burst: u32, count: usize) -> Vec<u128> {
        let mut bucket = TokenBucket::new(Rate::new(Duration::from_millis(every), burst));
        let mut now = Duration::ZERO;
        (0..count)
            .map(|_| {
                now = now.max(bucket.ready_at());
                bucket.take(now);
                now.as_millis()
            })
            .collect()
    }

    #[test]
    fn bursts_and_rates_are_those_of_the_go_limiter() {
        assert_eq!(departures(1000, 1, 10).last(), Some(&9000));
        assert_eq!(departures(1000, 10, 20).last(), Some(&10_000));
        assert_eq!(departures(250, 1, 20).last(), Some(&4750));
        assert_eq!(departures(1000, 3, 6), [0, 0, 0, 1000, 2000, 3000]);
    }

    #[test]
    fn unused_tokens_are_saved_up_to_the_burst() {
        let mut bucket = TokenBucket::new(Rate::new(Duration::from_secs(1), 2));
        let hour = Duration::from_secs(3600);
        for _ in 0..2 {
            assert!(bucket.ready_at() <= hour);
            bucket.take(hour);
        }
        assert_eq!(bucket.ready_at(), hour + Duration::from_secs(1));
        assert!(!bucket.is_full(hour + Duration::from_secs(1)));
        assert!(bucket.is_full(hour + Duration::from_secs(2)));
    }

    #[test]
    fn extreme_rates_do_not_overflow() {
        let mut bucket = TokenBucket::new(Rate::new(Duration::MAX, u32::MAX));
        bucket.take(Duration::MAX);
        bucket.take(Duration::MAX);
        assert_eq!(bucket.ready_at(), Duration::ZERO);
    }
}
