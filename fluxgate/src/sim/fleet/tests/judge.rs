//! Watches a fleet, and counts for itself: what the store decided, and how long breakers
//! are open.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    CircuitBreaker, State,
    fleet::store::{Ballot, Phase, Reply, Request, Standing},
    sim::Network,
    util::duration::nanos,
};

const MILLI: u64 = 1_000_000;
/// Whole milliseconds are rounded, and waits are counted from the millisecond before.
const ROUNDING: u64 = 30 * MILLI;

/// What was seen so far.
#[derive(Default)]
pub(in crate::sim::fleet) struct Judge {
    /// When the votes of each circuit were served.
    votes: BTreeMap<String, Vec<(u64, String)>>,
    /// Who entered, since everything was last lost.
    members: BTreeMap<String, BTreeSet<String>>,
    /// When each epoch is over at the latest.
    over: BTreeMap<u64, u64>,
    failed_over_at: Option<u64>,
    pub(super) openings: u64,
    pub(super) most_leases: usize,
    pub(super) requests: u64,
}

impl Judge {
    pub(in crate::sim::fleet) fn served(
        &mut self,
        network: &Network,
        now: u64,
        _number: usize,
        request: &Request,
        reply: &Reply,
    ) {
        self.requests += 1;
        match (request, reply) {
            (
                Request::Enter {
                    circuit, instance, ..
                },
                _,
            ) => {
                let members = self.members.entry(format!("{circuit:?}")).or_default();
                members.insert(instance.to_string());
            }
            (Request::Leave { circuit, instance }, _) => {
                let members = self.members.entry(format!("{circuit:?}")).or_default();
                members.remove(&**instance);
            }
            (
                Request::Vote {
                    circuit,
                    instance,
                    terms,
                },
                Reply::Voted {
                    ballot, standing, ..
                },
            ) => {
                let circuit = format!("{circuit:?}");
                let votes = self.votes.entry(circuit.clone()).or_default();
                if *ballot != Ballot::NoMember && *ballot != Ballot::Open {
                    votes.push((now, instance.to_string()));
                }
                if *ballot == Ballot::Opened {
                    self.openings += 1;
                    let recent = votes.iter().filter(|(at, _)| {
                        // A clock that was shifted may count a vote for a little longer.
                        now - at <= terms.within * MILLI + ROUNDING
                    });
                    let by: BTreeSet<_> = recent.map(|(_, instance)| instance).collect();
                    let members = self.members.get(&circuit).map_or(0, BTreeSet::len);
                    let is_whole = network.restarts.is_empty() && network.clock_shifts.is_empty();
                    let needed = if is_whole {
                        network.quorum.of(members as u64)
                    } else {
                        2
                    };
                    assert!(
                        by.len() as u64 >= needed,
                        "{circuit} opened by {by:?} of {members}, {needed} needed"
                    );
                    // A replica may have the votes and not the opening.
                    if network.failovers.is_empty() {
                        votes.clear();
                    }
                }
                self.opened(now, standing);
            }
            (_, Reply::Settled { standing, .. } | Reply::Leased { standing, .. }) => {
                self.opened(now, standing);
            }
            _ => {}
        }
    }

    fn opened(&mut self, now: u64, standing: &Standing) {
        if standing.phase == Phase::Open {
            let over = now + standing.say * MILLI + ROUNDING;
            let known = self.over.entry(standing.epoch).or_insert(over);
            *known = (*known).max(over);
        }
    }

    pub(in crate::sim::fleet) fn failed_over(&mut self, now: u64) {
        self.failed_over_at = Some(now);
    }

    pub(super) fn has_failed_over(&self) -> bool {
        self.failed_over_at.is_some()
    }

    pub(in crate::sim::fleet) fn flushed(&mut self, network: &Network) {
        // A replica may have it all.
        if network.failovers.is_empty() {
            self.members.clear();
            self.votes.clear();
        }
    }

    pub(in crate::sim::fleet) fn look(
        &mut self,
        network: &Network,
        now: u64,
        leases: usize,
        breaker: Option<&CircuitBreaker>,
    ) {
        self.most_leases = self.most_leases.max(leases);
        if let Some(breaker) = breaker
            && breaker.state() == State::Open
        {
            let info = breaker.info();
            let epoch = info.fleet.and_then(|fleet| fleet.epoch);
            let wait = info.retry_after.map_or(u64::MAX, nanos);
            let over = epoch.and_then(|epoch| self.over.get(&epoch).copied());
            if let Some(over) = over {
                let late = nanos(network.delay.end);
                assert!(
                    now + wait <= over + late,
                    "open for {:?} beyond its epoch",
                    Duration::from_nanos(now + wait - over)
                );
            }
        }
    }
}
