//! The handle.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    DeliveryPolicy, DeliveryStats, Error, FlushReport, Message, SendError, Token,
    api::transport::Http, queue::QueueShared, redact::SENTENCE, registry,
};

/// Delivers messages to Slack in the background.
///
/// [`try_send`](Self::try_send) only queues: it waits for nothing and may be
/// called from sync code, from any async runtime, and from a breaker's listener.
/// A thread of its own, started with the first message, sends as the
/// [`DeliveryPolicy`] says. A handle: clones share one delivery.
///
/// When the last handle is dropped, what is queued is still sent, as long as the
/// process lives. A process that forks must not have started a delivery before.
///
/// ```
/// use std::time::Duration;
/// use fluxgate::slack::{Delivery, Message, DeliveryPolicy, Token};
/// # let slack = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("http://{}/", slack.local_addr()?);
/// # std::thread::spawn(move || {
/// #     use std::io::{Read, Write};
/// #     let (mut stream, _) = slack.accept().unwrap();
/// #     let _ = stream.read(&mut [0; 4096]);
/// #     let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}");
/// # });
///
/// let token = Token::new("xoxb-1")?;
/// let delivery = Delivery::start(&url, &token, &DeliveryPolicy::recommended())?;
/// let body = serde_json::json!({"channel": "#alerts", "text": "deployed"});
/// delivery.try_send(Message::new("#alerts", &body)?)?;
///
/// let report = delivery.shutdown(Some(Duration::from_secs(5)));
/// assert_eq!(report.left, 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Delivery {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<QueueShared>,
    /// Scheme and host.
    origin: String,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(None);
    }
}

impl Delivery {
    /// Starts a delivery that is shared with no other caller.
    ///
    /// # Errors
    ///
    /// The URL can't be posted to, the policy has a number out of range, or the
    /// HTTP client can't be built.
    pub fn start(url: &str, token: &Token, policy: &DeliveryPolicy) -> Result<Self, Error> {
        policy.check()?;
        let http = Http::new(url, token)?;
        let origin = http.origin();
        let redactor = http.redactor();
        let shared = Arc::new(QueueShared::new(policy.clone(), Box::new(http), redactor));
        registry::enter(&shared);
        Ok(Self {
            handle: Arc::new(Handle { shared, origin }),
        })
    }

    /// Returns the delivery of this process for this URL and token, and starts
    /// it if there is none. Slack limits the rate for each token, so all callers
    /// that post with one token should share one delivery.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); and [`Error::PolicyConflict`] if it runs by
    /// another policy.
    pub fn shared(url: &str, token: &Token, policy: &DeliveryPolicy) -> Result<Self, Error> {
        registry::shared(url, token, policy)
    }

    /// Queues a message.
    ///
    /// # Errors
    ///
    /// The queue is full, or the delivery was shut down. The message is dropped
    /// then, and counted as refused.
    pub fn try_send(&self, message: Message) -> Result<(), SendError> {
        self.inner().offer(message)
    }

    /// Returns whether a message would be refused now because the queue is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.inner().is_full()
    }

    /// Returns whether the delivery still accepts messages.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.inner().is_open()
    }

    /// Returns text from elsewhere as it may be logged or answered: without this
    /// delivery's token and other secrets, on one line, and cut to 500
    /// characters.
    #[must_use]
    pub fn printable(&self, text: &str) -> String {
        self.inner().redactor.line(text, SENTENCE)
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.inner().stats()
    }

    /// Waits until every message queued by now is delivered or given up, for
    /// `within` at the most. Blocks the thread: for async code see
    /// [`flushed`](Self::flushed).
    #[expect(clippy::must_use_candidate, reason = "the report may well be ignored")]
    pub fn flush(&self, within: Duration) -> FlushReport {
        self.inner().flush(Instant::now().checked_add(within))
    }

    /// Waits as [`flush`](Self::flush) does, for async code on any runtime. Put
    /// your own timeout around it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it only ends the waiting.
    pub async fn flushed(&self) {
        self.inner().flushed().await;
    }

    /// Takes no more messages, sends what is queued, and ends. With a limit,
    /// what can't be sent within it is given up and logged; a retry that would
    /// come too late is tried once more at once. Blocks the thread: for async
    /// code see [`shutdown_async`](Self::shutdown_async).
    ///
    /// All handles share the end. Called again, it waits for the same end.
    #[expect(clippy::must_use_candidate, reason = "the report may well be ignored")]
    pub fn shutdown(&self, within: Option<Duration>) -> FlushReport {
        self.inner().close(within);
        self.inner().join(within)
    }

    /// Shuts down as [`shutdown`](Self::shutdown) does, for async code on any
    /// runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping it only ends the waiting: the shutdown goes on.
    pub async fn shutdown_async(&self, within: Option<Duration>) -> FlushReport {
        self.inner().close(within);
        self.inner().joined().await
    }

    pub(super) fn policy(&self) -> &DeliveryPolicy {
        &self.inner().policy
    }

    fn inner(&self) -> &Arc<QueueShared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("url", &self.handle.origin)
            .finish_non_exhaustive()
    }
}
