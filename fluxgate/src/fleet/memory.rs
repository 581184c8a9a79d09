//! The store in memory: the reference for every other, and what tests and the simulator
//! use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    circuit_id::CircuitId,
    store::{
        Ballot, Commanded, Delivery, HEARTBEAT, Instance, KEPT, KEPT_CHANGES, Lease, MOST_CHANGES,
        Mailbox, Notice, PEAK, Phase, Reply, Request, SETTLED, Standing, Store, Terms, Verdict,
    },
};

/// The highest level of an opening.
const HIGHEST_LEVEL: u32 = 32;

/// All that a store keeps. Pure: the time is handed in, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    circuits: BTreeMap<CircuitId, Circuit>,
    fleets: BTreeMap<String, Changes>,
}

#[derive(Clone, Debug, Default)]
struct Circuit {
    version: u64,
    phase: Phase,
    epoch: u64,
    terms: Option<Terms>,
    until: u64,
    wait: u64,
    level: u32,
    dissolved_at: u64,
    opened_by: (u64, u64),
    first_vote: u64,
    passed: BTreeMap<Instance, u32>,
    earlier: Option<Earlier>,
    tokens: u64,
    command: Option<Commanded>,
    votes: BTreeMap<Instance, u64>,
    half_at: Option<u64>,
    members: BTreeMap<Instance, Member>,
    born: u64,
    peak: u64,
    peak_at: u64,
    leases: BTreeMap<Instance, Held>,
    kept_until: u64,
}

/// The epoch that a failed probe ended.
#[derive(Clone, Debug)]
struct Earlier {
    epoch: u64,
    /// Whose probe it was.
    instance: Instance,
    /// How many probes of it have failed.
    told: u64,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    until: u64,
    lifetime: u64,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    epoch: u64,
    token: u64,
    until: u64,
}

#[derive(Clone, Debug, Default)]
struct Changes {
    number: u64,
    numbers: BTreeMap<String, u64>,
    agents: BTreeMap<Instance, u64>,
}

impl Memory {
    /// Serves a request at the time `now`. Returns the answer, and adds what the members
    /// of the circuit are to be told.
    pub(crate) fn serve(&mut self, request: Request, now: u64, notices: &mut Vec<Notice>) -> Reply {
        match request {
            Request::Announce { circuit } => {
                self.fleets
                    .entry(circuit.fleet().to_owned())
                    .or_default()
                    .announce(circuit.entry());
                Reply::Done
            }
            Request::Beat {
                fleet,
                instance,
                since,
            } => self
                .fleets
                .entry(fleet.as_ref().to_owned())
                .or_default()
                .beat(instance, since, now),
            Request::Enter {
                circuit,
                instance,
                lifetime,
            } => self.at(&circuit, now).enter(instance, lifetime, now),
            Request::Leave { circuit, instance } => {
                self.at(&circuit, now).leave(&instance);
                Reply::Done
            }
            Request::Read { circuit } => Reply::Standing(self.at(&circuit, now).standing(now)),
            Request::Vote {
                circuit,
                instance,
                terms,
            } => {
                let at = self.at(&circuit, now);
                at.vote(&circuit, instance, terms, now, notices)
            }
            Request::Lease {
                circuit,
                instance,
                epoch,
            } => {
                let circuit = self.at(&circuit, now);
                let lease = circuit.lease(instance, epoch, now);
                Reply::Leased {
                    lease,
                    standing: circuit.standing(now),
                }
            }
            Request::GiveBack {
                circuit,
                instance,
                epoch,
                token,
            } => {
                self.at(&circuit, now).take_lease(&instance, epoch, token);
                Reply::Done
            }
            Request::Settle {
                circuit: id,
                instance,
                epoch,
                token,
                passed,
            } => {
                let circuit = self.at(&id, now);
                let verdict = circuit.settle(instance, epoch, token, passed, now);
                let standing = circuit.standing(now);
                if verdict.changes() {
                    notices.push(Notice::Changed {
                        circuit: id,
                        standing: standing.clone(),
                    });
                }
                Reply::Settled { verdict, standing }
            }
            Request::Command {
                circuit: id,
                command,
                by,
            } => {
                let circuit = self.at(&id, now);
                circuit.command = Some(Commanded { command, by });
                circuit.change(now);
                circuit.kept_until = now + KEPT;
                let standing = circuit.standing(now);
                notices.push(Notice::Changed {
                    circuit: id,
                    standing: standing.clone(),
                });
                Reply::Standing(standing)
            }
        }
    }

