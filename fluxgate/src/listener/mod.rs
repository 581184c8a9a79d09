//! Listeners, which are told of every transition: how to write one, and those that
//! come with the crate.
//!
//! # Writing a listener
//!
//! A closure `|signal: &Signal| …` is a [`Listener`]. It runs on the thread of the
//! call that caused the transition, so it should be quick. A closure
//! `|signal: Signal| async move { … }` is an [`AsyncListener`]: a background thread
//! runs its futures, so it may wait for a network. Implement the trait itself for a
//! listener that has a name, prepares itself for each breaker, or reports failures.
//! [`Builder::listener`](crate::Builder::listener) takes all of them; the attribute
//! takes them in `listeners = […]`.
//!
//! ```
//! use std::{error::Error, io, time::Duration};
//! use fluxgate::{CircuitBreaker, Signal, State, listener::{self, AsyncListener}};
//!
//! /// Calls for help when a circuit opens.
//! struct Pager;
//!
//! impl Pager {
//!     async fn page(&self, text: &str) -> io::Result<()> {
//!         // … an async client's request …
//! #       Ok(())
//!     }
//! }
//!
//! impl AsyncListener for Pager {
//!     async fn on_signal(&self, signal: &Signal) {
//!         let _ = self.deliver(signal).await;
//!     }
//!
//!     // An error is reported, and counted in `Info::listeners`.
//!     async fn deliver(&self, signal: &Signal) -> Result<(), Box<dyn Error + Send + Sync>> {
//!         if signal.new_state == State::Open {
//!             let reason = signal.reason.as_ref().map(ToString::to_string);
//!             let reason = reason.unwrap_or_default();
//!             self.page(&format!("{} is down: {reason}", signal.name)).await?;
//!         }
//!         Ok(())
//!     }
//!
//!     fn name(&self) -> &str {
//!         "Pager"
//!     }
//!
//!     fn needs_tokio(&self) -> bool {
//!         false
//!     }
//! }
//!
//! let breaker = CircuitBreaker::builder("payments")
//!     .listener(Pager)
//!     .listener(|signal: &Signal| println!("now {}", signal.new_state))
//!     .build()?;
//! breaker.force_open();
//!
//! // Before the program ends: wait for what is still queued.
//! assert!(listener::flush(Duration::from_secs(5)));
//! assert_eq!(breaker.info().listeners[0].name, "Pager");
//! assert_eq!(breaker.info().listeners[0].failures, 0);
//! # Ok::<_, fluxgate::ConfigError>(())
//! ```
//!
//! [`Signal::new`](crate::Signal::new) makes signals for tests of a listener alone.
//!
//! # The listeners of the crate
//!
//! `LogListener` (feature `tracing`, on by default) writes an event for each
//! transition; `PrometheusListener` (feature `prometheus`), `MetricsListener` (feature
//! `metrics`) and `OpenTelemetryListener` (feature `opentelemetry`) export metrics; and
//! `SlackListener` (feature `slack`, or `slack-core` without TLS) posts messages. The
//! delivery that `SlackListener` is built on is the module `slack`: it sends any
//! message, and needs no breaker.

mod async_listener;
mod call_event;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
mod exported;
mod impls;
pub(crate) mod into_listener;
#[cfg(feature = "tracing")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod owned;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "sim")]
mod recorder;
mod set;
#[cfg(feature = "settings")]
mod settings_change;
pub(crate) mod signal;
#[cfg(feature = "slack-core")]
mod slack;

use std::{error::Error, time::Duration};

pub use async_listener::flush::flush;
pub use async_listener::{AsyncListener, Delivered, DynAsyncListener};
pub use call_event::{CallEvent, CallEventNeeds, CallOutcome};
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
pub use exported::MetricGroup;
pub use into_listener::{Deferred, Direct, Fallible, IntoListener};
#[cfg(feature = "tracing")]
pub use log::LogListener;
#[cfg(feature = "metrics")]
pub use metrics::MetricsListener;
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::OpenTelemetryListener;
pub(crate) use owned::Owned;
#[cfg(feature = "prometheus")]
pub use prometheus::PrometheusListener;
#[cfg(feature = "sim")]
pub(crate) use recorder::{CallRecorder, Recorders};
pub(crate) use set::{ListenerSet, PendingListeners};
#[cfg(feature = "settings")]
pub use settings_change::{ChangedSetting, SettingsChange};
#[cfg(feature = "slack-core")]
pub use slack::{
    Labels as SlackLabels, SlackListener, SlackListenerBuilder, Template as SlackTemplate,
    Templates as SlackTemplates,
};

