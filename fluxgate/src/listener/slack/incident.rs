//! Which messages belong together.

use std::collections::{BTreeMap, HashMap};

use crate::{Name, Signal, State, WeakBreaker, slack::Thread};

/// The incidents of a listener's breakers.
///
/// An incident lasts from the opening of a breaker until it is closed, switched
/// off or only measured: the messages of that time are one thread. It belongs to
/// one breaker, not to its name: breakers that share a name, as keys without a
/// label do, have a thread each.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    by_name: HashMap<Name, BTreeMap<usize, Incident>>,
    count: usize,
    sweep_at: usize,
}

#[derive(Debug)]
struct Incident {
    thread: Thread,
    /// While this handle is kept, no other breaker gets the same address.
    /// `None` for signals that no breaker sent.
    breaker: Option<WeakBreaker>,
}

/// Below this number incidents are not looked through for breakers that are gone.
const SWEEP: usize = 64;

/// Where a message goes.
#[derive(Debug, Default)]
pub(super) struct MessagePlace {
    pub(super) thread: Option<Thread>,
    /// It begins the thread if that has not begun.
    pub(super) starts: bool,
    /// It is shown in the channel too.
    pub(super) broadcast: bool,
    /// The breaker is closed, and others of its name are not.
    pub(super) others_open: bool,
}

impl Incidents {
    /// Returns where the signal's message goes. Decides by the order of
    /// transitions alone, whatever becomes of the messages: one that can't be
    /// delivered must not leave its thread to the next incident.
    pub(super) fn place(&mut self, signal: &Signal) -> MessagePlace {
        match signal.new_state {
            State::Open => MessagePlace {
                thread: Some(self.open(signal)),
                starts: true,
                ..MessagePlace::default()
            },
            State::HalfOpen | State::ForcedOpen => MessagePlace {
                thread: self.find(signal),
                ..MessagePlace::default()
            },
            new => {
                let thread = self.end(signal);
                let is_closed = new == State::Closed;
                let others_open = is_closed && self.is_any_open(&signal.name);
                MessagePlace {
                    thread,
                    broadcast: is_closed && !others_open,
                    others_open,
                    ..MessagePlace::default()
                }
            }
        }
    }

    fn open(&mut self, signal: &Signal) -> Thread {
        if let Some(thread) = self.find(signal) {
            return thread;
        }
        if self.count >= self.sweep_at.max(SWEEP) {
            self.sweep();
        }
        let thread = Thread::new();
        let incident = Incident {
            thread: thread.clone(),
            breaker: signal.origin.breaker().cloned(),
        };
        let same_name = self.by_name.entry(signal.name.clone()).or_default();
        same_name.insert(signal.origin.address(), incident);
        self.count += 1;
        thread
    }

    fn find(&self, signal: &Signal) -> Option<Thread> {
        let same_name = self.by_name.get(&signal.name)?;
        let incident = same_name.get(&signal.origin.address())?;
        Some(incident.thread.clone())
    }

    fn end(&mut self, signal: &Signal) -> Option<Thread> {
        let same_name = self.by_name.get_mut(&signal.name)?;
        let incident = same_name.remove(&signal.origin.address())?;
        if same_name.is_empty() {
            self.by_name.remove(&signal.name);
        }
        self.count -= 1;
        Some(incident.thread)
    }

    /// Returns whether a breaker of this name has an incident. Forgets those it
    /// meets that were dropped, so that each is met once.
    fn is_any_open(&mut self, name: &Name) -> bool {
        let Some(same_name) = self.by_name.get_mut(name) else {
            return false;
        };
        while let Some(first) = same_name.first_entry() {
            if !first.get().is_gone() {
                return true;
            }
            first.remove();
            self.count -= 1;
        }
        self.by_name.remove(name);
        false
    }

    /// Forgets the breakers that were dropped while open. As it is called when
    /// their number may have doubled, its cost for each incident is constant.
    fn sweep(&mut self) {
        self.by_name.retain(|_, same_name| {
            same_name.retain(|_, incident| !incident.is_gone());
            !same_name.is_empty()
        });
        self.count = self.by_name.values().map(BTreeMap::len).sum();
        self.sweep_at = 2 * self.count;
    }

    /// Returns how many there are, those of dropped breakers included that have
    /// not been forgotten yet.
    pub(super) fn len(&self) -> usize {
        self.count
    }
}

impl Incident {
    fn is_gone(&self) -> bool {
        self.breaker.as_ref().is_some_and(WeakBreaker::is_gone)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::{CircuitBreaker, listener::signal::Origin};

    fn breaker(name: &'static str) -> CircuitBreaker {
        CircuitBreaker::builder(name).build().unwrap()
    }

    fn place(incidents: &mut Incidents, breaker: &CircuitBreaker, new: State) -> MessagePlace {
        let name = breaker.name().clone();
        let mut signal = Signal::new(name, State::Closed, new, UNIX_EPOCH);
        signal.origin = Origin::new(&breaker.downgrade());
        incidents.place(&signal)
    }

    fn is_same(a: &MessagePlace, b: &MessagePlace) -> bool {
        let (Some(a), Some(b)) = (&a.thread, &b.thread) else {
            return false;
        };
        a.is_same(b)
    }

    #[test]
    fn one_name_is_all_clear_with_its_last_breaker() {
        let mut incidents = Incidents::default();
        let (one, two) = (breaker("shared"), breaker("shared"));
        let opened = [&one, &two].map(|it| place(&mut incidents, it, State::Open));
        assert!(!is_same(&opened[0], &opened[1]));

        let closed = place(&mut incidents, &one, State::Closed);
        assert!(is_same(&closed, &opened[0]));
        assert!(closed.others_open && !closed.broadcast);
        let closed = place(&mut incidents, &two, State::Closed);
        assert!(is_same(&closed, &opened[1]));
        assert!(!closed.others_open && closed.broadcast);
        assert_eq!(incidents.len(), 0);
    }

    #[test]
    fn dropped_breaker_keeps_no_one_from_all_clear() {
        let mut incidents = Incidents::default();
        let (one, two) = (breaker("dropped"), breaker("dropped"));
        for it in [&one, &two] {
            place(&mut incidents, it, State::Open);
        }
        drop(one);
        let closed = place(&mut incidents, &two, State::Closed);
        assert!(closed.broadcast && !closed.others_open);
        assert_eq!(incidents.len(), 0);
    }

    #[test]
    fn successor_has_an_incident_of_its_own() {
        let mut incidents = Incidents::default();
        let first = breaker("successor");
        let opened = place(&mut incidents, &first, State::Open);
        drop(first);
        for _ in 0..10 {
            let next = breaker("successor");
            let probing = place(&mut incidents, &next, State::HalfOpen);
            assert!(probing.thread.is_none());
            let reopened = place(&mut incidents, &next, State::Open);
            assert!(!is_same(&opened, &reopened));
        }
    }

    #[test]
    fn breakers_dropped_while_open_are_forgotten() {
        let mut incidents = Incidents::default();
        let living = breaker("living");
        let opened = place(&mut incidents, &living, State::Open);
        for i in 0..5000 {
            let name = format!("passing {}", i % 1000);
            let passing = CircuitBreaker::builder(name).build().unwrap();
            place(&mut incidents, &passing, State::Open);
            assert!(incidents.len() <= SWEEP, "{}", incidents.len());
            assert!(incidents.by_name.len() <= SWEEP);
        }
        let probing = place(&mut incidents, &living, State::HalfOpen);
        assert!(is_same(&opened, &probing));
    }
}
