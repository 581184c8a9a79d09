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
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Guard, Outcome, Signal, State,
    choose::{self, AcquireReady, AllOpen, FailoverError, OwnedGuard, PassedOverReason},
    clock::ManualClock,
};

use crate::kit::{Error, outcome, poll, tracked, unwind};

use super::{
    changes::Change,
    compare::same_rejection,
    policies::DRAWS,
    reference::{Ending, Reference, Rejection},
    settings::{Settings, nanos, ratio},
};

/// How long those that wait may not notice that there is room for one of them, if it
/// comes by time alone, in nanoseconds.
const LONGEST_LOOK: u64 = 100_000_000;

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
    /// Asks for a guard that travels, as one of several breakers that are asked.
    Pick,
    /// Begins an async call that may be an early probe, and leaves it pending.
    FailOver,
    /// Begins to wait for a guard.
    Wait,
    /// Polls one of those that wait, if it was woken.
    PollWaiter(usize),
    /// Drops one of those that wait.
    DropWaiter(usize),
    /// Ends one of the calls in flight.
    Finish(usize, Ending),
    /// Ends a call held by a guard that says how long it took.
    FinishAfter(usize, Ending, u64),
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
    OpenFor(u64),
    /// Sets what decides about calls by hand.
    Change(Box<Change>),
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
    /// In the order in which they came.
    waiters: Vec<Waiter>,
}

