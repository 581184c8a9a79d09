//! Signals between the transition and the listeners.

use std::collections::VecDeque;

use crate::Signal;

/// Filled under the breaker's lock, in the order of transitions; emptied by one
/// deliverer at a time, outside it.
pub(crate) struct Outbox {
    /// `None` when there are no listeners; boxed, since most have none.
    #[allow(clippy::box_collection)]
    signals: Option<Box<VecDeque<Signal>>>,
    delivering: bool,
}

/// How many signals wait without an allocation: one call causes two at most.
const PREPARED: usize = 4;

impl Outbox {
    pub(crate) fn new(listeners: bool) -> Self {
        Self {
            signals: listeners.then(|| Box::new(VecDeque::with_capacity(PREPARED))),
            delivering: false,
        }
    }

    pub(crate) fn put(&mut self, signal: impl FnOnce() -> Signal) {
        if let Some(signals) = &mut self.signals {
            signals.push_back(signal());
        }
    }

    /// Whether the caller is to deliver: there are signals, and nobody else is
    /// at it. It must then call `take` until that says `None`.
    pub(crate) fn begin(&mut self) -> bool {
        let waiting = self
            .signals
            .as_ref()
            .is_some_and(|signals| !signals.is_empty());
        let begins = waiting && !self.delivering;
        self.delivering |= begins;
        begins
    }

    /// The next signal; `None` ends the delivery.
    pub(crate) fn take(&mut self) -> Option<Signal> {
        let signal = self
            .signals
            .as_mut()
            .and_then(|signals| signals.pop_front());
        self.delivering = signal.is_some();
        signal
    }
}
