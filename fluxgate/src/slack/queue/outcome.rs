//! What an attempt's outcome means for its message.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::scheduler::Scheduler;
use crate::slack::{Class, End, api::response::Judgement};

/// What was decided, for the log.
#[derive(Debug, PartialEq)]
pub(crate) enum Settled {
    Delivered,
    /// To be sent again after a wait.
    Retrying(Cow<'static, str>, Duration),
    /// Slack's limit was met: nothing goes out for so long.
    Held(Cow<'static, str>, Duration),
    /// To be sent again, outside its thread.
    ThreadGone(Cow<'static, str>),
    /// Given up; its channel is left alone for so long.
    Paused(Cow<'static, str>, Duration),
    /// Given up after so many retries.
    Failed(Cow<'static, str>, u32),
}

/// How long to wait where Slack does not say.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// How many channels are left alone at a time: a poster that invents names must
/// not fill the memory.
const PAUSED: usize = 1000;

impl Scheduler {
    /// Notes how the attempt to send the head of this lane ended. `None` if
    /// there is none: it was abandoned meanwhile.
    pub(crate) fn settle(
        &mut self,
        key: &Arc<str>,
        verdict: Judgement,
        threaded: bool,
        now: Duration,
    ) -> Option<Settled> {
        let lane = self.lanes.get_mut(key)?;
        if !std::mem::take(&mut lane.flying) {
            return None;
        }
        self.flying -= 1;
        let head = lane.entries.front_mut()?;
        let channel = head.message.channel.clone();
        let label = head.message.label.clone();
        let (class, code, retry_after) = match verdict {
            Judgement::Delivered(ts) => {
                if let Some(ts) = ts {
                    head.message.delivered(&ts);
                }
                self.finish(key, End::Succeeded);
                return Some(Settled::Delivered);
            }
            Judgement::Refused {
                class,
                code,
                retry_after,
            } => (class, code, retry_after),
        };
        let retry_after = retry_after.map(|wait| wait.min(self.policy.max_retry_after));
        if class != Class::RateLimited {
            head.limited = 0;
        }
        let retries = head.retries;
        match class {
            Class::RateLimited => {
                head.limited += 1;
                let free = head.limited <= self.policy.max_rate_limited;
                let wait = retry_after.unwrap_or(RETRY_AFTER.min(self.policy.max_retry_after));
                self.hold = self.hold.max(now.saturating_add(wait));
                if !free {
                    return self.retry(key, code, None, now);
                }
                self.stats.channel(&label).retried += 1;
                Some(Settled::Held(code, wait))
            }
            Class::Retry => self.retry(key, code, retry_after, now),
            Class::ThreadGone if threaded && !head.threadless => {
                head.threadless = true;
                head.message.thread_gone();
                self.stats.channel(&label).retried += 1;
                Some(Settled::ThreadGone(code))
            }
            Class::Pause if !self.policy.pause.is_zero() => {
                let until = now.saturating_add(self.policy.pause);
                self.paused.retain(|_, until| now < *until);
                if self.paused.len() >= PAUSED {
                    // The one that would be tried again first is tried now.
                    let first = self.paused.iter().min_by_key(|(_, until)| **until);
                    if let Some(first) = first.map(|(channel, _)| channel.clone()) {
                        self.paused.remove(&first);
                    }
                }
                self.paused.insert(channel, until);
                self.finish(key, End::NotProcessed);
                Some(Settled::Paused(code, self.policy.pause))
            }
            Class::Pause | Class::ThreadGone | Class::Permanent => {
                self.finish(key, End::Failed);
                Some(Settled::Failed(code, retries))
            }
        }
    }

    fn retry(
        &mut self,
        key: &Arc<str>,
        code: Cow<'static, str>,
        at_least: Option<Duration>,
        now: Duration,
    ) -> Option<Settled> {
        let lane = self.lanes.get_mut(key)?;
        let head = lane.entries.front_mut()?;
        let stats = self.stats.channel(&head.message.label);
        let gives_up = head.retries >= self.policy.max_retries || head.last_chance;
        if !gives_up || self.policy.counts_last_retry {
            stats.retried += 1;
        }
        if gives_up {
            let retries = head.retries;
            self.finish(key, End::Failed);
            return Some(Settled::Failed(code, retries));
        }
        head.retries += 1;
        let mut wait = self.policy.wait(head.retries, &mut self.random);
        wait = wait.max(at_least.unwrap_or_default());
        lane.ready_at = now.saturating_add(wait);
        if self
            .deadline
            .is_some_and(|deadline| lane.ready_at > deadline)
        {
            head.last_chance = true;
            lane.ready_at = now;
            wait = Duration::ZERO;
        }
        Some(Settled::Retrying(code, wait))
    }

    /// Repairs the state after a panic of the worker: the message that was being
    /// sent counts as tried.
    pub(crate) fn recover(&mut self, now: Duration) {
        self.stats.panics += 1;
        let flying: Vec<_> = (self.lanes.iter())
            .filter(|(_, lane)| lane.flying)
            .map(|(key, _)| key.clone())
            .collect();
        for key in flying {
            self.settle(&key, Judgement::refused(Class::Retry, "panic"), false, now);
        }
    }
}
