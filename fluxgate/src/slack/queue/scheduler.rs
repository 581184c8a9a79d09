//! Which message goes out when.
//!
//! Pure: the time is a parameter, counted from one origin, and nothing is sent
//! or logged here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    bucket::TokenBucket,
    lane::{Lane, QueuedMessage},
};
use crate::{
    random::Seeded,
    slack::{
        DeliveryPolicy, DeliveryStats, End, Message, SendError,
        message::MessageSlot,
        policy::{Lanes, Pace},
    },
};

pub(crate) struct Scheduler {
    pub(crate) policy: DeliveryPolicy,
    pub(crate) lanes: HashMap<Arc<str>, Lane>,
    /// The rate of all lanes together.
    bucket: Option<TokenBucket>,
    /// Slack wants nothing until then.
    pub(crate) hold: Duration,
    /// Channels that can't be posted to, and until when they are left alone.
    pub(crate) paused: HashMap<Arc<str>, Duration>,
    /// The newest message of each slot that found the queue full.
    overflow: HashMap<MessageSlot, QueuedMessage>,
    /// Messages in lanes, and how many bytes they have.
    pub(crate) queued: usize,
    bytes: usize,
    pub(crate) flying: usize,
    /// Time is up then.
    pub(crate) deadline: Option<Duration>,
    /// How many messages were given up because time was up.
    pub(crate) abandoned: usize,
    /// When it was last asked what to do.
    clock: Duration,
    numbers: u64,
    prune_at: usize,
    pub(crate) stats: DeliveryStats,
    pub(crate) random: Seeded,
}

/// What to do now.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Job),
    /// The message was dropped, since its channel can't be posted to.
    Skipped(Message),
    /// Nothing, until then or until something happens.
    Wait(Option<Duration>),
}

/// The head of a lane, to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) lane: Arc<str>,
    pub(crate) message: Message,
    pub(crate) missed: u64,
    pub(crate) threadless: bool,
}

/// Lanes with nothing to do are kept for their rate up to this number, then
/// those that may are forgotten.
const LANES: usize = 1024;

/// How many messages may wait outside the queue: one for each slot, up to this.
const OVERFLOW: usize = 1024;

impl Scheduler {
    pub(crate) fn new(policy: DeliveryPolicy) -> Self {
        Self {
            bucket: policy.token_rate.map(TokenBucket::new),
            policy,
            lanes: HashMap::new(),
            hold: Duration::ZERO,
            paused: HashMap::new(),
            overflow: HashMap::new(),
            queued: 0,
            bytes: 0,
            flying: 0,
            deadline: None,
            abandoned: 0,
            clock: Duration::ZERO,
            numbers: 0,
            prune_at: LANES,
            stats: DeliveryStats::default(),
            random: Seeded::for_breaker(),
        }
    }

