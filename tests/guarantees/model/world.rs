//! A breaker and the model side by side, driven by the same steps through the
//! public interface and compared after every one.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, SystemTime},
};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Guard, Outcome, RejectionKind, Signal, State,
    clock::ManualClock,
};

use crate::kit::{Error, outcome, poll, tracked, unwind};

use super::{
    compare::same_rejection,
    policies::DRAWS,
    reference::{Ending, Reference},
    settings::{Settings, nanos, ratio},
};

/// One thing that happens to a breaker.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Asks for a guard, and keeps it.
    Admit,
    /// Makes an async call and leaves it pending.
    Start,
    /// Makes an async call and drops it before it is polled.
    Discard,
    /// Polls a pending async call that is not ready.
    Poll(usize),
    /// Ends one of the calls in flight.
    Finish(usize, Ending),
    /// Ends a call held by a guard: the dependency is down, or overloaded, for
    /// this long.
    Unavailable(usize, u64, bool),
    /// A sync call that takes this long.
    Call(Ending, u64),
    Advance(u64),
    /// To this long before (or, negative, after) the end of the wait.
    ToDue(i64),
    /// Sets the wall clock, in seconds.
    SetWall(u64),
    Command(State),
    /// What the user's own retry policy answers from now on.
    Gate(bool),
}

/// What outside of the breaker the steps turn.
pub(crate) struct Levers {
    clock: ManualClock,
    gate: Arc<AtomicBool>,
    pub(crate) drawn: Arc<AtomicUsize>,
    pub(crate) heard: [Arc<Mutex<Vec<Signal>>>; 2],
}

pub(crate) struct World<'a> {
    pub(crate) breaker: &'a CircuitBreaker,
    pub(crate) levers: Levers,
    pub(crate) model: Reference,
    flights: Vec<(usize, Flight<'a>)>,
}

enum Flight<'a> {
    Guard(Guard<'a>),
    Future(
        Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>,
        Script,
    ),
}

/// What a pending call does when it is next polled.
type Script = Rc<Cell<Option<Ending>>>;

