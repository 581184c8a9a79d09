//! What a breaker tells the agent of its fleet, and what the agent does to it.
//!
//! Notes to the agent are bits, set under the lock and taken without it: they need no
//! room, however many there are. The agent is woken after the lock, which is also how it
//! is with waiters. Nothing here is on the path of a call while nothing is wrong.
//!
//! What the agent does needs no state of its own in the machine but one flag: it opens a
//! closed circuit as a rule would, it moves the time at which an open one is due, and it
//! marks an opening as *leased*. A leased circuit that is due half-opens at its next call,
//! like any other; then it admits one probe at a time, without its permit, and a single
//! failed one opens it again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use once_cell::sync::OnceCell;

use super::{
    Core,
    machine::{Next, OpeningWait},
    sharded::ShardedCounters,
    ticket::CallEnd,
    transition::StateEntry,
};
use crate::{
    Command, State,
    fleet::{FleetInfo, Terms},
    flight::Trigger,
    tripper::Cause,
    util::duration::nanos,
};

/// Something the agent is to know, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(u32);

impl Notes {
    /// The second rule fires.
    pub(crate) const SUSPECTS: Self = Self(1);
    /// A rule of its own opened the circuit.
    pub(crate) const OPENED: Self = Self(2);
    /// How a probe ended that was leased.
    pub(crate) const PASSED: Self = Self(4);
    pub(crate) const FAILED: Self = Self(8);
    /// It said nothing.
    pub(crate) const SILENT: Self = Self(16);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A breaker's part in a fleet.
pub(crate) struct FleetMember {
    /// What its votes say, but for the quorum.
    pub(crate) terms: Terms,
    notes: AtomicU32,
    outlet: Mutex<Option<Arc<Outlet>>>,
    watch: Watch,
    info: Mutex<FleetInfo>,
    command: Mutex<Option<Command>>,
}

/// How the agent is woken, and how many signals of listeners it delivers itself.
pub(crate) struct Outlet {
    pub(crate) wake: Box<dyn Fn() + Send + Sync>,
    pub(crate) turn: usize,
}

/// The calls that ended since half a quorum was there.
struct Watch {
    is_on: AtomicBool,
    calls: OnceCell<ShardedCounters>,
}

const CALLS: usize = 0;
const FAILED: usize = 1;

impl FleetMember {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            terms,
            notes: AtomicU32::new(0),
            outlet: Mutex::default(),
            watch: Watch {
                is_on: AtomicBool::new(false),
                calls: OnceCell::new(),
            },
            info: Mutex::default(),
            command: Mutex::default(),
        }
    }

    /// Gives the breaker to an agent. Returns whether it had none.
    pub(crate) fn adopt(&self, outlet: Outlet) -> bool {
        let mut present = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        let adopts = present.is_none();
        if adopts {
            *present = Some(Arc::new(outlet));
        }
        adopts
    }

    /// Takes the breaker from its agent.
    pub(crate) fn release(&self) {
        let mut present = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        *present = None;
    }

    fn outlet(&self) -> Option<Arc<Outlet>> {
        let present = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        present.clone()
    }

    /// Leaves a note. The agent is woken when the lock is released.
    pub(super) fn note(&self, note: Notes) {
        // No data goes with the bits: the agent reads the breaker under its lock.
        self.notes.fetch_or(note.0, Ordering::Relaxed);
    }

    pub(crate) fn take_notes(&self) -> Notes {
        Notes(self.notes.swap(0, Ordering::Relaxed))
    }

    pub(crate) fn info(&self) -> FleetInfo {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_info(&self, info: FleetInfo) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = info;
    }

    /// Returns the calls that ended while they were counted, and how many of them failed.
    pub(crate) fn watched(&self) -> (u64, u64) {
        let calls = self.watch.calls.get();
        calls.map_or((0, 0), |calls| (calls.sum(CALLS), calls.sum(FAILED)))
    }

    pub(super) fn is_watching(&self) -> bool {
        self.watch.is_on.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, ended: CallEnd) {
        if let Some(calls) = self.watch.calls.get() {
            calls.add(CALLS, 1);
            if ended.fails() || ended == CallEnd::Panicked {
                calls.add(FAILED, 1);
            }
        }
    }

    fn turn(&self) -> usize {
        self.outlet().map_or(0, |outlet| outlet.turn)
    }
}

impl Core {
    /// Returns the breaker's part in a fleet, if its settings give it one.
    pub(crate) fn fleet(&self) -> Option<&FleetMember> {
        self.fleet.as_deref()
    }

    /// Leaves a note to the agent, if there is one.
    pub(super) fn note(&self, note: Notes) {
        if let Some(fleet) = &self.fleet {
            fleet.note(note);
        }
    }

    /// Wakes the agent, if there are notes for it. To be called without the lock.
    pub(super) fn wake_agent(&self) {
        if let Some(fleet) = &self.fleet
            && fleet.notes.load(Ordering::Relaxed) != 0
            && let Some(outlet) = fleet.outlet()
        {
            (outlet.wake)();
        }
    }

    /// Counts a call that ended, if calls are counted for the fleet.
    pub(super) fn count_for_fleet(&self, ended: CallEnd) {
        if let Some(fleet) = &self.fleet
            && fleet.is_watching()
        {
            fleet.count(ended);
        }
    }

    /// Returns whether calls are counted for the fleet.
    pub(super) fn watches_for_fleet(&self) -> bool {
        self.fleet.as_ref().is_some_and(|fleet| fleet.is_watching())
    }

