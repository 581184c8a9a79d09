//! What is measured: cases, and in each case subjects.

use std::time::Duration;

use crate::{
    memory,
    peer::{self, AsyncPeer, Batch, Peer},
    service::Traffic,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Floor,
    FloorPair,
    Healthy,
    HealthyPair,
    Mixed,
    MixedPair,
    Open,
    OpenPair,
    Async,
    Timed,
    /// Asking and choosing, which peers have no part in.
    Choosing,
    /// With a throttle, which peers have none of.
    Throttle,
    /// One point of a curve.
    Growth(Curve, u64),
}

impl Case {
    /// Those that peers take part in.
    pub const COMPARED: [Self; 7] = [
        Self::Healthy,
        Self::HealthyPair,
        Self::Mixed,
        Self::MixedPair,
        Self::Open,
        Self::OpenPair,
        Self::Async,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Floor | Self::FloorPair => "floors",
            Self::Healthy => "closed, healthy",
            Self::HealthyPair => "closed, healthy, 2 threads",
            Self::Mixed => "1 in 4 fails",
            Self::MixedPair => "1 in 4 fails, 2 threads",
            Self::Open => "open, rejected",
            Self::OpenPair => "open, rejected, 2 threads",
            Self::Async => "async, healthy",
            Self::Timed => "with the clock, healthy",
            Self::Choosing => "asking and choosing",
            Self::Throttle => "with a throttle",
            Self::Growth(curve, _) => curve.title(),
        }
    }

    /// How many threads share the breaker.
    pub fn threads(self) -> usize {
        match self {
            Self::FloorPair | Self::HealthyPair | Self::MixedPair | Self::OpenPair => 2,
            _ => 1,
        }
    }

    pub fn is_growth(self) -> bool {
        matches!(self, Self::Growth(..))
    }

    /// How long a turn is in a round.
    pub fn turn(self) -> Duration {
        match self {
            // Many times that while two threads run side by side.
            _ if self.threads() > 1 => Duration::from_micros(20),
            // Starting the tasks must not matter.
            Self::Growth(Curve::Tasks, _) => Duration::from_millis(5),
            _ => Duration::from_micros(300),
        }
    }
}

/// What the cost of a call may grow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    Window,
    TimeWindow,
    Leaves,
    Tasks,
    Breakers,
}

impl Curve {
    pub const ALL: [Self; 5] = [
        Self::Window,
        Self::TimeWindow,
        Self::Leaves,
        Self::Tasks,
        Self::Breakers,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Window => "calls in a CountWindow",
            Self::TimeWindow => "calls in a TimeWindow",
            Self::Leaves => "leaves of the rule",
            Self::Tasks => "tasks on 2 cores",
            Self::Breakers => "breakers, in turn",
        }
    }
}

/// What is measured in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub name: &'static str,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The same calls without a breaker, or a primitive.
    Floor,
    Ours,
    /// Keeps the outcomes of exactly the last 100 calls.
    ExactPeer,
    Peer,
}

impl Subject {
    pub const fn new(name: &'static str, role: Role) -> Self {
        Self { name, role }
    }
}

pub struct Entry {
    pub case: Case,
    pub subject: Subject,
    /// Builds the breaker and brings it where the case wants it.
    pub prepare: Box<dyn Fn() -> Batch>,
}

/// Makes breakers and says how many bytes one takes.
pub type Weigh = Box<dyn Fn() -> usize>;

#[derive(Default)]
pub struct Suite {
    pub entries: Vec<Entry>,
    /// Bytes of a breaker, heap included.
    pub memory: Vec<(&'static str, Weigh)>,
    /// Bytes of the future of a call.
    pub futures: Vec<(&'static str, usize)>,
}

impl Suite {
    pub fn add(
        &mut self,
        case: Case,
        subject: Subject,
        prepare: impl Fn() -> Batch + 'static,
    ) -> &mut Self {
        self.entries.push(Entry {
            case,
            subject,
            prepare: Box::new(prepare),
        });
        self
    }

    /// The closed cases with healthy traffic.
    pub fn healthy<P: Peer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        let batch = move || peer::closed(make(), Traffic::Healthy);
        self.add(Case::Healthy, subject, batch)
            .add(Case::HealthyPair, subject, batch)
    }

    /// The closed cases in which calls fail.
    pub fn mixed<P: Peer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        let batch = move || peer::closed(make(), Traffic::OneInFourFails);
        self.add(Case::Mixed, subject, batch)
            .add(Case::MixedPair, subject, batch)
    }

    /// The open cases.
    pub fn open<P: Peer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        let batch = move || peer::open(make());
        self.add(Case::Open, subject, batch)
            .add(Case::OpenPair, subject, batch)
    }

    /// Every case but the async one.
    pub fn sync<P: Peer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        self.memory
            .push((subject.name, Box::new(move || memory::of(make))));
        self.healthy(subject, make)
            .mixed(subject, make)
            .open(subject, make)
    }

    /// The async case alone.
    pub fn asynchronous<P: AsyncPeer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        let mut peer = make();
        self.futures.push((subject.name, size_of_val(&peer.get(0))));
        self.add(Case::Async, subject, move || {
            peer::closed_async(make(), Traffic::Healthy)
        })
    }

    /// Every case, for a breaker that has async calls only.
    pub fn only_async<P: AsyncPeer>(&mut self, subject: Subject, make: fn() -> P) -> &mut Self {
        let closed = move |traffic| move || peer::closed_async(make(), traffic);
        let open = move || peer::open_async(make());
        self.memory
            .push((subject.name, Box::new(move || memory::of_async(make))));
        self.add(Case::Healthy, subject, closed(Traffic::Healthy))
            .add(Case::HealthyPair, subject, closed(Traffic::Healthy))
            .add(Case::Mixed, subject, closed(Traffic::OneInFourFails))
            .add(Case::MixedPair, subject, closed(Traffic::OneInFourFails))
            .add(Case::Open, subject, open)
            .add(Case::OpenPair, subject, open)
            .asynchronous(subject, make)
    }
}
