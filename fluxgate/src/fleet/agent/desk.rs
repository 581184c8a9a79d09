//! What an agent has asked and not heard yet, and what it wants sent.

use std::collections::BTreeMap;

use super::{Identity, Outgoing};
use crate::{
    fleet::{
        circuit_id::CircuitId,
        member::{hash, millis},
        store::{Instance, Request, TIMEOUT, Terms},
    },
    random::Seeded,
};

/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum What {
    Beat,
    Enter(usize),
    Read(usize, CircuitId),
    Vote(usize),
    /// With the epoch.
    Lease(usize, u64),
    Settle(usize),
    Announce(usize),
    Command(usize),
    /// What has no answer that matters.
    Farewell,
}

impl What {
    /// Returns the breaker's number.
    pub(super) fn index(&self) -> Option<usize> {
        match *self {
            Self::Beat | Self::Farewell => None,
            Self::Enter(index)
            | Self::Read(index, _)
            | Self::Vote(index)
            | Self::Lease(index, _)
            | Self::Settle(index)
            | Self::Announce(index)
            | Self::Command(index) => Some(index),
        }
    }
}

pub(super) struct Asked {
    pub(super) what: What,
    pub(super) sent: u64,
}

pub(crate) struct Desk {
    pub(super) identity: Identity,
    pub(super) random: Seeded,
    pub(super) asked: BTreeMap<u64, Asked>,
    number: u64,
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) degraded: bool,
}

impl Desk {
    pub(super) fn new(identity: Identity, random: Seeded) -> Self {
        Self {
            identity,
            random,
            asked: BTreeMap::new(),
            number: 0,
            outgoing: Vec::new(),
            degraded: false,
        }
    }

    /// Sends a request. Returns its number.
    pub(super) fn ask(&mut self, now: u64, what: What, request: Request) -> u64 {
        self.number += 1;
        self.asked.insert(self.number, Asked { what, sent: now });
        self.outgoing.push(Outgoing::Send(self.number, request));
        self.number
    }

    pub(super) fn answered(&mut self, number: u64) -> Option<Asked> {
        self.asked.remove(&number)
    }

    pub(super) fn instance(&self) -> Instance {
        self.identity.instance.clone()
    }

    /// Adds the quorum to what a breaker's votes say.
    pub(super) fn complete(&self, terms: Terms) -> Terms {
        let quorum = &self.identity.quorum;
        let mut terms = Terms {
            share: quorum.millionths(),
            at_least: quorum.least(),
            within: millis(quorum.window()),
            ..terms
        };
        terms.hash = hash(&terms);
        terms
    }

    /// Returns when the first request is given up.
    pub(super) fn next(&self) -> Option<u64> {
        let first = self.asked.values().next()?;
        Some(first.sent + TIMEOUT)
    }
}
