//! The events of a fleet: messages on their way, agents whose time has come, and what
//! goes wrong.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::Network;
use crate::{
    CircuitBreaker,
    engine::{Core, fleet::Outlet},
    fleet::{
        agent::{Agent, Identity, Outgoing},
        circuit_id::CircuitId,
        memory::Memory,
        store::{Delivery, Notice, Request, StoreError},
    },
    random::{Random, Seeded},
    sim::simulation::fork,
    util::duration::nanos,
};

/// The path of the simulated fleet.
const FLEET: &str = "sim/fleet";
/// The store's clock when the run begins, in milliseconds.
const BEGINNING: u64 = 1_700_000_000_000;
const MILLI: u64 = 1_000_000;

/// Agents, store, and the messages between them.
pub(in crate::sim) struct Net {
    network: Network,
    memory: Memory,
    /// How far the store's clock is from the run's, in milliseconds.
    shift: i64,
    /// What a replica has, while a failover is under way.
    replica: Option<Memory>,
    members: Vec<Member>,
    /// When which instance voted.
    pub(in crate::sim) votes: Vec<(Duration, usize)>,
    events: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    #[cfg(test)]
    now: u64,
    random: Seeded,
    seeds: Seeded,
    /// Looks at everything that happens.
    #[cfg(test)]
    pub(super) judge: super::tests::judge::Judge,
}

struct Member {
    agent: Agent<Weak<Core>>,
    woken: Arc<AtomicBool>,
    /// How often it was started: messages to an earlier one are dropped.
    starts: u32,
    /// When its next tick is in the heap.
    tick_at: u64,
    zone: Option<Arc<str>>,
    circuits: Vec<CircuitId>,
}

#[derive(Debug)]
struct Event {
    at: u64,
    sequence: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Tick(usize),
    Request(usize, u32, u64, Box<Request>),
    Delivery(usize, u32, Box<Delivery>),
    Replicate,
    FailOver,
    Flush,
    Shift(i64),
    Restart(usize),
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl Net {
    /// Lets the breakers join that are members of a fleet.
    pub(in crate::sim) fn new(
        network: Network,
        breakers: &[CircuitBreaker],
        seeds: &mut Seeded,
    ) -> Self {
        let mut net = Self {
            memory: Memory::default(),
            shift: 0,
            replica: None,
            members: Vec::with_capacity(breakers.len()),
            votes: Vec::new(),
            events: BinaryHeap::new(),
            sequence: 0,
            #[cfg(test)]
            now: 0,
            random: fork(seeds),
            seeds: fork(seeds),
            network,
            #[cfg(test)]
            judge: super::tests::judge::Judge::default(),
        };
        for (number, breaker) in breakers.iter().enumerate() {
            let woken = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&woken);
            let outlet = Outlet {
                wake: Box::new(move || flag.store(true, Ordering::Relaxed)),
                turn: usize::MAX,
            };
            if let Some(fleet) = breaker.core.fleet() {
                fleet.release();
                fleet.adopt(outlet);
            }
            let zone: Option<Arc<str>> = (net.network.zones > 1)
                .then(|| format!("z{}", number * net.network.zones / breakers.len()).into());
            let ids =
                [zone.as_deref(), None].map(|zone| CircuitId::new(FLEET, zone, breaker.name()));
            let agent = net.agent(number, zone.clone(), 0, 0);
            net.members.push(Member {
                agent,
                woken,
                starts: 0,
                tick_at: u64::MAX,
                zone,
                circuits: ids.into_iter().flatten().collect(),
            });
            net.join(number, breaker, 0);
        }
        net.schedule_faults();
        net
    }

    fn schedule_faults(&mut self) {
        let Network {
            failovers,
            flushes,
            clock_shifts,
            restarts,
            ..
        } = self.network.clone();
        for at in failovers {
            let at = nanos(at);
            self.put(at.saturating_sub(100 * MILLI), What::Replicate);
            self.put(at, What::FailOver);
        }
        for at in flushes {
            self.put(nanos(at), What::Flush);
        }
        for (at, millis) in clock_shifts {
            self.put(nanos(at), What::Shift(millis));
        }
        for (instances, at) in restarts {
            for instance in instances {
                self.put(nanos(at), What::Restart(instance));
            }
        }
    }

    fn agent(
        &mut self,
        number: usize,
        zone: Option<Arc<str>>,
        starts: u32,
        now: u64,
    ) -> Agent<Weak<Core>> {
        let identity = Identity {
            fleet: FLEET.into(),
            zone,
            instance: format!("{number:08x}{starts:08x}").into(),
            quorum: self.network.quorum,
        };
        Agent::new(identity, fork(&mut self.seeds), now / MILLI)
    }

    fn join(&mut self, number: usize, breaker: &CircuitBreaker, now: u64) {
        if let Some(fleet) = breaker.core.fleet() {
            let core = Arc::downgrade(&breaker.core);
            let agent = &mut self.members[number].agent;
            agent.add(core, breaker.name(), fleet.terms, now / MILLI);
        }
        self.send(number, now);
    }

