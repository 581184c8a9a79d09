//! Who holds the state of a breaker: layers, of which each holds one state or none, and the
//! highest that holds one is in force.

use std::sync::Arc;

use super::Core;
#[cfg(feature = "settings")]
use super::{Shared, lock::Held, transition::StateEntry};
use crate::{Command, HeldState, State, StateHolder, flight::Trigger};

/// The layers that change while a breaker lives. Below them is the initial state, and
/// between them the environment.
#[derive(Clone, Copy, Default)]
pub(super) struct Holders {
    pub(super) settings: Option<State>,
    pub(super) local: Option<State>,
}

impl Holders {
    /// Takes note of a command. `Open`, `HalfOpen` and `Close` leave the circuit to itself,
    /// whatever is below.
    pub(super) fn obey(&mut self, command: Command) {
        self.local = match command {
            Command::Reset => None,
            Command::Open | Command::HalfOpen | Command::Close => Some(State::Closed),
            Command::Disable | Command::MetricsOnly | Command::ForceOpen => Some(command.state()),
        };
    }
}

impl Core {
    /// Returns which state is held, and by whom.
    pub(super) fn held_by(&self, holders: Holders) -> Option<HeldState> {
        let held = |by| move |state| HeldState { state, by };
        let environment = || self.kill_switch().map(|switch| switch.state);
        let initial = || match self.initial_state {
            State::Disabled | State::MetricsOnly | State::ForcedOpen => Some(self.initial_state),
            // A circuit leaves these by itself.
            State::Closed | State::Open | State::HalfOpen => None,
        };
        holders
            .local
            .map(held(StateHolder::Local))
            .or_else(|| environment().map(held(StateHolder::Environment)))
            .or_else(|| holders.settings.map(held(StateHolder::Settings)))
            .or_else(|| initial().map(held(StateHolder::Initial)))
    }

    fn held_state(&self, holders: Holders) -> Option<State> {
        self.held_by(holders).map(|held| held.state)
    }

    /// Obeys a command that asks no policy.
    pub(super) fn obey(&self, command: Command, by: Option<&Arc<str>>) {
        let entry = self.entry(command.state(), Trigger::Command).by(by);
        let mut held = self.shared.lock();
        held.get().holders.obey(command);
        let state = match command {
            Command::Reset => self.held_state(held.get().holders).unwrap_or(State::Closed),
            _ => command.state(),
        };
        self.enter(&mut held, entry.in_state(state));
        self.unlock(held);
    }

    /// Has settings hold this state, or none; `by` says where it is from. Returns whether
    /// that changes what is held.
    #[cfg(feature = "settings")]
    pub(crate) fn hold_by_settings(&self, state: Option<State>, by: &Arc<str>) -> bool {
        let entry = self.entry(State::Closed, Trigger::Command).by(Some(by));
        let mut held = self.shared.lock();
        let is_changed = self.hold(&mut held, state, entry);
        self.unlock(held);
        is_changed
    }

    #[cfg(feature = "settings")]
    fn hold(
        &self,
        held: &mut Held<'_, Shared>,
        state: Option<State>,
        entry: StateEntry<'_>,
    ) -> bool {
        let holders = &mut held.get().holders;
        let before = *holders;
        holders.settings = state;
        let after = *holders;
        let (before, after) = (self.held_state(before), self.held_state(after));
        let plain = |state: Option<State>| state.unwrap_or(State::Closed);
        if before == after {
            return false;
        }
        // From one that leaves the circuit to itself to another: it goes on as it is.
        if plain(before) != plain(after) {
            self.enter(held, entry.in_state(plain(after)));
        }
        true
    }

    /// Takes note of the state that settings hold, before the breaker has begun.
    #[cfg(feature = "settings")]
    pub(crate) fn begin_with(&self, state: Option<State>) {
        let mut held = self.shared.lock();
        held.get().holders.settings = state;
    }
}
