//! A listener as a breaker holds it: no panic of the listener's code gets out.

use std::{error::Error, fmt};

#[cfg(feature = "settings")]
use super::SettingsChange;
use super::{CallEvent, DeliveryCounts, Listener, ListenerNeeds};
use crate::{Info, Signal, WeakBreaker, diagnostics, util::panic::catch_panic};

/// How many characters of a name and of an error are kept.
const NAME: usize = 200;
const ERROR: usize = 1000;

/// A listener whose name may panic, and whose drop may.
pub(crate) struct Owned(Droppable<Box<dyn Listener>>);

impl Owned {
    pub(crate) fn new(listener: Box<dyn Listener>) -> Self {
        Self(Droppable::new(listener))
    }

    /// Returns its name, for reports.
    pub(super) fn label(&self) -> String {
        label(|| self.0.get().name())
    }
}

/// Returns the beginning of a listener's name, or says that there is none.
pub(super) fn label<'a>(name: impl FnOnce() -> &'a str) -> String {
    let label = catch_panic(|| name().chars().take(NAME).collect());
    label.unwrap_or_else(|| "(its name panicked)".into())
}

/// Returns the beginning of an error's text, and drops the error.
pub(super) fn describe(error: impl fmt::Display) -> String {
    let text = catch_panic(|| error.to_string());
    let text = text.map(|text| text.chars().take(ERROR).collect());
    catch_panic(|| drop(error));
    text.unwrap_or_else(|| "(its error panicked when it was displayed)".into())
}

impl Listener for Owned {
    fn on_signal(&self, signal: &Signal) {
        self.0.get().on_signal(signal);
    }

    fn on_call(&self, event: &CallEvent) {
        self.0.get().on_call(event);
    }

    #[cfg(feature = "settings")]
    fn on_settings(&self, change: &SettingsChange) {
        self.0.get().on_settings(change);
    }

    fn name(&self) -> &str {
        self.0.get().name()
    }

    fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.get().attach(breaker)
    }

    fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
        self.0.get().detach(breaker, last);
    }

    fn needs(&self) -> ListenerNeeds {
        self.0.get().needs()
    }

    fn call_sink(&self) -> usize {
        self.0.get().call_sink()
    }

    fn delivery_counts(&self) -> DeliveryCounts {
        self.0.get().delivery_counts()
    }
}

/// A value whose drop runs user code.
pub(crate) struct Droppable<T>(
    /// `None` while it is dropped.
    Option<T>,
);

impl<T> Droppable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> Drop for Droppable<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        if catch_panic(|| drop(value)).is_none() {
            diagnostics::listener_drop_panicked();
        }
    }
}
