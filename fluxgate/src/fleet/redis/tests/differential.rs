//! Random requests: the scripts answer, and tell, as the store in memory does.

use std::collections::BTreeMap;

use super::{
    Now,
    server::{Client, Server},
};
use crate::{
    Command,
    fleet::{
        circuit_id::{CircuitId, fleet},
        memory::Memory,
        redis::scripts::Scripts,
        store::{Instance, Lease, Phase, Reply, Request, Terms},
    },
    random::{Random, Seeded},
};

const LIFETIME: u64 = 660_000;
const INSTANCES: u64 = 6;

struct Chance(Seeded);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the limit"
        )]
        let drawn = (self.0.next_f64() * limit as f64) as u64;
        drawn
    }

    fn of<T: Copy>(&mut self, several: &[T]) -> T {
        let index = self.below(several.len() as u64);
        several[usize::try_from(index).expect("small")]
    }
}

/// What has been seen, to ask about it again.
#[derive(Default)]
struct Seen {
    epochs: Vec<u64>,
    leases: Vec<(Instance, u64, u64)>,
    numbers: Vec<u64>,
    /// When the wait is over, and when the grace, as they were told last.
    ends: [u64; 2],
}

impl Seen {
    fn note(&mut self, request: &Request, reply: &Reply, now: u64) {
        let standing = match reply {
            Reply::Entered { standing, .. }
            | Reply::Standing(standing)
            | Reply::Voted { standing, .. }
            | Reply::Settled { standing, .. } => standing,
            Reply::Leased { lease, standing } => {
                if let (Lease::Granted { epoch, token }, Request::Lease { instance, .. }) =
                    (lease, request)
                {
                    self.leases.push((instance.clone(), *epoch, *token));
                }
                standing
            }
            Reply::Beat { number, .. } => return self.numbers.push(*number),
            Reply::Done => return,
        };
        self.ends = match standing.phase {
            Phase::Open => [now + standing.remaining, now + standing.say],
            _ => [0; 2],
        };
        if self.epochs.last() != Some(&standing.epoch) {
            self.epochs.push(standing.epoch);
        }
    }

    /// Returns mostly the last of several, else one of them.
    fn pick<T: Clone>(chance: &mut Chance, several: &[T]) -> Option<T> {
        let back = match chance.below(8) {
            0..=4 => 0,
            5 => 1,
            6 => 2,
            _ => chance.below(8),
        };
        let index = several.len().checked_sub(1 + usize::try_from(back).ok()?)?;
        several.get(index).cloned()
    }
}

fn terms(chance: &mut Chance) -> Terms {
    Terms {
        share: chance.of(&[50_000, 300_000, 333_333, 1_000_000]),
        at_least: 2,
        within: chance.of(&[500, 5_000, 60_000]),
        cooldown: chance.of(&[1_000, 30_000]),
        longest: 100_000,
        probes: chance.of(&[1, 3]),
        lease: chance.of(&[100, 10_000]),
        close_after: chance.of(&[1, 3]),
        hash: chance.of(&[0, 1, (1 << 53) - 1, u64::MAX]),
    }
}

fn the_circuit(sequence: u64, zone: Option<&str>) -> CircuitId {
    let path = fleet(&format!("test/{sequence}")).expect("a fleet");
    CircuitId::new(&path, zone, "pay::ments").expect("short")
}

fn request(
    chance: &mut Chance,
    seen: &BTreeMap<CircuitId, Seen>,
    sequence: u64,
    now: u64,
) -> Request {
    let zone = (chance.below(4) == 0).then_some("eu 1");
    let circuit = the_circuit(sequence, zone);
    let path = circuit.fleet().to_owned();
    let mut instance: Instance = format!("{:016x}", chance.below(INSTANCES)).into();
    let nothing = Seen::default();
    let seen = seen.get(&circuit).unwrap_or(&nothing);
    let kind = match chance.below(24) {
        // Where probes are due they are what happens.
        5..=16 if seen.ends[0] <= now && now < seen.ends[1] => 12 + chance.below(8),
        kind => kind,
    };
    match kind {
        0..=3 | 22..=23 => Request::Enter {
            circuit,
            instance,
            lifetime: LIFETIME,
        },
        4 => Request::Leave { circuit, instance },
        5 => Request::Read { circuit },
        6..=11 => Request::Vote {
            circuit,
            instance,
            terms: terms(chance),
        },
        12..=14 => Request::Lease {
            circuit,
            instance,
            epoch: Seen::pick(chance, &seen.epochs).unwrap_or(1),
        },
        15..=19 => {
            let (holder, epoch, token) =
                Seen::pick(chance, &seen.leases).unwrap_or((instance.clone(), 1, 1));
            if chance.below(10) > 0 {
                instance = holder;
            }
            if chance.below(8) == 0 {
                Request::GiveBack {
                    circuit,
                    instance,
                    epoch,
                    token,
                }
            } else {
                Request::Settle {
                    circuit,
                    instance,
                    epoch,
                    token,
                    passed: chance.below(3) > 0,
                }
            }
        }
        20 => Request::Command {
            circuit,
            command: chance.of(&[None, Some(Command::ForceOpen), Some(Command::Disable)]),
            by: chance.of(&["", "alice", "ops on call (eu)"]).into(),
        },
        _ => match chance.below(3) {
            0 => {
                let breaker = format!("b{}", chance.below(200));
                let circuit = CircuitId::new(&path, None, &breaker).expect("short");
                Request::Announce { circuit }
            }
            _ => Request::Beat {
                fleet: path.into(),
                instance,
                since: Seen::pick(chance, &seen.numbers).unwrap_or(3),
            },
        },
    }
}

