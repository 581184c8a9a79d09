//! The store's rules, one by one. Other stores are compared with this one.

use crate::{
    Command,
    fleet::{
        circuit_id::CircuitId,
        memory::Memory,
        store::{Ballot, Instance, Lease, Notice, Phase, Reply, Request, Standing, Terms, Verdict},
    },
};

const TERMS: Terms = Terms {
    share: 50_000,
    at_least: 2,
    within: 5_000,
    cooldown: 30_000,
    longest: 100_000,
    probes: 3,
    lease: 10_000,
    close_after: 1,
    hash: 7,
};

/// A store, its time, and what it told.
struct World {
    memory: Memory,
    now: u64,
    circuit: CircuitId,
    notices: Vec<Notice>,
}

impl World {
    fn new(members: usize) -> Self {
        let mut world = Self {
            memory: Memory::default(),
            now: 1_000_000,
            circuit: CircuitId::new("prod/shop", None, "payments").expect("short"),
            notices: Vec::new(),
        };
        for member in 0..members {
            world.enter(member);
        }
        world.now += 15_000;
        world
    }

    fn serve(&mut self, request: Request) -> Reply {
        self.memory.serve(request, self.now, &mut self.notices)
    }

    fn enter(&mut self, member: usize) -> Reply {
        let (circuit, instance) = (self.circuit.clone(), instance(member));
        self.serve(Request::Enter {
            circuit,
            instance,
            lifetime: 660_000,
        })
    }

    fn vote(&mut self, member: usize) -> (Ballot, u64, u64) {
        let (circuit, instance) = (self.circuit.clone(), instance(member));
        let reply = self.serve(Request::Vote {
            circuit,
            instance,
            terms: TERMS,
        });
        match reply {
            Reply::Voted {
                ballot,
                votes,
                needed,
                ..
            } => (ballot, votes, needed),
            reply => panic!("{reply:?}"),
        }
    }

    fn lease(&mut self, member: usize, epoch: u64) -> Lease {
        let (circuit, instance) = (self.circuit.clone(), instance(member));
        let reply = self.serve(Request::Lease {
            circuit,
            instance,
            epoch,
        });
        match reply {
            Reply::Leased { lease, .. } => lease,
            reply => panic!("{reply:?}"),
        }
    }

    fn granted(&mut self, member: usize, epoch: u64) -> u64 {
        match self.lease(member, epoch) {
            Lease::Granted { token, .. } => token,
            lease => panic!("{lease:?}"),
        }
    }

    fn settle(&mut self, member: usize, epoch: u64, token: u64, passed: bool) -> Verdict {
        let (circuit, instance) = (self.circuit.clone(), instance(member));
        let reply = self.serve(Request::Settle {
            circuit,
            instance,
            epoch,
            token,
            passed,
        });
        match reply {
            Reply::Settled { verdict, .. } => verdict,
            reply => panic!("{reply:?}"),
        }
    }

    fn standing(&mut self) -> Standing {
        let circuit = self.circuit.clone();
        match self.serve(Request::Read { circuit }) {
            Reply::Standing(standing) => standing,
            reply => panic!("{reply:?}"),
        }
    }

    /// Opens the circuit by the votes of the first two members, and lets the wait pass.
    fn due(&mut self) -> u64 {
        self.vote(0);
        assert_eq!(self.vote(1).0, Ballot::Opened);
        self.now += 30_000;
        self.standing().epoch
    }
}

fn instance(member: usize) -> Instance {
    format!("i{member}").into()
}

#[test]
fn quorum_is_of_distinct_members() {
    let mut world = World::new(41);
    assert_eq!(world.vote(99), (Ballot::NoMember, 0, 0));
    assert_eq!(world.vote(0), (Ballot::Counted, 1, 3));
    for _ in 0..5 {
        assert_eq!(world.vote(0), (Ballot::Counted, 1, 3));
    }
    assert!(world.notices.is_empty());
    assert_eq!(world.vote(1), (Ballot::Counted, 2, 3));
    assert!(matches!(world.notices[..], [Notice::Half { votes: 2, .. }]));
    assert_eq!(world.vote(2), (Ballot::Opened, 3, 3));
    let standing = world.standing();
    assert_eq!((standing.phase, standing.remaining), (Phase::Open, 30_000));
    assert_eq!(
        (standing.votes, standing.needed, standing.say),
        (3, 3, 50_000)
    );
    assert_eq!(world.vote(3).0, Ballot::Open);
}

