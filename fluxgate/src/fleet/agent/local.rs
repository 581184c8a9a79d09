//! The breaker as its agent sees it.

use std::{sync::Weak, time::Duration};

use crate::{
    Command, State,
    engine::{
        Core,
        fleet::{FleetMember, Notes},
    },
    fleet::FleetInfo,
};

/// A breaker of a fleet. All times are in milliseconds from now.
pub(crate) trait Local {
    /// Returns whether the breaker was dropped.
    fn is_gone(&self) -> bool;
    fn state(&self) -> State;
    /// Returns what it has noted since this was last asked.
    fn take_notes(&self) -> Notes;
    /// Returns how many calls its window holds.
    fn recorded(&self) -> u64;
    /// Returns how many calls ever failed, and how many were rejected.
    fn failed(&self) -> u64;
    fn rejected(&self) -> u64;
    /// Begins to count calls, from zero, or ends it.
    fn watch(&self, on: bool);
    /// Returns the calls that were counted, and how many of them failed.
    fn watched(&self) -> (u64, u64);
    /// Lets it be noted again that the second rule fires.
    fn suspect_again(&self);
    /// Opens it, if it is closed or half-open. Returns whether it did.
    fn open(&self, wait: u64, votes: u64, needed: u64) -> bool;
    /// Lets it be due then, if it is open.
    fn set_due(&self, wait: u64);
    /// Lets it half-open with one probe at a time, once it is due; or no longer.
    fn lease(&self, on: bool);
    /// Ends a lease: it is open, and due then.
    fn end_lease(&self, wait: u64, votes: u64, needed: u64);
    /// Closes it, if it is open or half-open.
    fn close(&self);
    fn command(&self, command: Option<Command>, by: &str);
    fn set_info(&self, info: FleetInfo);
    /// Belongs to no agent any more.
    fn release(&self);
}

impl Local for Weak<Core> {
    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }

    fn state(&self) -> State {
        self.upgrade().map_or(State::Disabled, |core| core.state())
    }

    fn take_notes(&self) -> Notes {
        let core = self.upgrade();
        let fleet = core.as_ref().and_then(|core| core.fleet());
        fleet.map_or(Notes::default(), FleetMember::take_notes)
    }

    fn recorded(&self) -> u64 {
        self.upgrade().map_or(0, |core| core.recorded())
    }

    fn failed(&self) -> u64 {
        self.upgrade().map_or(0, |core| core.failed())
    }

    fn rejected(&self) -> u64 {
        self.upgrade().map_or(0, |core| core.rejected())
    }

    fn watch(&self, on: bool) {
        if let Some(core) = self.upgrade() {
            core.watch(on);
        }
    }

    fn watched(&self) -> (u64, u64) {
        let core = self.upgrade();
        let fleet = core.as_ref().and_then(|core| core.fleet());
        fleet.map_or((0, 0), FleetMember::watched)
    }

    fn suspect_again(&self) {
        if let Some(core) = self.upgrade() {
            core.suspect_again();
        }
    }

    fn open(&self, wait: u64, votes: u64, needed: u64) -> bool {
        let wait = Duration::from_millis(wait);
        self.upgrade()
            .is_some_and(|core| core.open_with_fleet(wait, votes, needed))
    }

    fn set_due(&self, wait: u64) {
        if let Some(core) = self.upgrade() {
            core.set_due(Duration::from_millis(wait));
        }
    }

    fn lease(&self, on: bool) {
        if let Some(core) = self.upgrade() {
            core.lease(on);
        }
    }

    fn end_lease(&self, wait: u64, votes: u64, needed: u64) {
        if let Some(core) = self.upgrade() {
            core.end_lease(Duration::from_millis(wait), votes, needed);
        }
    }

    fn close(&self) {
        if let Some(core) = self.upgrade() {
            core.close_with_fleet();
        }
    }

    fn command(&self, command: Option<Command>, by: &str) {
        if let Some(core) = self.upgrade() {
            core.command_by_fleet(command, by);
        }
    }

    fn set_info(&self, info: FleetInfo) {
        let core = self.upgrade();
        if let Some(fleet) = core.as_ref().and_then(|core| core.fleet()) {
            fleet.set_info(info);
        }
    }

    fn release(&self) {
        let core = self.upgrade();
        if let Some(fleet) = core.as_ref().and_then(|core| core.fleet()) {
            fleet.release();
        }
    }
}
