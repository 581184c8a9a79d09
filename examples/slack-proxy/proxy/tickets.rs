//! Threads through the proxy.
//!
//! A post is answered before Slack has named the message. So the answer carries
//! a name of the proxy's own, and a later post that gives it as its `thread_ts`
//! goes into the thread of the message it stands for, whatever Slack calls that
//! by then.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use fluxgate::slack::Thread;

pub(super) struct Tickets {
    /// Tells the tickets of this process from those of another and from Slack's
    /// names.
    prefix: String,
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    count: u64,
    threads: HashMap<String, Thread>,
    order: VecDeque<String>,
}

/// The oldest are forgotten first; a reply to one of them goes to the channel.
const KEPT: usize = 10_000;

impl Tickets {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            prefix: format!("proxy-{:x}-", since.unwrap_or_default().as_nanos()),
            issued: Mutex::default(),
        }
    }

    /// A new name for a message of this thread.
    pub(super) fn issue(&self, thread: &Thread) -> String {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let ticket = format!("{}{}", self.prefix, issued.count);
        issued.threads.insert(ticket.clone(), thread.clone());
        issued.order.push_back(ticket.clone());
        if issued.order.len() > KEPT
            && let Some(oldest) = issued.order.pop_front()
        {
            issued.threads.remove(&oldest);
        }
        ticket
    }

    /// The thread of the message that was named so.
    pub(super) fn thread(&self, ticket: &str) -> Option<Thread> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.threads.get(ticket).cloned()
    }
}

/// Whether some run of the proxy issued it.
pub(super) fn is_ticket(ts: &str) -> bool {
    ts.starts_with("proxy-")
}
