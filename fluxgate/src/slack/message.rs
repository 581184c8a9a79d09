//! What is delivered.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use super::{
    Error,
    api::body::{with_thread, without_thread},
    error::valid_channel,
};
use crate::Name;

/// A message for one channel: the JSON body of `chat.postMessage`.
#[derive(Clone)]
pub struct Message {
    pub(super) channel: Arc<str>,
    /// The channel as metrics show it: without secrets.
    pub(super) label: Arc<str>,
    content: Arc<dyn Content>,
    reply: Option<ThreadReply>,
    pub(super) slot: Option<MessageSlot>,
}

/// Writes a body when its message's turn has come, on the delivery's thread.
pub(crate) trait Content: Send + Sync {
    /// Returns the body, a JSON object. `missed` messages before it in its slot
    /// were not sent.
    fn body(&self, missed: u64) -> String;

    /// Returns about how many bytes it keeps while it waits.
    fn size(&self) -> usize;

    /// Records what became of the message. It is called under the delivery's
    /// lock.
    fn ended(&self, end: End) {
        let _ = end;
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Succeeded,
    Failed,
    NotProcessed,
    Dropped,
}

/// Messages of one slot may stand for one another when the queue is full: the
/// newest waits outside the queue, the ones before it are dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageSlot {
    pub(crate) listener: u64,
    pub(crate) breaker: Name,
    /// Tells breakers of one name apart.
    pub(crate) instance: usize,
}

#[derive(Clone)]
struct ThreadReply {
    thread: Thread,
    starts: bool,
    broadcast: bool,
}

impl Message {
    /// Creates a message with this body, which must serialise as an object and
    /// name the channel itself.
    ///
    /// # Errors
    ///
    /// The channel is empty, has a control character or more than 80 characters,
    /// or is a token; or the body can't be serialised, or is not an object.
    pub fn new(channel: impl Into<Arc<str>>, body: &impl Serialize) -> Result<Self, Error> {
        let channel = channel.into();
        valid_channel(&channel)?;
        let text =
            serde_json::to_string(body).map_err(|error| Error::InvalidBody(error.to_string()))?;
        if !text.starts_with('{') {
            return Err(Error::InvalidBody("it is not an object".into()));
        }
        Ok(Self::from_content(channel, Arc::new(Fixed(text))))
    }

    pub(crate) fn from_content(channel: Arc<str>, content: Arc<dyn Content>) -> Self {
        Self {
            label: channel.clone(),
            channel,
            content,
            reply: None,
            slot: None,
        }
    }

    /// Sends it into the thread, if that has begun by then.
    #[must_use]
    pub fn in_thread(mut self, thread: &Thread) -> Self {
        self.reply = Some(ThreadReply {
            thread: thread.clone(),
            starts: false,
            broadcast: false,
        });
        self
    }

    /// Sends the message into the thread as [`in_thread`](Self::in_thread) does;
    /// if the thread has not begun by then, this message begins it.
    #[must_use]
    pub fn starting(mut self, thread: &Thread) -> Self {
        self = self.in_thread(thread);
        if let Some(reply) = &mut self.reply {
            reply.starts = true;
        }
        self
    }

    /// Shows the reply in the channel too. Without a thread, no effect.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        if let Some(reply) = &mut self.reply {
            reply.broadcast = true;
        }
        self
    }

    pub(crate) fn in_slot(mut self, slot: MessageSlot) -> Self {
        self.slot = Some(slot);
        self
    }

    /// Returns the body to send now.
    pub(super) fn finish(&self, missed: u64, threadless: bool) -> String {
        let body = self.content.body(missed);
        if threadless {
            return without_thread(&body);
        }
        let Some(reply) = &self.reply else {
            return body;
        };
        match reply.thread.ts() {
            Some(ts) => with_thread(body, &ts, reply.broadcast),
            None => body,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.content.size()
    }

    pub(super) fn ended(&self, end: End) {
        self.content.ended(end);
    }

    /// Records that Slack accepted the message under this timestamp.
    pub(super) fn delivered(&self, ts: &str) {
        if let Some(reply) = self.reply.as_ref().filter(|reply| reply.starts) {
            reply.thread.begin(ts);
        }
    }

    /// Records that Slack says the message's thread is gone.
    pub(super) fn thread_gone(&self) {
        if let Some(reply) = &self.reply {
            reply.thread.end();
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("channel", &self.channel)
            .field("thread", &self.reply.as_ref().map(|reply| &reply.thread))
            .finish_non_exhaustive()
    }
}

/// A body that is known from the start.
struct Fixed(String);

impl Content for Fixed {
    fn body(&self, _missed: u64) -> String {
        self.0.clone()
    }

    fn size(&self) -> usize {
        self.0.len()
    }
}

/// A thread in Slack: not there yet, or known by the `ts` of its first message.
/// Clones are the same thread.
#[derive(Clone, Debug, Default)]
pub struct Thread(Arc<Mutex<Option<Arc<str>>>>);

impl Thread {
    /// Creates a thread that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the `ts` of its first message, once Slack has accepted that.
    #[must_use]
    pub fn ts(&self) -> Option<Arc<str>> {
        self.with(|ts| ts.clone())
    }

    #[cfg(test)]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn begin(&self, ts: &str) {
        self.with(|own| {
            own.get_or_insert_with(|| ts.into());
        });
    }

    fn end(&self) {
        self.with(|own| *own = None);
    }

    fn with<R>(&self, f: impl FnOnce(&mut Option<Arc<str>>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn reply_follows_thread_once_begun() {
        let thread = Thread::new();
        let body = json!({"channel": "C", "text": "a"});
        let first = Message::new("C", &body).unwrap().starting(&thread);
        let reply = Message::new("C", &body)
            .unwrap()
            .in_thread(&thread)
            .broadcast();

        assert_eq!(parsed(&reply.finish(0, false)), body);
        first.delivered("1.2");
        reply.delivered("3.4");
        assert_eq!(thread.ts().as_deref(), Some("1.2"));
        assert_eq!(
            parsed(&reply.finish(0, false)),
            json!({"channel": "C", "text": "a", "thread_ts": "1.2", "reply_broadcast": true})
        );
        assert_eq!(parsed(&reply.finish(0, true)), body);

        reply.thread_gone();
        assert_eq!(parsed(&reply.finish(0, false)), body);
    }

    #[test]
    fn only_objects_are_messages() {
        for bad in [json!([1]), json!("text"), json!(null)] {
            assert!(matches!(
                Message::new("C", &bad),
                Err(Error::InvalidBody(_))
            ));
        }
    }
}
