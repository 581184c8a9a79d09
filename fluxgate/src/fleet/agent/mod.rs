//! The agent of an instance: the protocol, without I/O and without a clock.
//!
//! What happens is handed in, with the time in milliseconds of a clock that only goes
//! forward: answers and notices of the store ([`deliver`](Agent::deliver)), notes of
//! breakers ([`noted`](Agent::noted)), and that time has passed ([`tick`](Agent::tick)).
//! What is to be done comes out: requests, in [`outgoing`](Agent::take_outgoing), and
//! calls of [`Local`], the breaker as the agent sees it.
//!
//! # How times are kept
//!
//! Answers and notices carry remaining milliseconds. Those of an answer are counted from
//! when its request was sent, those of a notice from when it came: an answer makes no
//! deadline later than it is, and corrects what a late notice said.

mod circuit;
mod desk;
mod health;
mod local;

use std::{collections::HashMap, sync::Arc};

pub(crate) use circuit::Role;
use circuit::{Circuit, Source};
use desk::{Desk, What};
use health::Health;
pub(crate) use local::Local;

use super::{
    Quorum,
    circuit_id::CircuitId,
    store::{Delivery, Instance, Notice, Reply, Request, TIMEOUT, Terms},
};
use crate::{
    Command,
    random::{Random, Seeded},
};

/// How often an agent tells that it is there.
pub(crate) const BEAT: u64 = 5_000;

/// Who an agent is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// As [`circuit_id::fleet`](super::circuit_id::fleet) made it.
    pub(crate) fleet: Arc<str>,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) instance: Instance,
    pub(crate) quorum: Quorum,
}

/// What the agent wants done.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Sends a request under a number.
    Send(u64, Request),
    Subscribe(CircuitId),
    Report(Report),
}

/// What users are told in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The store does not answer.
    Degraded,
    Recovered,
    /// Openings of this breaker have run on other settings for ten minutes.
    OtherSettings(String),
}

/// The agent of one instance, for its breakers `B`.
pub(crate) struct Agent<B> {
    desk: Desk,
    circuits: Vec<Option<Circuit<B>>>,
    by_id: HashMap<CircuitId, Vec<(usize, Role)>>,
    health: Health,
    /// The last change that was heard of.
    since: u64,
    beat_at: u64,
    beating: bool,
}

impl<B: Local> Agent<B> {
    pub(crate) fn new(identity: Identity, seed: Seeded, now: u64) -> Self {
        let mut desk = Desk::new(identity, seed);
        // Not all instances of a deployment beat together.
        let first = desk.draw(BEAT / 5);
        Self {
            desk,
            circuits: Vec::new(),
            by_id: HashMap::new(),
            health: Health::default(),
            since: 0,
            beat_at: now + first,
            beating: false,
        }
    }

    /// Takes a breaker into the fleet. Returns its number; `None` if another breaker of
    /// that name takes part already, or the name is too long.
    pub(crate) fn add(&mut self, breaker: B, name: &str, terms: Terms, now: u64) -> Option<usize> {
        let Identity { fleet, zone, .. } = &self.desk.identity;
        let id = CircuitId::new(fleet, zone.as_deref(), name)?;
        let commands = CircuitId::new(fleet, None, name)?;
        if self.by_id.contains_key(&id) {
            return None;
        }
        let index = self.circuits.len();
        let terms = self.desk.complete(terms);
        let circuit = Circuit::new(breaker, name, id.clone(), commands.clone(), terms);
        for (id, role) in circuit.roles() {
            self.by_id
                .entry(id.clone())
                .or_default()
                .push((index, role));
            self.desk.outgoing.push(Outgoing::Subscribe(id.clone()));
        }
        self.desk.ask(
            now,
            What::Read(index, commands.clone()),
            Request::Read { circuit: commands },
        );
        self.circuits.push(Some(circuit));
        self.show(index);
        Some(index)
    }

