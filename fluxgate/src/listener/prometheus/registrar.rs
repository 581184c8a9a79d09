//! Registers collectors, on threads of their own.
//!
//! A registry calls collectors under its lock, and a collector may be a user's
//! who calls a protected function for the first time: the breaker that is built
//! then has a listener to be registered, and on that thread this would wait for
//! itself. So another thread registers. The one that builds the breaker waits for
//! it, so that a clash refuses the breaker, but not for ever: while a scrape is
//! going on the breaker is built at once, and is in the next scrape.
//!
//! [`ENROLLED`] is the one lock of this crate that is held while a registry's is
//! taken. Only these threads take it, and they hold no other: what a scrape calls
//! never waits for it but by [`Rendezvous::wait`], which ends.

use std::{
    cell::RefCell,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use ::prometheus::{Error, Registry};

use super::{
    super::exported::{Circuits, Family},
    collector::{Exported, NameClaim},
    exporter::{Clash, Exporter, MetricBits},
};
use crate::{Name, diagnostics};

/// How long the builder of a breaker waits. Registering takes microseconds unless
/// the registry is being scraped.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is in any registry. Locked while one is looked into: what is found stays
/// so until the thread has registered.
static ENROLLED: Mutex<Vec<Enrolled>> = Mutex::new(Vec::new());

thread_local! {
    /// The last enrolment that this thread did not wait for any longer.
    static LATE: RefCell<Option<Arc<Rendezvous>>> = const { RefCell::new(None) };
}

/// The collector of one registry.
struct Enrolled {
    id: u64,
    /// Gone with the registry and its listeners.
    circuits: Weak<Circuits>,
    claimed: MetricBits,
}

/// Where the builder of a breaker waits.
#[derive(Default)]
struct Rendezvous {
    state: Mutex<Registration>,
    given: Condvar,
}

#[derive(Default)]
enum Registration {
    #[default]
    Yes,
    Given(Result<(), Clash>),
    /// The builder went on.
    No,
    Over,
}

/// Registers an exporter's collector, unless its registry has one of ours, and
/// claims these metrics.
pub(super) fn enrol(
    exporter: &Arc<Exporter>,
    wanted: MetricBits,
    circuit: &Name,
) -> Result<(), Clash> {
    let answer = Arc::new(Rendezvous::default());
    let job = {
        let (exporter, circuit, answer) = (exporter.clone(), circuit.clone(), answer.clone());
        move || run(&exporter, wanted, &circuit, &answer)
    };
    let thread = thread::Builder::new().name("fluxgate-prometheus".into());
    if let Err(error) = thread.spawn(job) {
        exporter.enrolment_ended(wanted);
        return Err(Clash::NoThread(error));
    }
    answer.wait(exporter)
}

fn run(exporter: &Exporter, wanted: MetricBits, circuit: &Name, answer: &Rendezvous) {
    // Wait until the registry can be had, so as not to hold the lock meanwhile.
    let _ = exporter.registry.unregister(Box::new(NameClaim::unknown()));
    let mut enrolled = ENROLLED.lock().unwrap_or_else(PoisonError::into_inner);
    enrolled.retain(|each| each.circuits.strong_count() > 0);
    let result = enrol_now(&mut enrolled, exporter, wanted);
    drop(enrolled);
    if result.is_ok() {
        exporter.enrolled(wanted);
    }
    let unread = answer.give(result);
    exporter.enrolment_ended(wanted);
    if let Some(Err(clash)) = unread {
        diagnostics::not_exported(circuit, &clash);
    }
}

impl Rendezvous {
    fn state(&self) -> MutexGuard<'_, Registration> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the result, or goes on as if it were good. A thread waits for one
    /// late enrolment at a time: in a scrape that it runs itself, the next would
    /// take as long.
    fn wait(self: Arc<Self>, exporter: &Exporter) -> Result<(), Clash> {
        let is_late = LATE.try_with(|late| {
            let mut late = late.borrow_mut();
            late.take_if(|answer| !matches!(*answer.state(), Registration::No));
            late.is_some()
        });
        // It is gone in a thread that ends.
        let is_late = is_late.unwrap_or_default();
        let patience = if is_late { Duration::ZERO } else { PATIENCE };
        let waits = |state: &mut Registration| matches!(state, Registration::Yes);
        let waited = self.given.wait_timeout_while(self.state(), patience, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Registration::Given(result) = mem::replace(&mut *state, Registration::No) {
            return result;
        }
        exporter.enrolment_is_late();
        drop(state);
        let _ = LATE.try_with(|late| late.replace(Some(self)));
        Ok(())
    }

    /// Returns the result if the builder no longer waits for it.
    fn give(&self, result: Result<(), Clash>) -> Option<Result<(), Clash>> {
        let mut state = self.state();
        if let Registration::No = *state {
            *state = Registration::Over;
            return Some(result);
        }
        *state = Registration::Given(result);
        self.given.notify_one();
        None
    }
}

fn enrol_now(
    enrolled: &mut Vec<Enrolled>,
    exporter: &Exporter,
    wanted: MetricBits,
) -> Result<(), Clash> {
    /// Numbers the collectors.
    static IDS: AtomicU64 = AtomicU64::new(0);
    let registry = &exporter.registry;
    let circuits = exporter.circuits.resolved();
    let is_own = |each: &Enrolled| each.circuits.as_ptr() == Arc::as_ptr(&circuits);
    if let Some(own) = enrolled.iter_mut().find(|each| is_own(each)) {
        return claim(registry, own, wanted);
    }
    let id = IDS.fetch_add(1, Ordering::Relaxed);
    let mut own = Enrolled {
        id,
        circuits: Arc::downgrade(&circuits),
        claimed: 0,
    };
    if let Err(clash) = claim(registry, &mut own, wanted) {
        // Perhaps with another listener's of ours.
        let theirs = enrolled.iter_mut().find(|theirs| theirs.is_in(registry));
        let others = theirs.and_then(|theirs| Some((theirs.circuits.upgrade()?, theirs)));
        let Some((others, theirs)) = others else {
            return Err(clash);
        };
        claim(registry, theirs, wanted)?;
        circuits.move_to(&others);
        return Ok(());
    }
    // It fails only for a number that is taken, and each is given once.
    let _ = registry.register(Box::new(Exported::new(circuits, id)));
    enrolled.push(own);
    Ok(())
}

/// Claims what is not claimed yet, all of it or nothing.
fn claim(registry: &Registry, enrolled: &mut Enrolled, wanted: MetricBits) -> Result<(), Clash> {
    let mut claimed: Vec<&Family> = Vec::new();
    for (i, family) in Family::ALL.iter().enumerate() {
        if wanted & !enrolled.claimed & 1 << i == 0 {
            continue;
        }
        if let Err(error) = registry.register(Box::new(NameClaim::family(family))) {
            for family in claimed {
                // It fails only for what is not registered.
                let _ = registry.unregister(Box::new(NameClaim::family(family)));
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
        match registry.register(Box::new(NameClaim::marker(self.id))) {
            Err(Error::AlreadyReg) => true,
            Err(_) => false,
            Ok(()) => {
                let _ = registry.unregister(Box::new(NameClaim::marker(self.id)));
                false
            }
        }
    }
}