    /// Returns how many messages wait. For slack-proxy the one being sent does
    /// not count.
    pub(crate) fn size(&self) -> usize {
        match self.policy.lanes {
            Lanes::One => self.queued.saturating_sub(1),
            Lanes::PerChannel => self.queued,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.size() >= self.policy.capacity()
            || self.bytes >= self.policy.queue_bytes
            // The message in hand is not in the queue, but nothing gets into
            // hand without having been in it.
            || self.policy.capacity() == 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queued == 0 && self.overflow.is_empty()
    }

    /// Takes a message in; whether there may be something to do for it now.
    pub(crate) fn offer(&mut self, message: Message) -> Result<bool, SendError> {
        let label = message.label.clone();
        let mut is_head = false;
        if !self.is_full() {
            let number = self.number();
            is_head = self.push(QueuedMessage::new(number, message, 0));
        } else if let Some(slot) = message.slot.clone()
            && self.policy.capacity() > 0
        {
            let number = self.number();
            let mut entry = QueuedMessage::new(number, message, 0);
            let older = self.overflow.remove(&slot);
            if let Some(older) = older.or_else(|| self.crowded_out()) {
                entry.missed = older.missed + 1;
                self.stats.ended(&older.message, End::Dropped);
            }
            self.overflow.insert(slot, entry);
        } else {
            self.stats.refused += 1;
            return Err(SendError::QueueFull);
        }
        self.stats.channel(&label).received += 1;
        Ok(is_head)
    }

    /// Returns what is to be done at `now`. The caller asks again after each
    /// answer but `Wait`.
    pub(crate) fn next(&mut self, now: Duration) -> Step {
        self.clock = now;
        let mut best: Option<(Duration, u64, &Arc<str>)> = None;
        for (key, lane) in &self.lanes {
            let Some(head) = lane.entries.front().filter(|_| !lane.flying) else {
                continue;
            };
            let candidate = (self.due(lane, head, now).max(now), head.number, key);
            if best.is_none_or(|best| candidate < best) {
                best = Some(candidate);
            }
        }
        match best {
            Some((due, _, key)) if due <= now => {
                let key = key.clone();
                self.start(key, now).unwrap_or(Step::Wait(None))
            }
            Some((due, ..)) => Step::Wait(Some(due)),
            None => Step::Wait(None),
        }
    }

    /// Returns the channel of the lane's head.
    pub(crate) fn head(&self, key: &Arc<str>) -> Option<Arc<str>> {
        let head = self.lanes.get(key)?.entries.front()?;
        Some(head.message.channel.clone())
    }

    /// Returns the number that the next message will have.
    pub(crate) fn mark(&self) -> u64 {
        self.numbers
    }

    /// Returns how many messages from before the mark are left.
    pub(crate) fn left(&self, mark: u64) -> usize {
        let lanes = self.lanes.values().flat_map(|lane| &lane.entries);
        lanes
            .chain(self.overflow.values())
            .filter(|entry| entry.number < mark)
            .count()
    }

    /// Limits the remaining time: waits that would outlast it are cut short for
    /// one last attempt.
    pub(crate) fn drain_until(&mut self, deadline: Duration, now: Duration) {
        self.deadline = Some(deadline);
        for lane in self.lanes.values_mut() {
            if lane.ready_at > deadline
                && let Some(head) = lane.entries.front_mut()
            {
                head.last_chance = true;
                lane.ready_at = now;
            }
        }
    }

    /// Gives everything up that is left, in the order it came.
    pub(crate) fn abandon(&mut self) -> Vec<Message> {
        let lanes = self.lanes.drain().flat_map(|(_, lane)| lane.entries);
        let mut entries: Vec<_> = lanes
            .chain(self.overflow.drain().map(|(_, entry)| entry))
            .collect();
        entries.sort_by_key(|entry| entry.number);
        self.queued = 0;
        self.bytes = 0;
        self.flying = 0;
        self.abandoned += entries.len();
        for entry in &entries {
            self.stats.ended(&entry.message, End::Dropped);
        }
        entries.into_iter().map(|entry| entry.message).collect()
    }

    /// Removes the head of the lane, and admits the next message that waits
    /// outside the queue.
    pub(crate) fn finish(&mut self, key: &Arc<str>, end: End) -> Option<Message> {
        let entry = self.lanes.get_mut(key)?.entries.pop_front()?;
        self.stats.ended(&entry.message, end);
        self.queued -= 1;
        self.bytes -= entry.message.size();
        while !self.is_full() {
            let oldest = self.overflow.iter().min_by_key(|(_, entry)| entry.number);
            let Some(slot) = oldest.map(|(slot, _)| slot.clone()) else {
                break;
            };
            if let Some(entry) = self.overflow.remove(&slot) {
                self.push(entry);
            }
        }
        Some(entry.message)
    }

    /// Takes the message out that has waited longest outside the queue, if there
    /// are as many as may be: breakers that come and go must not fill the memory.
    fn crowded_out(&mut self) -> Option<QueuedMessage> {
        if self.overflow.len() < OVERFLOW {
            return None;
        }
        let oldest = self.overflow.iter().min_by_key(|(_, entry)| entry.number);
        let slot = oldest.map(|(slot, _)| slot.clone())?;
        self.overflow.remove(&slot)
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers - 1
    }

    /// Appends a message to its lane. Returns whether it is the lane's head.
    fn push(&mut self, entry: QueuedMessage) -> bool {
        let key = match self.policy.lanes {
            Lanes::One => "".into(),
            Lanes::PerChannel => entry.message.channel.clone(),
        };
        if self.lanes.len() >= self.prune_at {
            self.lanes.retain(|_, lane| !lane.is_idle(self.clock));
            self.prune_at = LANES.max(2 * self.lanes.len());
        }
        let rate = self.policy.channel_rate;
        let lane = self
            .lanes
            .entry(key)
            .or_insert_with(|| Lane::new(rate.map(TokenBucket::new)));
        self.bytes += entry.message.size();
        lane.entries.push_back(entry);
        self.queued += 1;
        lane.entries.len() == 1
    }

    /// Returns when the head of a lane may go out, as things are.
    fn due(&self, lane: &Lane, head: &QueuedMessage, now: Duration) -> Duration {
        let ready = |bucket: &Option<TokenBucket>| bucket.map_or(Duration::ZERO, |b| b.ready_at());
        let rate = ready(&lane.bucket).max(ready(&self.bucket));
        let at_least = lane.ready_at.max(self.hold);
        match self.policy.pace {
            Pace::PerTurn if head.admitted => at_least,
            Pace::PerAttempt if self.is_paused(&head.message.channel, now) => Duration::ZERO,
            Pace::PerTurn | Pace::PerAttempt => at_least.max(rate),
        }
    }

    /// Starts the head of this lane; `None` if it has none.
    fn start(&mut self, key: Arc<str>, now: Duration) -> Option<Step> {
        let lane = self.lanes.get_mut(&key)?;
        let head = lane.entries.front_mut()?;
        let admitted = std::mem::replace(&mut head.admitted, true);
        let until = self.paused.get(&head.message.channel);
        let is_paused = until.is_some_and(|until| now < *until);
        let takes = match self.policy.pace {
            Pace::PerTurn => !admitted,
            Pace::PerAttempt => !is_paused,
        };
        if takes {
            take(&mut lane.bucket, now);
            take(&mut self.bucket, now);
        }
        if is_paused {
            let message = self.finish(&key, End::NotProcessed)?;
            return Some(Step::Skipped(message));
        }
        lane.flying = true;
        self.flying += 1;
        Some(Step::Send(Job {
            message: head.message.clone(),
            missed: head.missed,
            threadless: head.threadless,
            lane: key,
        }))
    }

    fn is_paused(&self, channel: &Arc<str>, now: Duration) -> bool {
        self.paused.get(channel).is_some_and(|until| now < *until)
    }
}

fn take(bucket: &mut Option<TokenBucket>, now: Duration) {
    if let Some(bucket) = bucket {
        bucket.take(now);
    }
}