    /// Takes note that a breaker left notes.
    pub(crate) fn noted(&mut self, index: usize, now: u64) {
        if let Some(Some(circuit)) = self.circuits.get_mut(index) {
            circuit.noted(index, &mut self.desk, now);
        }
        self.show(index);
    }

    /// Takes what the store delivers.
    pub(crate) fn deliver(&mut self, delivery: Delivery, now: u64) {
        match delivery {
            Delivery::Answer(number, Ok(reply)) => {
                let Some(asked) = self.desk.answered(number) else {
                    return;
                };
                if self.health.answered(now) {
                    self.desk.outgoing.push(Outgoing::Report(Report::Recovered));
                    self.desk.degraded = false;
                    self.beat_at = now;
                }
                self.reply(asked.what, reply, asked.sent, now);
            }
            Delivery::Answer(number, Err(_)) => {
                if let Some(asked) = self.desk.answered(number) {
                    self.health.failed(asked.sent);
                    self.lost(&asked.what, now);
                }
            }
            Delivery::Notice(notice) => self.notice(&notice, now),
            Delivery::Resubscribed => self.beat_at = self.beat_at.min(now),
        }
        self.tick(now);
    }

    fn reply(&mut self, what: What, reply: Reply, sent: u64, now: u64) {
        if let (
            What::Beat,
            Reply::Beat {
                known,
                number,
                changes,
                ..
            },
        ) = (&what, &reply)
        {
            self.beating = false;
            self.since = *number;
            if changes.len() == super::store::MOST_CHANGES {
                self.beat_at = now;
            }
            if !known {
                for circuit in self.circuits.iter_mut().flatten() {
                    circuit.enter_again(&mut self.desk, now);
                }
            }
            for entry in changes {
                self.read(entry, now);
            }
            return;
        }
        if let Some(index) = what.index()
            && let Some(Some(circuit)) = self.circuits.get_mut(index)
        {
            circuit.reply(index, what, reply, Source { sent, now }, &mut self.desk);
            self.show(index);
        }
    }

    /// Reads a circuit that changed, if a breaker here is concerned.
    fn read(&mut self, entry: &str, now: u64) {
        let here = self.by_id.iter().find(|(id, _)| id.entry() == entry);
        let Some((id, places)) = here else { return };
        for (index, _) in places {
            let circuit = id.clone();
            self.desk.ask(
                now,
                What::Read(*index, circuit.clone()),
                Request::Read { circuit },
            );
        }
    }

    fn notice(&mut self, notice: &Notice, now: u64) {
        let id = match notice {
            Notice::Half { circuit, .. } | Notice::Changed { circuit, .. } => circuit,
        };
        for (index, role) in self.by_id.get(id).cloned().unwrap_or_default() {
            if let Some(Some(circuit)) = self.circuits.get_mut(index) {
                circuit.notice(role, notice, &mut self.desk, now);
            }
            self.show(index);
        }
    }