#[test]
fn votes_lapse() {
    let mut world = World::new(10);
    assert_eq!(world.vote(0), (Ballot::Counted, 1, 2));
    world.now += 5_000;
    assert_eq!(world.vote(1), (Ballot::Counted, 1, 2));
    world.now += 4_999;
    assert_eq!(world.vote(2), (Ballot::Opened, 2, 2));
    assert_eq!(world.standing().first_ago, 4_999);
}

#[test]
fn young_members_are_no_quorum() {
    let mut world = World::new(10);
    world.now -= 1;
    world.vote(0);
    assert_eq!(world.vote(1), (Ballot::TooEarly, 2, 2));
    assert_eq!(world.standing().phase, Phase::Quiet);
    world.now += 1;
    assert_eq!(world.vote(2), (Ballot::Opened, 3, 2));
}

#[test]
fn quorum_follows_the_peak_of_a_minute() {
    let mut world = World::new(100);
    for member in 20..100 {
        let (circuit, instance) = (world.circuit.clone(), instance(member));
        world.serve(Request::Leave { circuit, instance });
    }
    assert_eq!(world.vote(0).2, 5);
    world.now += 60_000;
    world.vote(0);
    assert_eq!(world.vote(1), (Ballot::Opened, 2, 2));
}

#[test]
fn leases_are_bounded_and_fenced() {
    let mut world = World::new(10);
    world.vote(0);
    world.vote(1);
    let epoch = world.standing().epoch;
    assert_eq!(world.lease(0, epoch), Lease::Early);
    world.now += 30_000;
    assert_eq!(world.lease(0, epoch - 1), Lease::Stale);
    let token = world.granted(0, epoch);
    assert_eq!(world.lease(0, epoch), Lease::Full, "one each");
    world.granted(1, epoch);
    world.granted(2, epoch);
    assert_eq!(world.lease(3, epoch), Lease::Full);
    let (circuit, instance) = (world.circuit.clone(), instance(0));
    world.serve(Request::GiveBack {
        circuit,
        instance,
        epoch,
        token,
    });
    assert_eq!(world.settle(0, epoch, token, true), Verdict::Void);
    let next = world.granted(3, epoch);
    assert_ne!(next, token);
    world.now += 10_000;
    assert_eq!(
        world.settle(3, epoch, next, true),
        Verdict::Void,
        "it lapsed"
    );
}

#[test]
fn two_instances_close() {
    let mut world = World::new(10);
    let epoch = world.due();
    let token = world.granted(0, epoch);
    assert_eq!(world.settle(0, epoch, token, true), Verdict::Pending);
    let token = world.granted(0, epoch);
    assert_eq!(world.settle(0, epoch, token, true), Verdict::Pending);
    let token = world.granted(1, epoch);
    assert_eq!(world.settle(1, epoch, token, true), Verdict::Closed);
    assert_eq!(world.standing().phase, Phase::Closed);
}

#[test]
fn failed_probe_reopens_for_longer() {
    let mut world = World::new(10);
    let mut epoch = world.due();
    for (level, wait) in [(1, 60_000), (2, 100_000), (3, 100_000)] {
        let token = world.granted(0, epoch);
        assert_eq!(world.settle(0, epoch, token, false), Verdict::Reopened);
        let standing = world.standing();
        assert!(standing.epoch > epoch);
        assert_eq!((standing.level, standing.remaining), (level, wait));
        epoch = standing.epoch;
        world.now += wait;
    }
}

#[test]
fn passed_and_failed_dissolve() {
    // The good one first, then the bad one.
    let mut world = World::new(10);
    let epoch = world.due();
    let (good, bad) = (world.granted(0, epoch), world.granted(1, epoch));
    assert_eq!(world.settle(0, epoch, good, true), Verdict::Pending);
    assert_eq!(world.settle(1, epoch, bad, false), Verdict::Dissolved);
    assert_eq!(world.standing().phase, Phase::Dissolved);
    // For as long as the longest wait the votes of the bad ones open nothing.
    world.now += 99_999;
    assert_eq!(world.vote(1), (Ballot::Dissolved, 0, 0));
    world.now += 1;
    assert_eq!(world.vote(1), (Ballot::Counted, 1, 2));
    // And the other way round.
    let mut world = World::new(10);
    let epoch = world.due();
    let (good, bad) = (world.granted(0, epoch), world.granted(1, epoch));
    assert_eq!(world.settle(1, epoch, bad, false), Verdict::Reopened);
    assert_eq!(world.settle(0, epoch, good, true), Verdict::Dissolved);
    // Of one instance alone it is the last that counts.
    let mut world = World::new(10);
    let epoch = world.due();
    let token = world.granted(0, epoch);
    assert_eq!(world.settle(0, epoch, token, true), Verdict::Pending);
    let token = world.granted(0, epoch);
    assert_eq!(world.settle(0, epoch, token, false), Verdict::Reopened);
}

