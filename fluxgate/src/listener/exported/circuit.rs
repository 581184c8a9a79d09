//! What is kept of one name.

use std::collections::{BTreeMap, HashMap};

use super::{
    Settings,
    reading::Reading,
    totals::{ExportedTotals, Join},
};
use crate::{Name, Signal, State, WeakBreaker};

/// The breakers of one name, usually one, and what those counted that are gone.
pub(super) struct Circuit {
    settings: Settings,
    /// The breakers by their identity.
    members: HashMap<usize, Member>,
    /// Whether it ever had a breaker.
    had_breakers: bool,
    /// The state that the last signal without a breaker told of.
    told: Option<State>,
    transitions: BTreeMap<(State, State), u64>,
    /// The counters of the breakers that are gone.
    retained: ExportedTotals,
    /// The counters as they were read last.
    shown: ExportedTotals,
    /// Closed by the user, and not heard of since.
    is_closed: bool,
    /// When it lost its last breaker; zero if it has one.
    pub(super) idle_since: u64,
}

struct Member {
    breaker: WeakBreaker,
    /// The last transition that was counted. A breaker may have the listener
    /// twice, or two listeners of one registry, and each is told.
    sequence: u64,
}

/// The transitions that a breaker makes by itself. Their series begin at zero: of
/// a series that begins at one, nothing shows that it grew.
const AUTOMATIC: [(State, State); 4] = [
    (State::Closed, State::Open),
    (State::Open, State::HalfOpen),
    (State::HalfOpen, State::Closed),
    (State::HalfOpen, State::Open),
];

/// The breakers of a name, to be read without the lock.
pub(super) struct Snapshot {
    pub(super) reading: Reading,
    pub(super) members: Vec<WeakBreaker>,
}

impl Circuit {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            members: HashMap::new(),
            had_breakers: false,
            told: None,
            transitions: BTreeMap::new(),
            retained: ExportedTotals::default(),
            shown: ExportedTotals::default(),
            is_closed: false,
            idle_since: 0,
        }
    }

    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    pub(super) fn has(&self, breaker: &WeakBreaker) -> bool {
        self.members.contains_key(&breaker.identity())
    }

    pub(super) fn add(&mut self, breaker: &WeakBreaker, settings: &Settings) {
        if self.members.is_empty() {
            self.settings = settings.clone();
        }
        self.had_breakers = true;
        self.is_closed = false;
        self.begin();
        let member = Member {
            breaker: breaker.clone(),
            sequence: 0,
        };
        self.members.entry(breaker.identity()).or_insert(member);
    }

    fn begin(&mut self) {
        for automatic in AUTOMATIC {
            self.transitions.entry(automatic).or_default();
        }
    }

    pub(super) fn signal(&mut self, signal: &Signal) {
        if signal.would_have_opened {
            // No transition; the breaker counts it.
            return;
        }
        if self.is_closed {
            self.is_closed = false;
            if self.had_breakers {
                self.begin();
            }
        }
        let origin = signal.origin.breaker();
        let member = origin.and_then(|breaker| self.members.get_mut(&breaker.identity()));
        match member {
            Some(member) if member.sequence >= signal.sequence => return,
            Some(member) => member.sequence = signal.sequence,
            None => self.told = Some(signal.new_state),
        }
        let transition = (signal.old_state, signal.new_state);
        *self.transitions.entry(transition).or_default() += 1;
    }

    /// Removes a breaker and keeps what it counted. Returns whether it was one of
    /// these.
    pub(super) fn remove(&mut self, breaker: &WeakBreaker, last: &ExportedTotals) -> bool {
        let was_here = self.members.remove(&breaker.identity()).is_some();
        if was_here && !self.is_closed {
            self.retained.join(last, Join::Add);
        }
        was_here
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Drops all series until the next signal.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.told = None;
        self.transitions.clear();
        self.retained = ExportedTotals::default();
        self.shown = ExportedTotals::default();
    }

    /// Adds what a circuit of this name counted elsewhere.
    pub(super) fn absorb(&mut self, other: Self) {
        for (identity, member) in other.members {
            self.members.entry(identity).or_insert(member);
        }
        self.had_breakers |= other.had_breakers;
        self.told = other.told.or(self.told);
        for (transition, n) in other.transitions {
            *self.transitions.entry(transition).or_default() += n;
        }
        self.retained.join(&other.retained, Join::Add);
        self.is_closed &= other.is_closed;
    }

    /// Returns what is exported of the circuit, or `None` if it is closed.
    pub(super) fn snapshot(&self, name: &Name) -> Option<Snapshot> {
        if self.is_closed {
            return None;
        }
        // A signal by hand says nothing of the breakers that are there.
        let told = self.told.filter(|_| !self.had_breakers);
        let members = self.members.values().map(|member| member.breaker.clone());
        Some(Snapshot {
            reading: Reading {
                name: name.clone(),
                settings: self.settings.clone(),
                states: told.map(|state| BTreeMap::from([(state, 1)])),
                transitions: self.transitions.clone(),
                totals: self.had_breakers.then(|| self.retained.clone()),
                present: None,
            },
            members: members.collect(),
        })
    }

    /// Takes note of a reading, and sees to it that no counter is lower than in
    /// the last one: a breaker may be gone already, and what it counted not yet
    /// here.
    pub(super) fn read(&mut self, reading: &mut Reading, unread: &[usize]) {
        let Some(totals) = &mut reading.totals else {
            return;
        };
        if self.is_closed {
            return;
        }
        totals.keep_times(&self.shown);
        if !unread.is_empty() {
            let read = totals.clone();
            totals.join(&self.shown, Join::Max);
            let mut removed = false;
            for identity in unread {
                let member = self.members.get(identity);
                // Its listener passes on less than it is told: what was shown of
                // the breaker is all that is known.
                if member.is_some_and(|member| member.breaker.is_over()) {
                    self.members.remove(identity);
                    removed = true;
                }
            }
            if removed {
                let mut lost = totals.clone();
                lost.join(&read, Join::Excess);
                self.retained.join(&lost, Join::Add);
            }
        }
        self.shown = totals.clone();
    }
}
