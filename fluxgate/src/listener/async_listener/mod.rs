//! Async listeners, which a background thread of their own serves.

mod executor;
pub(super) mod flush;
pub(super) mod queue;

use std::{error::Error, pin::Pin, sync::Arc};

use super::{CallEvent, CallEventNeeds};
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

    /// Handles one transition, and may fail. This is the method that is called;
    /// the default calls [`on_signal`](Self::on_signal) and succeeds. A closure
    /// fails if its future returns an `Err`.
    ///
    /// # Errors
    ///
    /// Why the signal could not be delivered. The error is reported and counted in
    /// [`ListenerInfo::failures`](crate::ListenerInfo::failures); the signal is not
    /// delivered again, and the next one follows.
    fn deliver(
        &self,
        signal: &Signal,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send {
        async {
            self.on_signal(signal).await;
            Ok(())
        }
    }

    /// Returns which calls it is told of one by one; by default none.
    fn call_events(&self) -> CallEventNeeds {
        CallEventNeeds::default()
    }

    /// Handles one call that it asked for by [`call_events`](Self::call_events). By
    /// default it does nothing.
    ///
    /// Signals and calls come one after the other, in the order in which they happened
    /// on each thread. Up to 1024 calls wait, apart from signals; then the oldest is
    /// dropped, and counted in
    /// [`ListenerInfo::dropped_calls`](crate::ListenerInfo::dropped_calls). So are the
    /// calls that the listener makes with the same breaker while this future is polled.
    fn on_call(&self, event: &CallEvent) -> impl Future<Output = ()> + Send {
        let _ = event;
        async {}
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

/// What the future of a closure that is an [`AsyncListener`] may return: `()`, or
/// a `Result` with any error that converts into a boxed one (an error type,
/// `String`, `&str`).
#[diagnostic::on_unimplemented(
    message = "the future of an async listener can't return `{Self}`",
    label = "expected `()` or `Result<(), E>`",
    note = "`E` must convert into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait Delivered {
    /// Converts into a `Result`.
    ///
    /// # Errors
    ///
    /// Why the delivery failed.
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl Delivered for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Delivered for Result<(), E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
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

    async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        self(signal.clone()).await.into_result()
    }
}

impl<L: AsyncListener + ?Sized> AsyncListener for Arc<L> {
    fn on_signal(&self, signal: &Signal) -> impl Future<Output = ()> + Send {
        (**self).on_signal(signal)
    }

    fn deliver(
        &self,
        signal: &Signal,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send {
        (**self).deliver(signal)
    }

    fn call_events(&self) -> CallEventNeeds {
        (**self).call_events()
    }

    fn on_call(&self, event: &CallEvent) -> impl Future<Output = ()> + Send {
        (**self).on_call(event)
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
    #[allow(clippy::type_complexity, reason = "a trait needs the type in full")]
    fn deliver_boxed<'a>(
        &'a self,
        signal: &'a Signal,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>>;

    /// Returns what [`AsyncListener::call_events`] returns.
    fn listener_call_events(&self) -> CallEventNeeds;

    /// Returns the future of [`AsyncListener::on_call`], boxed.
    fn on_call_boxed<'a>(
        &'a self,
        event: &'a CallEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Returns what [`AsyncListener::name`] returns.
    fn listener_name(&self) -> &str;

    /// Returns what [`AsyncListener::needs_tokio`] returns.
    fn listener_needs_tokio(&self) -> bool;
}

impl<L: AsyncListener> DynAsyncListener for L {
    fn deliver_boxed<'a>(
        &'a self,
        signal: &'a Signal,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'a>> {
        Box::pin(self.deliver(signal))
    }

    fn listener_call_events(&self) -> CallEventNeeds {
        self.call_events()
    }

    fn on_call_boxed<'a>(
        &'a self,
        event: &'a CallEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.on_call(event))
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
        // The crate calls `deliver`, which returns the error.
        let _ = self.deliver(signal).await;
    }

    async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.deliver_boxed(signal).await
    }

    fn call_events(&self) -> CallEventNeeds {
        self.listener_call_events()
    }

    async fn on_call(&self, event: &CallEvent) {
        self.on_call_boxed(event).await;
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

    async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
        (**self).deliver_boxed(signal).await
    }

    fn call_events(&self) -> CallEventNeeds {
        (**self).listener_call_events()
    }

    async fn on_call(&self, event: &CallEvent) {
        (**self).on_call_boxed(event).await;
    }

    fn name(&self) -> &str {
        (**self).listener_name()
    }

    fn needs_tokio(&self) -> bool {
        (**self).listener_needs_tokio()
    }
}