    /// Returns the highest number of leases in force in a circuit.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn leases(&self, now: u64) -> usize {
        let each = self.circuits.values().map(|circuit| {
            let held = circuit.leases.values();
            held.filter(|held| held.until > now).count()
        });
        each.max().unwrap_or(0)
    }

    /// Returns a circuit, pruned.
    fn at(&mut self, id: &CircuitId, now: u64) -> &mut Circuit {
        let circuit = self.circuits.entry(id.clone()).or_default();
        if circuit.kept_until < now {
            *circuit = Circuit {
                kept_until: now + KEPT,
                ..Circuit::default()
            };
        }
        circuit.kept_until = circuit.kept_until.min(now + KEPT);
        circuit.prune(now);
        circuit
    }
}

impl Circuit {
    fn prune(&mut self, now: u64) {
        self.members
            .retain(|_, member| member.until > now && member.until <= now + member.lifetime);
        let members = self.members.len() as u64;
        let is_over = now.saturating_sub(self.peak_at) >= PEAK || self.peak_at > now;
        if members >= self.peak || is_over {
            (self.peak, self.peak_at) = (members, now);
        }
        let lease = self.terms.map_or(0, |terms| terms.lease);
        self.leases
            .retain(|_, held| held.until > now && held.until <= now + lease);
        if self.phase == Phase::Open && (now >= self.says_until() || self.until > now + self.wait) {
            self.phase = Phase::Quiet;
            self.level = 0;
            self.change(now);
        }
    }

    fn says_until(&self) -> u64 {
        self.until + self.terms.map_or(0, |terms| terms.grace())
    }

    fn change(&mut self, now: u64) {
        self.version = now.max(self.version + 1);
    }

    fn standing(&self, now: u64) -> Standing {
        let is_open = self.phase == Phase::Open;
        let until = |time: u64| if is_open { time.saturating_sub(now) } else { 0 };
        Standing {
            version: self.version,
            epoch: self.epoch,
            phase: self.phase,
            remaining: until(self.until),
            say: until(self.says_until()),
            wait: self.wait,
            level: self.level,
            votes: self.opened_by.0,
            needed: self.opened_by.1,
            first_ago: if self.epoch == 0 {
                0
            } else {
                now.saturating_sub(self.first_vote)
            },
            hash: self.terms.map_or(0, |terms| terms.hash),
            probes: self.terms.map_or(0, |terms| terms.probes),
            lease: self.terms.map_or(0, |terms| terms.lease),
            members: self.peak,
            command: self.command.clone(),
        }
    }

    fn enter(&mut self, instance: Instance, lifetime: u64, now: u64) -> Reply {
        if self.members.is_empty() {
            self.born = now;
        }
        let until = now + lifetime;
        self.members.insert(instance, Member { until, lifetime });
        self.prune(now);
        self.kept_until = now + KEPT;
        Reply::Entered {
            standing: self.standing(now),
            age: now.saturating_sub(self.born),
        }
    }

    fn leave(&mut self, instance: &Instance) {
        self.members.remove(instance);
        self.votes.remove(instance);
        self.leases.remove(instance);
    }

    fn vote(
        &mut self,
        circuit: &CircuitId,
        instance: Instance,
        terms: Terms,
        now: u64,
        notices: &mut Vec<Notice>,
    ) -> Reply {
        let members = &self.members;
        self.votes.retain(|voter, time| {
            *time <= now && now - *time < terms.within && members.contains_key(voter)
        });
        if !self.members.contains_key(&instance) {
            return self.voted(Ballot::NoMember, 0, 0, now);
        }
        if self.phase == Phase::Open {
            return self.voted(Ballot::Open, 0, 0, now);
        }
        if self.phase == Phase::Dissolved && self.is_split(now) {
            return self.voted(Ballot::Dissolved, 0, 0, now);
        }
        self.votes.insert(instance, now);
        let votes = self.votes.len() as u64;
        let needed = terms.needed(self.peak);
        if self.born > now || now - self.born < SETTLED {
            return self.voted(Ballot::TooEarly, votes, needed, now);
        }
        if votes >= needed {
            self.first_vote = self.votes.values().copied().min().unwrap_or(now);
            self.terms = Some(terms);
            self.opened_by = (votes, needed);
            self.earlier = None;
            self.open(0, now);
            self.votes.clear();
            self.half_at = None;
            self.kept_until = now + KEPT;
            notices.push(Notice::Changed {
                circuit: circuit.clone(),
                standing: self.standing(now),
            });
            return self.voted(Ballot::Opened, votes, needed, now);
        }
        let is_new = self
            .half_at
            .is_none_or(|half| half > now || now - half >= terms.within);
        if votes >= needed.div_ceil(2) && is_new {
            self.half_at = Some(now);
            notices.push(Notice::Half {
                circuit: circuit.clone(),
                votes,
                needed,
                within: terms.within,
            });
        }
        self.voted(Ballot::Counted, votes, needed, now)
    }

