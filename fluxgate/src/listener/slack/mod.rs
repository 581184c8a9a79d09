//! Transitions as Slack messages.

mod builder;
mod incident;
mod notice;
mod tally;
mod template;
mod text;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use builder::SlackListenerBuilder;
use incident::{Incidents, MessagePlace};
use notice::Notice;
use tally::Tally;
pub use template::{Labels, Template, Templates};

use super::Listener;
use crate::{
    RuleKind, Signal,
    slack::{Delivery, End, Error, Message, MessageSlot},
};

/// Posts one message to a Slack channel for every transition.
///
/// The call that causes a transition waits for nothing: messages are queued, and
/// delivered by a thread of their own as [`slack`](crate::slack) says. The
/// messages from one opening until the breaker closes again form a thread; the
/// recovery is shown in the channel too. When the queue is full the newest
/// transition of each breaker waits beside it, so that the last state always
/// gets through, and says how many were left out.
///
/// One listener may serve several breakers. Each has threads of its own, even if
/// they share a name, as keys without a label do; the recovery of one of those is
/// shown in the channel when no other of its name is open. Hold a
/// [`FlushGuard`](crate::slack::FlushGuard) in `main`, so that the last messages
/// get through when the program ends.
///
/// ```
/// use fluxgate::{CircuitBreaker, listener::SlackListener};
///
/// let slack = SlackListener::builder()
///     .channel_from_env("SLACK_CHANNEL_ID")
///     .token_from_env("SLACK_BOT_TOKEN")
///     .build();
/// let mut breaker = CircuitBreaker::builder("payments");
/// match slack {
///     Ok(slack) => breaker = breaker.listener(slack),
///     Err(error) => eprintln!("no alerts in Slack: {error}"),
/// }
/// let breaker = breaker.build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
///
/// # Setting up Slack
///
/// 1. Open <https://api.slack.com/apps>, choose *Create New App* and *From scratch*,
///    name it and pick the workspace.
/// 2. Under *OAuth & Permissions* add the bot token scopes `chat:write` and, to post
///    to public channels without an invitation, `chat:write.public`.
/// 3. Choose *Install to Workspace* and copy the *Bot User OAuth Token*, which begins
///    `xoxb-`: this is `SLACK_BOT_TOKEN`.
/// 4. Right-click the channel, choose *View channel details* and copy the channel's id
///    from the bottom, such as `C1234567890`: this is `SLACK_CHANNEL_ID`. A name
///    (`#alerts`) works until the channel is renamed.
/// 5. In the channel, write `/invite @YourAppName`.
///
/// # When no messages appear
///
/// Every message that is given up is in the log at the target `fluxgate::slack`, with
/// Slack's error code and advice; [`Info::listeners`](crate::Info::listeners) counts
/// them as failures.
///
/// - Nothing is logged: look at [`Info::missing_listeners`](crate::Info::missing_listeners),
///   which says why a listener could not be built, and at the breaker's state: does it
///   change at all?
/// - The program ends before the worker has sent: hold a
///   [`FlushGuard`](crate::slack::FlushGuard) in `main`.
/// - `invalid_auth`, `token_revoked`: the token is wrong or was revoked.
/// - `missing_scope`: add `chat:write`, and install the app again. A scope counts from
///   the next installation.
/// - `not_in_channel`: invite the app, or add the scope `chat:write.public`.
/// - `channel_not_found`: the id is wrong, or the channel is private and the app not in
///   it. The channel is left alone for 15 minutes then.
/// - "message will be retried": Slack can't be reached from here.
pub struct SlackListener {
    /// Tells its messages from those of other listeners.
    id: u64,
    channel: Arc<str>,
    templates: Arc<Templates>,
    delivery: Delivery,
    tally: Arc<Tally>,
    incidents: Mutex<Incidents>,
}

static IDS: AtomicU64 = AtomicU64::new(0);

fn next_id() -> u64 {
    IDS.fetch_add(1, Ordering::Relaxed)
}

impl SlackListener {
    /// Posts to Slack itself, with the default settings.
    ///
    /// # Errors
    ///
    /// Channel or token is empty or impossible, or there is no TLS in this
    /// build.
    pub fn new(channel: impl Into<String>, token: impl Into<String>) -> Result<Self, Error> {
        Self::builder().channel(channel).token(token).build()
    }

    /// Starts building a listener; channel and token must be set.
    pub fn builder() -> SlackListenerBuilder {
        SlackListenerBuilder::new()
    }

    /// Returns the delivery that sends its messages, which other listeners may
    /// share.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    fn incidents(&self) -> MutexGuard<'_, Incidents> {
        self.incidents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for SlackListener {
    fn on_signal(&self, signal: &Signal) {
        let by = signal.reason.map(|reason| reason.rule);
        if signal.would_have_opened || by == Some(RuleKind::Restored) {
            // Messages are for what happens; what an earlier process saved was told then.
            return;
        }
        let MessagePlace {
            thread,
            starts,
            broadcast,
            others_open,
        } = self.incidents().place(signal);
        let notice = Notice {
            signal: signal.clone(),
            channel: self.channel.clone(),
            templates: self.templates.clone(),
            tally: self.tally.clone(),
            others_open,
        };
        let mut message =
            Message::from_content(self.channel.clone(), Arc::new(notice)).in_slot(MessageSlot {
                listener: self.id,
                breaker: signal.name.clone(),
                instance: signal.origin.address(),
            });
        if let Some(thread) = thread {
            message = if starts {
                message.starting(&thread)
            } else {
                message.in_thread(&thread)
            };
            if broadcast {
                message = message.broadcast();
            }
        }
        self.tally.queued();
        if self.delivery.try_send(message).is_err() {
            // Only after the shutdown: a message in a slot finds a place.
            self.tally.ended(End::Dropped);
        }
    }

    fn delivery_counts(&self) -> super::DeliveryCounts {
        self.tally.counts()
    }

    fn name(&self) -> &'static str {
        "SlackListener"
    }
}

impl fmt::Debug for SlackListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackListener")
            .field("channel", &self.channel)
            .field("incidents", &self.incidents().len())
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
