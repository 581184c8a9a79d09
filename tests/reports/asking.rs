//! Code that asks the breakers wherever the crate calls it: a subscriber of `tracing`, a
//! panic hook, listeners and policies.

use std::{
    cell::Cell,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use fluxgate::{
    Builder, CircuitBreaker, Signal, WeakBreaker,
    clock::{Clock, ManualClock},
    listener::LogListener,
    permit::{self, Permit},
    random::Random,
    registry,
    retry::{self, Opening, Retry},
    tripper::{self, Context},
};
use fluxgate_tests::Events;

use crate::sites::Site;

/// The wait of an open circuit.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

/// What is asked at a report.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Everything that changes nothing, at every report.
    Look,
    /// Calls and commands, at the first report of this site: what comes of those
    /// is reported, too.
    Command(Site),
}

struct State {
    way: Way,
    /// Whether commands were given.
    commanded: bool,
    /// Who is asked.
    subjects: Vec<WeakBreaker>,
    /// What was reported, and whether all were asked at that.
    reports: Vec<(String, bool)>,
}

static STATE: Mutex<State> = Mutex::new(State {
    way: Way::Look,
    commanded: false,
    subjects: Vec::new(),
    reports: Vec::new(),
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Whether this thread asks already: what comes of that asks no more.
    static ASKS: Cell<bool> = const { Cell::new(false) };
}

/// Installs the subscriber and the panic hook, for the process.
pub(crate) fn install() {
    let events = Events::new(
        |target| target.starts_with("fluxgate"),
        |logged| {
            let message = logged.message.clone();
            let asked = ask(Some(&message));
            state().reports.push((message, asked));
        },
    );
    tracing::subscriber::set_global_default(events).expect("no other is installed");
    let shows = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        ask(None);
        // Only a test that fails panics there.
        let place = panic.location();
        if place.is_some_and(|place| place.file().ends_with("main.rs")) {
            shows(panic);
        }
    }));
}

/// Begins anew: what is asked from now on, and of no one yet.
pub(crate) fn begin(way: Way) {
    let mut state = state();
    state.way = way;
    state.commanded = false;
    state.subjects.clear();
    state.reports.clear();
}

/// Asks this one, too.
pub(crate) fn subject(breaker: &CircuitBreaker) {
    state().subjects.push(breaker.downgrade());
}

/// Returns what was reported, and whether all were asked at that.
pub(crate) fn reports() -> Vec<(String, bool)> {
    state().reports.clone()
}

pub(crate) fn is_reported(part: &str) -> bool {
    let reports = reports();
    reports.iter().any(|(message, _)| message.contains(part))
}

/// Asks all subjects, from this thread and from another one that this one waits for.
/// Returns whether it did.
fn ask(report: Option<&str>) -> bool {
    if ASKS.replace(true) {
        return false;
    }
    let (looks, commands, subjects) = {
        let mut state = state();
        let (looks, commands) = match (&state.way, report) {
            (Way::Look, _) | (_, None) => (true, false),
            (Way::Command(site), Some(report)) => (false, site.wrote(report) && !state.commanded),
        };
        state.commanded |= commands;
        (looks, commands, state.subjects.clone())
    };
    let asked = looks || commands;
    if asked {
        ask_each(&subjects, commands);
        let elsewhere = thread::spawn(move || {
            ASKS.set(true);
            ask_each(&subjects, commands);
        });
        elsewhere.join().expect("it panics nowhere");
    }
    ASKS.set(false);
    asked
}

fn ask_each(subjects: &[WeakBreaker], commands: bool) {
    for breaker in subjects.iter().filter_map(WeakBreaker::upgrade) {
        let _ = (breaker.state(), breaker.info(), format!("{breaker:?}"));
        if let Ok(guard) = breaker.acquire() {
            guard.ignore();
        }
        if commands {
            let _ = breaker.call(|| Ok::<_, io::Error>(()));
            let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
            breaker.force_open();
            breaker.disable();
            breaker.reset();
        }
    }
    let _ = (registry::snapshot(), registry::health());
}

/// Asks wherever the crate asks it.
#[derive(Clone)]
struct Asking(ManualClock);

impl Clock for Asking {
    fn now(&self) -> Duration {
        ask(None);
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        ask(None);
        self.0.wall()
    }
}

impl Retry for Asking {
    fn wait(&self, _: &Opening, random: &mut dyn Random) -> Option<Duration> {
        ask(None);
        random.next_f64();
        Some(WAIT)
    }

    fn ready(&self, _: &Opening, elapsed: Duration) -> bool {
        ask(None);
        elapsed >= WAIT
    }

    fn longest(&self) -> Duration {
        ask(None);
        WAIT
    }
}

impl Permit for Asking {
    fn admits(&self, _: Duration, _: &mut dyn Random) -> bool {
        ask(None);
        true
    }
}

/// Starts a breaker that opens at its first failure, whose policies and listeners ask.
pub(crate) fn builder(name: String, clock: &ManualClock) -> Builder {
    let asking = Asking(clock.clone());
    let rule = |seen: &Context<'_>| {
        ask(None);
        seen.failure_streak() >= 1
    };
    CircuitBreaker::builder(name)
        .tripper(tripper::Custom::from_fn(rule))
        .retry(retry::Custom::new(asking.clone()))
        .permit(permit::Custom::new(asking.clone()))
        .random(|| {
            ask(None);
            0.5
        })
        .clock(asking)
        .listener(|_: &Signal| {
            ask(None);
        })
        .listener(LogListener::new())
}

/// Builds it, and has it asked.
pub(crate) fn built(builder: Builder) -> CircuitBreaker {
    let breaker = builder.build().expect("sound settings");
    subject(&breaker);
    breaker
}