    /// Returns whether the instances disagreed a short while ago.
    fn is_split(&self, now: u64) -> bool {
        let longest = self.terms.map_or(0, |terms| terms.longest);
        self.dissolved_at > now || now - self.dissolved_at < longest
    }

    fn voted(&self, ballot: Ballot, votes: u64, needed: u64, now: u64) -> Reply {
        Reply::Voted {
            ballot,
            votes,
            needed,
            standing: self.standing(now),
        }
    }

    /// Begins an epoch on the present terms.
    fn open(&mut self, level: u32, now: u64) {
        self.change(now);
        self.epoch = self.version;
        self.phase = Phase::Open;
        self.level = level;
        self.wait = self.terms.map_or(0, |terms| terms.wait(level));
        self.until = now + self.wait;
        self.passed.clear();
    }

    fn lease(&mut self, instance: Instance, epoch: u64, now: u64) -> Lease {
        let Some(terms) = self
            .terms
            .filter(|_| self.phase == Phase::Open && self.epoch == epoch)
        else {
            return Lease::Stale;
        };
        let in_force = self.leases.len() as u64;
        let mut epoch = epoch;
        if now < self.until {
            let began = self.until.saturating_sub(self.wait);
            let earlier = self.earlier.as_ref().filter(|earlier| {
                earlier.instance != instance
                    && now < began + terms.grace()
                    && earlier.told + in_force < terms.probes.into()
            });
            match earlier {
                Some(earlier) => epoch = earlier.epoch,
                None => return Lease::Early,
            }
        }
        if in_force >= terms.probes.into() || self.leases.contains_key(&instance) {
            return Lease::Full;
        }
        self.tokens += 1;
        let held = Held {
            epoch,
            token: self.tokens,
            until: now + terms.lease,
        };
        self.leases.insert(instance, held);
        let token = self.tokens;
        Lease::Granted { epoch, token }
    }

    /// Drops a lease. Returns whether it was in force.
    fn take_lease(&mut self, instance: &Instance, epoch: u64, token: u64) -> bool {
        let held = self.leases.get(instance);
        let fits = held.is_some_and(|held| held.epoch == epoch && held.token == token);
        if fits {
            self.leases.remove(instance);
        }
        fits
    }

    fn settle(
        &mut self,
        instance: Instance,
        epoch: u64,
        token: u64,
        passed: bool,
        now: u64,
    ) -> Verdict {
        if !self.take_lease(&instance, epoch, token) || self.phase != Phase::Open {
            return Verdict::Void;
        }
        let Some(terms) = self.terms else {
            return Verdict::Void;
        };
        if epoch != self.epoch {
            return match &mut self.earlier {
                Some(earlier) if earlier.epoch == epoch && !passed => {
                    earlier.told += 1;
                    Verdict::Void
                }
                Some(earlier) if earlier.epoch == epoch && earlier.instance != instance => {
                    self.end(Phase::Dissolved, now)
                }
                _ => Verdict::Void,
            };
        }
        if passed {
            *self.passed.entry(instance).or_default() += 1;
            let probes: u32 = self.passed.values().sum();
            let is_enough = self.passed.len() >= 2 || self.peak < 2;
            if probes >= terms.close_after && is_enough {
                return self.end(Phase::Closed, now);
            }
            return Verdict::Pending;
        }
        self.passed.remove(&instance);
        if !self.passed.is_empty() {
            return self.end(Phase::Dissolved, now);
        }
        self.earlier = Some(Earlier {
            epoch: self.epoch,
            instance,
            told: 1,
        });
        self.open((self.level + 1).min(HIGHEST_LEVEL), now);
        self.kept_until = now + KEPT;
        Verdict::Reopened
    }