use crate::{Info, Signal, WeakBreaker};

/// Returns the names of the metrics that `PrometheusListener` exports.
#[cfg(all(feature = "page", feature = "prometheus"))]
pub(crate) fn metric_names() -> Vec<&'static str> {
    let all = exported::Family::ALL.iter();
    all.map(|family| family.name).collect()
}

/// Receives every transition, once and in order. Closures `Fn(&Signal)` are
/// listeners, and so is an [`Arc`](std::sync::Arc) of a listener that several
/// breakers share.
///
/// A listener runs on the thread of the call or command that caused the
/// transition (or of one that caused an earlier transition and is still
/// notifying), after the breaker let go of every lock: it may call the breaker.
/// What it causes that way is delivered after the present signal has reached
/// every listener. It should be quick, since its caller waits for it; what takes
/// time belongs in an [`AsyncListener`]. A panic in it is contained, reported and
/// counted.
///
/// ```
/// use fluxgate::{CircuitBreaker, Listener, Signal};
///
/// struct Pager;
///
/// impl Listener for Pager {
///     fn on_signal(&self, signal: &Signal) {
///         println!("{}: {} -> {}", signal.name, signal.old_state, signal.new_state);
///     }
/// }
///
/// let breaker = CircuitBreaker::builder("api")
///     .listener(Pager)
///     .listener(|signal: &Signal| assert_eq!(signal.sequence, 1))
///     .build()?;
/// breaker.force_open();
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[doc(alias("on_open", "on_state_change", "event"))]
pub trait Listener: Send + Sync {
    /// Handles one transition. It is called after each, on the thread that
    /// notifies.
    fn on_signal(&self, signal: &Signal);

