//! The listeners of one breaker.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

#[cfg(feature = "settings")]
use super::SettingsChange;
use super::{
    CallEvent, CallEventNeeds, CallOutcome, Listener, ListenerNeeds, Owned, owned::describe,
};
use crate::{
    CircuitBreaker, Info, ListenerInfo, MissingListener, Signal, WeakBreaker, diagnostics,
    listener::signal::Origin,
    util::{
        consult::{Consulted, consult},
        panic::catch_panic,
    },
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
    needs: ListenerNeeds,
    panics: AtomicU64,
    /// Whether a panic in telling of a call was reported.
    said: AtomicBool,
    /// Call events that the listener caused itself.
    dropped_calls: AtomicU64,
}

impl Attached {
    fn new(listener: Owned) -> Self {
        let needs = catch_panic(|| listener.needs()).unwrap_or_default();
        Self {
            listener,
            needs,
            panics: AtomicU64::new(0),
            said: AtomicBool::new(false),
            dropped_calls: AtomicU64::new(0),
        }
    }

    fn wants(&self, outcome: CallOutcome, duration: Option<Duration>, has_failed: bool) -> bool {
        let calls = &self.needs.call_events;
        calls.wants(outcome, duration, has_failed)
    }

    /// Tells of a call. There may be many of them: a panic is reported once, and counted.
    fn tell_call(&self, event: &CallEvent) {
        if catch_panic(|| self.listener.on_call(event)).is_none() {
            self.panics.fetch_add(1, Ordering::Relaxed);
            if !self.said.swap(true, Ordering::Relaxed) {
                diagnostics::listener_panicked_at_a_call(&event.name, &self.listener.label());
            }
        }
    }
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
                Some(Ok(())) => return Some(Attached::new(listener)),
                Some(Err(error)) => describe(error),
                None => "it panicked when it was attached".into(),
            };
            refused.push(MissingListener {
                name: listener.label(),
                reason,
            });
            None
        });
        let mut present: Box<[_]> = present.collect();
        let mut sinks = HashSet::new();
        for Attached {
            listener, needs, ..
        } in &mut present
        {
            let sink = catch_panic(|| listener.call_sink()).unwrap_or_default();
            if sink != 0 && needs.call_events.times_calls() && !sinks.insert(sink) {
                needs.call_events = CallEventNeeds::default();
            }
        }
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
            let needs = attached.needs.clone();
            all.call_events.join(needs.call_events);
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
        for Attached {
            listener, panics, ..
        } in self.present()
        {
            if catch_panic(|| listener.on_signal(&signal)).is_none() {
                panics.fetch_add(1, Ordering::Relaxed);
                diagnostics::listener_panicked(&signal.name, &listener.label());
            }
        }
    }

    /// Returns whether any of them is told of such a call.
    pub(crate) fn want_call(
        &self,
        outcome: CallOutcome,
        duration: Option<Duration>,
        has_failed: bool,
    ) -> bool {
        let mut present = self.present().iter();
        present.any(|attached| attached.wants(outcome, duration, has_failed))
    }

    /// Tells those of a call that asked for it. From within itself it drops the event: each
    /// call that a listener makes would cause the next.
    pub(crate) fn tell_call(&self, event: &CallEvent, has_failed: bool) {
        let wants =
            |attached: &&Attached| attached.wants(event.outcome, event.duration, has_failed);
        let Some(known) = self.0.as_deref() else {
            return;
        };
        let told = consult(known, || {
            for attached in known.present.iter().filter(wants) {
                attached.tell_call(event);
            }
        });
        if told == Consulted::Within {
            for attached in known.present.iter().filter(wants) {
                attached.dropped_calls.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells them of a change of settings, one after the other.
    #[cfg(feature = "settings")]
    pub(crate) fn tell_settings(&self, change: &SettingsChange) {
        for Attached {
            listener, panics, ..
        } in self.present()
        {
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
        let present = self.present().iter().map(|attached| {
            let Attached {
                listener,
                panics,
                dropped_calls,
                ..
            } = attached;
            let counts = catch_panic(|| listener.delivery_counts()).unwrap_or_default();
            ListenerInfo {
                name: listener.label(),
                failures: counts
                    .failures
                    .saturating_add(panics.load(Ordering::Relaxed)),
                waiting: counts.waiting.saturating_add(waiting),
                dropped: counts.dropped.saturating_add(merged),
                dropped_calls: counts
                    .dropped_calls
                    .saturating_add(dropped_calls.load(Ordering::Relaxed)),
            }
        });
        (present.collect(), self.missing().to_vec())
    }

    /// Forgets the panics, and what was dropped.
    pub(crate) fn clear(&self) {
        for attached in self.present() {
            attached.panics.store(0, Ordering::Relaxed);
            attached.dropped_calls.store(0, Ordering::Relaxed);
        }
    }
}
