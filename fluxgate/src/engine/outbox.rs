//! Signals between the transition and the listeners.

use std::collections::VecDeque;

use crate::Signal;
#[cfg(feature = "settings")]
use crate::listener::SettingsChange;

/// Filled under the breaker's lock, in the order of transitions; emptied by one
/// deliverer at a time, outside it.
///
/// It holds at most [`CAPACITY`] signals and changes of settings. While a listener blocks and more come,
/// the two oldest become one, from the state that the first left to the state
/// that the second entered: signals still form a chain that ends at the present
/// state, and the numbers that are missing in it were merged.
pub(crate) struct Outbox {
    /// `None` when there are no listeners; boxed, since most have none.
    waiting: Option<Box<Waiting>>,
    /// Whether a caller or a thread delivers.
    delivering: bool,
    /// Whether a thread was started to deliver and has not begun.
    thread_coming: bool,
}

struct Waiting {
    news: VecDeque<News>,
    merged: u64,
}

/// What listeners are told.
// Nearly all are signals.
#[cfg_attr(feature = "settings", allow(clippy::large_enum_variant))]
pub(crate) enum News {
    Signal(Signal),
    #[cfg(feature = "settings")]
    Settings(Box<SettingsChange>),
}

#[cfg_attr(not(feature = "settings"), allow(clippy::unnecessary_wraps))]
impl News {
    fn into_signal(self) -> Option<Signal> {
        match self {
            Self::Signal(signal) => Some(signal),
            #[cfg(feature = "settings")]
            Self::Settings(_) => None,
        }
    }

    fn signal_mut(&mut self) -> Option<&mut Signal> {
        match self {
            Self::Signal(signal) => Some(signal),
            #[cfg(feature = "settings")]
            Self::Settings(_) => None,
        }
    }
}

impl From<Signal> for News {
    fn from(signal: Signal) -> Self {
        Self::Signal(signal)
    }
}

/// How many signals wait without an allocation: one call causes two at most.
const PREPARED: usize = 4;

/// How many signals may wait.
pub(crate) const CAPACITY: usize = 1024;

/// How many signals one caller delivers before it hands over.
pub(crate) const TURN: usize = 64;

impl Outbox {
    pub(crate) fn new(listeners: bool) -> Self {
        let waiting = || {
            Box::new(Waiting {
                news: VecDeque::with_capacity(PREPARED),
                merged: 0,
            })
        };
        Self {
            waiting: listeners.then(waiting),
            delivering: false,
            thread_coming: false,
        }
    }

    pub(crate) fn put<N: Into<News>>(&mut self, last: impl FnOnce() -> N) {
        let Some(Waiting { news, merged }) = self.waiting.as_deref_mut() else {
            return;
        };
        if news.len() == CAPACITY
            && let Some(oldest) = news.pop_front()
        {
            *merged += 1;
            if let Some(next) = news.front_mut() {
                merge(oldest, next);
            }
        }
        news.push_back(last().into());
    }

    /// Returns whether the caller is to deliver: there are signals, and no other caller
    /// delivers. It must then call `take` until that returns `None`, or `pass_on`.
    pub(crate) fn begin(&mut self) -> bool {
        let begins = self.waiting() > 0 && !self.delivering;
        self.delivering |= begins;
        begins
    }

    /// Ends the turn of the caller that delivers. If signals are left, the next caller
    /// that releases the lock delivers them, or a thread: returns whether that thread
    /// is still to be started.
    pub(crate) fn pass_on(&mut self) -> bool {
        self.delivering = false;
        let starts = self.waiting() > 0 && !self.thread_coming;
        self.thread_coming |= starts;
        starts
    }

    /// As [`begin`](Self::begin), for the thread that was started, or for the caller
    /// that could not start it.
    pub(crate) fn begin_after_passing_on(&mut self) -> bool {
        self.thread_coming = false;
        self.begin()
    }

    /// Takes the next signal; `None` ends the delivery.
    pub(crate) fn take(&mut self) -> Option<News> {
        let waiting = self.waiting.as_deref_mut();
        let news = waiting.and_then(|waiting| waiting.news.pop_front());
        self.delivering = news.is_some();
        news
    }

    /// Returns how many signals wait.
    pub(crate) fn waiting(&self) -> u64 {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| waiting.news.len() as u64)
    }

    /// Returns how many signals were merged into the one after.
    pub(crate) fn merged(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.merged)
    }

    /// Forgets how many were merged.
    pub(crate) fn clear(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.merged = 0;
        }
    }
}

/// Makes one of two: of signals from the state that the first left to the state that the
/// second entered. What is no part of their chain is left out.
fn merge(first: News, second: &mut News) {
    let is_linked = |signal: &Signal| !signal.would_have_opened;
    let Some(first) = first.into_signal().filter(is_linked) else {
        return;
    };
    match second.signal_mut().filter(|second| is_linked(second)) {
        Some(second) => second.old_state = first.old_state,
        None => *second = first.into(),
    }
}

#[cfg(all(test, not(fluxgate_loom)))]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::State;

    #[test]
    fn full_outbox_merges_the_oldest() {
        let mut outbox = Outbox::new(true);
        let cycle = [State::Closed, State::Open, State::HalfOpen];
        let put = CAPACITY + 7;
        for i in 0..put {
            let (old, new) = (cycle[i % 3], cycle[(i + 1) % 3]);
            let mut signal = Signal::new("full", old, new, SystemTime::UNIX_EPOCH);
            signal.sequence = i as u64 + 1;
            outbox.put(|| signal);
        }
        assert_eq!(outbox.waiting(), CAPACITY as u64);
        assert_eq!(outbox.merged(), 7);
        let take = |outbox: &mut Outbox| outbox.take()?.into_signal();
        let first = take(&mut outbox).expect("it is full");
        assert_eq!((first.old_state, first.sequence), (State::Closed, 8));
        let mut state = first.new_state;
        while let Some(signal) = take(&mut outbox) {
            assert_eq!(signal.old_state, state);
            state = signal.new_state;
        }
        assert_eq!(state, cycle[put % 3]);
    }
}