    fn end(&mut self, phase: Phase, now: u64) -> Verdict {
        self.phase = phase;
        self.dissolved_at = now;
        self.level = 0;
        self.change(now);
        if phase == Phase::Closed {
            Verdict::Closed
        } else {
            Verdict::Dissolved
        }
    }
}

impl Changes {
    fn announce(&mut self, entry: &str) {
        self.number += 1;
        self.numbers.insert(entry.to_owned(), self.number);
        if self.numbers.len() > KEPT_CHANGES {
            let oldest = self.numbers.iter().min_by_key(|(_, number)| **number);
            if let Some(oldest) = oldest.map(|(entry, _)| entry.clone()) {
                self.numbers.remove(&oldest);
            }
        }
    }

    fn beat(&mut self, instance: Instance, since: u64, now: u64) -> Reply {
        self.agents
            .retain(|_, until| *until > now && *until <= now + HEARTBEAT);
        let known = self.agents.insert(instance, now + HEARTBEAT).is_some();
        let since = if since > self.number { 0 } else { since };
        let newer: BTreeSet<_> = self
            .numbers
            .iter()
            .map(|(entry, number)| (*number, entry))
            .filter(|(number, _)| *number > since)
            .collect();
        let told: Vec<_> = newer.iter().take(MOST_CHANGES).collect();
        let number = match told.last() {
            Some((number, _)) if told.len() < newer.len() => *number,
            _ => self.number,
        };
        Reply::Beat {
            known,
            number,
            changes: told.iter().map(|(_, entry)| (*entry).clone()).collect(),
            agents: self.agents.len() as u64,
        }
    }
}

/// A place where fleets meet within one process, for tests: clones are one store. It loses
/// nothing, and answers at once.
///
/// ```
/// use fluxgate::{CircuitBreaker, Command, State, fleet::{Fleet, Member, MemoryStore}};
///
/// let build = || CircuitBreaker::builder("payments").fleet(Member::new()).build();
/// let (here, there) = (build()?, build()?);
/// let store = MemoryStore::new();
/// let join = |breaker: &CircuitBreaker| {
///     let fleet = Fleet::builder("test/shop").memory(&store);
///     fleet.breakers([breaker.clone()]).join_blocking()
/// };
/// let (fleet, _other) = (join(&here)?, join(&there)?);
/// fleet.command("payments", Command::ForceOpen)?;
/// while there.state() != State::ForcedOpen {
///     std::thread::yield_now();
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    began: Instant,
    memory: Mutex<Memory>,
    /// Where notices go, and of which circuits.
    hearers: Mutex<Vec<Hearer>>,
}

struct Hearer {
    circuits: BTreeSet<CircuitId>,
    mailbox: std::sync::Weak<Mailbox>,
}

/// One agent's way to a [`MemoryStore`].
pub(crate) struct MemoryConnection {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
}

impl MemoryStore {
    /// Creates a store that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            began: Instant::now(),
            memory: Mutex::default(),
            hearers: Mutex::default(),
        }))
    }

    pub(crate) fn connect(&self, mailbox: Mailbox) -> MemoryConnection {
        let mailbox = Arc::new(mailbox);
        let mut hearers = lock(&self.0.hearers);
        hearers.retain(|hearer| hearer.mailbox.strong_count() > 0);
        hearers.push(Hearer {
            circuits: BTreeSet::new(),
            mailbox: Arc::downgrade(&mailbox),
        });
        MemoryConnection {
            shared: Arc::clone(&self.0),
            mailbox,
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl Store for MemoryConnection {
    fn send(&mut self, number: u64, request: Request) {
        let now = u64::try_from(self.shared.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut notices = Vec::new();
        let reply = lock(&self.shared.memory).serve(request, now + 1, &mut notices);
        (self.mailbox)(Delivery::Answer(number, Ok(reply)));
        for notice in notices {
            let (Notice::Half { circuit, .. } | Notice::Changed { circuit, .. }) = &notice;
            for hearer in lock(&self.shared.hearers).iter() {
                if hearer.circuits.contains(circuit)
                    && let Some(mailbox) = hearer.mailbox.upgrade()
                {
                    mailbox(Delivery::Notice(notice.clone()));
                }
            }
        }
    }

    fn subscribe(&mut self, circuit: &CircuitId) {
        let mine = Arc::downgrade(&self.mailbox);
        for hearer in lock(&self.shared.hearers).iter_mut() {
            if hearer.mailbox.ptr_eq(&mine) {
                hearer.circuits.insert(circuit.clone());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
