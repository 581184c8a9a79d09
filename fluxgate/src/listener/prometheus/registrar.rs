//! The thread that registers collectors.
//!
//! A registry calls collectors under its lock, and a collector may be a user's
//! who calls a protected function for the first time: the breaker that is built
//! then has a listener to be registered, and on that thread this would wait for
//! itself. So a thread of its own registers, one registry after the other, and
//! ends when there is nothing left to do. The thread that builds the breaker
//! waits for it, so that a clash refuses the breaker, but not for ever: while a
//! scrape is going on the breaker is built at once, and is in the next scrape.
//!
//! No lock of this crate is held while a registry's is taken. There is never more
//! than one such thread, and only it registers, so that what it finds in a
//! registry stays so until it has registered.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use ::prometheus::{Error, Registry};

use super::{
    super::exported::{Circuits, Family},
    collector::{Claim, Exported},
    exporter::{Clash, Exporter, Metrics},
};
use crate::{Name, diagnostics};

/// How long the builder of a breaker waits. Registering takes microseconds unless
/// the registry is being scraped.
const PATIENCE: Duration = Duration::from_secs(1);

static REGISTRAR: Mutex<Registrar> = Mutex::new(Registrar {
    jobs: VecDeque::new(),
    runs: false,
    exporters: Vec::new(),
});

/// Numbers the collectors.
static IDS: AtomicUsize = AtomicUsize::new(0);

/// How many enrolments take longer than their builders waited.
static LATE: AtomicUsize = AtomicUsize::new(0);

struct Registrar {
    jobs: VecDeque<Job>,
    runs: bool,
    /// What is in any registry.
    exporters: Vec<Enrolled>,
}

struct Job {
    exporter: Arc<Exporter>,
    wanted: Metrics,
    circuit: Name,
    answer: Arc<Answer>,
}

/// The collector of one registry.
struct Enrolled {
    id: u64,
    /// Gone with the registry and its listeners.
    circuits: Weak<Circuits>,
    claimed: Metrics,
}

/// Where the builder of a breaker waits.
#[derive(Default)]
struct Answer {
    state: Mutex<Waiting>,
    given: Condvar,
}

#[derive(Default)]
enum Waiting {
    #[default]
    Yes,
    Given(Result<(), Clash>),
    No,
}

fn registrar() -> MutexGuard<'static, Registrar> {
    REGISTRAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether the thread is being kept waiting by a registry.
pub(super) fn is_late() -> bool {
    LATE.load(Ordering::Relaxed) > 0
}

/// Registers an exporter's collector, unless its registry has one of ours, and
/// claims these metrics.
pub(super) fn enrol(
    exporter: &Arc<Exporter>,
    wanted: Metrics,
    circuit: &Name,
) -> Result<(), Clash> {
    let answer = Arc::new(Answer::default());
    let mut registrar = registrar();
    registrar.jobs.push_back(Job {
        exporter: Arc::clone(exporter),
        wanted,
        circuit: circuit.clone(),
        answer: Arc::clone(&answer),
    });
    if !mem::replace(&mut registrar.runs, true) {
        let thread = thread::Builder::new().name("fluxgate-prometheus".into());
        if let Err(error) = thread.spawn(run) {
            registrar.runs = false;
            // Jobs of others are here only while the thread runs.
            registrar.jobs.clear();
            exporter.enrolment_ended(wanted, false);
            return Err(Clash::NoThread(error));
        }
    }
    drop(registrar);
    answer.wait()
}

impl Answer {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) -> Result<(), Clash> {
        let patience = if is_late() { Duration::ZERO } else { PATIENCE };
        let waits = |state: &mut Waiting| matches!(state, Waiting::Yes);
        let waited = self.given.wait_timeout_while(self.state(), patience, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match mem::replace(&mut *state, Waiting::No) {
            Waiting::Given(result) => result,
            Waiting::Yes | Waiting::No => {
                LATE.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Returns the result if the builder no longer waits for it.
    fn give(&self, result: Result<(), Clash>) -> Option<Result<(), Clash>> {
        let mut state = self.state();
        if let Waiting::No = *state {
            LATE.fetch_sub(1, Ordering::Relaxed);
            return Some(result);
        }
        *state = Waiting::Given(result);
        self.given.notify_one();
        None
    }
}

/// What the thread does.
fn run() {
    loop {
        let mut registrar = registrar();
        let Some(job) = registrar.jobs.pop_front() else {
            registrar.runs = false;
            return;
        };
        let mut exporters = mem::take(&mut registrar.exporters);
        drop(registrar);
        exporters.retain(|enrolled| enrolled.circuits.strong_count() > 0);
        let result = enrol_now(&mut exporters, &job.exporter, job.wanted);
        self::registrar().exporters = exporters;
        job.exporter.enrolment_ended(job.wanted, result.is_ok());
        if let Some(Err(clash)) = job.answer.give(result) {
            diagnostics::not_exported(&job.circuit, &clash);
        }
    }
}

fn enrol_now(
    exporters: &mut Vec<Enrolled>,
    exporter: &Exporter,
    wanted: Metrics,
) -> Result<(), Clash> {
    let registry = &exporter.registry;
    let circuits = exporter.circuits.resolved();
    let is_own = |enrolled: &Enrolled| enrolled.circuits.as_ptr() == Arc::as_ptr(&circuits);
    if let Some(own) = exporters.iter_mut().find(|enrolled| is_own(enrolled)) {
        return claim(registry, own, wanted);
    }
    let id = IDS.fetch_add(1, Ordering::Relaxed) as u64;
    let mut enrolled = Enrolled {
        id,
        circuits: Arc::downgrade(&circuits),
        claimed: 0,
    };
    if let Err(clash) = claim(registry, &mut enrolled, wanted) {
        // Perhaps with another listener's of ours.
        let theirs = exporters.iter_mut().find(|theirs| theirs.is_in(registry));
        let others = theirs.and_then(|theirs| Some((theirs.circuits.upgrade()?, theirs)));
        let Some((others, theirs)) = others else {
            return Err(clash);
        };
        claim(registry, theirs, wanted)?;
        circuits.move_to(&others);
        return Ok(());
    }
    let collector = Exported::new(circuits, id);
    // It fails only for a number that is taken, and each is given once.
    let _ = registry.register(Box::new(collector));
    exporters.push(enrolled);
    Ok(())
}

/// Claims what is not claimed yet, all of it or nothing.
fn claim(registry: &Registry, enrolled: &mut Enrolled, wanted: Metrics) -> Result<(), Clash> {
    let mut claimed: Vec<&Family> = Vec::new();
    for (i, family) in Family::ALL.iter().enumerate() {
        if wanted & !enrolled.claimed & 1 << i == 0 {
            continue;
        }
        if let Err(error) = registry.register(Box::new(Claim::family(family))) {
            for family in claimed {
                // It fails only for what is not registered.
                let _ = registry.unregister(Box::new(Claim::family(family)));
            }
            let metric = family.name;
            return Err(Clash::Taken { metric, error });
        }
        claimed.push(family);
    }
    enrolled.claimed |= wanted;
    Ok(())
}

impl Enrolled {
    /// Returns whether the registry holds this collector: it refuses another with
    /// its number.
    fn is_in(&self, registry: &Registry) -> bool {
        match registry.register(Box::new(Claim::marker(self.id))) {
            Err(Error::AlreadyReg) => true,
            Err(_) => false,
            Ok(()) => {
                let _ = registry.unregister(Box::new(Claim::marker(self.id)));
                false
            }
        }
    }
}
