//! What is saved of a breaker, and comes back in another process.

use std::time::Duration;

use super::{
    Core, Shared,
    machine::{Next, OpeningWait},
};
use crate::{
    State, StateHolder,
    flight::Trigger,
    registry::{
        self,
        saved::{Restorable, RestoredCircuit, SavedCircuit, SkippedRestore},
    },
    retry::Opening,
    tripper::Cause,
};

/// The longest reason that is saved, in characters.
const REASON: usize = 1024;

impl Core {
    /// Returns what is to be saved: of a circuit that is open or half-open.
    pub(crate) fn save(&self) -> Option<SavedCircuit> {
        let mut held = self.shared.lock();
        let shared = held.get();
        let machine = &shared.machine;
        let state = machine.state();
        if !matches!(state, State::Open | State::HalfOpen) {
            return None;
        }
        let (changed_at, wait, reopens) = (shared.changed_at, machine.wait(), machine.reopens());
        let opening = self.opening.load();
        let reason = opening
            .cause()
            .filter(|_| state == State::Open)
            .and_then(|cause| shared.reason(cause, opening.rule()));
        drop(held);
        let reason = reason.map(|reason| reason.to_string().chars().take(REASON).collect());
        Some(SavedCircuit {
            name: self.name.to_string(),
            is_half_open: state == State::HalfOpen,
            changed_at,
            next_attempt: wait.and_then(|wait| changed_at.checked_add(wait)),
            reopens,
            reason,
        })
    }

    /// Opens the circuit as it was saved, if something was. To be called without the lock.
    pub(crate) fn take_saved(&self) -> Option<Result<RestoredCircuit, SkippedRestore>> {
        let restored = self.take_saved_silently()?;
        self.unlock(self.shared.lock());
        Some(restored)
    }

    /// Opens the circuit as [`take_saved`](Self::take_saved) does, and leaves it to
    /// `announce` to tell the listeners: this runs while the cell of a static is being
    /// filled.
    pub(crate) fn take_saved_silently(&self) -> Option<Result<RestoredCircuit, SkippedRestore>> {
        let saved = registry::here(|known| known.saved.take(&self.name))?;
        Some(self.restore(saved))
    }

    fn restore(&self, saved: Restorable) -> Result<RestoredCircuit, SkippedRestore> {
        let Restorable {
            circuit,
            saved_at,
            max_age,
        } = saved;
        let wall = self.clock.wall();
        if wall.duration_since(saved_at).is_ok_and(|age| age > max_age) {
            return Err(SkippedRestore::TooOld);
        }
        let opening = Opening::new(circuit.reopens);
        let policy = self.wait(&*self.config().retry, opening);
        let policy = policy.unwrap_or(OpeningWait {
            first: Some(Duration::ZERO),
            least: Duration::ZERO,
            longest: Duration::ZERO,
            allows_early: false,
        });
        let longest = policy.longest.max(policy.first.unwrap_or_default());
        // One that was to wait for ever waits as the policy says.
        let first = match circuit.remaining(saved_at, wall) {
            Some(left) => Some(left.min(longest)),
            None => policy.first,
        };
        let next = Next {
            cause: Some(Cause::RESTORED),
            ..State::Open.into()
        };
        let wait = OpeningWait {
            first,
            longest: Duration::ZERO,
            ..policy
        };
        let entry = self.entry(State::Open, Trigger::Restore);
        let mut held = self.shared.lock();
        if !self.is_as_it_began(held.get()) {
            return Err(SkippedRestore::InUse);
        }
        self.enter(&mut held, entry.to(next, Some(wait)));
        held.get().machine.set_reopens(circuit.reopens);
        drop(held);
        let (name, reason) = (self.name.clone(), circuit.reason);
        Ok(RestoredCircuit::new(name, first, reason))
    }

    /// Returns whether the breaker has made no transition but to the initial state of its
    /// code, and nothing above that holds a state.
    fn is_as_it_began(&self, shared: &mut Shared) -> bool {
        let began = u64::from(self.initial_state != State::Closed);
        let is_initial = shared.machine.state() == self.initial_state;
        let held = self.held_by(shared.holders);
        let is_free = held.is_none_or(|held| held.by == StateHolder::Initial);
        is_free && is_initial && shared.sequence == began
    }
}
