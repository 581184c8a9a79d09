//! Closures, boxes and shared listeners are listeners.

use std::{error::Error, sync::Arc};

#[cfg(feature = "settings")]
use super::SettingsChange;
use super::{CallEvent, DeliveryCounts, Listener, ListenerNeeds};
use crate::{Info, Signal, WeakBreaker};

impl<F: Fn(&Signal) + Send + Sync> Listener for F {
    fn on_signal(&self, signal: &Signal) {
        self(signal);
    }
}

macro_rules! forward {
    ($([$($generic:tt)*] $pointer:ty;)*) => {$(
        impl<$($generic)*> Listener for $pointer {
            fn on_signal(&self, signal: &Signal) {
                (**self).on_signal(signal);
            }

            fn on_call(&self, event: &CallEvent) {
                (**self).on_call(event);
            }

            #[cfg(feature = "settings")]
            fn on_settings(&self, change: &SettingsChange) {
                (**self).on_settings(change);
            }

            fn name(&self) -> &str {
                (**self).name()
            }

            fn attach(&self, breaker: &WeakBreaker) -> Result<(), Box<dyn Error + Send + Sync>> {
                (**self).attach(breaker)
            }

            fn detach(&self, breaker: &WeakBreaker, last: &dyn Fn() -> Info) {
                (**self).detach(breaker, last);
            }

            fn needs(&self) -> ListenerNeeds {
                (**self).needs()
            }

            fn call_sink(&self) -> usize {
                (**self).call_sink()
            }

            fn delivery_counts(&self) -> DeliveryCounts {
                (**self).delivery_counts()
            }
        }
    )*};
}

forward! {
    [L: Listener + ?Sized] Arc<L>;
    [] Box<dyn Listener>;
}