    /// Handles one call that the listener asked for in
    /// [`needs`](Self::needs)`().call_events`. By default it does nothing.
    ///
    /// It is called after the call was settled, with no lock held, on the thread of the
    /// call, which waits for it: so it must be quick, and what takes time belongs in an
    /// [`AsyncListener`]. [`Info`] counts the call by then, and signals that
    /// it caused have been told, unless another thread is at it. Events of one thread come
    /// in the order in which its calls ended; several threads may be told at a time.
    ///
    /// The listener may use the breaker. The events of calls that it makes meanwhile with
    /// this breaker on this thread are dropped, and counted in
    /// [`ListenerInfo::dropped_calls`](crate::ListenerInfo::dropped_calls), since each
    /// would cause the next. A panic is contained, reported and counted.
    ///
    /// ```
    /// use std::{io, sync::Mutex, time::Duration};
    /// use fluxgate::{CircuitBreaker, Listener, Signal, listener::{CallEvent, ListenerNeeds}};
    ///
    /// /// Writes down the calls that failed, were slow or were rejected.
    /// #[derive(Default)]
    /// struct Journal(Mutex<Vec<String>>);
    ///
    /// impl Listener for Journal {
    ///     fn on_signal(&self, _: &Signal) {}
    ///
    ///     fn on_call(&self, event: &CallEvent) {
    ///         let CallEvent { name, outcome, duration, .. } = event;
    ///         self.0.lock().unwrap().push(format!("{name}: {outcome} after {duration:?}"));
    ///     }
    ///
    ///     fn needs(&self) -> ListenerNeeds {
    ///         let mut needs = ListenerNeeds::default();
    ///         needs.call_events.failures = true;
    ///         needs.call_events.rejections = true;
    ///         needs.call_events.slow = Some(Duration::from_secs(1));
    ///         needs
    ///     }
    /// }
    ///
    /// let journal = std::sync::Arc::new(Journal::default());
    /// let breaker = CircuitBreaker::builder("api").listener(journal.clone()).build()?;
    /// let _ = breaker.call(|| Ok::<_, io::Error>(()));
    /// breaker.force_open();
    /// let _ = breaker.call(|| Ok::<_, io::Error>(()));
    /// assert_eq!(*journal.0.lock().unwrap(), ["api: rejected after None"]);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    fn on_call(&self, event: &CallEvent) {
        let _ = event;
    }

    /// Handles a change of the breaker's settings. It is called after each, in order with
    /// the signals. Default: does nothing.
    ///
    /// ```
    /// use fluxgate::{Listener, Signal, listener::SettingsChange};
    ///
    /// struct Audit;
    ///
    /// impl Listener for Audit {
    ///     fn on_signal(&self, _: &Signal) {}
    ///
    ///     fn on_settings(&self, change: &SettingsChange) {
    ///         println!("{}: {change}", change.name);
    ///     }
    /// }
    /// ```
    #[cfg(feature = "settings")]
    fn on_settings(&self, change: &SettingsChange) {
        let _ = change;
    }

    /// Returns the name that diagnostics and
    /// [`Info::listeners`](crate::Info::listeners) use for it. Default: the name
    /// of its type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// Prepares the listener for a breaker. It is called once while the breaker
    /// is built, before any signal, when `breaker` can't be upgraded yet: keep
    /// the handle and upgrade it later.
    ///
    /// # Errors
    ///
    /// Why this listener can't serve this breaker. [`Builder::build`] refuses to
    /// build it then; the breaker of a static is built without the listener,
    /// which is reported and shows in
    /// [`Info::missing_listeners`](crate::Info::missing_listeners).
    ///
    /// [`Builder::build`]: crate::Builder::build
    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        let _ = breaker;
        Ok(())
    }

    /// Returns what the listener reads of the breaker beyond its signals. It is
    /// called once, after [`attach`](Self::attach).
    fn needs(&self) -> ListenerNeeds {
        ListenerNeeds::default()
    }

    /// Takes the last reading when the last handle of the breaker is dropped.
    /// Not part of the interface: it runs while the breaker is being dropped, so
    /// it must not wait and can't upgrade the handle.
    #[doc(hidden)]
    fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        let _ = (breaker, last);
    }

    /// Returns what tells apart where calls are recorded, unless it is 0: of several
    /// listeners of a breaker that record to one place, one is told of calls. Not part of
    /// the interface.
    #[doc(hidden)]
    fn call_sink(&self) -> usize {
        0
    }

    /// Returns how far the listener has delivered its signals, for a listener
    /// that queues them. [`Info::listeners`](crate::Info::listeners) shows it.
    fn delivery_counts(&self) -> DeliveryCounts {
        DeliveryCounts::default()
    }
}

/// What a breaker keeps for a [`Listener`], beyond what its rules need. By default
/// nothing, so that a healthy call costs nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerNeeds {
    /// Count calls by how they ended, probes, and rejections by state, and add
    /// up the time spent in each state:
    /// [`Info::lifetime`](crate::Info::lifetime).
    pub lifetime: bool,
    /// Count successes, too. That costs every healthy call one counter, striped
    /// over the threads.
    pub successes: bool,
    /// The upper bounds of a histogram of durations. It costs every call two
    /// looks at the clock, and two counters.
    pub durations: Vec<Duration>,
    /// Be told of single calls: [`Listener::on_call`].
    pub call_events: CallEventNeeds,
    /// Who records single calls.
    #[cfg(feature = "sim")]
    pub(crate) recorders: Recorders,
}

/// The counters of a listener that queues its signals; see [`Listener::delivery_counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryCounts {
    /// Signals not yet delivered.
    pub waiting: u64,
    /// Signals given up because too many were waiting.
    pub dropped: u64,
    /// Call events given up because too many were waiting.
    pub dropped_calls: u64,
    /// Signals whose delivery failed.
    pub failures: u64,
    /// Whether the listener may need a tokio runtime that is not there.
    pub(crate) lacks_tokio: bool,
}
