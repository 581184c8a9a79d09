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

use fluxgate::{CallNotPermitted, CircuitBreaker, Guard, Info, Signal, State, clock::ManualClock};

use crate::kit::{Error, poll, tracked, unwind};

use super::{
    lifetime::same_lifetime,
    reference::{DRAWS, Ending, Reference, Rejection, Why},
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
struct Levers {
    clock: ManualClock,
    gate: Arc<AtomicBool>,
    drawn: Arc<AtomicUsize>,
    heard: [Arc<Mutex<Vec<Signal>>>; 2],
}

pub(crate) struct World<'a> {
    breaker: &'a CircuitBreaker,
    levers: Levers,
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
                if let Some(at) = self.pick(which) {
                    if let Flight::Future(future, _) = &mut self.flights[at].1 {
                        assert!(poll(future.as_mut()).is_pending());
                    }
                }
            }
            Step::Finish(which, ending) => {
                if let Some(at) = self.pick(which) {
                    let (call, flight) = self.flights.remove(at);
                    flight.end(ending);
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
        match (admitted, self.model.admit()) {
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
        Box::pin(self.breaker.tracking(tracked).call_async(inner))
    }

    fn call(&mut self, ending: Ending, takes: u64) {
        let expected = self.model.admit();
        let clock = &self.levers.clock;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            self.breaker.tracking(tracked).call(|| {
                clock.advance(nanos(takes));
                finish(ending)
            })
        }));
        match (ran, expected) {
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
                            | (Err(_), Ending::Panicked)
                    ),
                    "a call that ends as {ending:?} gave {ran:?}"
                );
            }
            (ran, expected) => panic!("the call gave {ran:?}, the model says {expected:?}"),
        }
    }

    pub(crate) fn compare(&self) {
        let model = &self.model;
        let period = model.present();
        let info = self.breaker.info();
        let is_open = period.state == State::Open;
        assert_eq!(self.breaker.state(), period.state, "the state");
        assert_eq!(info.state, period.state, "the state in `info`");
        assert_eq!(info.name, "model");
        assert_eq!(info.changed_at, period.changed_at, "changed_at");
        assert_eq!(info.reopens, model.reopens(), "reopens");
        assert_eq!(info.failure_streak, model.streak(), "failure_streak");
        assert_eq!(
            info.retry_after,
            model.remaining().filter(|_| is_open).map(nanos),
            "retry_after"
        );
        assert_eq!(info.reason.map(Why::from), period.reason, "reason");
        assert_eq!(info.probes_in_flight, model.probes_in_flight(), "probes");
        assert_eq!(
            info.rejected,
            model.counts.rejected.len() as u64,
            "rejected"
        );
        assert_eq!(info.ignored, model.counts.ignored, "ignored");
        assert_eq!(info.cancelled, model.counts.cancelled, "cancelled");
        assert_eq!(info.panicked, model.counts.panicked, "panicked");
        assert_eq!(info.late, model.counts.late, "late");
        assert_eq!(info.lost_probes, model.lost_probes(), "lost probes");
        assert_eq!(info.listener_failures, 0);
        assert_eq!(
            self.levers.drawn.load(Ordering::Relaxed),
            model.drawn,
            "draws"
        );
        same_metrics(&info, model);
        same_lifetime(&info, model);
        for heard in &self.levers.heard {
            same_signals(&heard.lock().unwrap(), model);
        }
    }
}

fn same_metrics(info: &Info, model: &Reference) {
    let metrics = &info.metrics;
    let slow: Vec<_> = model
        .thresholds()
        .into_iter()
        .map(|slow| (nanos(slow), model.slow(slow)))
        .collect();
    let total = model
        .keeps_durations()
        .then(|| nanos(model.total_duration()));
    assert_eq!(
        metrics.total_count,
        model.window().len() as u64,
        "total_count"
    );
    assert_eq!(metrics.failure_count, model.failures(), "failure_count");
    assert_eq!(metrics.total_duration, total, "total_duration");
    assert_eq!(metrics.slow_counts, slow, "slow_counts");
}

fn same_rejection(rejection: &CallNotPermitted, expected: &Rejection) {
    let given = Rejection {
        state: rejection.state(),
        retry_after: rejection.retry_after(),
        reason: rejection.reason().map(Why::from),
    };
    assert_eq!(given, *expected, "the rejection");
    assert_eq!(*rejection.name(), "model");
}

fn same_signals(heard: &[Signal], model: &Reference) {
    assert_eq!(
        heard.len(),
        model.periods.len() - 1,
        "one signal a transition"
    );
    for (i, signal) in heard.iter().enumerate() {
        let (old, new) = (&model.periods[i], &model.periods[i + 1]);
        assert_eq!(signal.name, "model");
        assert_eq!((signal.old_state, signal.new_state), (old.state, new.state));
        assert_eq!(signal.sequence, i as u64 + 1);
        assert_eq!(signal.timestamp, new.changed_at);
        assert_eq!(signal.reason.map(Why::from), new.reason);
        assert_eq!(
            signal.next_attempt,
            new.wait.map(|wait| new.changed_at + nanos(wait))
        );
    }
}

impl Flight<'_> {
    fn end(self, ending: Ending) {
        match self {
            Self::Guard(guard) => match ending {
                Ending::Success => guard.success(),
                Ending::Failure => guard.failure(),
                Ending::Ignored => guard.ignore(),
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

/// What the protected function does.
fn finish(ending: Ending) -> Result<(), Error> {
    match ending {
        Ending::Success => Ok(()),
        Ending::Failure => Err(Error::Down),
        Ending::Ignored => Err(Error::Untracked),
        Ending::Panicked => unwind(),
        Ending::Cancelled => panic!("a call that returns is not cancelled"),
    }
}
