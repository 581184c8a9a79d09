//! Listeners that take their time.

mod executor;
pub(super) mod flush;
pub(super) mod queue;

use std::{fmt, pin::Pin, sync::Arc};

use crate::Signal;

/// A [`Listener`](super::Listener) that awaits something: a request, a write to
/// a channel. Closures `Fn(Signal) -> impl Future` are, too.
///
/// It runs on one background thread that all async listeners of the process
/// share, started at the first signal; never on the thread or task of the
/// protected call, and no async runtime need be there. With the feature `tokio`
/// that thread hosts a tokio runtime of its own, so that clients built on tokio
/// work in listeners; the program's own runtime is left alone, since it may be
/// gone while the breaker, often a static, lives on. *Without* that feature,
/// which is off by default, such a client panics at the first transition, with
/// "there is no reactor running": a program is warned of that when the listener
/// is attached, see [`needs_tokio`](Self::needs_tokio).
///
/// Threads do not survive a fork: in a process forked after the first signal,
/// async listeners get nothing. That is reported, and the signals are counted as
/// dropped.
///
/// Each listener gets its signals one after the other, in order, and a listener
/// that waits holds up no other (one that *blocks* the thread does). Up to 1024
/// signals wait for it; then the oldest is dropped for the newest, so that what
/// arrives in the end is how things stand. A failure or a panic is reported and
/// counted, and the next signal follows. What waits, was dropped or failed shows
/// in [`Info::listeners`](crate::Info::listeners). A program about to end calls
/// [`flush`](super::flush).
///
/// ```
/// use fluxgate::{CircuitBreaker, Signal, listener::{self, AsyncListener}};
/// use std::{sync::mpsc, time::Duration};
///
/// struct Pager;
///
/// impl AsyncListener for Pager {
///     async fn on_signal(&self, signal: &Signal) {
///         // … an async client's request …
///     }
/// }
///
/// let (sender, receiver) = mpsc::channel();
/// let breaker = CircuitBreaker::builder("api")
///     .listener(Pager)
///     .listener(move |signal: Signal| {
///         let sender = sender.clone();
///         async move { sender.send(signal.new_state).unwrap_or_default() }
///     })
///     .build()?;
/// breaker.disable();
/// assert!(listener::flush(Duration::from_secs(5)));
/// assert_eq!(receiver.try_recv(), Ok(fluxgate::State::Disabled));
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub trait AsyncListener: Send + Sync {
    /// Handles one transition. It is called after each, once the future for the
    /// one before it is ready.
    fn on_signal(&self, signal: &Signal) -> impl Future<Output = ()> + Send;

    /// The same, and why it failed if it did, which is reported and counted. It
    /// is this that is called; by default it calls [`on_signal`](Self::on_signal)
    /// and does not fail. A closure's future may give a `Result`, and so fail.
    fn deliver(&self, signal: &Signal) -> impl Future<Output = Result<(), String>> + Send {
        async {
            self.on_signal(signal).await;
            Ok(())
        }
    }

    /// Returns the name that diagnostics and
    /// [`Info::listeners`](crate::Info::listeners) use for it. Default: the name
    /// of its type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// Returns whether it may need a tokio runtime, as everything does that is
    /// built on `tokio::net`, `tokio::time` or reqwest. By default it may, and a
    /// program built without fluxgate's feature `tokio` is warned when the first
    /// such listener is attached. A listener that needs none returns `false`.
    fn needs_tokio(&self) -> bool {
        true
    }
}

/// How the delivery of one signal went: `()`, or a `Result`.
pub trait Delivered {
    /// The error as text.
    ///
    /// # Errors
    ///
    /// If the delivery failed.
    fn into_result(self) -> Result<(), String>;
}

impl Delivered for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Display> Delivered for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

impl<F, Fut> AsyncListener for F
where
    F: Fn(Signal) -> Fut + Send + Sync,
    Fut: Future<Output: Delivered> + Send,
{
    async fn on_signal(&self, signal: &Signal) {
        self(signal.clone()).await;
    }

    async fn deliver(&self, signal: &Signal) -> Result<(), String> {
        self(signal.clone()).await.into_result()
    }
}

impl<L: AsyncListener + ?Sized> AsyncListener for Arc<L> {
    fn on_signal(&self, signal: &Signal) -> impl Future<Output = ()> + Send {
        (**self).on_signal(signal)
    }

    fn deliver(&self, signal: &Signal) -> impl Future<Output = Result<(), String>> + Send {
        (**self).deliver(signal)
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn needs_tokio(&self) -> bool {
        (**self).needs_tokio()
    }
}

/// An [`AsyncListener`] as a trait object. Every async listener is one, and
/// boxes and `Arc`s of it are async listeners:
///
/// ```
/// use fluxgate::{CircuitBreaker, Signal, listener::DynAsyncListener};
///
/// let quiet: Box<dyn DynAsyncListener> = Box::new(|_: Signal| async {});
/// let breaker = CircuitBreaker::builder("api").listener(quiet).build()?;
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
pub trait DynAsyncListener: Send + Sync {
    /// Returns the future of [`AsyncListener::deliver`], boxed.
    fn deliver_boxed<'a>(
        &'a self,
        signal: &'a Signal,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

    /// Returns what [`AsyncListener::name`] returns.
    fn listener_name(&self) -> &str;

    /// Returns what [`AsyncListener::needs_tokio`] returns.
    fn listener_needs_tokio(&self) -> bool;
}

impl<L: AsyncListener> DynAsyncListener for L {
    fn deliver_boxed<'a>(
        &'a self,
        signal: &'a Signal,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(self.deliver(signal))
    }

    fn listener_name(&self) -> &str {
        self.name()
    }

    fn listener_needs_tokio(&self) -> bool {
        self.needs_tokio()
    }
}

impl AsyncListener for dyn DynAsyncListener {
    async fn on_signal(&self, signal: &Signal) {
        // Whoever wants to know calls `deliver`.
        let _ = self.deliver(signal).await;
    }

    async fn deliver(&self, signal: &Signal) -> Result<(), String> {
        self.deliver_boxed(signal).await
    }

    fn name(&self) -> &str {
        self.listener_name()
    }

    fn needs_tokio(&self) -> bool {
        self.listener_needs_tokio()
    }
}

impl AsyncListener for Box<dyn DynAsyncListener> {
    async fn on_signal(&self, signal: &Signal) {
        (**self).on_signal(signal).await;
    }

    async fn deliver(&self, signal: &Signal) -> Result<(), String> {
        (**self).deliver_boxed(signal).await
    }

    fn name(&self) -> &str {
        (**self).listener_name()
    }

    fn needs_tokio(&self) -> bool {
        (**self).listener_needs_tokio()
    }
}
