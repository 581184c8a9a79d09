//! How messages are delivered.

use std::time::Duration;

use super::{Class, Error, Rate, api::error_code::CodeClassifier};
use crate::{
    random::Random,
    retry::{self, Opening, Retry as _},
};

/// How a [`Delivery`](super::Delivery) queues, paces, retries and gives up.
///
/// Two presets, and a setter for each number in them:
///
/// | | [`recommended`](Self::recommended) | [`slack_proxy`](Self::slack_proxy) |
/// |---|---|---|
/// | waiting messages | 100 of 16 MiB in all | 100 of 16 MiB in all, refused from 90 % on |
/// | order | strict in a channel; channels don't wait for one another | strict over all |
/// | rate | 1 per second and channel, burst 3; 5 per second in all, burst 20 | 1 per second in all, burst 3; retries are free |
/// | requests at once | one for each channel | 1 |
/// | retries | 10, after 1 s, 2 s, 4 s … 60 s, ±20 % | 2, after 1 s, 2 s |
/// | HTTP 429, `ratelimited` | all wait for as long as Slack says; free until 10 in a row | as any retry |
/// | HTTP status, plain `ok` of a webhook | understood | not looked at: the body decides, and must be JSON |
/// | unreachable channel | left alone for 15 minutes | the same |
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPolicy {
    pub(super) lanes: Lanes,
    pub(super) pace: Pace,
    pub(super) answers: Answers,
    /// A failed attempt is counted as retried even if it was the last.
    pub(super) counts_last_retry: bool,
    /// How many tenths of the queue are never filled.
    reserved_tenths: usize,
    pub(super) queue_size: usize,
    pub(super) queue_bytes: usize,
    pub(super) channel_rate: Option<Rate>,
    pub(super) token_rate: Option<Rate>,
    pub(super) max_retries: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    jitter_ratio: f64,
    pub(super) max_rate_limited: u32,
    pub(super) max_retry_after: Duration,
    pub(super) request_timeout: Duration,
    pub(super) pause: Duration,
    pub(super) classifier: CodeClassifier,
}

/// Which messages wait for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// All, in one line. The message in hand does not count as waiting.
    One,
    /// Those of one channel.
    PerChannel,
}

/// What takes a token of the rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// A message when its turn comes, even if its channel is paused; its retries
    /// take none.
    PerTurn,
    /// Each attempt.
    PerAttempt,
}

/// What decides about an answer of Slack's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// Its body, which must be JSON.
    Body,
    /// Status, headers and body.
    Whole,
}