/// Waits for a guard.
struct Waiter {
    ready: Pin<Box<AcquireReady>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Waiter {
    fn poll(&mut self) -> Option<OwnedGuard> {
        self.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.ready.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }
}

enum Flight<'a> {
    Guard(Guard<'a>),
    Owned(OwnedGuard),
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
        waiters: Vec::new(),
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
            Step::Admit | Step::Pick | Step::FailOver | Step::Start | Step::Discard => {
                self.begin(step);
            }
            Step::Finish(..) | Step::FinishAfter(..) | Step::Unavailable(..) => self.end(step),
            Step::Wait => {
                let waiter = Waiter {
                    ready: Box::pin(self.breaker.acquire_ready()),
                    woken: Arc::default(),
                };
                self.waiters.push(waiter);
                self.poll_waiter(self.waiters.len() - 1);
            }
            Step::PollWaiter(which) => {
                if let Some(at) = which.checked_rem(self.waiters.len())
                    && self.waiters[at].is_woken()
                {
                    self.poll_waiter(at);
                }
            }
            Step::DropWaiter(which) => {
                if let Some(at) = which.checked_rem(self.waiters.len()) {
                    self.waiters.remove(at);
                }
            }
            Step::Poll(which) => {
                if let Some(at) = self.pick(which)
                    && let Flight::Future(future, _) = &mut self.flights[at].1
                {
                    assert!(poll(future.as_mut()).is_pending());
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
                    State::Closed => self.breaker.close(),
                    State::Disabled => self.breaker.disable(),
                    State::MetricsOnly => self.breaker.metrics_only(),
                    State::ForcedOpen => self.breaker.force_open(),
                    State::Open => self.breaker.open(),
                    State::HalfOpen => self.breaker.half_open(),
                }
                self.model.enter(state, None);
            }
            Step::OpenFor(wait) => {
                self.breaker.open_for(nanos(wait));
                self.model.open_for(wait);
            }
            Step::Change(ref change) => {
                let obeys = change.apply(self.breaker);
                assert_eq!(obeys, self.model.change(change), "whether it is in range");
            }
            Step::Gate(open) => {
                self.levers.gate.store(open, Ordering::Relaxed);
                self.model.gate = open;
            }
        }
    }

    /// Begins a call, one way or another.
    fn begin(&mut self, step: &Step) {
        match *step {
            Step::Admit => {
                let admitted = self.breaker.acquire();
                let expected = self.model.admit(self.is_throttled());
                self.admitted(admitted.map(Flight::Guard), expected);
            }
            Step::Pick => {
                let picked = choose::pick([self.breaker]);
                let admitted = picked.map(|picked| Flight::Owned(picked.guard));
                let expected = self.model.pick(self.is_throttled());
                self.admitted(admitted.map_err(|error| rejection(&error)), expected);
            }
            Step::FailOver => {
                let script = Script::default();
                let mut future = self.fail_over(Rc::clone(&script));
                let admitted = pending(poll(future.as_mut()));
                let admitted = admitted.map(|()| Flight::Future(future, script));
                let expected = self.model.fail_over(self.is_throttled());
                self.admitted(admitted, expected);
            }
            Step::Start => {
                let script = Script::default();
                let mut future = self.future(Rc::clone(&script));
                let admitted = pending(poll(future.as_mut()));
                let admitted = admitted.map(|()| Flight::Future(future, script));
                let expected = self.model.admit(self.is_throttled());
                self.admitted(admitted, expected);
            }
            Step::Discard => drop(self.future(Script::default())),
            _ => panic!("{step:?} begins no call"),
        }
    }

    /// Ends a call that is under way.
    fn end(&mut self, step: &Step) {
        match *step {
            Step::Finish(which, ending) => {
                if let Some(at) = self.pick(which) {
                    let (call, flight) = self.flights.remove(at);
                    let ending = flight.end(ending);
                    self.model.settle(call, ending);
                }
            }
            Step::FinishAfter(which, ending, took) => {
                let Some(at) = self.pick(which) else { return };
                if matches!(self.flights[at].1, Flight::Future(..)) {
                    return;
                }
                let (call, flight) = self.flights.remove(at);
                let flight = match flight {
                    Flight::Guard(guard) => Flight::Guard(guard.with_duration(nanos(took))),
                    Flight::Owned(guard) => Flight::Owned(guard.with_duration(nanos(took))),
                    Flight::Future(..) => panic!("it was no guard's before"),
                };
                let ending = flight.end(ending);
                self.model.settle_after(call, ending, took);
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
            _ => panic!("{step:?} ends no call"),
        }
    }

    fn advance(&mut self, by: u64) {
        self.levers.clock.advance(nanos(by));
        self.model.advance(by);
        if by >= LONGEST_LOOK && self.model.is_permitted() {
            let woken = self.woken();
            let one_is_on_its_way = woken.is_empty() || woken.contains(&true);
            assert!(
                one_is_on_its_way,
                "{} wait, and none was woken",
                woken.len()
            );
        }
    }

    fn pick(&self, which: usize) -> Option<usize> {
        which.checked_rem(self.flights.len())
    }

    /// Returns of each that waits whether it was woken.
    pub(crate) fn woken(&self) -> Vec<bool> {
        self.waiters.iter().map(Waiter::is_woken).collect()
    }

    /// Ends the call that was admitted last as a success.
    pub(crate) fn end_last(&mut self) {
        let last = self.flights.len() - 1;
        self.step(&Step::Finish(last, Ending::Success));
    }

    fn poll_waiter(&mut self, at: usize) {
        let guard = self.waiters[at].poll();
        match (guard, self.model.try_admit(self.is_throttled())) {
            (Some(guard), Ok(call)) => {
                self.waiters.remove(at);
                self.flights.push((call, Flight::Owned(guard)));
            }
            (None, Err(_)) => {}
            (guard, expected) => panic!(
                "the breaker lets the waiter {}, the model says {expected:?}",
                if guard.is_some() { "in" } else { "not in" }
            ),
        }
    }

    /// Returns whether the call that just asked was throttled.
    fn is_throttled(&self) -> bool {
        self.breaker.info().throttled > self.model.counts.throttled
    }

    fn admitted(
        &mut self,
        admitted: Result<Flight<'a>, CallNotPermitted>,
        expected: Result<usize, Rejection>,
    ) {
        match (admitted, expected) {
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

    fn fail_over(&self, script: Script) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>> {
        let call = choose::failover([self.breaker])
            .when_all_open(AllOpen::LeastWait)
            .with_classifier(outcome)
            .call_async(move |_| {
                let script = Rc::clone(&script);
                poll_fn(move |_| match script.get() {
                    None => Poll::Pending,
                    Some(ending) => Poll::Ready(finish(ending)),
                })
            });
        Box::pin(async move {
            match call.await {
                Ok(_) => Ok(()),
                Err(FailoverError::Failed { error, .. }) => Err(error),
                Err(refused) => Err(Error::Rejected(rejection(&refused))),
            }
        })
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
        match (ran, self.model.admit(self.is_throttled())) {
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

/// Why a call that stays pending when it is admitted was not.
fn pending(polled: Poll<Result<(), Error>>) -> Result<(), CallNotPermitted> {
    match polled {
        Poll::Pending => Ok(()),
        Poll::Ready(Err(Error::Rejected(rejection))) => Err(rejection),
        Poll::Ready(other) => panic!("a pending call gave {other:?}"),
    }
}

/// Why the one target did not admit the call.
fn rejection<K, E>(error: &FailoverError<K, E>) -> CallNotPermitted {
    match &error.passed_over()[0].reason {
        PassedOverReason::Rejected(rejection) => rejection.clone(),
        _ => panic!("it was not asked"),
    }
}

impl Flight<'_> {
    /// Returns how the call ended: a guard that travels is cancelled by a panic, which
    /// may be that of another call.
    fn end(self, ending: Ending) -> Ending {
        match self {
            Self::Owned(guard) => {
                let ending = match ending {
                    Ending::Panicked => Ending::Cancelled,
                    ending => ending,
                };
                match ending {
                    Ending::Success => guard.success(),
                    Ending::Failure => guard.failure(),
                    Ending::Ignored => guard.ignore(),
                    Ending::Alive => guard.alive(),
                    Ending::Overloaded => guard.overloaded(),
                    Ending::Cancelled | Ending::Panicked => drop(guard),
                }
                return ending;
            }
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
        ending
    }
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