/// How the time goes on: mostly by little, often to the end of a wait and seldom to that
/// of its grace, at times past every deadline, and at times back.
fn later(chance: &mut Chance, now: u64, seen: &BTreeMap<CircuitId, Seen>) -> u64 {
    let [due, over] = seen.values().next().map_or([0; 2], |seen| seen.ends);
    // What is due is dealt with before much time goes by.
    let is_due = due <= now && now < over;
    match chance.below(if is_due { 10_000 } else { 1000 }) {
        0..=549 => now,
        550..=699 => now + chance.below(100),
        700..=799 => now + chance.below(5_000),
        800..=899 => now.max(due),
        900..=909 => now.max(due.saturating_sub(1)),
        910..=919 => now.max(over),
        920..=969 => now + chance.of(&[10_000, 15_000, 20_000, 59_999, 60_000, 100_000]),
        970..=989 => now + chance.below(400_000),
        990..=993 => now + 700_000,
        994 => now + chance.of(&[3_600_000, 86_400_000, 90_000_000]),
        995..=998 => now - chance.below(20_000),
        999 => now - 3_600_000,
        _ => now + chance.below(10),
    }
}

/// Returns the circuit that a request is about.
fn circuit(request: &Request) -> Option<&CircuitId> {
    match request {
        Request::Enter { circuit, .. }
        | Request::Leave { circuit, .. }
        | Request::Read { circuit }
        | Request::Vote { circuit, .. }
        | Request::Lease { circuit, .. }
        | Request::GiveBack { circuit, .. }
        | Request::Settle { circuit, .. }
        | Request::Command { circuit, .. } => Some(circuit),
        Request::Announce { .. } | Request::Beat { .. } => None,
    }
}

/// Returns what came of a request, in a word.
fn kind(reply: &Reply) -> String {
    match reply {
        Reply::Voted { ballot, .. } => format!("{ballot:?}"),
        Reply::Leased {
            lease: Lease::Granted { .. },
            ..
        } => "Granted".into(),
        Reply::Leased { lease, .. } => format!("{lease:?}"),
        Reply::Settled { verdict, .. } => format!("{verdict:?}"),
        Reply::Entered { .. } => "Entered".into(),
        Reply::Beat { .. } => "Beat".into(),
        Reply::Standing(_) => "Standing".into(),
        Reply::Done => "Done".into(),
    }
}

/// Asks both stores one sequence of requests. Counts what came of them.
fn compare(client: &mut Client, now: &Now, sequence: u64, kinds: &mut BTreeMap<String, u64>) {
    let mut chance = Chance(Seeded::new(sequence));
    let mut memory = Memory::default();
    let mut seen = BTreeMap::<CircuitId, Seen>::new();
    let mut time = 1_764_000_000_000;
    for step in 0..120 {
        if step == 12 {
            time += 15_000;
        } else if step > 12 {
            time = later(&mut chance, time, &seen);
        }
        now.set(time);
        let mut request = request(&mut chance, &seen, sequence, time);
        // At first members come.
        if let (
            0..12,
            Request::Vote {
                circuit, instance, ..
            }
            | Request::Leave { circuit, instance },
        ) = (step, &request)
        {
            request = Request::Enter {
                circuit: circuit.clone(),
                instance: instance.clone(),
                lifetime: LIFETIME,
            };
        }
        let mut expected_notices = Vec::new();
        let expected = memory.serve(request.clone(), time, &mut expected_notices);
        if let Some(circuit) = circuit(&request) {
            client.subscribe(circuit);
        }
        let place = format!("FLUXGATE_TEST_SEED={sequence}, step {step}, at {time}: {request:?}");
        let reply = client
            .ask(request.clone())
            .unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(reply, expected, "{place}");
        let notices = client.notices(expected_notices.len());
        assert_eq!(notices, expected_notices, "{place}");
        *kinds.entry(kind(&reply)).or_default() += 1;
        // Numbers of changes are noted with the one circuit that is always there.
        let of = circuit(&request)
            .cloned()
            .unwrap_or_else(|| the_circuit(sequence, None));
        seen.entry(of).or_default().note(&request, &reply, time);
    }
}

#[test]
fn scripts_do_as_the_store_in_memory() {
    let Some(server) = Server::start() else {
        return;
    };
    let number = |variable, default| {
        std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
    };
    let sequences = number("FLUXGATE_TEST_SEQUENCES", 200);
    let first = number("FLUXGATE_TEST_SEED", 0);
    let now = Now::default();
    let mut client = server.client(Scripts::on(now.clone()));
    let mut kinds = BTreeMap::new();
    for sequence in first..first + sequences {
        compare(&mut client, &now, sequence, &mut kinds);
    }
    println!("compared {sequences} sequences of requests: {kinds:?}");
    let all = "NoMember TooEarly Counted Opened Open Granted Full Early Stale Pending Closed \
               Reopened Dissolved Void Beat Entered";
    for kind in all.split_whitespace() {
        let came = kinds.contains_key(kind);
        assert!(came || sequences < 200, "{kind} never came: {kinds:?}");
    }
}
