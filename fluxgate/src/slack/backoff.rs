//! How long to wait before a retry.

use std::time::Duration;

/// Doubling waits, up to a limit, spread by jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backoff {
    pub(super) initial: Duration,
    pub(super) max: Duration,
    /// The share by which a wait may be longer or shorter.
    pub(super) jitter: f64,
}

impl Backoff {
    /// The wait before retry number `retry`, counted from 1; `random` is in
    /// [0, 1).
    pub(super) fn delay(&self, retry: u32, random: f64) -> Duration {
        let doublings = retry.saturating_sub(1).min(31);
        let delay = self.initial.saturating_mul(1 << doublings).min(self.max);
        if self.jitter == 0.0 {
            return delay;
        }
        let spread = 1.0 + self.jitter * (2.0 * random - 1.0);
        Duration::try_from_secs_f64(delay.as_secs_f64() * spread).unwrap_or(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let backoff = Backoff {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            jitter: 0.0,
        };
        let waits: Vec<_> = (1..=8).map(|k| backoff.delay(k, 0.9).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.delay(u32::MAX, 0.0).as_secs(), 60);
    }

    #[test]
    fn jitter_spreads_to_both_sides() {
        let backoff = Backoff {
            initial: Duration::from_secs(10),
            max: Duration::MAX,
            jitter: 0.2,
        };
        assert_eq!(backoff.delay(1, 0.0), Duration::from_secs(8));
        assert_eq!(backoff.delay(1, 0.5), Duration::from_secs(10));
        assert!(backoff.delay(1, 0.999) < Duration::from_secs(12));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let backoff = Backoff {
            initial: Duration::MAX,
            max: Duration::MAX,
            jitter: 0.5,
        };
        assert_eq!(backoff.delay(9, 0.9), Duration::MAX);
    }
}
