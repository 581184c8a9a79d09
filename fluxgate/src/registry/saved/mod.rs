//! Open circuits, kept over a restart of the program.
//!
//! A new process begins with every circuit closed, and sends its whole traffic to a
//! dependency that the last one knew to be down. [`save`] writes down which circuits are
//! open; [`SavedState::restore`] opens them again, with the time that was left to wait.
//!
//! ```
//! use std::time::Duration;
//! use fluxgate::{CircuitBreaker, State, registry::{self, SavedState}};
//!
//! let breaker = CircuitBreaker::builder("payments").build()?;
//! breaker.open();
//! // When the program ends:
//! let text = serde_json::to_string(&registry::save())?;
//!
//! # drop(breaker);
//! // When it begins, as soon as it can:
//! let saved: SavedState = serde_json::from_str(&text)?;
//! let report = saved.restore(Duration::from_secs(600));
//! assert_eq!(report.waiting, ["payments"]);
//! // It is built later, and open before its first call.
//! let breaker = CircuitBreaker::builder("payments").build()?;
//! assert_eq!(breaker.state(), State::Open);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod pending;
mod wire;

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime},
};

use pending::PendingCircuits;
pub(crate) use pending::{Restorable, SavedStore};

use super::{here, with};
use crate::{
    CircuitBreaker, Name, State,
    clock::{Clock as _, SystemClock},
    diagnostics,
};

/// The form that is written.
const VERSION: u32 = 1;
/// How many circuits are taken from what was saved.
const MOST: usize = 100_000;

/// The circuits that were open when [`save`] was called.
///
/// It is read and written in any self-describing format of serde, such as JSON. It holds
/// circuits that are open or half-open, with what they wait for and why they opened; no
/// windows, and no states that a command holds. What can't be understood does not keep
/// the rest from being read.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// `None` if it is in a form that is not known.
    version: Option<u32>,
    saved_at: SystemTime,
    circuits: Vec<SavedCircuit>,
    /// How many entries could not be read.
    unread: usize,
}

/// A circuit that was open or half-open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SavedCircuit {
    pub(crate) name: String,
    pub(crate) is_half_open: bool,
    /// When it came to be so, and when the first probe may run, by the wall clock.
    pub(crate) changed_at: SystemTime,
    pub(crate) next_attempt: Option<SystemTime>,
    pub(crate) reopens: u64,
    /// Why it opened.
    pub(crate) reason: Option<String>,
}

/// What came of [`SavedState::restore`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The circuits that are open again.
    pub restored: Vec<RestoredCircuit>,
    /// The breakers that are not built yet: they get their state when they are.
    pub waiting: Vec<Name>,
    /// The breakers that stay as they are, and why.
    pub skipped: Vec<(Name, SkippedRestore)>,
    /// How many entries could not be read.
    pub unread: usize,
    /// Whether all was ignored, since it is in a form that this version does not know.
    pub unknown_version: bool,
}

/// A circuit that is open again, in a [`RestoreReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredCircuit {
    /// The breaker's name.
    pub name: Name,
    /// How long it waits; `None` if no probe will ever run.
    pub retry_after: Option<Duration>,
    /// Why it had opened, in words, if a rule had opened it.
    pub reason: Option<String>,
}

/// Why a saved circuit is not open again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkippedRestore {
    /// It was saved longer ago than `max_age`.
    TooOld,
    /// The breaker has changed its state since it began, or a command, the environment or
    /// settings hold it.
    InUse,
}

impl fmt::Display for SkippedRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "it was saved too long ago",
            Self::InUse => "the breaker is in use, or its state is held",
        })
    }
}

/// Returns the circuits that are open or half-open, to be [restored](SavedState::restore)
/// by the next process.
///
/// It has the breakers that are in the registry by their names. Breakers that share a name
/// with another one are left out, and so are keys without a label: a name would not say
/// which of them is meant.
#[must_use = "it is to be written where the next process finds it"]
pub fn save() -> SavedState {
    let breakers = with(|breakers| breakers.living());
    let mut by_name: BTreeMap<&Name, Vec<&CircuitBreaker>> = BTreeMap::new();
    for breaker in &breakers {
        by_name.entry(breaker.name()).or_default().push(breaker);
    }
    let alone = by_name.values().filter_map(|same| match same[..] {
        [breaker] => Some(breaker),
        _ => None,
    });
    SavedState {
        version: Some(VERSION),
        saved_at: wall(),
        circuits: alone.filter_map(|breaker| breaker.core.save()).collect(),
        unread: 0,
    }
}

/// Returns the time of this thread's breakers.
fn wall() -> SystemTime {
    #[cfg(feature = "test-util")]
    if let Some(world) = super::isolated::world() {
        return world.clock.wall();
    }
    SystemClock.wall()
}

impl SavedState {
    /// Returns how many circuits it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.circuits.len()
    }

    /// Returns whether no circuit was open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.circuits.is_empty()
    }

    /// Opens the circuits again that were open, unless they were saved more than `max_age`
    /// ago.
    ///
    /// An open circuit waits for what was left of its wait, but no longer than its retry
    /// policy would have it wait; if the wall clock went back, it is the full wait. One that
    /// was half-open is open and due: its next call is a probe. Listeners are told of a
    /// transition, whose [reason](crate::Reason) is
    /// [`Restored`](crate::RuleKind::Restored).
    ///
    /// A breaker that is not built yet gets its state when it is built, before its first
    /// call. A breaker that has changed its state since it began stays as it is, and so does
    /// one that the environment or settings hold. Restoring again replaces what waits for
    /// breakers to be built.
    #[allow(
        clippy::must_use_candidate,
        reason = "called at the start of `main` for what it does"
    )]
    pub fn restore(self, max_age: Duration) -> RestoreReport {
        let mut report = RestoreReport {
            unread: self.unread,
            ..RestoreReport::default()
        };
        if self.version != Some(VERSION) {
            report.unknown_version = true;
            diagnostics::unknown_saved_state(self.version, VERSION);
            return report;
        }
        if report.unread > 0 {
            diagnostics::unread_saved_state(report.unread);
        }
        let mut circuits = BTreeMap::new();
        for circuit in self.circuits {
            circuits.insert(circuit.name.clone(), circuit);
        }
        let waiting = PendingCircuits::new(self.saved_at, max_age, circuits);
        // From here on breakers that are built find theirs; those that are there already
        // take theirs out below.
        here(|known| known.saved.put(waiting));
        for breaker in with(|breakers| breakers.living()) {
            let name = breaker.name().clone();
            match breaker.core.take_saved() {
                None => {}
                Some(Ok(restored)) => report.restored.push(restored),
                Some(Err(why)) => report.skipped.push((name, why)),
            }
        }
        report.waiting = here(|known| known.saved.names());
        report
    }
}

impl RestoredCircuit {
    pub(crate) fn new(name: Name, retry_after: Option<Duration>, reason: Option<String>) -> Self {
        Self {
            name,
            retry_after,
            reason,
        }
    }
}

impl SavedCircuit {
    /// Returns how long it is still to wait at this time; `None` is for ever.
    pub(crate) fn remaining(&self, saved_at: SystemTime, wall: SystemTime) -> Option<Duration> {
        if self.is_half_open {
            return Some(Duration::ZERO);
        }
        let next = self.next_attempt?;
        let went_back = wall < self.changed_at || wall < saved_at;
        let from = if went_back { self.changed_at } else { wall };
        Some(next.duration_since(from).unwrap_or(Duration::ZERO))
    }

    pub(crate) fn state(&self) -> State {
        if self.is_half_open {
            State::HalfOpen
        } else {
            State::Open
        }
    }
}
