//! Other settings in the middle of a period: state, streaks, the opening and the probes in
//! flight stay.

use std::{mem, time::Duration};

use super::Machine;
use crate::{
    State,
    engine::{config::Recording, probes::Probes, state_word::REVISIONS},
    tripper::ages::InFlightAges,
    util::duration::nanos,
    window::{AnyWindow, Totals},
};

/// What takes the place of what a machine has; and afterwards what it had, to be dropped
/// without the lock.
pub(crate) struct Replacement {
    pub(crate) recording: Recording,
    pub(crate) probes: Probes,
    /// A list of calls in flight, if a rule looks at them. Where the ages are the same the
    /// present list stays.
    pub(crate) running: Option<Box<InFlightAges>>,
    pub(crate) window: Filling,
    /// Empty, for as many thresholds as the settings have.
    pub(crate) totals: Totals,
}

/// What becomes of the window.
pub(crate) enum Filling {
    /// It stays as it is.
    Same,
    /// It stays, and is emptied, with what is measured from now on: a window of the
    /// user's.
    Emptied { thresholds: usize, durations: bool },
    /// Another takes over what it holds.
    Kept(AnyWindow),
    /// Another takes its place, and is empty.
    Empty(AnyWindow),
}

impl Machine {
    /// Begins another revision. After as many as there are, they begin anew in another
    /// generation: outcomes of calls in flight are late then.
    pub(crate) fn revise(&mut self) {
        self.revision += 1;
        if self.revision == REVISIONS {
            self.revision = 0;
            self.generation += 1;
        }
    }

    /// Returns whether calls in flight are counted by these ages, or both not at all.
    pub(crate) fn has_ages(&self, other: Option<&InFlightAges>) -> bool {
        match (self.running.as_deref(), other) {
            (None, None) => true,
            (Some(own), Some(other)) => own.has_ages(other),
            _ => false,
        }
    }

    /// Puts other settings in place. Returns how many outcomes are lost with a window of
    /// the user's that they waited for.
    pub(crate) fn replace(&mut self, by: &mut Replacement, now: Duration) -> u64 {
        self.recording = by.recording;
        let (limit, lease) = (by.probes.limit(), by.probes.lease());
        self.probes.set(limit, lease, nanos(now));
        if !self.has_ages(by.running.as_deref()) {
            mem::swap(&mut self.running, &mut by.running);
            if let Some(running) = &mut self.running {
                running.set_number(self.revision);
            }
        }
        self.window.expire(now, &mut self.totals);
        let mut lost = 0;
        match &mut by.window {
            Filling::Same => return 0,
            Filling::Emptied {
                thresholds,
                durations,
            } => {
                if let Some(own) = self.window.as_own() {
                    own.tasks.prepare(*thresholds, *durations);
                }
            }
            Filling::Kept(window) => {
                window.take_over(&self.window, now, &mut by.totals);
                mem::swap(&mut self.window, window);
            }
            Filling::Empty(window) => {
                lost = self.window.as_own().map_or(0, |own| own.tasks.records());
                mem::swap(&mut self.window, window);
            }
        }
        mem::swap(&mut self.totals, &mut by.totals);
        lost
    }

    /// Lets an open circuit be probed as soon as another retry policy says, unless that is
    /// later than now, or earlier than was asked for. Returns the time that it is open,
    /// and its wait, if that is another.
    pub(crate) fn shorten_wait(&mut self, first: Option<Duration>) -> Option<(Duration, Duration)> {
        let wait = first?.max(Duration::from_nanos(self.least_wait));
        if self.state != State::Open || self.wait.is_some_and(|present| present <= wait) {
            return None;
        }
        self.wait = Some(wait);
        Some((self.entered, wait))
    }
}