    fn lost(&mut self, what: &What, now: u64) {
        if let What::Beat = what {
            self.beating = false;
        }
        if let Some(index) = what.index()
            && let Some(Some(circuit)) = self.circuits.get_mut(index)
        {
            circuit.lost(what, now);
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: u64) {
        for asked in self.desk.give_up(now) {
            self.health.unanswered(asked.sent);
            self.lost(&asked.what, now);
        }
        if self.health.degrades(now) {
            self.desk.degraded = true;
            self.desk.outgoing.push(Outgoing::Report(Report::Degraded));
            for circuit in self.circuits.iter_mut().flatten() {
                circuit.degrade(&mut self.desk, now);
            }
        }
        if now >= self.beat_at {
            self.beat(now);
        }
        for index in 0..self.circuits.len() {
            if let Some(circuit) = &mut self.circuits[index] {
                if circuit.is_gone() {
                    self.remove(index, now);
                    continue;
                }
                circuit.tick(index, &mut self.desk, now);
            }
            self.show(index);
        }
    }

    fn beat(&mut self, now: u64) {
        self.beat_at = now + BEAT - BEAT / 10 + self.desk.draw(BEAT / 5);
        for (index, circuit) in self.circuits.iter_mut().enumerate() {
            if let Some(circuit) = circuit {
                circuit.beat(index, &mut self.desk, now);
            }
        }
        if !self.beating {
            self.beating = true;
            let Identity {
                fleet, instance, ..
            } = &self.desk.identity;
            let request = Request::Beat {
                fleet: Arc::clone(fleet),
                instance: Arc::clone(instance),
                since: self.since,
            };
            self.desk.ask(now, What::Beat, request);
        }
    }

    /// Returns when [`tick`](Self::tick) is due at the latest.
    pub(crate) fn next(&self) -> u64 {
        let degraded = self.desk.degraded;
        let circuits = self.circuits.iter().flatten();
        let circuits = circuits.filter_map(|circuit| circuit.next(degraded));
        let waits = [self.desk.next(), self.health.next(), Some(self.beat_at)];
        circuits
            .chain(waits.into_iter().flatten())
            .min()
            .unwrap_or(self.beat_at)
    }

    /// Commands all breakers of this name in the fleet, or withdraws what was commanded.
    /// Returns the request's number; `None` if no breaker of this name takes part here.
    pub(crate) fn command(
        &mut self,
        name: &str,
        command: Option<Command>,
        by: &str,
        now: u64,
    ) -> Option<u64> {
        let found = self
            .circuits
            .iter()
            .enumerate()
            .find_map(|(index, circuit)| {
                let circuit = circuit.as_ref()?;
                (circuit.name() == name).then(|| (index, circuit.commands().clone()))
            });
        let (index, circuit) = found?;
        let request = Request::Command {
            circuit: circuit.clone(),
            command,
            by: by.to_owned(),
        };
        Some(self.desk.ask(now, What::Command(index), request))
    }

    /// Takes a breaker out that can't take part after all.
    pub(crate) fn forget(&mut self, index: usize) {
        self.withdraw(index);
    }

    /// Returns whether requests are under way.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.desk.asked.is_empty()
    }

    /// Leaves the fleet: breakers go on by their local rules.
    pub(crate) fn leave(&mut self, now: u64) {
        for index in 0..self.circuits.len() {
            if let Some(circuit) = &mut self.circuits[index] {
                circuit.degrade(&mut self.desk, now);
            }
            self.remove(index, now);
        }
    }

    fn remove(&mut self, index: usize, now: u64) {
        if let Some(circuit) = self.withdraw(index) {
            circuit.leave(&mut self.desk, now);
        }
    }

    fn withdraw(&mut self, index: usize) -> Option<Circuit<B>> {
        let circuit = self.circuits.get_mut(index)?.take()?;
        for (id, _) in circuit.roles() {
            if let Some(places) = self.by_id.get_mut(id) {
                places.retain(|(place, _)| *place != index);
                if places.is_empty() {
                    self.by_id.remove(id);
                }
            }
        }
        Some(circuit)
    }

    pub(crate) fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.desk.outgoing)
    }

    /// Lets the breaker's `Info` say how things are.
    fn show(&mut self, index: usize) {
        if let Some(Some(circuit)) = self.circuits.get_mut(index) {
            circuit.show(self.desk.degraded);
        }
    }
}

impl Desk {
    /// Returns a whole number below this, by chance; 0 for 0.
    pub(crate) fn draw(&mut self, below: u64) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below"
        )]
        let drawn = (self.random.next_f64() * below as f64) as u64;
        drawn
    }

    /// Gives up what was not answered in time.
    fn give_up(&mut self, now: u64) -> Vec<desk::Asked> {
        let late: Vec<u64> = self
            .asked
            .iter()
            .filter(|(_, asked)| now >= asked.sent + TIMEOUT)
            .map(|(number, _)| *number)
            .collect();
        late.iter()
            .filter_map(|number| self.asked.remove(number))
            .collect()
    }
}