#[test]
fn second_opinions_are_heard_early() {
    let mut world = World::new(10);
    let first = world.due();
    let token = world.granted(0, first);
    assert_eq!(world.settle(0, first, token, false), Verdict::Reopened);
    let epoch = world.standing().epoch;
    assert_eq!(world.lease(0, epoch), Lease::Early, "it has told");
    let Lease::Granted {
        epoch: granted,
        token,
    } = world.lease(1, epoch)
    else {
        panic!("a second opinion")
    };
    assert_eq!(granted, first);
    let third = world.granted(2, epoch);
    assert_eq!(world.lease(3, epoch), Lease::Early, "three in all");
    assert_eq!(world.settle(1, first, token, false), Verdict::Void);
    assert_eq!(world.standing().epoch, epoch);
    assert_eq!(world.lease(3, epoch), Lease::Early);
    assert_eq!(world.settle(2, first, third, true), Verdict::Dissolved);
    // But not for longer than the grace.
    let mut world = World::new(10);
    let first = world.due();
    let token = world.granted(0, first);
    world.settle(0, first, token, false);
    let epoch = world.standing().epoch;
    world.now += 20_000;
    assert_eq!(world.lease(1, epoch), Lease::Early);
}

#[test]
fn opening_without_a_verdict_ends() {
    let mut world = World::new(10);
    let epoch = world.due();
    world.now += 19_999;
    assert_eq!(world.standing().phase, Phase::Open);
    world.now += 1;
    assert_eq!(world.standing().phase, Phase::Quiet);
    assert_eq!(world.lease(0, epoch), Lease::Stale);
    assert_eq!(world.vote(0), (Ballot::Counted, 1, 2), "votes were used up");
}

#[test]
fn clock_set_back_drops_what_cannot_be() {
    let hour = 3_600_000;
    let mut world = World::new(10);
    world.now += hour;
    for member in 0..10 {
        world.enter(member);
    }
    world.now += 15_000;
    world.due();
    world.now -= hour;
    assert_eq!(world.standing().phase, Phase::Quiet);
    assert_eq!(world.standing().members, 0);
    assert_eq!(world.vote(0).0, Ballot::NoMember);
    // A change of the old time is still newer.
    let before = world.standing().version;
    for member in 0..10 {
        world.enter(member);
    }
    world.now += 15_000;
    world.vote(0);
    assert_eq!(world.vote(1).0, Ballot::Opened);
    assert!(world.standing().epoch > before);
}

#[test]
fn command_holds_until_another() {
    let mut world = World::new(2);
    let circuit = world.circuit.clone();
    let command = |command| Request::Command {
        circuit: circuit.clone(),
        command,
        by: "alice".into(),
    };
    world.serve(command(Some(Command::ForceOpen)));
    // A clock that is set back takes no command along.
    world.now -= 5;
    world.standing();
    world.now += 5;
    world.due();
    let commanded = world.standing().command.expect("in force");
    assert_eq!(commanded.command, Some(Command::ForceOpen));
    world.serve(command(None));
    let withdrawn = world.standing().command.expect("withdrawn by name");
    assert_eq!((withdrawn.command, &*withdrawn.by), (None, "alice"));
}

#[test]
fn beat_tells_changes_once() {
    let mut world = World::new(1);
    let fleet: std::sync::Arc<str> = "prod/shop".into();
    let beat = |world: &mut World, since| {
        let (fleet, instance) = (fleet.clone(), instance(0));
        match world.serve(Request::Beat {
            fleet,
            instance,
            since,
        }) {
            Reply::Beat {
                known,
                number,
                changes,
                ..
            } => (known, number, changes),
            reply => panic!("{reply:?}"),
        }
    };
    assert_eq!(beat(&mut world, 0), (false, 0, vec![]));
    for breaker in 0..70 {
        let circuit = CircuitId::new("prod/shop", None, &format!("b{breaker}")).expect("short");
        world.serve(Request::Announce { circuit });
    }
    let (known, number, changes) = beat(&mut world, 0);
    assert_eq!((known, number, changes.len()), (true, 64, 64));
    let (_, number, changes) = beat(&mut world, number);
    assert_eq!((number, changes.len()), (70, 6));
    assert_eq!(beat(&mut world, number), (true, 70, vec![]));
    world.memory = Memory::default();
    assert_eq!(beat(&mut world, number), (false, 0, vec![]));
}