/// Runs the steps with a fresh breaker, comparing from step `from` on.
pub(crate) fn run(
    settings: &Settings,
    steps: &[Step],
    from: usize,
    then: impl FnOnce(&mut World<'_>),
) {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let levers = Levers {
        clock: ManualClock::at(wall),
        gate: Arc::new(AtomicBool::new(true)),
        drawn: Arc::default(),
        heard: Default::default(),
    };
    let gate = Arc::clone(&levers.gate);
    let drawn = Arc::clone(&levers.drawn);
    let mut builder = settings
        .builder(move || gate.load(Ordering::Relaxed))
        .clock(levers.clock.clone())
        .random(move || ratio(DRAWS[drawn.fetch_add(1, Ordering::Relaxed) % DRAWS.len()]));
    for heard in &levers.heard {
        let heard = Arc::clone(heard);
        builder =
            builder.listener(move |signal: &Signal| heard.lock().unwrap().push(signal.clone()));
    }
    let breaker = builder.build().expect("the settings are in range");
    let mut world = World {
        breaker: &breaker,
        levers,
        model: Reference::new(settings.clone(), wall),
        flights: Vec::new(),
    };
    for (i, step) in steps.iter().enumerate() {
        world.step(step);
        if i >= from {
            world.compare();
        }
    }
    then(&mut world);
}

impl<'a> World<'a> {
    pub(crate) fn step(&mut self, step: &Step) {
        match *step {
            Step::Admit => {
                let admitted = self.breaker.acquire();
                self.admitted(admitted.map(Flight::Guard));
            }
            Step::Start => {
                let script = Script::default();
                let mut future = self.future(Rc::clone(&script));
                let admitted = match poll(future.as_mut()) {
                    Poll::Pending => Ok(Flight::Future(future, script)),
                    Poll::Ready(Err(Error::Rejected(rejection))) => Err(rejection),
                    Poll::Ready(other) => panic!("a pending call gave {other:?}"),
                };
                self.admitted(admitted);
            }
            Step::Discard => drop(self.future(Script::default())),
            Step::Poll(which) => {
                if let Some(at) = self.pick(which)
                    && let Flight::Future(future, _) = &mut self.flights[at].1
                {
                    assert!(poll(future.as_mut()).is_pending());
                }
            }
            Step::Finish(which, ending) => {
                if let Some(at) = self.pick(which) {
                    let (call, flight) = self.flights.remove(at);
                    flight.end(ending);
                    self.model.settle(call, ending);
                }
            }
            Step::Unavailable(which, wait, busy) => {
                let Some(at) = self.pick(which) else { return };
                if let (call, Flight::Guard(_)) = self.flights[at] {
                    let (_, flight) = self.flights.remove(at);
                    if let Flight::Guard(guard) = flight {
                        let wait = nanos(wait);
                        guard.record(if busy {
                            Outcome::OverloadedFor(wait)
                        } else {
                            Outcome::UnavailableFor(wait)
                        });
                    }
                    let ending = if busy {
                        self.model.ask_callers(call, wait);
                        Ending::Overloaded
                    } else {
                        self.model.ask(call, wait);
                        Ending::Failure
                    };
                    self.model.settle(call, ending);
                }
            }
            Step::Call(ending, takes) => self.call(ending, takes),
            Step::Advance(by) => self.advance(by),
            Step::ToDue(before) => {
                let remaining = self.model.remaining().unwrap_or(0);
                self.advance(remaining.saturating_add_signed(-before));
            }
            Step::SetWall(seconds) => {
                let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
                self.levers.clock.set_wall(wall);
                self.model.wall = wall;
            }
            Step::Command(state) => {
                match state {
                    State::Closed => self.breaker.reset(),
                    State::Disabled => self.breaker.disable(),
                    State::MetricsOnly => self.breaker.metrics_only(),
                    State::ForcedOpen => self.breaker.force_open(),
                    State::Open | State::HalfOpen => panic!("there is no such command"),
                }
                self.model.enter(state, None);
            }
            Step::Gate(open) => {
                self.levers.gate.store(open, Ordering::Relaxed);
                self.model.gate = open;
            }
        }
    }

    fn advance(&mut self, by: u64) {
        self.levers.clock.advance(nanos(by));
        self.model.advance(by);
    }

    fn pick(&self, which: usize) -> Option<usize> {
        which.checked_rem(self.flights.len())
    }

    fn admitted(&mut self, admitted: Result<Flight<'a>, CallNotPermitted>) {
        let is_throttled = admitted.as_ref().is_err_and(is_throttled);
        match (admitted, self.model.admit(is_throttled)) {
            (Ok(flight), Ok(call)) => self.flights.push((call, flight)),
            (Err(rejection), Err(expected)) => same_rejection(&rejection, &expected),
            (admitted, expected) => panic!(
                "the breaker lets the call {}, the model says {expected:?}",
                if admitted.is_ok() { "in" } else { "not in" }
            ),
        }
    }

    fn future(&self, script: Script) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>> {
        let inner = poll_fn(move |_| match script.get() {
            None => Poll::Pending,
            Some(ending) => Poll::Ready(finish(ending)),
        });
        Box::pin(self.breaker.with_classifier(outcome).call_async(inner))
    }

    fn call(&mut self, ending: Ending, takes: u64) {
        let clock = &self.levers.clock;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let f = || {
                clock.advance(nanos(takes));
                finish(ending)
            };
            match ending {
                Ending::Alive | Ending::Overloaded => self.breaker.with_classifier(outcome).call(f),
                _ => self.breaker.with_tracker(tracked).call(f),
            }
        }));
        let is_throttled =
            matches!(&ran, Ok(Err(Error::Rejected(rejection))) if is_throttled(rejection));
        match (ran, self.model.admit(is_throttled)) {
            (Ok(Err(Error::Rejected(rejection))), Err(expected)) => {
                same_rejection(&rejection, &expected);
            }
            (ran, Ok(call)) => {
                self.model.advance(takes);
                self.model.settle(call, ending);
                assert!(
                    matches!(
                        (&ran, ending),
                        (Ok(Ok(())), Ending::Success)
                            | (Ok(Err(Error::Down)), Ending::Failure)
                            | (Ok(Err(Error::Untracked)), Ending::Ignored)
                            | (Ok(Err(Error::NotFound)), Ending::Alive)
                            | (Ok(Err(Error::Busy)), Ending::Overloaded)
                            | (Err(_), Ending::Panicked)
                    ),
                    "a call that ends as {ending:?} gave {ran:?}"
                );
            }
            (ran, expected) => panic!("the call gave {ran:?}, the model says {expected:?}"),
        }
    }
}

impl Flight<'_> {
    fn end(self, ending: Ending) {
        match self {
            Self::Guard(guard) => match ending {
                Ending::Success => guard.success(),
                Ending::Failure => guard.failure(),
                Ending::Ignored => guard.ignore(),
                Ending::Alive => guard.alive(),
                Ending::Overloaded => guard.overloaded(),
                Ending::Cancelled => drop(guard),
                Ending::Panicked => {
                    let unwound = catch_unwind(AssertUnwindSafe(|| {
                        let _guard = guard;
                        unwind();
                    }));
                    assert!(unwound.is_err());
                }
            },
            Self::Future(future, _) if ending == Ending::Cancelled => drop(future),
            Self::Future(mut future, script) => {
                script.set(Some(ending));
                let polled = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut())));
                assert_eq!(polled.is_err(), ending == Ending::Panicked);
            }
        }
    }
}

fn is_throttled(rejection: &CallNotPermitted) -> bool {
    rejection.kind() == RejectionKind::Throttled
}

/// What the protected function does.
fn finish(ending: Ending) -> Result<(), Error> {
    match ending {
        Ending::Success => Ok(()),
        Ending::Failure => Err(Error::Down),
        Ending::Ignored => Err(Error::Untracked),
        Ending::Alive => Err(Error::NotFound),
        Ending::Overloaded => Err(Error::Busy),
        Ending::Panicked => unwind(),
        Ending::Cancelled => panic!("a call that returns is not cancelled"),
    }
}