impl DeliveryPolicy {
    /// Returns the policy for alerts: it follows Slack's documentation, and loses no
    /// message that another attempt could deliver.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            lanes: Lanes::PerChannel,
            pace: Pace::PerAttempt,
            answers: Answers::Whole,
            counts_last_retry: false,
            reserved_tenths: 0,
            queue_size: 100,
            queue_bytes: 16 * 1024 * 1024,
            channel_rate: Some(Rate::new(Duration::from_secs(1), 3)),
            token_rate: Some(Rate::new(Duration::from_millis(200), 20)),
            max_retries: 10,
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            jitter_ratio: 0.2,
            max_rate_limited: 10,
            max_retry_after: Duration::from_secs(3600),
            request_timeout: Duration::from_secs(10),
            pause: Duration::from_secs(15 * 60),
            classifier: CodeClassifier::Recommended,
        }
    }

    /// Returns the policy of the Go program slack-proxy, release 0.3.0.
    #[must_use]
    pub fn slack_proxy() -> Self {
        Self {
            lanes: Lanes::One,
            pace: Pace::PerTurn,
            answers: Answers::Body,
            counts_last_retry: true,
            reserved_tenths: 1,
            channel_rate: None,
            token_rate: Some(Rate::new(Duration::from_secs(1), 3)),
            max_retries: 2,
            max_backoff: Duration::MAX,
            jitter_ratio: 0.0,
            max_rate_limited: 0,
            classifier: CodeClassifier::SlackProxy,
            ..Self::recommended()
        }
    }

    /// Sets how many messages may wait.
    #[must_use]
    pub fn queue_size(mut self, messages: usize) -> Self {
        self.queue_size = messages;
        self
    }

    /// Sets how many bytes the bodies of waiting messages may have together:
    /// once they have as many, more messages are refused as if the queue were
    /// full.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Sets how often a message may go to one channel; `None` for no limit.
    #[must_use]
    pub fn channel_rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.channel_rate = rate.into();
        self
    }

    /// Sets how often a message may go out with this token, to all channels
    /// together; `None` for no limit.
    #[must_use]
    pub fn token_rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.token_rate = rate.into();
        self
    }

    /// Sets how many times a message is tried again.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the wait before the first retry, which doubles with each, and the
    /// longest wait.
    #[must_use]
    pub fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self
    }

    /// Sets the share by which a wait may be longer or shorter, in [0, 1).
    #[must_use]
    pub fn jitter_ratio(mut self, ratio: f64) -> Self {
        self.jitter_ratio = ratio;
        self
    }

    /// Sets how many rate-limit responses in a row one message may get before
    /// further ones use up retries.
    #[must_use]
    pub fn max_rate_limited(mut self, times: u32) -> Self {
        self.max_rate_limited = times;
        self
    }

    /// Sets the longest `Retry-After` that is obeyed; a longer one is cut to it.
    #[must_use]
    pub fn max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// Sets how long one request may take, connecting and the response included.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long nothing is sent to a channel after Slack said that it can't
    /// be posted to. Messages for it are dropped and counted meanwhile. Zero
    /// turns this off.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets what to do about each of Slack's error codes. `classify` returns
    /// `None` for a code that it does not know, and the message is then retried.
    #[must_use]
    pub fn classify(mut self, classify: fn(&str) -> Option<Class>) -> Self {
        self.classifier = CodeClassifier::Custom(classify);
        self
    }

    /// Returns the number of waiting messages from which on more are refused.
    pub(super) fn capacity(&self) -> usize {
        self.queue_size - self.reserved_tenths * self.queue_size.div_ceil(10)
    }

    /// Returns the wait before retry number `retry`, counted from 1.
    pub(super) fn wait(&self, retry: u32, random: &mut dyn Random) -> Duration {
        let backoff = retry::Backoff::new(self.initial_backoff)
            .max_duration(self.max_backoff)
            .jitter_ratio(self.jitter_ratio);
        let opening = Opening::new(u64::from(retry.saturating_sub(1)));
        // It always has a wait.
        backoff.wait(&opening, random).unwrap_or(self.max_backoff)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let rates = self.channel_rate.iter().chain(&self.token_rate);
        for rate in rates {
            if rate.burst == 0 {
                return Err(Error::InvalidPolicy("`burst` is 0: expected at least 1"));
            }
            if rate.every.is_zero() {
                return Err(Error::InvalidPolicy(
                    "a rate of one message every 0 s: expected more, or `None` for no limit",
                ));
            }
        }
        // With a reserve, an empty queue is one that refuses everything, as the Go
        // program has it.
        if self.reserved_tenths == 0 && self.queue_size == 0 {
            return Err(Error::InvalidPolicy(
                "`queue_size` is 0: expected at least 1",
            ));
        }
        if self.queue_bytes == 0 {
            return Err(Error::InvalidPolicy(
                "`queue_bytes` is 0: expected at least 1",
            ));
        }
        if self.request_timeout.is_zero() {
            return Err(Error::InvalidPolicy(
                "`request_timeout` is 0 s: expected more",
            ));
        }
        if !(0.0..1.0).contains(&self.jitter_ratio) {
            return Err(Error::InvalidPolicy(
                "`jitter_ratio` is outside [0, 1): expected 0.2 or the like",
            ));
        }
        if self.max_backoff < self.initial_backoff {
            return Err(Error::InvalidPolicy(
                "the longest backoff is shorter than the first",
            ));
        }
        Ok(())
    }
}

impl Default for DeliveryPolicy {
    /// Returns [`DeliveryPolicy::recommended`].
    fn default() -> Self {
        Self::recommended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seeded;

    #[test]
    fn presets_are_valid_and_wrong_numbers_refused() {
        let (second, policy) = (Duration::from_secs(1), DeliveryPolicy::recommended);
        policy().check().unwrap();
        DeliveryPolicy::slack_proxy().check().unwrap();
        for wrong in [
            policy().channel_rate(Rate::new(second, 0)),
            policy().token_rate(Rate::new(Duration::ZERO, 1)),
            policy().queue_size(0),
            policy().queue_bytes(0),
            policy().request_timeout(Duration::ZERO),
            policy().jitter_ratio(1.0),
            policy().jitter_ratio(f64::NAN),
            policy().backoff(second * 2, second),
        ] {
            assert!(
                matches!(wrong.check(), Err(Error::InvalidPolicy(_))),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn waits_double_up_to_the_limit() {
        let mut random = Seeded::new(1);
        let policy = DeliveryPolicy::recommended().jitter_ratio(0.0);
        let waits: Vec<_> = (1..=8)
            .map(|retry| policy.wait(retry, &mut random).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(policy.wait(u32::MAX, &mut random).as_secs(), 60);
        let without_limit = DeliveryPolicy::slack_proxy().wait(u32::MAX, &mut random);
        assert_eq!(without_limit, Duration::MAX);
        let at_once = policy.backoff(Duration::ZERO, Duration::MAX);
        assert_eq!(at_once.wait(9, &mut random), Duration::ZERO);
    }

    #[test]
    fn slack_proxy_refuses_at_nine_tenths() {
        for (size, capacity) in [(0, 0), (1, 0), (10, 9), (100, 90), (101, 90)] {
            assert_eq!(
                DeliveryPolicy::slack_proxy().queue_size(size).capacity(),
                capacity
            );
        }
    }
}
