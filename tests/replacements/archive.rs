//! A primary node and an archive node of a chain.
//!
//! Needs: reads go to the primary, and to the archive when it is down; the archive is
//! slow and costs money, so it is asked no longer than needed. Transactions go to the
//! primary alone, once. Before an upgrade of the primary an operator takes it out for
//! an hour, and it comes back by itself. A node that answers "no such block" works. Sync
//! code, two handles, no keys.

use std::{cell::Cell, fmt};

use fluxgate::{
    CallError, CircuitBreaker, Outcome, State,
    choose::{self, FailoverError},
    clock::ManualClock,
};

use crate::{MINUTE, SECOND, settings};

#[derive(Clone, Copy, Debug, PartialEq)]
enum NodeError {
    Unreachable,
    NoSuchBlock,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for NodeError {}

struct Chain {
    primary: CircuitBreaker,
    archive: CircuitBreaker,
    primary_is_up: Cell<bool>,
    asked: [Cell<u32>; 2],
}

impl Chain {
    fn new(clock: &ManualClock) -> Self {
        let node = |name: &'static str| {
            settings(CircuitBreaker::builder(name), clock)
                .build()
                .unwrap()
        };
        Self {
            primary: node("primary"),
            archive: node("archive"),
            primary_is_up: Cell::new(true),
            asked: Default::default(),
        }
    }

    fn read(&self, block: u64) -> Result<(u64, &'static str), NodeError> {
        let nodes = [(&self.primary, 0), (&self.archive, 1)];
        let answer = choose::failover(nodes)
            .idempotent(true)
            .with_classifier(|result: &Result<u64, NodeError>| match result {
                Ok(_) => Outcome::Success,
                Err(NodeError::Unreachable) => Outcome::Failure,
                Err(NodeError::NoSuchBlock) => Outcome::Alive,
            })
            .call(|(_, node)| self.ask(node, block));
        match answer {
            Ok(answer) => Ok((answer.value, ["primary", "archive"][answer.key.1])),
            Err(FailoverError::Failed { error, .. }) => Err(error),
            Err(_) => Err(NodeError::Unreachable),
        }
    }

    fn send(&self) -> Result<(), CallError<NodeError>> {
        self.primary.try_call(|| self.ask(0, 1).map(drop))
    }

    fn ask(&self, node: usize, block: u64) -> Result<u64, NodeError> {
        self.asked[node].set(self.asked[node].get() + 1);
        match (node, block) {
            (0, _) if !self.primary_is_up.get() => Err(NodeError::Unreachable),
            (_, 0) => Err(NodeError::NoSuchBlock),
            (_, block) => Ok(block * 10),
        }
    }
}

#[test]
fn archive_is_asked_no_longer_than_needed() {
    let clock = ManualClock::new();
    let chain = Chain::new(&clock);
    assert_eq!(chain.read(4), Ok((40, "primary")));
    chain.primary_is_up.set(false);
    for _ in 0..10 {
        assert_eq!(chain.read(4), Ok((40, "archive")));
    }
    assert_eq!(chain.asked[0].get(), 3, "it is out after two failures");
    chain.primary_is_up.set(true);
    clock.advance(MINUTE);
    for _ in 0..10 {
        assert_eq!(chain.read(4), Ok((40, "primary")));
    }
    assert_eq!(chain.asked[1].get(), 10);
}

#[test]
fn failed_probe_costs_no_answer() {
    let clock = ManualClock::new();
    let chain = Chain::new(&clock);
    chain.primary_is_up.set(false);
    for _ in 0..5 {
        assert_eq!(chain.read(7), Ok((70, "archive")));
        clock.advance(MINUTE);
    }
    assert!(chain.primary.info().failed >= 4);
}

#[test]
fn transaction_is_sent_once_and_to_no_other() {
    let chain = Chain::new(&ManualClock::new());
    chain.primary_is_up.set(false);
    for _ in 0..2 {
        let sent = chain.send();
        assert!(matches!(
            sent,
            Err(CallError::Failed(NodeError::Unreachable))
        ));
    }
    assert!(matches!(chain.send(), Err(CallError::Rejected(_))));
    assert_eq!((chain.asked[0].get(), chain.asked[1].get()), (2, 0));
}

#[test]
fn missing_block_is_an_answer() {
    let chain = Chain::new(&ManualClock::new());
    for _ in 0..10 {
        assert_eq!(chain.read(0), Err(NodeError::NoSuchBlock));
    }
    assert_eq!(chain.primary.state(), State::Closed);
    assert_eq!((chain.asked[0].get(), chain.asked[1].get()), (10, 0));
}

#[test]
fn upgrade_takes_the_primary_out_for_its_time() {
    let clock = ManualClock::new();
    let chain = Chain::new(&clock);
    chain.primary.open_for(60 * MINUTE);
    assert_eq!(chain.read(1), Ok((10, "archive")));
    clock.advance(3599 * SECOND);
    assert_eq!(chain.read(1), Ok((10, "archive")));
    assert_eq!(chain.asked[0].get(), 0);
    clock.advance(SECOND);
    assert_eq!(
        chain.read(1),
        Ok((10, "primary")),
        "it comes back by itself"
    );
    assert_eq!(chain.primary.state(), State::Closed);
}