    /// Begins to count the calls that end, from zero, or ends it. Meanwhile calls leave the
    /// fast path, as they do while there is overload.
    pub(crate) fn watch(&self, on: bool) {
        let Some(fleet) = &self.fleet else { return };
        if on {
            let calls = fleet.watch.calls.get_or_init(|| ShardedCounters::new(2));
            if !fleet.is_watching() {
                calls.clear();
            }
        }
        fleet.watch.is_on.store(on, Ordering::Relaxed);
        let now = nanos(self.clock.now());
        let mut held = self.shared.lock();
        let word = held.word();
        if on {
            held.set_word(word.attentive());
        } else if word.has_attention() {
            let throttle = self.present_throttle();
            if throttle.is_none_or(|throttle| throttle.is_over(now)) {
                held.set_word(word.inattentive());
            }
        }
        drop(held);
    }

    /// Lets the second rule be told again when it fires.
    pub(crate) fn suspect_again(&self) {
        self.shared.lock().get().machine.suspect_again();
    }

    /// Returns how many calls the window holds.
    pub(crate) fn recorded(&self) -> u64 {
        let now = self.clock.now();
        self.shared.lock().get().machine.totals(now).calls
    }

    pub(crate) fn failed(&self) -> u64 {
        self.shared.lock().get().machine.failed()
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.counts.rejected.get()
    }

    /// Opens a circuit that is closed or half-open, for this long, since so many members
    /// of a fleet voted for it. Returns whether it did.
    pub(crate) fn open_with_fleet(&self, wait: Duration, votes: u64, quorum: u64) -> bool {
        let cause = Cause::fleet(votes, quorum);
        let entry = self.entry_by_fleet(State::Open, Some(cause), Some(wait));
        self.enter_with_fleet(&entry, |state| {
            matches!(state, State::Closed | State::HalfOpen)
        })
    }

    /// Ends a lease: a circuit that is open is due after this wait, and one that is
    /// half-open opens again for as long, with the votes as its reason.
    pub(crate) fn end_lease(&self, wait: Duration, votes: u64, quorum: u64) {
        let mut held = self.shared.lock();
        let was_leased = held.get().machine.is_leased();
        held.get().machine.lease(false);
        drop(held);
        if !was_leased {
            return;
        }
        let cause = Cause::fleet(votes, quorum);
        let entry = self.entry_by_fleet(State::Open, Some(cause), Some(wait));
        if !self.enter_with_fleet(&entry, |state| state == State::HalfOpen) {
            self.set_due(wait);
        }
    }

    /// Closes a circuit that is open or half-open.
    pub(crate) fn close_with_fleet(&self) {
        let entry = self.entry_by_fleet(State::Closed, None, None);
        self.enter_with_fleet(&entry, |state| {
            matches!(state, State::Open | State::HalfOpen)
        });
    }

    fn entry_by_fleet(
        &self,
        state: State,
        cause: Option<Cause>,
        wait: Option<Duration>,
    ) -> StateEntry<'static> {
        let next = Next {
            cause,
            ..state.into()
        };
        let wait = wait.map(|wait| OpeningWait {
            first: Some(wait),
            least: wait,
            longest: Duration::ZERO,
            allows_early: false,
        });
        self.entry(state, Trigger::Fleet).to(next, wait)
    }

    /// Enters a state, unless the present one is none of those meant. What the fleet opens
    /// is no reopening.
    fn enter_with_fleet(&self, entry: &StateEntry<'_>, is_meant: fn(State) -> bool) -> bool {
        let mut held = self.shared.lock();
        let enters = is_meant(held.word().state());
        if enters {
            let reopens = held.get().machine.reopens();
            let stays_open = entry.state() == State::Open;
            self.enter(&mut held, *entry);
            if stays_open {
                held.get().machine.set_reopens(reopens);
            }
        }
        let turn = self.fleet.as_ref().map_or(0, |fleet| fleet.turn());
        self.unlock_within(held, turn);
        enters
    }

    /// Lets an open circuit be due after this wait from now, unless it waits for ever. A
    /// rejection that is under way may tell the time before; the opening is the same.
    pub(crate) fn set_due(&self, wait: Duration) {
        let now = self.clock.now();
        let mut held = self.shared.lock();
        let is_moved = held.word().state() == State::Open && held.get().machine.set_due(now, wait);
        if is_moved {
            self.opening.store_due(now, Some(wait));
        }
        drop(held);
        if is_moved {
            self.wake_next();
        }
    }

    /// Marks the present opening as leased, or not.
    pub(crate) fn lease(&self, on: bool) {
        let mut held = self.shared.lock();
        if matches!(held.word().state(), State::Open | State::HalfOpen) {
            held.get().machine.lease(on);
        }
    }

    /// Obeys what the fleet commands, or no longer commands.
    pub(crate) fn command_by_fleet(&self, command: Option<Command>, by: &str) {
        let Some(fleet) = &self.fleet else { return };
        let mut commanded = fleet.command.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *commanded, command);
        drop(commanded);
        if before == command {
            return;
        }
        let state = match (before, command) {
            (_, Some(command)) => command.state(),
            // What is below holds again, unless a local command came meanwhile.
            (Some(before), None) if self.state() == before.state() => self.start(),
            _ => return,
        };
        let by = (!by.is_empty()).then(|| crate::flight::author(by));
        let entry = self.entry(state, Trigger::Fleet).by(by.as_ref());
        let mut held = self.shared.lock();
        self.enter(&mut held, entry);
        self.unlock_within(held, fleet.turn());
    }
}
