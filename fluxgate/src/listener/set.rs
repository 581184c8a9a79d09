//! The listeners of one breaker.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[cfg(feature = "settings")]
use super::SettingsChange;
use super::{Listener, ListenerNeeds, Owned, owned::describe};
use crate::{
    CircuitBreaker, Info, ListenerInfo, MissingListener, Signal, WeakBreaker, diagnostics,
    listener::signal::Origin, util::panic::catch_panic,
};

/// The listeners of one breaker; nothing where there are none.
#[derive(Default)]
pub(crate) struct ListenerSet(Option<Box<KnownListeners>>);

struct KnownListeners {
    /// Whose they are.
    breaker: WeakBreaker,
    present: Box<[Attached]>,
    missing: Box<[MissingListener]>,
}

struct Attached {
    listener: Owned,
    panics: AtomicU64,
}

/// The listeners of a breaker to be.
#[derive(Default)]
pub(crate) struct PendingListeners {
    present: Vec<Owned>,
    missing: Vec<MissingListener>,
}

impl PendingListeners {
    pub(crate) fn add(&mut self, listener: Result<Box<dyn Listener>, MissingListener>) {
        match listener {
            Ok(listener) => self.present.push(Owned::new(listener)),
            Err(missing) => self.missing.push(missing),
        }
    }

    /// Makes them known to the breaker; also which of them refused.
    pub(crate) fn attach(self, breaker: &WeakBreaker) -> (ListenerSet, Vec<MissingListener>) {
        let mut refused = Vec::new();
        let present = self.present.into_iter().filter_map(|listener| {
            let reason = match catch_panic(|| listener.attach(breaker)) {
                Some(Ok(())) => {
                    return Some(Attached {
                        listener,
                        panics: AtomicU64::new(0),
                    });
                }
                Some(Err(error)) => describe(error),
                None => "it panicked when it was attached".into(),
            };
            refused.push(MissingListener {
                name: listener.label(),
                reason,
            });
            None
        });
        let present: Box<[_]> = present.collect();
        let missing = self.missing.into_iter().chain(refused.iter().cloned());
        let missing: Box<[_]> = missing.collect();
        let any = !present.is_empty() || !missing.is_empty();
        let known = any.then(|| {
            Box::new(KnownListeners {
                breaker: breaker.clone(),
                present,
                missing,
            })
        });
        (ListenerSet(known), refused)
    }
}

impl ListenerSet {
    fn present(&self) -> &[Attached] {
        self.0.as_ref().map_or(&[], |known| &known.present)
    }

    /// Returns the breaker that owns the listeners, unless it is not built yet
    /// or there are no listeners.
    pub(crate) fn owner(&self) -> Option<CircuitBreaker> {
        self.0.as_ref()?.breaker.upgrade()
    }

    fn missing(&self) -> &[MissingListener] {
        self.0.as_ref().map_or(&[], |known| &known.missing)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.present().is_empty()
    }

    /// Returns what all listeners together read.
    pub(crate) fn needs(&self) -> ListenerNeeds {
        let mut all = ListenerNeeds::default();
        for attached in self.present() {
            let needs = catch_panic(|| attached.listener.needs()).unwrap_or_default();
            all.lifetime |= needs.lifetime || needs.successes;
            all.successes |= needs.successes;
            all.durations.extend(needs.durations);
            #[cfg(feature = "sim")]
            all.recorders.append(needs.recorders);
        }
        all.durations.sort_unstable();
        all.durations.dedup();
        all.durations.retain(|bound| *bound > Duration::ZERO);
        all
    }

    /// Tells them, one after the other.
    pub(crate) fn tell(&self, mut signal: Signal) {
        if let Some(known) = &self.0 {
            signal.origin = Origin::new(&known.breaker);
        }
        for Attached { listener, panics } in self.present() {
            if catch_panic(|| listener.on_signal(&signal)).is_none() {
                panics.fetch_add(1, Ordering::Relaxed);
                diagnostics::listener_panicked(&signal.name, &listener.label());
            }
        }
    }

    /// Tells them of a change of settings, one after the other.
    #[cfg(feature = "settings")]
    pub(crate) fn tell_settings(&self, change: &SettingsChange) {
        for Attached { listener, panics } in self.present() {
            if catch_panic(|| listener.on_settings(change)).is_none() {
                panics.fetch_add(1, Ordering::Relaxed);
                diagnostics::listener_panicked(&change.name, &listener.label());
            }
        }
    }

    /// Tells each that the breaker is gone, and how to read it a last time.
    pub(crate) fn detach(&self, last: &dyn Fn() -> Info) {
        if let Some(known) = &self.0 {
            for Attached { listener, .. } in &known.present {
                catch_panic(|| listener.detach(&known.breaker, last));
            }
        }
    }

    /// Reports the listeners that are missing, and those that may miss a runtime.
    pub(crate) fn report(&self, breaker: &str) {
        for MissingListener { name, reason } in self.missing() {
            diagnostics::listener_missing(breaker, name, reason);
        }
        if cfg!(feature = "tokio") {
            return;
        }
        for Attached { listener, .. } in self.present() {
            if catch_panic(|| listener.delivery_counts()).is_some_and(|counts| counts.lacks_tokio) {
                diagnostics::no_tokio(breaker, &listener.label());
            }
        }
    }

    /// Returns what is known of each listener. `waiting` signals have reached no
    /// listener yet, and `merged` ones never will.
    pub(crate) fn info(
        &self,
        waiting: u64,
        merged: u64,
    ) -> (Vec<ListenerInfo>, Vec<MissingListener>) {
        let present = self.present().iter().map(|Attached { listener, panics }| {
            let counts = catch_panic(|| listener.delivery_counts()).unwrap_or_default();
            ListenerInfo {
                name: listener.label(),
                failures: counts
                    .failures
                    .saturating_add(panics.load(Ordering::Relaxed)),
                waiting: counts.waiting.saturating_add(waiting),
                dropped: counts.dropped.saturating_add(merged),
            }
        });
        (present.collect(), self.missing().to_vec())
    }

    /// Forgets the panics.
    pub(crate) fn clear(&self) {
        for attached in self.present() {
            attached.panics.store(0, Ordering::Relaxed);
        }
    }
}