    fn put(&mut self, at: u64, what: What) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.events.push(Reverse(Event { at, sequence, what }));
    }

    /// Returns when something happens next.
    pub(in crate::sim) fn next(&self) -> Option<u64> {
        self.events.peek().map(|Reverse(event)| event.at)
    }

    /// Lets the next thing happen. Returns the instance that it concerns, if it is one.
    pub(in crate::sim) fn step(&mut self, breakers: &[CircuitBreaker]) -> Option<usize> {
        let touched = self.step_unseen(breakers);
        #[cfg(test)]
        {
            let time = (BEGINNING + self.now / MILLI).saturating_add_signed(self.shift);
            let leases = self.memory.leases(time);
            let breaker = touched.map(|number| &breakers[number]);
            self.judge.look(&self.network, self.now, leases, breaker);
        }
        touched
    }

    fn step_unseen(&mut self, breakers: &[CircuitBreaker]) -> Option<usize> {
        let Reverse(Event { at: now, what, .. }) = self.events.pop()?;
        #[cfg(test)]
        {
            self.now = now;
        }
        match what {
            What::Tick(number) => {
                let member = &mut self.members[number];
                if member.tick_at != now {
                    return None;
                }
                member.tick_at = u64::MAX;
                member.agent.tick(now / MILLI);
                self.send(number, now);
                return Some(number);
            }
            What::Delivery(number, starts, delivery) => {
                let member = &mut self.members[number];
                if member.starts != starts {
                    return None;
                }
                member.agent.deliver(*delivery, now / MILLI);
                self.send(number, now);
                return Some(number);
            }
            What::Request(number, starts, request_number, request) => {
                self.serve(number, starts, request_number, *request, now);
            }
            What::Replicate => self.replica = Some(self.memory.clone()),
            What::FailOver => {
                #[cfg(test)]
                self.judge.failed_over(now);
                if let Some(replica) = self.replica.take() {
                    self.memory = replica;
                }
            }
            What::Flush => {
                #[cfg(test)]
                self.judge.flushed(&self.network);
                self.memory = Memory::default();
            }
            What::Shift(millis) => self.shift += millis,
            What::Restart(number) => {
                let breaker = &breakers[number];
                let seed = fork(&mut self.seeds);
                breaker.core.renew(seed);
                let starts = self.members[number].starts + 1;
                let zone = self.members[number].zone.clone();
                self.members[number].agent = self.agent(number, zone, starts, now);
                self.members[number].starts = starts;
                self.join(number, breaker, now);
                return Some(number);
            }
        }
        None
    }

    /// Lets the agent of an instance know what its breaker noted.
    pub(in crate::sim) fn noted(&mut self, number: usize, now: u64) -> bool {
        let woken = self.members[number].woken.swap(false, Ordering::Relaxed);
        if woken {
            self.members[number].agent.noted(0, now / MILLI);
            self.send(number, now);
        }
        woken
    }

    /// Serves a request, and sends what comes of it.
    fn serve(&mut self, number: usize, starts: u32, id: u64, request: Request, now: u64) {
        let time = (BEGINNING + now / MILLI).saturating_add_signed(self.shift);
        let mut notices = Vec::new();
        #[cfg(test)]
        let copy = request.clone();
        let reply = self.memory.serve(request, time, &mut notices);
        #[cfg(test)]
        self.judge.served(&self.network, now, number, &copy, &reply);
        self.transmit(number, now, || {
            What::Delivery(
                number,
                starts,
                Box::new(Delivery::Answer(id, Ok(reply.clone()))),
            )
        });
        for notice in notices {
            let (Notice::Half { circuit, .. } | Notice::Changed { circuit, .. }) = &notice;
            for hearer in 0..self.members.len() {
                if self.members[hearer].circuits.contains(circuit) {
                    let starts = self.members[hearer].starts;
                    self.transmit(hearer, now, || {
                        What::Delivery(hearer, starts, Box::new(Delivery::Notice(notice.clone())))
                    });
                }
            }
        }
    }

    /// Sends what an agent wants sent, and notes when its time comes next.
    fn send(&mut self, number: usize, now: u64) {
        let starts = self.members[number].starts;
        for outgoing in self.members[number].agent.take_outgoing() {
            if let Outgoing::Send(id, request) = outgoing {
                if let Request::Vote { .. } = request {
                    self.votes.push((Duration::from_nanos(now), number));
                }
                if self.is_cut(number, now) && self.random.next_f64() < 0.5 {
                    // The connection is known to be broken.
                    let error = Delivery::Answer(id, Err(StoreError("cut".into())));
                    self.put(now, What::Delivery(number, starts, Box::new(error)));
                    continue;
                }
                self.transmit(number, now, || {
                    What::Request(number, starts, id, Box::new(request.clone()))
                });
            }
        }
        let tick_at = (self.members[number].agent.next() * MILLI).max(now + MILLI);
        if tick_at != self.members[number].tick_at {
            self.members[number].tick_at = tick_at;
            self.put(tick_at, What::Tick(number));
        }
    }

    fn is_cut(&self, number: usize, now: u64) -> bool {
        self.network.cuts.iter().any(|(instances, during)| {
            instances.contains(&number) && (nanos(during.start)..nanos(during.end)).contains(&now)
        })
    }

    /// Puts a message on its way, if it is not lost; perhaps twice.
    fn transmit(&mut self, number: usize, now: u64, message: impl Fn() -> What) {
        let is_sick = now < nanos(self.network.heals);
        let is_lost = self.random.next_f64() < self.network.loss && is_sick;
        if self.is_cut(number, now) || is_lost {
            return;
        }
        let is_doubled = self.random.next_f64() < self.network.duplicates && is_sick;
        let copies = 1 + usize::from(is_doubled);
        for _ in 0..copies {
            let (least, most) = (
                nanos(self.network.delay.start),
                nanos(self.network.delay.end),
            );
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "short"
            )]
            let delay = (self.random.next_f64() * most.saturating_sub(least) as f64) as u64;
            self.put(now + least + delay, message());
        }
    }
}
